use mail::Nospam;
use proptest::prelude::*;

use super::*;
use crate::limits::RECORD_BYTES;

fn token(byte: u8) -> Token {
    Token { period: Period(3), random: [byte; 32], output: [byte; 64] }
}

fn record(made: u64) -> MailboxRecord {
    MailboxRecord {
        made: Wall(made),
        owner: ToxId { key: PublicKey([1; 32]), nospam: Nospam([2; 4]) },
        keys: vec![(Period(10), Point([3; 32])), (Period(11), Point([4; 32]))],
        boards: vec![PublicKey([5; 32]), PublicKey([6; 32])],
        tokens: vec![(PublicKey([6; 32]), token(7)), (PublicKey([5; 32]), token(8))],
        owners: vec![],
    }
}

#[test]
fn the_largest_record_leaves_room_in_the_first_cell() {
    let mut largest = record(1);
    largest.boards = (0..8).map(|byte| PublicKey([byte; 32])).collect();
    largest.tokens = (0..64).map(|byte| (PublicKey([byte % 8; 32]), token(byte))).collect();
    largest.owners = (0..8).map(|byte| (PublicKey([byte; 32]), OwnerMark([byte; 8]))).collect();
    let bytes = largest.encode().unwrap();
    assert!(bytes.len() <= RECORD_BYTES, "{}", bytes.len());
    assert_eq!(MailboxRecord::decode(&bytes).unwrap(), largest);
    largest.boards.push(PublicKey([9; 32]));
    assert_eq!(largest.encode(), Err(RecordError::TooMany));
}

#[test]
fn a_record_must_be_in_order() {
    let mut none = record(1);
    none.keys.clear();
    assert_eq!(none.encode(), Err(RecordError::Keys));
    let mut backwards = record(1);
    backwards.keys.reverse();
    assert_eq!(backwards.encode(), Err(RecordError::Keys));
    let mut elsewhere = record(1);
    elsewhere.boards.pop();
    assert_eq!(elsewhere.encode(), Err(RecordError::Token));
    let mark = |byte| (PublicKey([byte; 32]), OwnerMark([byte; 8]));
    for owners in [vec![mark(6), mark(5)], vec![mark(5), mark(5)], vec![mark(9)]] {
        assert_eq!(MailboxRecord { owners, ..record(1) }.encode(), Err(RecordError::Owner));
    }
}

#[test]
fn a_record_without_owners_is_what_version_1_was_and_one_with_them_is_version_2() {
    let plain = record(1).encode().unwrap();
    assert_eq!(plain[0], 1);
    let owners = vec![(PublicKey([6; 32]), OwnerMark([0xab; 8]))];
    let with_owners = MailboxRecord { owners, ..record(1) }.encode().unwrap();
    assert_eq!(with_owners[0], 2);
    assert_eq!(with_owners[1..plain.len()], plain[1..]);
    assert_eq!(with_owners[plain.len()..], [&[1, 1][..], &[0xab; 8]].concat());
    let none = [&[2], &plain[1..], &[0]].concat();
    assert_eq!(MailboxRecord::decode(&none), Err(RecordError::Owner));
    assert_eq!(MailboxRecord::decode(&[3]), Err(RecordError::Version(3)));
    assert_eq!("ABABABABABABABAB".parse(), Ok(OwnerMark([0xab; 8])));
    assert_eq!(OwnerMark([0xab; 8]).to_string(), "ABABABABABABABAB");
    assert_eq!("+BABABABABABABAB".parse::<OwnerMark>(), Err(InvalidOwnerMark));
}

#[test]
fn only_newer_records_of_the_sender_itself_are_taken() {
    let (sender, now) = (PublicKey([1; 32]), Wall(1_000_000));
    let held = record(500);
    assert_eq!(record(501).accept(&sender, Some(&held), now), Ok(()));
    assert_eq!(record(1).accept(&sender, None, now), Ok(()));
    assert_eq!(record(500).accept(&sender, Some(&held), now), Err(RecordError::Older));
    assert_eq!(record(501).accept(&PublicKey([2; 32]), None, now), Err(RecordError::NotOwner));
    let spoilt = record(now.plus(400 * CLOCK_SKEW).0);
    assert_eq!(record(501).accept(&sender, Some(&spoilt), now), Ok(()), "taken while the clock was ahead");
    let tomorrow = now.plus(CLOCK_SKEW);
    assert_eq!(record(tomorrow.0).accept(&sender, None, now), Ok(()));
    assert_eq!(record(tomorrow.0 + 1).accept(&sender, None, now), Err(RecordError::Future));
}

#[test]
fn mails_are_sealed_to_the_current_key_then_the_next_then_the_tox_key() {
    let (contact, record) = (PublicKey([1; 32]), record(1));
    let at = |now| SealTo::choose(&contact, Some(&record), now);
    assert_eq!(at(Period(10).begin()), SealTo::Mailbox(Period(10), Point([3; 32])));
    assert_eq!(at(Wall(Period(10).end().0 - 1)), SealTo::Mailbox(Period(10), Point([3; 32])));
    assert_eq!(at(Period(10).end()), SealTo::Mailbox(Period(11), Point([4; 32])));
    assert_eq!(at(Period(11).end()), SealTo::FirstContact(Point([1; 32])));
    assert_eq!(SealTo::choose(&contact, None, Wall(0)).point(), Point([1; 32]));
}

proptest! {
    #[test]
    fn a_record_survives_its_bytes(
        made: u64,
        keys in 1_usize..3,
        boards in 0_u8..9,
        tokens in 0_u8..65,
        marks: u8,
        key: [u8; 32],
    ) {
        let record = MailboxRecord {
            made: Wall(made),
            owner: ToxId { key: PublicKey(key), nospam: Nospam([2; 4]) },
            keys: (0..keys).map(|number| (Period(number as u32), Point(key))).collect(),
            boards: (0..boards).map(|byte| PublicKey([byte; 32])).collect(),
            tokens: (0..if boards == 0 { 0 } else { tokens })
                .map(|byte| (PublicKey([byte % boards; 32]), token(byte)))
                .collect(),
            owners: (0..boards)
                .filter(|byte| marks & (1 << byte) != 0)
                .map(|byte| (PublicKey([byte; 32]), OwnerMark([byte; 8])))
                .collect(),
        };
        prop_assert_eq!(MailboxRecord::decode(&record.encode().unwrap()).unwrap(), record);
    }

    #[test]
    fn damaged_records_are_refused_or_read(cut in 0_usize..400, at in 0_usize..400, with: u8) {
        let owners = vec![(PublicKey([5; 32]), OwnerMark([1; 8]))];
        let mut bytes = MailboxRecord { owners, ..record(9) }.encode().unwrap();
        bytes.truncate(cut);
        if let Some(byte) = bytes.get_mut(at) {
            *byte = with;
        }
        if let Ok(record) = MailboxRecord::decode(&bytes) {
            prop_assert_eq!(record.encode().unwrap(), bytes);
        }
    }
}

proptest! {
    /// They are stored as text.
    #[test]
    fn marks_of_owners_and_names_of_invitations_are_read_back_from_their_text(
        bytes: [u8; 8],
        text in "[0-9A-Fa-f]{15,17}|\\PC{16}",
    ) {
        use crate::board::InvitationName;
        let (mark, name) = (OwnerMark(bytes), InvitationName(bytes));
        prop_assert_eq!(mark.to_string().parse(), Ok(mark));
        prop_assert_eq!(name.to_string().parse(), Ok(name));
        if let Ok(mark) = text.parse::<OwnerMark>() {
            prop_assert_eq!(mark.to_string().parse(), Ok(mark));
            prop_assert!(mark.to_string().eq_ignore_ascii_case(&text));
        }
        if let Ok(name) = text.parse::<InvitationName>() {
            prop_assert_eq!(name.to_string().parse(), Ok(name));
            prop_assert!(name.to_string().eq_ignore_ascii_case(&text));
        }
    }
}
