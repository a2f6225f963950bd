use proptest::prelude::*;

use super::*;

fn parcel(length: usize) -> Parcel {
    let content = (0..length).map(|number| (number % 251) as u8).collect();
    Parcel { kind: Kind::Mail, record: vec![1, 2, 3], content }
}

#[test]
fn the_largest_mail_fits_and_one_byte_more_does_not() {
    let largest = parcel(PARCEL_BYTES - 6);
    let parts = Parts::new(MailId([0; 16]), &largest).unwrap();
    assert_eq!((parts.count(), parts.cells()), (64, 64));
    let larger = parcel(PARCEL_BYTES - 5);
    assert_eq!(Parts::new(MailId([0; 16]), &larger).unwrap_err(), ParcelError::TooLarge(PARCEL_BYTES + 1));
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
