//! Profiles that Tox programs encrypted with a password (c-toxcore `toxencryptsave.h`).

use std::ffi::c_int;

use zeroize::Zeroizing;

use super::ffi;
use crate::error::DecryptError;
use crate::limits::SAVED_DATA_BYTES;

/// What encrypted data has more than plain: magic number, salt, nonce, authentication code
/// (`TOX_PASS_ENCRYPTION_EXTRA_LENGTH`).
const EXTRA_BYTES: usize = 80;

/// Decrypts a profile. Takes about a second: the key is derived slowly on purpose.
pub fn decrypt(data: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let length = data.len().checked_sub(EXTRA_BYTES).filter(|length| *length > 0);
    let length = length.filter(|_| data.len() <= SAVED_DATA_BYTES).ok_or(DecryptError::Damaged)?;
    let mut plain = Zeroizing::new(vec![0; length]);
    let mut error: c_int = 0;
    // SAFETY: data and password are readable for the lengths given, and the place for the plaintext has the length that tox.h
    // asks for: that of the data without the extra bytes. All three outlive the call, which keeps none.
    let done = unsafe {
        ffi::tox_pass_decrypt(
            data.as_ptr(),
            data.len(),
            password.as_ptr(),
            password.len(),
            plain.as_mut_ptr(),
            &raw mut error,
        )
    };
    match (done, error) {
        (true, _) => Ok(plain),
        (false, ffi::ERR_DECRYPTION_FAILED) => Err(DecryptError::Password),
        (false, ffi::ERR_DECRYPTION_KEY_DERIVATION_FAILED) => Err(DecryptError::Resources),
        (false, _) => Err(DecryptError::Damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encrypt(data: &[u8], password: &[u8]) -> Vec<u8> {
        let mut encrypted = vec![0; data.len() + EXTRA_BYTES];
        let mut error: c_int = 0;
        // SAFETY: as in `decrypt`, with room for the extra bytes.
        let done = unsafe {
            ffi::tox_pass_encrypt(
                data.as_ptr(),
                data.len(),
                password.as_ptr(),
                password.len(),
                encrypted.as_mut_ptr(),
                &raw mut error,
            )
        };
        assert!(done, "{error}");
        encrypted
    }

    #[test]
    fn the_password_opens_and_another_does_not() {
        let encrypted = encrypt(b"an identity", b"secret");
        assert_eq!(*decrypt(&encrypted, b"secret").unwrap(), b"an identity");
        assert_eq!(decrypt(&encrypted, b"Secret"), Err(DecryptError::Password));
        assert_eq!(decrypt(b"plain", b"secret"), Err(DecryptError::Damaged));
        assert_eq!(decrypt(&[b'x'; 200], b"secret"), Err(DecryptError::Damaged));
        assert!(decrypt(&encrypted[..encrypted.len() - 1], b"secret").is_err());
    }
}
