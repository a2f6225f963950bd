use mail::record::{Arrival, Contact, Marks, Outcome, Partial, Pin, Route};
use mail::{Acknowledgement, Address, BodyDigest, Envelope, MailId, Refusal, ReversePath, Wall};
use proptest::prelude::*;

use super::*;
use mail::record::BodyId;

fn entry(prefix: Vec<u8>, attempts: u32, problem: Option<String>) -> OutboxEntry {
    let address: Address = "a@tox".parse().unwrap();
    OutboxEntry {
        id: MailId([7; 16]),
        account: "alice".parse().unwrap(),
        envelope: Envelope::new(ReversePath::Mailbox(address.clone()), address),
        route: Route::Local("bob".parse().unwrap()),
        size: 10 + prefix.len() as u64,
        prefix,
        body: BodyId(3),
        digest: BodyDigest([9; 32]),
        created: Wall(1),
        expires: Wall(u64::MAX),
        attempts,
        next_attempt: Some(Wall(5)),
        last_problem: problem.map(|text| Refusal::permanent(1, 1, &text)),
        marks: Marks { delay_reported: true, sent_whole: false },
    }
}

proptest! {
    #[test]
    fn an_entry_survives(prefix: Vec<u8>, attempts: u32, problem: Option<String>) {
        let entry = entry(prefix, attempts, problem);
        let bytes = encode_prefixed(&entry).unwrap();
        prop_assert_eq!(split_prefix(&bytes).unwrap().0, &entry.prefix[..]);
        prop_assert_eq!(decode_prefixed::<OutboxEntry>(&bytes).unwrap(), entry);
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        // Whether they are a record does not matter here.
        let _ = decode::<Account>(&bytes);
        let _ = decode::<Contact>(&bytes);
        let _ = decode::<Pin>(&bytes);
        let _ = decode::<Partial>(&bytes);
        let _ = decode::<Arrival>(&bytes);
        let _ = decode::<Ended>(&bytes);
        let _ = decode::<QuarantineEntry>(&bytes);
        let _ = decode_prefixed::<OutboxEntry>(&bytes);
        let _ = decode_prefixed::<MailboxEntry>(&bytes);
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0_usize..200, with: u8, prefix: [u8; 20]) {
        let mut bytes = encode_prefixed(&entry(prefix.to_vec(), 1, Some("no".to_owned()))).unwrap();
        let at = at % bytes.len();
        bytes[at] = with;
        let _ = decode_prefixed::<OutboxEntry>(&bytes);
    }

    #[test]
    fn a_cut_record_is_refused(cut in 0_usize..400) {
        let bytes = encode_prefixed(&entry(vec![1; 30], 1, None)).unwrap();
        prop_assume!(cut < bytes.len());
        prop_assert!(decode_prefixed::<OutboxEntry>(&bytes[..cut]).is_err());
    }
}

#[test]
fn the_last_byte_of_an_outbox_entry_says_what_it_said_and_more() {
    let marks = |byte: u8| {
        let mut bytes = encode_prefixed(&entry(vec![1], 1, None)).unwrap();
        *bytes.last_mut().unwrap() = byte;
        decode_prefixed::<OutboxEntry>(&bytes).map(|entry| entry.marks)
    };
    // As formats up to 3 wrote it.
    assert_eq!(marks(0), Ok(Marks::default()));
    assert_eq!(marks(1), Ok(Marks { delay_reported: true, sent_whole: false }));
    assert_eq!(marks(2), Ok(Marks { delay_reported: false, sent_whole: true }));
    assert_eq!(marks(4), Err(BadRecord::Content));
}

#[test]
fn what_follows_a_record_is_refused() {
    let arrival =
        Arrival { digest: BodyDigest([1; 32]), acknowledgement: Acknowledgement::Delivered, when: Wall(1) };
    let mut bytes = encode(&arrival).unwrap();
    assert_eq!(decode::<Arrival>(&bytes), Ok(arrival));
    bytes.push(0);
    assert_eq!(decode::<Arrival>(&bytes), Err(BadRecord::Content));
}

#[test]
fn another_version_is_named() {
    assert_eq!(decode::<Arrival>(&[2, 0]), Err(BadRecord::Version(2)));
    assert_eq!(decode::<Arrival>(&[]), Err(BadRecord::Short));
    let error = read::<Arrival>(&[2], || "this one".to_owned()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the record this one in `arrivals` is damaged (its version 2 is unknown): restore the data directory from a backup"
    );
}

#[test]
fn an_outcome_survives() {
    let entry = entry(Vec::new(), 0, None);
    let ended = Ended {
        id: entry.id,
        account: entry.account,
        envelope: entry.envelope,
        route: entry.route,
        size: 1,
        created: Wall(1),
        ended: Wall(2),
        attempts: 3,
        outcome: Outcome::Discarded { reason: "because".to_owned() },
    };
    assert_eq!(decode::<Ended>(&encode(&ended).unwrap()), Ok(ended));
}
