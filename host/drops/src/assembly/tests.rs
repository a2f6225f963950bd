use mail::MailId;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::cell::{Place, Sealer, open};
use crate::parcel::{Kind, Parts};
use crate::point::Secret;

const BOARD: PublicKey = PublicKey([9; 32]);

fn parcel(length: usize) -> Parcel {
    let content = (0..length).map(|number| (number % 251) as u8).collect();
    Parcel { kind: Kind::Mail, record: vec![1, 2, 3], content }
}

/// Sends `parcel` and gives what the recipient finds, in order.
fn found(parcel: &Parcel, mail: u8) -> Vec<Opened> {
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(mail));
    let (sender, recipient) = (Secret::from_bytes([1; 32]), Secret::from_bytes([2; 32]));
    let mailbox = recipient.point();
    let sealer = Sealer { sender: &sender, mailbox: &mailbox, board: &BOARD };
    let parts = Parts::new(MailId([mail; 16]), parcel).unwrap();
    (0..parts.cells())
        .map(|index| {
            let cell = parts.seal(&mut rng, &sealer, index).unwrap();
            open(&cell, &BOARD, &recipient, &mailbox).unwrap()
        })
        .collect()
}

fn opened(sender: u8, mail: u8, index: u8, count: u8, length: usize) -> Opened {
    let place = Place { mail: MailId([mail; 16]), index, count, digest: [mail; 32] };
    Opened { sender: PublicKey([sender; 32]), place, chunk: vec![0; length] }
}

/// As `Assembly::take` for the one account of these tests.
fn take(assembly: &mut Assembly<()>, part: Opened) -> Progress {
    assembly.take(&(), Sender::Contact, part, Wall(0)).progress
}

#[test]
fn a_mail_of_three_parts_takes_four_cells_and_arrives_in_any_order() {
    let parcel = parcel(2 * CHUNK_BYTES + 5);
    let mut parts = found(&parcel, 1);
    assert_eq!(parts.len(), 4);
    parts.reverse();
    let mut assembly = Assembly::default();
    let results: Vec<Progress> = parts.into_iter().map(|part| take(&mut assembly, part)).collect();
    assert_eq!(results[0], Progress::Nothing);
    assert_eq!(results[1], Progress::Waiting { have: 1, count: 3 });
    assert_eq!(results[2], Progress::Waiting { have: 2, count: 3 });
    let Progress::Complete(received) = &results[3] else { panic!("{results:?}") };
    assert_eq!(received.parcel, parcel);
    assert_eq!(assembly.bytes(), CHUNK_BYTES + 11, "the rest stays until the mail is done with");
    assembly.remove(&(), &received.key);
    assert_eq!(assembly.bytes(), 0);
}

#[test]
fn copies_of_a_part_change_nothing() {
    let parts = found(&parcel(CHUNK_BYTES + 5), 1);
    let mut assembly = Assembly::default();
    assert_eq!(take(&mut assembly, parts[0].clone()), Progress::Waiting { have: 1, count: 2 });
    let mut other = parts[0].clone();
    other.chunk.fill(0);
    assert_eq!(take(&mut assembly, other), Progress::Nothing, "the first one wins");
    assert!(matches!(take(&mut assembly, parts[1].clone()), Progress::Complete(_)));
}

#[test]
fn parts_of_another_mail_or_sender_do_not_mix() {
    let parts = found(&parcel(CHUNK_BYTES + 5), 1);
    let mut assembly = Assembly::default();
    take(&mut assembly, parts[0].clone());
    for change in [0, 1, 2] {
        let mut stranger = parts[1].clone();
        match change {
            0 => stranger.sender = PublicKey([7; 32]),
            1 => stranger.place.mail = MailId([7; 16]),
            _ => stranger.place.digest = [7; 32],
        }
        assert_eq!(take(&mut assembly, stranger), Progress::Waiting { have: 1, count: 2 });
    }
}

#[test]
fn a_wrong_digest_is_noticed_and_the_mail_can_still_come() {
    let parts = found(&parcel(CHUNK_BYTES + 5), 1);
    let mut assembly = Assembly::default();
    let mut wrong = parts[0].clone();
    wrong.chunk[0] ^= 1;
    take(&mut assembly, wrong);
    assert_eq!(take(&mut assembly, parts[1].clone()), Progress::Broken);
    assert_eq!(assembly.bytes(), 0);
    take(&mut assembly, parts[0].clone());
    assert!(matches!(take(&mut assembly, parts[1].clone()), Progress::Complete(_)));
}

#[test]
fn parts_of_wrong_length_or_number_are_nothing() {
    let mut assembly = Assembly::default();
    for part in [opened(1, 1, 0, 2, 5), opened(1, 1, 1, 2, 0), opened(1, 1, 2, 2, 5)] {
        assert_eq!(take(&mut assembly, part), Progress::Nothing);
    }
    take(&mut assembly, opened(1, 1, 0, 2, CHUNK_BYTES));
    assert_eq!(take(&mut assembly, opened(1, 1, 2, 3, 5)), Progress::Nothing, "another count");
}

#[test]
fn a_sender_holds_eight_unfinished_mails_at_most() {
    let mut assembly = Assembly::default();
    for mail in 0..100 {
        take(&mut assembly, opened(1, mail, 0, 2, CHUNK_BYTES));
    }
    assert_eq!(assembly.bytes(), PARTIAL_MAILS_PER_SENDER * CHUNK_BYTES);
    take(&mut assembly, opened(2, 1, 0, 2, CHUNK_BYTES));
    assert_eq!(assembly.bytes(), (PARTIAL_MAILS_PER_SENDER + 1) * CHUNK_BYTES);
}

#[test]
fn all_senders_together_stay_below_the_bound() {
    let mut assembly = Assembly::default();
    for number in 0..200_u8 {
        for mail in 0..4 {
            for index in 0..30 {
                take(&mut assembly, opened(number, mail, index, 40, CHUNK_BYTES));
                assert!(assembly.bytes() <= PARTIAL_BYTES);
            }
        }
    }
    assert!(assembly.bytes() > PARTIAL_BYTES - 31 * CHUNK_BYTES, "the bound was reached");
}

#[test]
fn what_never_completes_is_forgotten_in_time() {
    let mut assembly = Assembly::default();
    assembly.take(&(), Sender::Contact, opened(1, 1, 0, 2, CHUNK_BYTES), Wall(1000));
    assembly.expire(Wall(1000));
    assert_eq!(assembly.bytes(), CHUNK_BYTES);
    assembly.expire(Wall(1001));
    assert_eq!(assembly.bytes(), 0);
}

fn stranger(number: u32, count: u8) -> Opened {
    let mut sender = [7; 32];
    sender[..4].copy_from_slice(&number.to_be_bytes());
    let place = Place { mail: MailId([1; 16]), index: count - 1, count, digest: [2; 32] };
    Opened { sender: PublicKey(sender), place, chunk: vec![0; 1] }
}

#[test]
fn strangers_of_all_accounts_share_one_bound_and_never_push_out_a_contact() {
    let mut assembly = Assembly::default();
    for index in 0..63 {
        assembly.take(&1, Sender::Contact, opened(1, 1, index, 64, CHUNK_BYTES), Wall(0));
    }
    let mut gone = 0;
    for number in 0..40_960 {
        // The shortest part there can be: it counts as a whole one.
        let taking = assembly.take(&(number % 5), Sender::Stranger, stranger(number, 64), Wall(0));
        assert_eq!(taking.progress, Progress::Waiting { have: 1, count: 64 });
        gone += taking.gone.len();
    }
    let held = PARTIAL_STRANGER_BYTES / CHUNK_BYTES;
    assert_eq!((assembly.partial.len(), gone), (held + 1, 40_960 - held));
    let key = Key { sender: PublicKey([1; 32]), mail: MailId([1; 16]), digest: [1; 32] };
    assert!((0..63).all(|index| assembly.part(&1, &key, index).is_some()));
}

#[test]
fn what_goes_names_the_parts_that_were_kept() {
    let mut assembly = Assembly::default();
    for index in 0..2 {
        take(&mut assembly, opened(1, 0, index, 3, CHUNK_BYTES));
    }
    let unkept = assembly.unkept();
    let key = unkept[0].1;
    assert_eq!(unkept, [((), key, 0), ((), key, 1)]);
    assert_eq!(assembly.part(&(), &key, 1), Some((3, &vec![0; CHUNK_BYTES][..])));
    assert!(assembly.kept(&(), &key, 1));
    assert_eq!(assembly.unkept(), [((), key, 0)]);
    let mut gone = vec![];
    for mail in 1..=PARTIAL_MAILS_PER_SENDER {
        let part = opened(1, u8::try_from(mail).unwrap(), 0, 3, CHUNK_BYTES);
        gone.extend(assembly.take(&(), Sender::Contact, part, Wall(0)).gone);
    }
    assert_eq!(gone, [Gone { to: (), key, kept: vec![1] }]);
    assert!(!assembly.kept(&(), &key, 0), "it went meanwhile: what was written of it is to be erased");
}

#[test]
fn restoring_goes_through_the_same_bounds_and_never_completes() {
    let mut assembly = Assembly::default();
    let mut gone = 0;
    for number in 0..5_000 {
        gone += assembly.restore(&(), Sender::Stranger, stranger(number, 2), Wall(0)).len();
    }
    assert_eq!(assembly.partial.len(), PARTIAL_STRANGER_BYTES / CHUNK_BYTES);
    assert_eq!(gone, 5_000 - assembly.partial.len());
    assert!(assembly.unkept().is_empty());

    let parts = found(&parcel(CHUNK_BYTES + 5), 1);
    let mut assembly = Assembly::default();
    assert_eq!(assembly.restore(&(), Sender::Contact, parts[0].clone(), Wall(0)), []);
    let gone = assembly.restore(&(), Sender::Contact, parts[1].clone(), Wall(0));
    assert_eq!(gone.len(), 1, "an older version kept all of them: the last one comes from a board again");
    assert_eq!(gone[0].kept, [1]);
    for _ in 0..2 {
        let progress = take(&mut assembly, parts[1].clone());
        assert!(matches!(progress, Progress::Complete(_)), "again, as long as the mail is not done with");
    }
    let wrong = assembly.restore(&(), Sender::Contact, opened(1, 9, 2, 2, 5), Wall(0));
    assert_eq!(wrong[0].kept, [2], "what is no part is to be erased too");
}
