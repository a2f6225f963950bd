#![no_main]
//! Files encrypted with a password.

use std::sync::LazyLock;

use fuzz::toxnet::Zeros;
use libfuzzer_sys::fuzz_target;
use toxnet::encrypted::{EXTRA_BYTES, PasswordKey, is_encrypted};

/// Deriving a key takes a tenth of a second, so it is done once.
static KEY: LazyLock<PasswordKey> = LazyLock::new(|| PasswordKey::with_salt(b"", [0; 32]).expect("a key"));

fuzz_target!(|bytes: &[u8]| {
    assert!(KEY.decrypt(bytes).is_err());
    if bytes.is_empty() {
        return;
    }
    let mut file = KEY.encrypt(bytes, &mut Zeros);
    assert!(is_encrypted(&file) && file.len() == bytes.len() + EXTRA_BYTES);
    assert_eq!(KEY.decrypt(&file).expect("ours").as_slice(), bytes);
    let at = usize::from(bytes[0]) % (file.len() - 40) + 40;
    file[at] ^= 1;
    assert!(KEY.decrypt(&file).is_err());
});
