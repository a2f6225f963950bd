#![no_main]
//! Addresses, Tox IDs, account names, status codes, credentials: what is read is written the same way. vCards: an id that is
//! found in one is written so that it is found again.

use std::fmt::Display;
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use mail::sasl::Credentials;
use mail::{AccountName, Address, EnhancedStatus, PublicKey, ToxId};

fn reads_back<T: FromStr + Display + PartialEq>(text: &str) -> Option<T> {
    let value = text.parse::<T>().ok()?;
    let written = value.to_string();
    assert!(written.parse::<T>().is_ok_and(|again| again == value), "{text:?} was written as {written:?}");
    Some(value)
}

fuzz_target!(|bytes: &[u8]| {
    let _ = Credentials::from_plain(bytes);
    if let Ok(id) = mail::vcard::tox_id(bytes) {
        assert_eq!(mail::vcard::tox_id(mail::vcard::write("x", id, &[]).as_bytes()), Ok(id));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(address) = reads_back::<Address>(text) {
        assert!(!address.to_string().chars().any(char::is_control), "a control character in {address}");
        let canonical = address.canonical();
        assert_eq!(canonical.canonical(), canonical);
        assert!(canonical.to_string().parse::<Address>().is_ok_and(|again| again == canonical));
    }
    reads_back::<ToxId>(text);
    reads_back::<PublicKey>(text);
    reads_back::<EnhancedStatus>(text);
    if let Some(name) = reads_back::<AccountName>(text) {
        // An account's name is the local part of its address.
        Address::at_tox(name.as_str()).expect("every account has an address");
    }
});
