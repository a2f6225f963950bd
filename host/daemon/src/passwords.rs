//! Passwords of accounts: made here, or chosen by the user.
//!
//! A made one has 130 random bits: nobody guesses it, so a fast keyed hash is enough and a login costs microseconds. A
//! chosen one may be weak: it gets argon2id, and only few are computed at a time, since each takes 19 MB. A login that is wrong
//! costs the same argon2 work whatever is stored, so nobody learns from the time which names there are.
//!
//! Passwords are hashed as RFC 8265 section 4.2 (OpaqueString) has them, so that one typed on a phone and on a Mac is one: spaces
//! of other scripts are spaces, and accents are composed (NFC). Hashes of before that were made of the bytes as they came; those hold,
//! and are made anew at the next login. One thing is left out on purpose: characters that the tables of that standard (Unicode
//! 6.3) do not know are not refused, since they are most of the emoji people use.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use blake2::digest::consts::U32;
use blake2::digest::{FixedOutput, KeyInit, Update};
use mail::limits::{PASSWORD_BYTES, PASSWORD_CHARS};
use subtle::ConstantTimeEq;
use tokio::sync::{Semaphore, SemaphorePermit};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::limits::ARGON2_AT_A_TIME;

/// Marks the stored form of a generated password's hash.
const GENERATED: &str = "$generated$";

/// Letters of generated passwords: 32 that no reader confuses.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Why a password cannot be set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("a password needs at least {PASSWORD_CHARS} characters")]
    TooShort,
    /// Too long.
    #[error("a password has at most {PASSWORD_BYTES} bytes")]
    TooLong,
    /// Control characters, which no prompt can type.
    #[error("a password has no control characters (line breaks, tabs and the like)")]
    Control,
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

/// The stored form of a password that [`generate`] made.
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

/// A password as it is hashed: RFC 8265 section 4.2.2, but for what it disallows.
fn prepared(password: &str) -> Zeroizing<String> {
    // Reserved at once: a growing string leaves copies behind.
    let mut prepared = Zeroizing::new(String::with_capacity(password.len() * LONGEST_NFC));
    // Mail programs that read a file with the password send its byte order mark along.
    let password = without_mark(password);
    prepared.extend(password.chars().map(|c| if is_space(c) { ' ' } else { c }).nfc());
    prepared
}

/// A password without the byte order mark at its start, if it has one.
fn without_mark(password: &str) -> &str {
    password.strip_prefix('\u{FEFF}').unwrap_or(password)
}

/// By how much NFC can lengthen a text in UTF-8 (Unicode Standard Annex 15, section 9).
const LONGEST_NFC: usize = 3;

/// Whether this is a space, of whatever script: general category Zs (RFC 8264 section 9.14), which grows no more.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}')
}

/// What was found out about a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is another one, or the account does not exist.
    Wrong,
    /// It is right.
    Right,
    /// The password is right, but its hash is from before passwords were prepared and has to be
    /// made again.
    RightInOldForm,
}

/// Checks and hashes passwords.
pub struct Passwords {
    argon2: Semaphore,
}

/// The right to compute argon2 now.
pub struct Turn<'a>(SemaphorePermit<'a>);

impl Passwords {
    /// A checker; one for the whole gateway.
    pub fn new() -> Self {
        Self { argon2: Semaphore::new(ARGON2_AT_A_TIME) }
    }

    /// The stored form of a password that the user chose.
    ///
    /// # Errors
    /// [`PasswordError`]: too short, too long.
    pub async fn hash_chosen(&self, password: &str) -> Result<String, PasswordError> {
        if password.chars().count() < PASSWORD_CHARS {
            return Err(PasswordError::TooShort);
        }
        if password.len() > PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        if password.chars().any(char::is_control) {
            return Err(PasswordError::Control);
        }
        self.turn().await?.hash(prepared(password)).await
    }

    /// The stored form of a password that is in use, however short it is.
    ///
    /// # Errors
    /// [`PasswordError::Failed`].
    pub async fn hash_again(&self, password: &str) -> Result<String, PasswordError> {
        self.turn().await?.hash(prepared(password)).await
    }

    /// Whether `password` is the generated one of this stored form. Takes microseconds.
    pub fn is_generated(stored: &str, password: &str) -> bool {
        let password = without_mark(password);
        let generated = stored.strip_prefix(GENERATED).filter(|_| password.len() <= PASSWORD_BYTES);
        generated.is_some_and(|generated| verify_generated(generated, password).unwrap_or(false))
    }

    /// Waits until argon2 may be computed.
    ///
    /// # Errors
    /// [`PasswordError::Failed`]: the gateway is stopping.
    pub async fn turn(&self) -> Result<Turn<'_>, PasswordError> {
        let permit = self.argon2.acquire().await;
        permit.map(Turn).map_err(|error| PasswordError::Failed(error.to_string()))
    }
}

impl Turn<'_> {
    /// Whether `password` is the one whose stored form is `stored`; None if the account does not
    /// exist. A wrong password takes the same time in each case: one argon2 hash for each form of
    /// the password.
    pub async fn verify(self, stored: Option<&str>, password: &str) -> Verdict {
        if password.len() > PASSWORD_BYTES {
            return Verdict::Wrong;
        }
        let chosen = stored.filter(|stored| !stored.starts_with(GENERATED)).map(str::to_owned);
        let forms = forms(password);
        let verify = move || {
            let hash = chosen.as_deref().and_then(|stored| PasswordHash::new(stored).ok());
            let Some(hash) = hash else {
                forms.iter().for_each(|form| waste(form));
                return Verdict::Wrong;
            };
            let fits =
                |form: &Zeroizing<String>| Argon2::default().verify_password(form.as_bytes(), &hash).is_ok();
            match forms.iter().position(fits) {
                Some(0) => Verdict::Right,
                Some(_) => Verdict::RightInOldForm,
                None => Verdict::Wrong,
            }
        };
        self.off_thread(verify).await.unwrap_or(Verdict::Wrong)
    }

    async fn hash(self, prepared: Zeroizing<String>) -> Result<String, PasswordError> {
        self.off_thread(move || {
            Argon2::default()
                .hash_password(prepared.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| PasswordError::Failed(error.to_string()))
        })
        .await?
    }

    async fn off_thread<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let done = supervisor::blocking("password", work).await;
        drop(self.0);
        done.map_err(|error| PasswordError::Failed(error.to_string()))
    }
}

/// What may have been hashed where this password is right: its prepared form, and the bytes as they came where those differ.
fn forms(password: &str) -> Vec<Zeroizing<String>> {
    let prepared = prepared(password);
    let raw = Some(password).filter(|raw| *raw != prepared.as_str());
    let raw = raw.map(|raw| Zeroizing::new(raw.to_owned()));
    [Some(prepared), raw].into_iter().flatten().collect()
}

/// The work of a check that nobody wants the answer of.
fn waste(password: &str) {
    let _nobody_asks = std::hint::black_box(Argon2::default().hash_password(password.as_bytes()));
}

fn verify_generated(stored: &str, password: &str) -> Option<bool> {
    let (salt, hash) = stored.split_once('$')?;
    let salt = STANDARD_NO_PAD.decode(salt).ok()?;
    let hash = STANDARD_NO_PAD.decode(hash).ok()?;
    Some(fast_hash(&salt, password).ok()?.ct_eq(&hash).into())
}

#[cfg(test)]
mod tests;
