use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::cell::open;
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

#[test]
fn a_mail_of_three_parts_takes_four_cells_and_arrives_in_any_order() {
    let parcel = parcel(2 * CHUNK_BYTES + 5);
    let mut parts = found(&parcel, 1);
    assert_eq!(parts.len(), 4);
    parts.reverse();
    let mut assembly = Assembly::default();
    let results: Vec<Progress> = parts.into_iter().map(|part| assembly.take(part, Wall(0))).collect();
    assert_eq!(results[0], Progress::Nothing);
    assert_eq!(results[1], Progress::Waiting { have: 1, count: 3 });
    assert_eq!(results[2], Progress::Waiting { have: 2, count: 3 });
    let Progress::Complete(received) = &results[3] else { panic!("{results:?}") };
    assert_eq!(received.parcel, parcel);
    assert_eq!(assembly.bytes(), 0);
}

#[test]
fn the_largest_mail_fits_and_one_byte_more_does_not() {
    let largest = parcel(PARCEL_BYTES - 6);
    let parts = Parts::new(MailId([0; 16]), &largest).unwrap();
    assert_eq!((parts.count(), parts.cells()), (64, 64));
    let larger = parcel(PARCEL_BYTES - 5);
    assert_eq!(Parts::new(MailId([0; 16]), &larger).unwrap_err(), ParcelError::TooLarge(PARCEL_BYTES + 1));
}

#[test]
fn copies_of_a_part_change_nothing() {
    let parts = found(&parcel(CHUNK_BYTES + 5), 1);
    let mut assembly = Assembly::default();
    assert_eq!(assembly.take(parts[0].clone(), Wall(0)), Progress::Waiting { have: 1, count: 2 });
    let mut other = parts[0].clone();
    other.chunk.fill(0);
    assert_eq!(assembly.take(other, Wall(0)), Progress::Nothing, "the first one wins");
    assert!(matches!(assembly.take(parts[1].clone(), Wall(0)), Progress::Complete(_)));
}

#[test]
fn parts_of_another_mail_or_sender_do_not_mix() {
    let parts = found(&parcel(CHUNK_BYTES + 5), 1);
    let mut assembly = Assembly::default();
    assembly.take(parts[0].clone(), Wall(0));
    for change in [0, 1, 2] {
        let mut stranger = parts[1].clone();
        match change {
            0 => stranger.sender = PublicKey([7; 32]),
            1 => stranger.place.mail = MailId([7; 16]),
            _ => stranger.place.digest = [7; 32],
        }
        assert_eq!(assembly.take(stranger, Wall(0)), Progress::Waiting { have: 1, count: 2 });
    }
}

#[test]
fn a_wrong_digest_is_noticed_and_the_mail_can_still_come() {
    let parts = found(&parcel(CHUNK_BYTES + 5), 1);
    let mut assembly = Assembly::default();
    let mut wrong = parts[0].clone();
    wrong.chunk[0] ^= 1;
    assembly.take(wrong, Wall(0));
    assert_eq!(assembly.take(parts[1].clone(), Wall(0)), Progress::Broken);
    assert_eq!(assembly.bytes(), 0);
    assembly.take(parts[0].clone(), Wall(0));
    assert!(matches!(assembly.take(parts[1].clone(), Wall(0)), Progress::Complete(_)));
}

#[test]
fn parts_of_wrong_length_or_number_are_nothing() {
    let mut assembly = Assembly::default();
    for part in [opened(1, 1, 0, 2, 5), opened(1, 1, 1, 2, 0), opened(1, 1, 2, 2, 5)] {
        assert_eq!(assembly.take(part, Wall(0)), Progress::Nothing);
    }
    assembly.take(opened(1, 1, 0, 2, CHUNK_BYTES), Wall(0));
    assert_eq!(assembly.take(opened(1, 1, 2, 3, 5), Wall(0)), Progress::Nothing, "another count");
}

#[test]
fn a_sender_holds_eight_unfinished_mails_at_most() {
    let mut assembly = Assembly::default();
    for mail in 0..100 {
        assembly.take(opened(1, mail, 0, 2, CHUNK_BYTES), Wall(0));
    }
    assert_eq!(assembly.bytes(), PARTIAL_MAILS_PER_SENDER * CHUNK_BYTES);
    assembly.take(opened(2, 1, 0, 2, CHUNK_BYTES), Wall(0));
    assert_eq!(assembly.bytes(), (PARTIAL_MAILS_PER_SENDER + 1) * CHUNK_BYTES);
}

#[test]
fn all_senders_together_stay_below_the_bound() {
    let mut assembly = Assembly::default();
    for number in 0..200_u8 {
        for mail in 0..4 {
            for index in 0..30 {
                assembly.take(opened(number, mail, index, 40, CHUNK_BYTES), Wall(0));
                assert!(assembly.bytes() <= PARTIAL_BYTES);
            }
        }
    }
    assert!(assembly.bytes() > PARTIAL_BYTES - 31 * CHUNK_BYTES, "the bound was reached");
}

#[test]
fn what_never_completes_is_forgotten_in_time() {
    let mut assembly = Assembly::default();
    assembly.take(opened(1, 1, 0, 2, CHUNK_BYTES), Wall(1000));
    assembly.expire(Wall(1000));
    assert_eq!(assembly.bytes(), CHUNK_BYTES);
    assembly.expire(Wall(1001));
    assert_eq!(assembly.bytes(), 0);
}

proptest! {
    #[test]
    fn a_parcel_survives_its_bytes(
        mail: bool,
        record in proptest::collection::vec(any::<u8>(), 0..100),
        content in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let kind = if mail { Kind::Mail } else { Kind::Acknowledgement };
        let parcel = Parcel { kind, record, content };
        prop_assert_eq!(Parcel::decode(&parcel.encode().unwrap()).unwrap(), parcel);
    }

    #[test]
    fn reading_a_parcel_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(parcel) = Parcel::decode(&bytes) {
            prop_assert_eq!(parcel.encode().unwrap(), bytes);
        }
    }
}
