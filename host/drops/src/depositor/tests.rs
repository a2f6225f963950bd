use mail::PublicKey;

use crate::limits::DAY_SECONDS;

use super::*;
use crate::limits::CELL_BYTES;
use crate::mailbox::Period;

const BOARD: BoardKey = PublicKey([9; 32]);
const TODAY: Wall = Wall(20_000 * DAY_SECONDS * 1000);

fn at(seconds: u64) -> Monotonic {
    Monotonic(Duration::from_secs(seconds))
}

fn info() -> Answer {
    Answer::Info(Box::new(BoardInfo {
        version: 1,
        day: 20_000,
        today: 0,
        day_cells: 4096,
        fill: 0,
        full_until: Wall(0),
        stamp_bits: [1, 2, 3, 4],
        oldest: 1,
        last: 30,
        last_hash: [7; 32],
        keys: [(Period(1), [0; 32]), (Period(2), [0; 32])],
    }))
}

fn deposit(tag: u32, token: bool) -> Deposit {
    let cell = Cell::try_from(Bytes::from(vec![tag as u8; CELL_BYTES])).unwrap();
    let token = token.then_some(Token { period: Period(1), random: [1; 32], output: [1; 64] });
    Deposit { tag, cell, ttl: Ttl::Week, token }
}

fn receipt(tag: u32) -> Receipt {
    let until = TODAY.plus(Ttl::Week.duration());
    Receipt { name: deposit(tag, false).cell.name(), segment: 31, until }
}

struct Client {
    session: DepositSession,
    request: RequestId,
}

impl Client {
    /// A session that has its info.
    fn new(deposits: Vec<Deposit>) -> (Self, Vec<DepositEvent>) {
        let mut session = DepositSession::new(BOARD, deposits, at(0));
        assert!(matches!(session.start(at(0)), DepositEvent::Send(_)));
        let mut client = Self { session, request: INFO };
        let events = client.get(&info());
        (client, events)
    }

    fn get(&mut self, answer: &Answer) -> Vec<DepositEvent> {
        let events = self.session.receive(&Bytes::from(answer.encode(self.request)), at(1), TODAY);
        self.note(&events);
        events
    }

    fn stamp(&mut self, events: &[DepositEvent]) -> Vec<DepositEvent> {
        let Some(DepositEvent::Work { challenge, bits }) = events.last() else { panic!("{events:?}") };
        let stamp = challenge.search(*bits, 0, 1 << 20).unwrap();
        let events = self.session.stamped(stamp, at(2));
        self.note(&events);
        events
    }

    /// Remembers the number of the last request.
    fn note(&mut self, events: &[DepositEvent]) {
        for event in events {
            if let DepositEvent::Send(message) = event {
                self.request = Request::decode(&Bytes::from(message.clone())).0;
            }
        }
    }
}

#[test]
fn tokens_are_shown_and_stamps_are_made_in_the_session() {
    let (mut client, events) = Client::new(vec![deposit(1, true), deposit(2, false)]);
    let [DepositEvent::Send(message)] = events.as_slice() else { panic!("{events:?}") };
    let (_, request) = Request::decode(&Bytes::from(message.clone()));
    assert!(matches!(request, Ok(Request::Deposit { admission: Admission::Token(_), .. })));
    let events = client.get(&Answer::Receipt(receipt(1)));
    assert_eq!(events[0], DepositEvent::Receipt { tag: 1, receipt: receipt(1) });
    let DepositEvent::Work { challenge, bits } = &events[1] else { panic!("{events:?}") };
    assert_eq!((challenge.segment, challenge.hash, *bits), (30, [7; 32], 2));
    client.stamp(&events);
    let events = client.get(&Answer::Receipt(receipt(2)));
    assert_eq!(events[1], DepositEvent::Done);
    assert!(client.session.is_over());
}

#[test]
fn who_finds_no_seat_enters_with_the_token_of_the_last_cell() {
    let deposits = vec![deposit(1, true), deposit(2, true), deposit(3, false)];
    let mut session = DepositSession::new(BOARD, deposits, at(0));
    session.start(at(0));
    let mut client = Client { session, request: INFO };
    let events = client.get(&Answer::Refused(Refusal::Sessions));
    let [DepositEvent::Send(message)] = events.as_slice() else { panic!("{events:?}") };
    let (_, request) = Request::decode(&Bytes::from(message.clone()));
    assert!(matches!(request, Ok(Request::Enter { .. })), "{request:?}");
    let events = client.get(&Answer::Entered);
    let [DepositEvent::Send(message)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(Request::decode(&Bytes::from(message.clone())).1, Ok(Request::Info));
    assert!(!client.session.was_sent());
    client.get(&info());
    assert!(client.session.was_sent());
    let events = client.get(&Answer::Receipt(receipt(1)));
    assert!(
        matches!(events[1], DepositEvent::Work { .. }),
        "the token of the second cell is gone: {events:?}"
    );
}

#[test]
fn a_board_gets_one_token_for_a_seat_at_most() {
    let all = || vec![deposit(1, true), deposit(2, true)];
    for second in [Refusal::Sessions, Refusal::TokenSpent, Refusal::Busy(60)] {
        let mut session = DepositSession::new(BOARD, all(), at(0));
        session.start(at(0));
        let mut client = Client { session, request: INFO };
        client.get(&Answer::Refused(Refusal::Sessions));
        if second == Refusal::Sessions {
            client.get(&Answer::Entered);
        }
        let events = client.get(&Answer::Refused(second));
        let unspent: Vec<bool> = events
            .iter()
            .filter_map(|event| match event {
                DepositEvent::NotTaken { unspent, .. } => Some(unspent.is_some()),
                _ => None,
            })
            .collect();
        assert_eq!(unspent, [true, false], "{events:?}");
        assert!(client.session.is_over());
    }
    let mut session = DepositSession::new(BOARD, vec![deposit(1, false)], at(0));
    session.start(at(0));
    let events = Client { session, request: INFO }.get(&Answer::Refused(Refusal::Sessions));
    assert!(matches!(events[..], [DepositEvent::NotTaken { .. }, DepositEvent::Done]), "{events:?}");
}

#[test]
fn a_bad_token_is_replaced_by_work() {
    for refusal in [Refusal::Token, Refusal::TokenSpent] {
        let (mut client, _) = Client::new(vec![deposit(1, true)]);
        let events = client.get(&Answer::Refused(refusal));
        assert!(matches!(events[..], [DepositEvent::Work { .. }]));
    }
}

#[test]
fn more_work_is_done_three_times_and_never_beyond_the_table() {
    let (mut client, mut events) = Client::new(vec![deposit(1, false)]);
    for bits in [3, 4] {
        client.stamp(&events);
        events = client.get(&Answer::Refused(Refusal::StampBits(bits)));
    }
    client.stamp(&events);
    let events = client.get(&Answer::Refused(Refusal::StampBits(5)));
    assert!(matches!(events[0], DepositEvent::Broken(Violation::Work)));
    assert!(matches!(events[1], DepositEvent::NotTaken { tag: 1, why: NotTaken::Ended, .. }));
    let (mut client, events) = Client::new(vec![deposit(1, false)]);
    client.stamp(&events);
    let events = client.get(&Answer::Refused(Refusal::StampBits(31)));
    assert!(matches!(events[0], DepositEvent::Broken(Violation::Work)));
}

#[test]
fn receipts_for_something_else_are_violations() {
    let good = receipt(1);
    let wrong = [
        Receipt { name: deposit(2, false).cell.name(), ..good },
        Receipt { until: Wall(good.until.0 - 2 * DAY_SECONDS * 1000), ..good },
        Receipt { segment: 300, ..good },
        Receipt { segment: 0, ..good },
    ];
    for receipt in wrong {
        let (mut client, _) = Client::new(vec![deposit(1, true)]);
        let events = client.get(&Answer::Receipt(receipt));
        assert!(matches!(events[0], DepositEvent::Broken(Violation::Receipt)), "{receipt:?}");
    }
}

#[test]
fn a_full_board_takes_none_and_a_taken_name_is_one_cells_matter() {
    let (mut client, _) = Client::new(vec![deposit(1, true), deposit(2, true)]);
    let events = client.get(&Answer::Refused(Refusal::NameTaken));
    assert!(matches!(events[0], DepositEvent::NotTaken { tag: 1, .. }));
    assert!(matches!(events[1], DepositEvent::Send(_)));
    let (mut client, _) = Client::new(vec![deposit(1, true), deposit(2, true)]);
    let events = client.get(&Answer::Refused(Refusal::Full(TODAY)));
    assert_eq!(events.len(), 3);
    assert_eq!(events[2], DepositEvent::Done);
}

#[test]
fn answers_out_of_place_and_silence_end_the_session() {
    let (mut client, _) = Client::new(vec![deposit(1, true)]);
    assert!(matches!(client.get(&info())[0], DepositEvent::Broken(Violation::OutOfPlace)));
    let (mut client, _) = Client::new(vec![deposit(1, true)]);
    client.request = 99;
    let events = client.get(&Answer::Receipt(receipt(1)));
    assert!(matches!(events[0], DepositEvent::Broken(Violation::OutOfPlace)));
    let (mut client, _) = Client::new(vec![deposit(1, true)]);
    assert!(client.session.tick(at(90)).is_empty());
    assert!(matches!(client.session.tick(at(91))[0], DepositEvent::Broken(Violation::Silent)));
    // Working on a stamp, nothing is expected of the board.
    let (mut client, _) = Client::new(vec![deposit(1, false)]);
    assert!(client.session.tick(at(10_000)).is_empty());
}

#[test]
fn what_was_not_receipted_when_the_connection_breaks_is_not_taken() {
    let (mut client, _) = Client::new(vec![deposit(1, true), deposit(2, true)]);
    client.get(&Answer::Receipt(receipt(1)));
    assert_eq!(
        client.session.ended(),
        [DepositEvent::NotTaken { tag: 2, why: NotTaken::Ended, unspent: None }]
    );
}

proptest::proptest! {
    #[test]
    fn any_sequence_of_answers_is_survived(
        script in proptest::collection::vec((0_u32..5, 0_u8..4, 0_u8..6), 0..40)
    ) {
        let (mut client, _) = Client::new(vec![deposit(1, true), deposit(2, false)]);
        for (id, kind, number) in script {
            let answer = match kind {
                0 => info(),
                1 => Answer::Receipt(receipt(u32::from(number))),
                2 => Answer::Refused(Refusal::StampBits(number)),
                _ => Answer::Refused(Refusal::TokenSpent),
            };
            client.session.receive(&Bytes::from(answer.encode(id)), at(1), TODAY);
        }
    }
}

#[test]
fn a_token_that_was_not_shown_comes_back_and_one_that_was_does_not() {
    let (mut client, _) = Client::new(vec![deposit(1, true), deposit(2, true), deposit(3, false)]);
    let unspent = |event: &DepositEvent| match event {
        DepositEvent::NotTaken { unspent, .. } => unspent.is_some(),
        other => panic!("{other:?}"),
    };
    let events: Vec<bool> = client.session.ended().iter().map(unspent).collect();
    assert_eq!(events, [false, true, false], "the first one was on its way");
}
