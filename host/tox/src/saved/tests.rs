//! Saved data is parsed whatever it holds.

use proptest::prelude::*;

use super::*;

fn one_section(kind: u16, content: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(content.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend(kind.to_le_bytes());
    bytes.extend(SECTION);
    bytes.extend(content);
    bytes
}

fn whole(key: [u8; 32]) -> Vec<u8> {
    let mut keys = vec![1, 2, 3, 4];
    keys.extend(key);
    keys.extend([9; 32]);
    let mut bytes = HEADER.to_vec();
    bytes.extend(one_section(NOSPAM_AND_KEYS, &keys));
    bytes.extend(one_section(3, b"friends"));
    bytes.extend(one_section(END, b""));
    bytes
}

proptest! {
    #[test]
    fn anything_is_refused_or_read(bytes: Vec<u8>) {
        let _ = SavedData::new(bytes.clone());
        let mut framed = HEADER.to_vec();
        framed.extend(bytes);
        let _ = SavedData::new(framed);
    }

    #[test]
    fn the_identity_is_found(key: [u8; 32]) {
        let saved = SavedData::new(whole(key)).unwrap();
        prop_assert_eq!(saved.public_key(), PublicKey(key));
        prop_assert_eq!(*saved.secret_key(), [9; 32]);
    }

    #[test]
    fn every_cut_is_noticed(key: [u8; 32], at in 0_usize..100) {
        let mut bytes = whole(key);
        let kept = at * (bytes.len() - 1) / 99;
        bytes.truncate(kept);
        prop_assert_eq!(SavedData::new(bytes).unwrap_err(), InvalidSavedData::Damaged);
    }
}

#[test]
fn what_is_wrong_is_told() {
    let mut bytes = HEADER.to_vec();
    bytes.extend(one_section(END, b""));
    assert_eq!(SavedData::new(bytes).unwrap_err(), InvalidSavedData::NoIdentity);
    let error = |bytes: &[u8]| SavedData::new(bytes.to_vec()).unwrap_err();
    assert_eq!(error(b"From ben@tox"), InvalidSavedData::Foreign);
    assert_eq!(error(b"PK"), InvalidSavedData::Foreign);
    assert_eq!(error(b""), InvalidSavedData::Damaged);
    let large = [&HEADER[..], &vec![0; limits::SAVED_DATA_BYTES]].concat();
    assert_eq!(error(&large), InvalidSavedData::TooLarge);
}

#[test]
fn encrypted_data_is_named_so() {
    let error = SavedData::new(b"toxEsave and more".to_vec()).unwrap_err();
    assert_eq!(error, InvalidSavedData::Encrypted);
    assert!(error.to_string().contains("with a password"));
}

#[test]
fn debug_shows_nothing() {
    assert_eq!(format!("{:?}", SavedData::new(whole([7; 32])).unwrap()), "SavedData(..)");
}
