use proptest::prelude::*;

use super::*;

fn cell(byte: u8) -> Cell {
    Cell::try_from(Bytes::from(vec![byte; CELL_BYTES])).unwrap()
}

fn any_admission() -> impl Strategy<Value = Admission> {
    prop_oneof![
        any::<(u32, [u8; 32], u8)>().prop_map(|(period, random, output)| {
            Admission::Token(Token { period: Period(period), random, output: [output; 64] })
        }),
        any::<(u32, u32, u64)>().prop_map(|(day, segment, nonce)| Admission::Stamp(Stamp {
            day,
            segment,
            nonce
        })),
    ]
}

fn any_ttl() -> impl Strategy<Value = Ttl> {
    (0_u8..4).prop_map(|class| Ttl::from_class(class).unwrap())
}

fn any_request() -> impl Strategy<Value = Request> {
    prop_oneof![
        Just(Request::Info),
        Just(Request::Follow),
        (any_ttl(), any_admission(), any::<u8>()).prop_map(|(ttl, admission, byte)| Request::Deposit {
            ttl,
            admission,
            cell: cell(byte)
        }),
        any::<u32>().prop_map(|segment| Request::Read { segment }),
        (any::<u32>(), any::<[u8; 16]>(), proptest::collection::vec(any::<[u8; 32]>(), 0..=ISSUE_TOKENS))
            .prop_map(|(period, invitation, blinded)| Request::Issue {
                period: Period(period),
                invitation,
                blinded
            }),
        any::<[u8; 32]>().prop_map(|random| Request::Enter {
            token: Token { period: Period(1), random, output: [2; 64] }
        }),
    ]
}

fn any_refusal() -> impl Strategy<Value = Refusal> {
    (1_u8..20, any::<u8>(), "[a-z ]{0,50}")
        .prop_map(|(code, argument, text)| Refusal::from_parts(code, u64::from(argument), &text).unwrap())
}

fn any_answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        any::<(u32, u8, [u8; 32])>().prop_map(|(number, byte, hash)| Answer::Info(Box::new(BoardInfo {
            version: byte,
            day: number,
            today: number ^ 1,
            day_cells: number ^ 2,
            fill: byte,
            full_until: Wall(u64::from(number) * 1000),
            stamp_bits: [byte; 4],
            oldest: number,
            last: number ^ 4,
            last_hash: hash,
            keys: [(Period(number), hash), (Period(number ^ 8), [byte; 32])],
        }))),
        any::<([u8; 32], u32, u32)>().prop_map(|(name, segment, until)| Answer::Receipt(Receipt {
            name: Name(name),
            segment,
            until: Wall(u64::from(until) * 1000)
        })),
        (any::<u32>(), 0_u8..5, proptest::option::of(0..OPEN))
            .prop_map(|(segment, edition, count)| Answer::Begin { segment, edition, count }),
        (any_ttl(), any::<u8>()).prop_map(|(ttl, byte)| Answer::Cell { ttl, cell: cell(byte) }),
        any::<(u32, [u8; 32])>().prop_map(|(segment, hash)| Answer::End { segment, hash }),
        (proptest::collection::vec(any::<[u8; 32]>(), 0..=ISSUE_TOKENS), any::<u8>())
            .prop_map(|(evaluated, byte)| Answer::Issued { evaluated, proof: [byte; 64] }),
        Just(Answer::Entered),
        any_refusal().prop_map(Answer::Refused),
    ]
}

#[test]
fn the_packet_id_is_lossless() {
    assert_eq!(packet_id().get(), 181);
}

#[test]
fn the_longest_messages_fit() {
    let token = Token { period: Period(1), random: [1; 32], output: [2; 64] };
    let deposit = Request::Deposit { ttl: Ttl::Day, admission: Admission::Token(token), cell: cell(1) };
    assert!(deposit.encode(1).len() <= MESSAGE_BYTES);
    let refusal = Answer::Refused(Refusal::Policy("ä".repeat(1000)));
    let message = Bytes::from(refusal.encode(1));
    let Ok((1, Answer::Refused(Refusal::Policy(text)))) = Answer::decode(&message) else { panic!() };
    assert_eq!(text.len(), REFUSAL_BYTES);
}

#[test]
fn hostile_messages_are_named() {
    let error = |message: Vec<u8>| Request::decode(&Bytes::from(message)).1.unwrap_err();
    assert_eq!(error(vec![]), MessageError::Read(ReadError::Truncated("kind")));
    assert_eq!(error(vec![99, 0, 0, 0, 0]), MessageError::Kind(99));
    assert_eq!(error(vec![1, 0, 0, 0, 0, 2]), MessageError::Version(2));
    assert_eq!(error(vec![4, 0, 0, 0, 0, 0]), MessageError::Read(ReadError::Trailing(1)));
    let oversized = [&[2, 0, 0, 0, 0][..], &vec![0; MESSAGE_BYTES]].concat();
    assert_eq!(error(oversized), MessageError::TooLong(MESSAGE_BYTES + 5));
    let truncated = Request::Deposit {
        ttl: Ttl::Day,
        admission: Admission::Stamp(Stamp { day: 1, segment: 1, nonce: 1 }),
        cell: cell(1),
    }
    .encode(7);
    let cut = Bytes::from(truncated).slice(..CELL_BYTES);
    assert_eq!(Request::decode(&cut), (7, Err(MessageError::Read(ReadError::Truncated("cell")))));
    let elements = [&[5, 0, 0, 0, 0][..], &[0; 20], &[33], &[0; 33 * 32]].concat();
    assert!(matches!(error(elements), MessageError::Read(ReadError::TooLong { .. })));
}

#[test]
fn a_boards_text_cannot_break_lines() {
    let message = Bytes::from(Answer::Refused(Refusal::Policy("a\r\nb".into())).encode(1));
    let (_, answer) = Answer::decode(&message).unwrap();
    assert_eq!(answer, Answer::Refused(Refusal::Policy("a  b".into())));
}

proptest! {
    #[test]
    fn requests_survive_their_bytes(request in any_request(), id: u32) {
        let message = Bytes::from(request.encode(id));
        prop_assert!(message.len() <= MESSAGE_BYTES);
        prop_assert_eq!(Request::decode(&message), (id, Ok(request)));
    }

    #[test]
    fn answers_survive_their_bytes(answer in any_answer(), id: u32) {
        let message = Bytes::from(answer.encode(id));
        prop_assert!(message.len() <= MESSAGE_BYTES);
        prop_assert_eq!(Answer::decode(&message), Ok((id, answer)));
    }

    #[test]
    fn reading_never_panics(kind: u8, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let message = Bytes::from([&[kind][..], &bytes].concat());
        if let (id, Ok(request)) = Request::decode(&message) {
            prop_assert_eq!(Bytes::from(request.encode(id)), message.clone());
        }
        if let Ok((id, answer)) = Answer::decode(&message) {
            prop_assert_eq!(Answer::decode(&Bytes::from(answer.encode(id))), Ok((id, answer)));
        }
    }
}
