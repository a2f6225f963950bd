use mail::PublicKey;

use super::*;
use crate::limits::CELL_BYTES;
use crate::mailbox::Period;
use crate::ttl::Ttl;

const BOARD: BoardKey = PublicKey([9; 32]);

fn at(seconds: u64) -> Monotonic {
    Monotonic(Duration::from_secs(seconds))
}

fn info(oldest: u32, last: u32) -> BoardInfo {
    BoardInfo {
        version: 1,
        day: 20_000,
        today: 0,
        day_cells: 4096,
        fill: 0,
        full_until: mail::Wall(0),
        stamp_bits: [1; 4],
        oldest,
        last,
        last_hash: [0; 32],
        keys: [(Period(1), [0; 32]), (Period(2), [0; 32])],
    }
}

#[test]
fn a_reader_without_a_seat_enters_once_with_a_token_or_goes() {
    let token = Token { period: Period(1), random: [1; 32], output: [1; 64] };
    let no_seat = |id: RequestId| Bytes::from(Answer::Refused(Refusal::Sessions).encode(id));
    for pays in [true, false] {
        let mut session = ReadSession::new(BOARD, Window::TwoDays, at(0));
        session.start(at(0));
        assert_eq!(session.receive(&no_seat(INFO), at(1)), [ReadEvent::NoSeat]);
        assert_eq!(session.tick(at(1000)), None, "its own gateway may take its time");
        let event = session.enter(pays.then(|| token.clone()), at(1000));
        if !pays {
            // To hear the keys of a board that is always crowded: tokens can be had only with keys
            // that were seen before.
            assert_eq!(event, ReadEvent::Send(Request::Info.encode(INFO)));
            let told = Bytes::from(Answer::Info(Box::new(info(1, 1))).encode(INFO));
            let events = session.receive(&told, at(1001));
            assert!(matches!(events[..], [ReadEvent::Info(_), ReadEvent::Refused(Refusal::Sessions)]));
            assert!(session.is_over());
            let mut session = ReadSession::new(BOARD, Window::TwoDays, at(0));
            session.start(at(0));
            session.receive(&no_seat(INFO), at(1));
            session.enter(None, at(1));
            let refused = session.receive(&no_seat(INFO), at(2));
            assert_eq!(refused, [ReadEvent::Refused(Refusal::Sessions)], "by a board of an older program");
            continue;
        }
        let enter = Request::Enter { token: token.clone() }.encode(ENTER);
        assert_eq!(event, ReadEvent::Send(enter));
        let entered = Bytes::from(Answer::Entered.encode(ENTER));
        let ask = ReadEvent::Send(Request::Info.encode(INFO));
        assert_eq!(session.receive(&entered, at(1001)), [ask]);
        let again = session.receive(&no_seat(INFO), at(1002));
        assert_eq!(again, [ReadEvent::Refused(Refusal::Sessions)], "one token is enough");
    }
}

/// Cells 0 to `count` in the order of their names.
fn cells(count: u32) -> Vec<Cell> {
    let cell = |number: u32| {
        let mut bytes = vec![0; CELL_BYTES];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        Cell::try_from(Bytes::from(bytes)).unwrap()
    };
    let mut cells: Vec<Cell> = (0..count).map(cell).collect();
    cells.sort_by_key(Cell::name);
    cells
}

fn hash_of(segment: u32, cells: &[Cell]) -> [u8; 32] {
    let mut entries: Vec<Entry> =
        cells.iter().map(|cell| Entry { name: cell.name(), ttl: Ttl::Week, digest: cell.digest() }).collect();
    entries.sort();
    segment_hash(&BOARD, segment, 0, &entries)
}

fn begin(segment: u32, count: u16) -> Answer {
    Answer::Begin { segment, edition: 0, count: Some(count) }
}

fn open(segment: u32) -> Answer {
    Answer::Begin { segment, edition: 0, count: None }
}

fn carry(cell: &Cell) -> Answer {
    Answer::Cell { ttl: Ttl::Week, cell: cell.clone() }
}

struct Client(ReadSession);

impl Client {
    fn new(window: Window) -> Self {
        let mut session = ReadSession::new(BOARD, window, at(0));
        assert!(matches!(session.start(at(0)), ReadEvent::Send(_)));
        Self(session)
    }

    fn get(&mut self, id: RequestId, answer: &Answer) -> Vec<ReadEvent> {
        self.0.receive(&Bytes::from(answer.encode(id)), at(1))
    }

    fn informed(oldest: u32, last: u32) -> Self {
        let mut client = Self::new(Window::TwoDays);
        let events = client.get(INFO, &Answer::Info(Box::new(info(oldest, last))));
        assert!(matches!(events[0], ReadEvent::Info(_)), "{events:?}");
        client
    }

    /// Following from segment 1 on, nothing read.
    fn following() -> Self {
        Self::informed(1, 0)
    }

    fn breaks(&mut self, id: RequestId, answer: &Answer) -> Violation {
        match self.get(id, answer).as_slice() {
            [ReadEvent::Broken(violation)] => {
                assert!(self.0.is_over());
                violation.clone()
            }
            other => panic!("{other:?}"),
        }
    }
}

fn requests(events: &[ReadEvent]) -> Vec<(RequestId, Request)> {
    events
        .iter()
        .filter_map(|event| match event {
            ReadEvent::Send(message) => {
                let (id, request) = Request::decode(&Bytes::from(message.clone()));
                Some((id, request.unwrap()))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_board_that_holds_more_segments_than_it_should_is_read_as_far_as_the_window_goes() {
    let mut client = Client::new(Window::All);
    let events = client.get(INFO, &Answer::Info(Box::new(info(1, 2_000))));
    let asked: Vec<Request> = requests(&events).into_iter().map(|(_, request)| request).collect();
    assert_eq!(asked, [Request::Read { segment: 2_000 }]);
    assert_eq!(client.0.wanted.len(), SEGMENTS_HELD - 1);
}

#[test]
fn a_session_reads_its_window_newest_first_then_follows() {
    let mut client = Client::new(Window::TwoDays);
    let mut events = client.get(INFO, &Answer::Info(Box::new(info(1, 64))));
    let all = cells(3);
    for segment in (15..=64).rev() {
        let asked = requests(&events);
        let [(id, Request::Read { segment: asked })] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!(*asked, segment);
        assert!(client.get(*id, &begin(segment, 3)).is_empty());
        for cell in &all {
            assert_eq!(client.get(*id, &carry(cell)), [ReadEvent::Cell { segment, cell: cell.clone() }]);
        }
        let hash = hash_of(segment, &all);
        events = client.get(*id, &Answer::End { segment, hash });
        assert_eq!(events[0], ReadEvent::Segment { segment, edition: 0, hash });
    }
    assert!(events.contains(&ReadEvent::CaughtUp));
    assert_eq!(requests(&events), [(FOLLOW, Request::Follow)]);
}

#[test]
fn what_is_asked_depends_on_the_board_only() {
    for window in [Window::TwoDays, Window::FiveDays, Window::NineDays, Window::All] {
        let mut client = Client::new(window);
        client.get(INFO, &Answer::Info(Box::new(info(1, 650))));
        assert_eq!(client.0.wanted.len() + 1, window.segments().min(650) as usize);
    }
    let hours = |hours: u64| Window::covering(Some(Duration::from_secs(hours * 3600)));
    assert_eq!(
        [0, 47, 48, 119, 120, 215, 216].map(hours),
        [
            Window::TwoDays,
            Window::TwoDays,
            Window::FiveDays,
            Window::FiveDays,
            Window::NineDays,
            Window::NineDays,
            Window::All
        ]
    );
    assert_eq!(Window::covering(None), Window::All);
}

#[test]
fn segments_that_close_between_info_and_follow_are_read_too() {
    let mut client = Client::following();
    let events = client.get(FOLLOW, &open(3));
    let asked = requests(&events);
    let [(id, Request::Read { segment: 2 })] = asked.as_slice() else { panic!("{asked:?}") };
    client.get(*id, &begin(2, 0));
    let events = client.get(*id, &Answer::End { segment: 2, hash: hash_of(2, &[]) });
    assert!(matches!(requests(&events)[..], [(_, Request::Read { segment: 1 })]));
}

#[test]
fn a_followed_segment_is_checked_when_it_closes() {
    let all = cells(5);
    let mut client = Client::following();
    client.get(FOLLOW, &open(1));
    for cell in all.iter().rev() {
        assert_eq!(client.get(FOLLOW, &carry(cell)).len(), 1, "in any order");
    }
    let hash = hash_of(1, &all);
    let events = client.get(FOLLOW, &Answer::End { segment: 1, hash });
    assert_eq!(events, [ReadEvent::Segment { segment: 1, edition: 0, hash }]);
    client.get(FOLLOW, &open(2));
    let lie = Answer::End { segment: 2, hash };
    assert_eq!(client.breaks(FOLLOW, &lie), Violation::WrongHash(2));
}

#[test]
fn impossible_information_ends_the_session() {
    for wrong in [BoardInfo { version: 2, ..info(1, 5) }, info(0, 5), info(7, 5), info(u32::MAX, u32::MAX)] {
        let mut client = Client::new(Window::All);
        assert_eq!(client.breaks(INFO, &Answer::Info(Box::new(wrong))), Violation::Info);
    }
}

#[test]
fn missing_added_repeated_and_disordered_cells_are_noticed() {
    let all = cells(3);
    let reading = || {
        let mut client = Client::informed(1, 1);
        client.get(4, &begin(1, 3));
        client
    };
    let end = Answer::End { segment: 1, hash: hash_of(1, &all) };
    let mut missing = reading();
    missing.get(4, &carry(&all[0]));
    assert_eq!(missing.breaks(4, &end), Violation::Cells(1));
    let mut repeated = reading();
    repeated.get(4, &carry(&all[0]));
    assert_eq!(repeated.breaks(4, &carry(&all[0])), Violation::Cells(1));
    let mut disordered = reading();
    disordered.get(4, &carry(&all[1]));
    assert_eq!(disordered.breaks(4, &carry(&all[0])), Violation::Cells(1));
    let mut added = reading();
    all.iter().for_each(|cell| {
        added.get(4, &carry(cell));
    });
    assert_eq!(added.breaks(4, &carry(&all[2])), Violation::Cells(1));
    let mut twice = Client::following();
    twice.get(FOLLOW, &open(1));
    twice.get(FOLLOW, &carry(&all[0]));
    twice.get(FOLLOW, &carry(&all[0]));
    assert_eq!(twice.breaks(FOLLOW, &end), Violation::Cells(1));
}

#[test]
fn answers_out_of_place_end_the_session() {
    let all = cells(1);
    let wrong: [(RequestId, Answer); 8] = [
        (4, begin(2, 0)),
        (3, begin(1, 0)),
        (4, open(1)),
        (4, carry(&all[0])),
        (4, Answer::End { segment: 1, hash: [0; 32] }),
        (INFO, Answer::Info(Box::new(info(1, 1)))),
        (4, Answer::Entered),
        (FOLLOW, open(2)),
    ];
    for (id, answer) in wrong {
        assert_eq!(Client::informed(1, 1).breaks(id, &answer), Violation::OutOfPlace, "{answer:?}");
    }
    let mut again = Client::informed(1, 1);
    again.get(4, &begin(1, 1));
    assert_eq!(again.breaks(4, &begin(1, 1)), Violation::OutOfPlace);
    let mut unreadable = Client::informed(1, 1);
    let events = unreadable.0.receive(&Bytes::from_static(b"nonsense"), at(1));
    assert!(matches!(events[..], [ReadEvent::Broken(Violation::Message(_))]));
    assert!(unreadable.get(4, &begin(1, 1)).is_empty(), "nothing after the end");
}

#[test]
fn endless_segments_cost_bounded_memory_and_time() {
    assert_eq!(Client::informed(1, 1).breaks(4, &begin(1, 1_025)), Violation::TooMuch);
    let all = cells(SEGMENT_CELLS as u32 + 1);
    let mut endless = Client::following();
    endless.get(FOLLOW, &open(1));
    for cell in &all[..SEGMENT_CELLS] {
        endless.get(FOLLOW, &carry(cell));
    }
    assert_eq!(endless.breaks(FOLLOW, &carry(&all[SEGMENT_CELLS])), Violation::Cells(1));
    // Empty segments without end.
    let mut empty = Client::following();
    let mut segment = 1;
    let violation = loop {
        if let [ReadEvent::Broken(violation)] = empty.get(FOLLOW, &open(segment)).as_slice() {
            break violation.clone();
        }
        empty.get(FOLLOW, &Answer::End { segment, hash: hash_of(segment, &[]) });
        segment += 1;
    };
    assert_eq!((violation, segment), (Violation::TooMuch, FOLLOW_DAY_SEGMENTS as u32 + 1));
    // Full segments without end.
    let mut full = Client::following();
    let some = &all[..SEGMENT_CELLS];
    let mut segment = 1;
    let violation = 'all: loop {
        full.get(FOLLOW, &open(segment));
        for cell in some {
            if let [ReadEvent::Broken(violation)] = full.get(FOLLOW, &carry(cell)).as_slice() {
                break 'all violation.clone();
            }
        }
        full.get(FOLLOW, &Answer::End { segment, hash: hash_of(segment, some) });
        segment += 1;
    };
    assert_eq!(violation, Violation::TooMuch);
    assert!(segment <= 25, "{segment}");
}

#[test]
fn silence_is_noticed() {
    let mut waiting = Client::new(Window::TwoDays);
    assert_eq!(waiting.0.tick(at(89)), None);
    assert_eq!(waiting.0.tick(at(90)), Some(ReadEvent::Broken(Violation::Silent)));
    assert_eq!(waiting.0.tick(at(900)), None);
    // A follower that gets cells but never a closed segment.
    let mut following = Client::following();
    following.get(FOLLOW, &open(1));
    assert_eq!(following.0.tick(at(3 * 3600)), None);
    following.0.receive(&Bytes::from(carry(&cells(1)[0]).encode(FOLLOW)), at(3 * 3600));
    assert_eq!(following.0.tick(at(3 * 3600 + 1)), Some(ReadEvent::Broken(Violation::Silent)));
}

#[test]
fn a_segment_gone_meanwhile_is_no_violation_and_other_refusals_end_the_session() {
    let mut client = Client::informed(1, 2);
    let events = client.get(4, &Answer::Refused(Refusal::SegmentGone(3)));
    assert!(matches!(requests(&events)[..], [(5, Request::Read { segment: 1 })]));
    let events = client.get(5, &Answer::Refused(Refusal::Busy(9)));
    assert_eq!(events, [ReadEvent::Refused(Refusal::Busy(9))]);
    assert!(client.0.is_over());
}

#[test]
fn a_board_that_shows_different_readers_different_things_is_caught() {
    let mut memory = BoardMemory::default();
    memory.saw(1, 5, 0, [1; 32]).unwrap();
    memory.saw(1, 5, 0, [1; 32]).unwrap();
    assert!(!memory.is_trusted(), "one throwaway proves nothing");
    memory.saw(2, 5, 0, [1; 32]).unwrap();
    assert!(memory.is_trusted());
    memory.saw(2, 5, 1, [2; 32]).unwrap();
    assert_eq!(memory.saw(3, 5, 0, [2; 32]), Err(Violation::Differs(5)));
    assert!(!memory.is_trusted());
    for segment in 0..5_000 {
        memory.saw(1, segment, 3, [0; 32]).unwrap();
    }
    assert!(memory.seen.len() <= HASHES_REMEMBERED && memory.order.len() <= HASHES_REMEMBERED);
}

proptest::proptest! {
    #[test]
    fn any_sequence_of_answers_is_survived(
        script in proptest::collection::vec((0_u32..6, 0_u8..7, 0_u32..4), 0..60)
    ) {
        let all = cells(3);
        let mut client = Client::new(Window::TwoDays);
        for (id, kind, number) in script {
            let answer = match kind {
                0 => Answer::Info(Box::new(info(1, number))),
                1 => begin(number, 3),
                2 => open(number),
                3 | 4 => carry(&all[number as usize % 3]),
                5 => Answer::End { segment: number, hash: hash_of(number, &all) },
                _ => Answer::Refused(Refusal::SegmentGone(number)),
            };
            client.get(id, &answer);
        }
    }
}
