//! A board serves depositors and readers it knows nothing of.

use std::collections::HashSet;
use std::time::Duration;

use drops::depositor::NotTaken;
use drops::message::Refusal;
use drops::session::BoardSession as _;
use drops::ttl::Ttl;
use relay::{Hiding, Purpose, Serving, SessionError};

use crate::support::{Network, bring, cell, cheap, deposit, read, soon};

/// Waits until the board has exactly so many sessions: it learns of a closed one through the network.
async fn sessions_are(board: &Serving, sessions: usize) {
    while board.status().await.unwrap().sessions != sessions {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_throwaway_deposits_another_one_reads() {
    let network = Network::start(4).await;
    let directory = tempfile::tempdir().unwrap();
    let board = network.board(&directory, cheap()).await;
    let sessions = network.sessions().await;
    assert_eq!(sessions.hiding(), Hiding::Relays);

    let mut depositor = sessions.open(board.key(), Purpose::Depositing).await.unwrap();
    let mut deposits: Vec<_> = (0..16).map(|number| deposit(number, number.into(), None)).collect();
    deposits[15].ttl = Ttl::ThreeWeeks;
    let (receipts, not_taken) = bring(&mut depositor, deposits).await;
    assert_eq!(receipts.len(), 15);
    let refused = NotTaken::Refused(Refusal::Policy("not for three weeks".to_owned()));
    assert_eq!(not_taken[0], (15, refused), "the policy's word");
    depositor.close().await;

    let mut reader = sessions.open(board.key(), Purpose::Reading).await.unwrap();
    let names: HashSet<_> = read(&mut reader, 15).await.iter().map(|cell| cell.name()).collect();
    assert!(receipts.iter().all(|(tag, receipt)| receipt.name == cell((*tag).into()).name()));
    assert!(receipts.iter().all(|(_, receipt)| names.contains(&receipt.name)));
    assert_eq!(board.status().await.unwrap().cells, 15);

    // The same board from within: no Tox between.
    sessions.serve(board.clone());
    let mut inside = sessions.open_here(board.key()).await.unwrap();
    assert_eq!(inside.hiding(), None);
    assert_eq!(read(&mut inside, 15).await.len(), 15);
    assert_ne!(inside.throwaway(), reader.throwaway());
    soon("the depositor's session has ended", sessions_are(&board, 2)).await;
    drop(inside);
    drop(reader);
    soon("the sessions end", sessions_are(&board, 0)).await;
    board.stop().await;
    assert!(board.status().await.is_err());
    assert_eq!(sessions.open_here(board.key()).await.unwrap_err(), SessionError::Stopping);
}

/// c-toxcore's relays cut a connection of whoever deletes a friend while it looks for them (see `limits::LEAVING_TIME`).
#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_while_others_come_and_go() {
    let network = Network::start(4).await;
    let directory = tempfile::tempdir().unwrap();
    let board = network.board(&directory, cheap()).await;
    let sessions = network.sessions().await;
    let mut lasting = sessions.open(board.key(), Purpose::Depositing).await.unwrap();
    for round in 1..=3 {
        let open = || sessions.open(board.key(), Purpose::Depositing);
        let others = tokio::try_join!(open(), open(), open()).unwrap();
        drop(others);
        soon("the others end", sessions_are(&board, 1)).await;
        let numbers = round * 10..round * 10 + 10;
        let deposits = numbers.map(|number| deposit(number, number.into(), None)).collect();
        let (receipts, not_taken) = bring(&mut lasting, deposits).await;
        assert_eq!((receipts.len(), not_taken.len()), (10, 0), "after {round} rounds");
    }
    board.stop().await;
}
