use mail::{MailId, PublicKey, Wall};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::limits::CHUNK_BYTES;
use crate::parcel::{Kind, Parcel};

const WITHIN: Duration = Duration::from_secs(300);

fn board(byte: u8) -> BoardKey {
    PublicKey([byte; 32])
}

fn handover(cells: usize, boards: u8, rng: &mut ChaCha20Rng) -> Handover {
    let content = vec![7; (cells - 1) * CHUNK_BYTES];
    let parcel = Parcel { kind: Kind::Mail, record: vec![], content };
    let parts = Parts::new(MailId([1; 16]), &parcel).unwrap();
    let choices: Vec<Choice> =
        (0..boards).map(|byte| Choice { board: board(byte), within: WITHIN }).collect();
    let mailbox = Secret::from_bytes([2; 32]).point();
    Handover::plan(parts, mailbox, Ttl::Week, &choices, 2, Monotonic::default(), rng)
}

fn receipt(deposit: &Deposit) -> Receipt {
    Receipt { name: deposit.cell.name(), segment: 1, until: Wall(0) }
}

/// Holds every session that is due until `now`; `takes` says what a board does.
fn run(
    handover: &mut Handover,
    now: Monotonic,
    rng: &mut ChaCha20Rng,
    takes: impl Fn(&BoardKey, u32) -> bool,
) {
    let sender = Secret::from_bytes([1; 32]);
    while let Some(session) = handover.due_session(now) {
        for deposit in handover.deposits(&session, &sender, rng).unwrap() {
            if takes(&session.board, deposit.tag) {
                handover.receipted(&session.board, deposit.tag, receipt(&deposit));
            } else {
                handover.not_taken(&session.board, deposit.tag, false, now, rng);
            }
        }
    }
}

#[test]
fn sessions_are_spread_at_random_within_the_bound_and_carry_every_cell_once() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut handover = handover(40, 3, &mut rng);
    for byte in 0..3 {
        let sessions: Vec<&PlannedSession> =
            handover.sessions.iter().filter(|session| session.board == board(byte)).collect();
        assert!(sessions.len() >= 4, "64 cells in sessions of 16 at most");
        let mut cells: Vec<u8> = sessions.iter().flat_map(|session| session.cells.clone()).collect();
        cells.sort_unstable();
        assert_eq!(cells, (0..64).collect::<Vec<u8>>());
        assert!(sessions.iter().all(|session| session.at.0 <= WITHIN));
    }
    let times: std::collections::BTreeSet<Duration> =
        handover.sessions.iter().map(|session| session.at.0).collect();
    assert_eq!(times.len(), handover.sessions.len(), "all at times of their own");
    assert!(handover.next_session_at().is_some());
    assert_eq!(handover.due_session(Monotonic::default()), None);
}

#[test]
fn two_of_three_boards_are_enough_and_a_failing_one_does_not_matter() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let mut handover = handover(3, 3, &mut rng);
    let mut now = Monotonic(WITHIN);
    run(&mut handover, now, &mut rng, |at, _| *at != board(0));
    let status = handover.status();
    assert!(status.is_handed_over() && !status.has_failed());
    assert_eq!((status.complete, status.pending), (2, 1));
    for _ in 0..100 {
        now.0 += Duration::from_secs(3600);
        run(&mut handover, now, &mut rng, |at, _| *at != board(0));
    }
    assert_eq!(handover.status(), HandoverStatus { complete: 2, pending: 0, enough: 2 });
    assert_eq!(handover.next_session_at(), None, "tries end");
    assert_eq!(handover.receipts().count(), 8);
}

#[test]
fn a_retry_is_the_same_deposit_unless_it_must_be_sealed_anew() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut handover = handover(1, 1, &mut rng);
    let sender = Secret::from_bytes([1; 32]);
    let mut cells = vec![];
    for reseal in [false, true, false] {
        let later = Monotonic(Duration::from_secs(1_000_000));
        let session = handover.due_session(later).unwrap();
        let deposits = handover.deposits(&session, &sender, &mut rng).unwrap();
        cells.push(deposits[0].cell.name());
        handover.not_taken(&session.board, 0, reseal, Monotonic::default(), &mut rng);
    }
    assert_eq!(cells[0], cells[1]);
    assert_ne!(cells[1], cells[2]);
}

#[test]
fn replicas_share_no_bytes() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let mut handover = handover(1, 2, &mut rng);
    let sender = Secret::from_bytes([1; 32]);
    let mut cells = vec![];
    while let Some(session) = handover.due_session(Monotonic(WITHIN)) {
        cells.push(handover.deposits(&session, &sender, &mut rng).unwrap().remove(0).cell);
    }
    let equal = cells[0].bytes().iter().zip(cells[1].bytes()).filter(|(one, other)| one == other);
    assert!(equal.count() < 200, "as by chance: one in 256");
}

#[test]
fn missing_cells_make_the_board_worthless_and_another_can_be_added() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut handover = handover(1, 2, &mut rng);
    run(&mut handover, Monotonic(WITHIN), &mut rng, |_, _| true);
    assert!(handover.status().is_handed_over());
    handover.missing(&board(0));
    assert!(handover.status().has_failed());
    let now = Monotonic(Duration::from_secs(90_000));
    handover.add(&Choice { board: board(7), within: WITHIN }, now, &mut rng);
    assert!(!handover.status().has_failed());
    run(&mut handover, Monotonic(now.0 + WITHIN), &mut rng, |_, _| true);
    assert!(handover.status().is_handed_over());
}
