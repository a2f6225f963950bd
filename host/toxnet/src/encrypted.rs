//! Files that Tox programs encrypt with a password: `[8 "toxEsave"][32 salt][24 nonce]
//! secret{content}`.
//!
//! The key is scrypt of the SHA-256 of the password, with N = 2^14, r = 8 and p = 2: about 100
//! milliseconds and 16 MB, so derive it where waiting does no harm.

use rand_core::CryptoRngCore;
use scrypt::{Params, scrypt};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::boxes::{MAC_BYTES, OpenError, SharedKey};
use crate::limits;
use crate::nonce::{FreshNonce, Nonce};
use crate::wire::{Codec, ParseError, Reader, Writer, within};

const MAGIC: [u8; 8] = *b"toxEsave";
const SALT_BYTES: usize = 32;

/// Bytes that the encrypted form is longer than the content.
pub const EXTRA_BYTES: usize = MAGIC.len() + SALT_BYTES + Nonce::BYTES + MAC_BYTES;

/// Whether bytes are encrypted with a password.
#[must_use]
pub fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Why a file does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// It is not encrypted this way, or cut short.
    #[error("this is not a file encrypted by a Tox program")]
    Format(#[from] ParseError),
    /// Another password, or the file was changed.
    #[error("the password is wrong, or the file is damaged")]
    Password(#[source] OpenError),
    /// This machine cannot derive the key.
    #[error("no key can be derived from the password")]
    Derive(#[from] DeriveError),
}

/// The parameters of the key derivation were refused: it means that this crate was built wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scrypt refused its parameters")]
pub struct DeriveError;

/// A key made from a password, with the salt it was made with.
#[derive(Clone, Debug)]
pub struct PasswordKey {
    salt: [u8; SALT_BYTES],
    key: SharedKey,
}

impl PasswordKey {
    /// Derives the key for a new file.
    ///
    /// # Errors
    /// [`DeriveError`].
    pub fn new(password: &[u8], random: &mut impl CryptoRngCore) -> Result<Self, DeriveError> {
        let mut salt = [0; SALT_BYTES];
        random.fill_bytes(&mut salt);
        Self::with_salt(password, salt)
    }

    /// Derives the key of a file with this salt.
    ///
    /// # Errors
    /// [`DeriveError`].
    pub fn with_salt(password: &[u8], salt: [u8; SALT_BYTES]) -> Result<Self, DeriveError> {
        let params = Params::new(14, 8, 2, SharedKey::BYTES).map_err(|_| DeriveError)?;
        let mut hash = Zeroizing::new([0; 32]);
        hash.copy_from_slice(&Sha256::digest(password));
        let mut key = Zeroizing::new([0; SharedKey::BYTES]);
        scrypt(hash.as_slice(), &salt, &params, key.as_mut_slice()).map_err(|_| DeriveError)?;
        Ok(Self { salt, key: SharedKey::from_bytes(key) })
    }

    /// Encrypts a file. The key can be used again and again: each time has a nonce of its own.
    #[must_use]
    pub fn encrypt(&self, content: &[u8], random: &mut impl CryptoRngCore) -> Vec<u8> {
        let nonce = FreshNonce::random(random);
        // With room for everything, so that nothing is left where the bytes grew.
        let mut writer = Writer::with_capacity(content.len() + EXTRA_BYTES);
        writer.raw(&MAGIC).raw(&self.salt).value(&nonce.value());
        self.key.write_box(&nonce, &mut writer, |writer| {
            writer.raw(content);
        });
        writer.into_bytes()
    }

    /// Decrypts a file that was encrypted with this very key.
    ///
    /// # Errors
    /// [`DecryptError`].
    pub fn decrypt(&self, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let parts = Parts::read(file)?;
        let mut sealed = Zeroizing::new(parts.sealed.to_vec());
        self.key.open(&parts.nonce, &mut sealed).map_err(DecryptError::Password)?;
        sealed.drain(..MAC_BYTES);
        Ok(sealed)
    }
}

/// Decrypts a file with its password.
///
/// # Errors
/// [`DecryptError`].
pub fn decrypt(file: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    PasswordKey::with_salt(password, Parts::read(file)?.salt)?.decrypt(file)
}

struct Parts<'a> {
    salt: [u8; SALT_BYTES],
    nonce: Nonce,
    sealed: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(file: &'a [u8]) -> Result<Self, ParseError> {
        within("the file", file.len(), &(EXTRA_BYTES + 1..=EXTRA_BYTES + limits::STATE_BYTES))?;
        let mut reader = Reader::new(file);
        if reader.array("the beginning")? != MAGIC {
            return Err(ParseError::Value { what: "the beginning", value: 0 });
        }
        let (salt, nonce) = (reader.array("the salt")?, Nonce::read(&mut reader)?);
        Ok(Self { salt, nonce, sealed: reader.rest() })
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;

    #[test]
    fn only_the_password_opens_a_file() {
        let mut random = ChaCha20Rng::seed_from_u64(1);
        let key = PasswordKey::new(b"correct horse", &mut random).unwrap();
        let file = key.encrypt(b"content", &mut random);
        assert!(is_encrypted(&file) && file.len() == EXTRA_BYTES + 7);
        assert_eq!(decrypt(&file, b"correct horse").unwrap().as_slice(), b"content");
        assert_eq!(key.decrypt(&file).unwrap().as_slice(), b"content");
        let wrong = Err(DecryptError::Password(OpenError::Forged));
        assert_eq!(decrypt(&file, b"battery staple"), wrong);
        for bit in 40 * 8..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.decrypt(&changed), wrong);
        }
        for length in 0..=EXTRA_BYTES {
            assert!(matches!(key.decrypt(&file[..length]), Err(DecryptError::Format(_))));
        }
    }
}
