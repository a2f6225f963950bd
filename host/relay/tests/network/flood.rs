//! More clients than a board has room for.

use std::collections::HashSet;

use bytes::Bytes;
use drops::board::Quotas;
use drops::limits::ISSUE_TOKENS;
use drops::mailbox::Period;
use drops::message::{Answer, Refusal, Request};
use drops::token::{Token, TokenRequest};
use mail::PublicKey;
use rand_core::OsRng;
use relay::{BoardSession, Purpose, Sessions};

use crate::support::{Network, bring, cheap, clock, deposit, soon};

/// One question, one answer.
pub async fn ask(session: &mut BoardSession, request: &Request) -> Answer {
    session.send(&request.encode(9)).await.unwrap();
    let message: Bytes = soon("an answer", session.receive()).await.unwrap();
    Answer::decode(&message).unwrap().1
}

/// Tokens for an invitation. (Members check the key under two throwaways first, and wait a day; a board cannot tell.)
pub async fn tokens(session: &mut BoardSession, invitation: [u8; 16]) -> Vec<Token> {
    let Answer::Info(info) = ask(session, &Request::Info).await else { panic!("no info") };
    let (period, key) = info.keys[0];
    assert_eq!(period, Period::at(clock().wall()));
    let asked = TokenRequest::new(&session.board(), period, ISSUE_TOKENS, &mut OsRng).unwrap();
    let request = Request::Issue { period, invitation, blinded: asked.blinded().to_vec() };
    match ask(session, &request).await {
        Answer::Issued { evaluated, proof } => asked.finish(&evaluated, &proof, &key).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Opens sessions within the process, each a client as any other to the board, and asks each for info.
async fn crowd(sessions: &Sessions, board: PublicKey, count: usize) -> (Vec<BoardSession>, usize) {
    let (mut open, mut refused) = (vec![], 0);
    for _ in 0..count {
        let mut session = sessions.open_here(board).await.unwrap();
        match ask(&mut session, &Request::Info).await {
            Answer::Info(_) => open.push(session),
            Answer::Refused(Refusal::Sessions) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    (open, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_fills_its_own_share_and_members_still_get_through() {
    let network = Network::start(4).await;
    let directory = tempfile::tempdir().unwrap();
    // Twelve sessions, four of them for members; 64 cells a day, half of them for members.
    let quotas = Quotas { sessions: 12, day_cells: 64, ..cheap() };
    let board = network.board(&directory, quotas).await;
    let sessions = network.sessions().await;
    sessions.serve(board.clone());
    let invitation = board.invite().await.unwrap().unwrap().invitation.unwrap();
    let mut member = sessions.open(board.key(), Purpose::Tokens).await.unwrap();
    let mut tokens = tokens(&mut member, invitation).await;
    member.close().await;
    let spent: HashSet<_> = tokens.iter().map(|token| token.random).collect();
    assert_eq!(spent.len(), ISSUE_TOKENS);

    let (mut flood, refused) = crowd(&sessions, board.key(), 40).await;
    assert!(flood.len() <= 8 && refused >= 32, "{} sessions open to all", flood.len());
    let mut taken = 0;
    for (place, session) in flood.iter_mut().enumerate() {
        let numbers = place as u32 * 100..place as u32 * 100 + 16;
        let deposits = numbers.map(|number| deposit(number, number.into(), None)).collect();
        taken += bring(session, deposits).await.0.len();
    }
    assert_eq!(taken, 32, "half of the day is open to all");

    // Over Tox, into one of the sessions kept for members, and with tokens into the other half.
    let mut member = sessions.open(board.key(), Purpose::Depositing).await.unwrap();
    let enter = Request::Enter { token: tokens.pop().unwrap() };
    assert_eq!(ask(&mut member, &enter).await, Answer::Entered);
    let paid = (0..16).map(|number| deposit(number, 10_000 + u64::from(number), tokens.pop())).collect();
    let (receipts, not_taken) = bring(&mut member, paid).await;
    assert_eq!((receipts.len(), not_taken.len()), (16, 0));
    let status = board.status().await.unwrap();
    assert_eq!((status.cells, status.today), (48, 48));
    assert!(status.sessions <= 12);
    board.stop().await;
}
