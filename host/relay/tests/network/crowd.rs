//! A flood from many throwaways over Tox: the board's share for everybody fills, readers are served, members get in.

use drops::board::Quotas;
use drops::message::{Answer, Refusal, Request};
use relay::{BoardSession, Purpose, Sessions};

use crate::support::{Network, ask, bring, cheap, deposit, read, tokens};

/// Throwaways of two gateways, as many as each may have at once.
const THROWAWAYS: usize = 12;

/// Opens that many sessions at once; those the board was not found by in time are left out.
async fn open(gateways: &[Sessions], board: mail::PublicKey) -> Vec<BoardSession> {
    let mut opening = vec![];
    for number in 0..THROWAWAYS {
        let sessions = gateways[number % gateways.len()].clone();
        let purpose = if number.is_multiple_of(3) { Purpose::Reading } else { Purpose::Depositing };
        opening.push(tokio::spawn(async move { sessions.open(board, purpose).await }));
    }
    let mut open = vec![];
    for opened in opening {
        open.extend(opened.await.unwrap().ok());
    }
    open
}

#[tokio::test(flavor = "multi_thread")]
async fn throwaways_in_great_number_fill_their_share_alone() {
    let network = Network::start(4).await;
    let directory = tempfile::tempdir().unwrap();
    // Six sessions, two of them for members; 32 cells a day, half of them for members.
    let quotas = Quotas { sessions: 6, day_cells: 32, ..cheap() };
    let board = network.board(&directory, quotas).await;
    let invitation = board.invite().await.unwrap().unwrap().invitation.unwrap();
    let members = network.sessions().await;
    let mut member = members.open(board.key(), Purpose::Tokens).await.unwrap();
    let mut paid = tokens(&mut member, invitation).await;
    member.close().await;

    let gateways = [network.sessions().await, network.sessions().await];
    let crowd = open(&gateways, board.key()).await;
    assert!(crowd.len() > THROWAWAYS / 2, "only {} of {THROWAWAYS} came", crowd.len());
    let (mut inside, mut refused) = (vec![], 0);
    for mut session in crowd {
        // The lobby is shut again after seconds: a session that ended was refused too.
        if session.send(&Request::Info.encode(9)).await.is_err() {
            refused += 1;
            continue;
        }
        match session.receive().await.map(|message| Answer::decode(&message).unwrap().1) {
            Ok(Answer::Info(_)) => inside.push(session),
            Ok(Answer::Refused(Refusal::Sessions)) | Err(_) => refused += 1,
            Ok(other) => panic!("{other:?}"),
        }
    }
    assert!((1..=4).contains(&inside.len()) && refused >= 2, "{} inside, {refused} refused", inside.len());
    let mut taken = 0;
    for (place, session) in (0..).zip(inside.iter_mut()) {
        let numbers = place * 100..place * 100 + 20;
        let deposits = numbers.map(|number| deposit(number, number.into(), None)).collect();
        taken += bring(session, deposits).await.0.len();
    }
    assert_eq!(taken, 16, "half of the day is open to all");

    // A member, while they are all there: in, heard, and the reader of the crowd sees it too.
    let mut member = members.open(board.key(), Purpose::Depositing).await.unwrap();
    let enter = Request::Enter { token: paid.pop().unwrap() };
    assert_eq!(ask(&mut member, &enter).await, Answer::Entered);
    let deposits = (0..8).map(|number| deposit(number, 10_000 + u64::from(number), paid.pop())).collect();
    let (receipts, not_taken) = bring(&mut member, deposits).await;
    assert_eq!((receipts.len(), not_taken.len()), (8, 0));
    let reader = inside.last_mut().unwrap();
    assert_eq!(read(reader, 24).await.len(), 24, "readers of the crowd are served");
    let status = board.status().await.unwrap();
    assert_eq!((status.cells, status.today), (24, 24));
    assert!(status.sessions <= 6 + drops::limits::LOBBY_SESSIONS);
    board.stop().await;
}
