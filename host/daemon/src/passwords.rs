//! Passwords of accounts: made here, or chosen by the user.
//!
//! A made one has 130 random bits: nobody guesses it, so a fast keyed hash is enough and a login costs microseconds. A
//! chosen one may be weak: it gets argon2id, and only few are computed at a time, since each takes 19 MB.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use blake2::digest::consts::U32;
use blake2::digest::{FixedOutput, KeyInit, Update};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Argon2 computations at a time: 2 x 19 MB, and the other core stays free for mail.
const ARGON2_AT_A_TIME: usize = 2;

/// Shortest password a user may choose: what NIST SP 800-63B section 5.1.1.2 asks for at least.
const CHOSEN_PASSWORD_CHARS: usize = 8;

/// Longest password anybody may send.
const PASSWORD_BYTES: usize = 1024;

/// Marks the stored form of a generated password's hash.
const GENERATED: &str = "$generated$";

/// Letters of generated passwords: 32 that no reader confuses.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Why a password cannot be set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("a password needs at least {CHOSEN_PASSWORD_CHARS} characters")]
    TooShort,
    /// Too long.
    #[error("a password has at most {PASSWORD_BYTES} bytes")]
    TooLong,
    /// The operating system or argon2 failed.
    #[error("the password could not be hashed: {0}")]
    Failed(String),
}

/// A new password of 26 letters, 130 random bits.
pub fn generate() -> Result<Zeroizing<String>, PasswordError> {
    let mut bytes = Zeroizing::new([0_u8; 26]);
    getrandom::fill(&mut *bytes).map_err(|error| PasswordError::Failed(error.to_string()))?;
    Ok(Zeroizing::new(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()))
}

/// What is stored of a password that [`generate`] made.
pub fn hash_generated(password: &str) -> Result<String, PasswordError> {
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).map_err(|error| PasswordError::Failed(error.to_string()))?;
    Ok(format!(
        "{GENERATED}{}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(fast_hash(&salt, password)?)
    ))
}

fn fast_hash(salt: &[u8], password: &str) -> Result<[u8; 32], PasswordError> {
    let mut hash = blake2::Blake2bMac::<U32>::new_from_slice(salt)
        .map_err(|error| PasswordError::Failed(error.to_string()))?;
    hash.update(password.as_bytes());
    Ok(hash.finalize_fixed().into())
}

/// Checks and hashes passwords.
pub struct Passwords {
    argon2: Semaphore,
}

impl Passwords {
    /// A checker; one for the whole gateway.
    pub fn new() -> Self {
        Self { argon2: Semaphore::new(ARGON2_AT_A_TIME) }
    }

    /// What is stored of a password that the user chose.
    ///
    /// # Errors
    /// [`PasswordError`]: too short, too long.
    pub async fn hash_chosen(&self, password: &str) -> Result<String, PasswordError> {
        if password.chars().count() < CHOSEN_PASSWORD_CHARS {
            return Err(PasswordError::TooShort);
        }
        if password.len() > PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        let password = Zeroizing::new(password.to_owned());
        self.off_thread(move || {
            Argon2::default()
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| PasswordError::Failed(error.to_string()))
        })
        .await?
    }

    /// Whether `password` is the one whose stored form is `stored`. Without a stored form (no such account) the answer
    /// is no.
    pub async fn verify(&self, stored: Option<&str>, password: &str) -> bool {
        let Some(stored) = stored else { return false };
        if password.len() > PASSWORD_BYTES {
            return false;
        }
        if let Some(generated) = stored.strip_prefix(GENERATED) {
            return verify_generated(generated, password).unwrap_or(false);
        }
        let (stored, password) = (stored.to_owned(), Zeroizing::new(password.to_owned()));
        self.off_thread(move || {
            PasswordHash::new(&stored)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        })
        .await
        .unwrap_or(false)
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let failed = |error: &dyn std::fmt::Display| PasswordError::Failed(error.to_string());
        let _permit = self.argon2.acquire().await.map_err(|error| failed(&error))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))
    }
}

fn verify_generated(stored: &str, password: &str) -> Option<bool> {
    let (salt, hash) = stored.split_once('$')?;
    let salt = STANDARD_NO_PAD.decode(salt).ok()?;
    let hash = STANDARD_NO_PAD.decode(hash).ok()?;
    Some(fast_hash(&salt, password).ok()?.ct_eq(&hash).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_generated_password_opens_and_another_does_not() {
        let (passwords, made) = (Passwords::new(), generate().unwrap());
        let stored = hash_generated(&made).unwrap();
        assert_eq!(made.len(), 26);
        assert!(passwords.verify(Some(&stored), &made).await);
        assert!(!passwords.verify(Some(&stored), "").await);
        assert!(!passwords.verify(Some(&stored), &generate().unwrap()).await);
        assert!(!passwords.verify(None, &made).await);
        assert!(!stored.contains(made.as_str()));
    }

    #[tokio::test]
    async fn a_chosen_password_opens_and_another_does_not() {
        let passwords = Passwords::new();
        let stored = passwords.hash_chosen("correct horse").await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(passwords.verify(Some(&stored), "correct horse").await);
        assert!(!passwords.verify(Some(&stored), "correct horsf").await);
    }

    #[tokio::test]
    async fn short_and_endless_passwords_are_refused() {
        let passwords = Passwords::new();
        assert_eq!(passwords.hash_chosen("1234567").await, Err(PasswordError::TooShort));
        assert_eq!(passwords.hash_chosen(&"x".repeat(1025)).await, Err(PasswordError::TooLong));
    }

    #[tokio::test]
    async fn a_damaged_stored_form_opens_for_nobody() {
        for stored in ["", "$generated$", "$generated$a$b", "$argon2id$", "plain"] {
            assert!(!Passwords::new().verify(Some(stored), "plain").await, "{stored}");
        }
    }
}
