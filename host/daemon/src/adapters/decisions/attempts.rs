//! Marks of mails that filters look at: a mail that ended the process is known by them at the next start.
//!
//! Before filters are asked about a mail a file is written, and after it goes. The death of a process leaves what it wrote, so nothing is
//! synced: only a machine that stops loses a mark. A mail whose file is there was under way when the process ended, perhaps beside
//! others: it is asked about again, alone, so that a second death has one cause. After that its filters are not asked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mail::decision::mail_filter::{MailFacts, MessageBytes};
use mail::record::Direction;
use mail::{AccountName, BodyHasher, Cause};
use sandbox::SlotsConfig;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::limits::{FILTER_DEATHS, FILTER_MARK_END_BYTES, FILTER_MARKS_KEPT};

/// The directory in the data directory.
const DIRECTORY: &str = "under-way";

/// The marks.
#[derive(Debug)]
pub struct Attempts {
    directory: PathBuf,
    alone: Arc<RwLock<()>>,
}

/// Filters look at a mail; until it is dropped.
#[derive(Debug)]
pub struct UnderWay {
    /// None where the mark could not be written.
    path: Option<PathBuf>,
    _turn: Turn,
}

#[derive(Debug)]
#[allow(dead_code, reason = "held, not read")]
enum Turn {
    Beside(OwnedRwLockReadGuard<()>),
    Alone(OwnedRwLockWriteGuard<()>),
}

impl Attempts {
    /// The marks in a data directory. Blocks shortly.
    ///
    /// # Errors
    /// If their directory cannot be made.
    pub fn open(data: &Path) -> io::Result<Self> {
        let directory = data.join(DIRECTORY);
        fs::create_dir_all(&directory)?;
        for file in fs::read_dir(&directory)?.flatten() {
            let age = file.metadata().and_then(|data| data.modified()).map(|time| time.elapsed());
            if matches!(age, Ok(Ok(age)) if age > FILTER_MARKS_KEPT)
                && let Err(error) = fs::remove_file(file.path())
            {
                tracing::debug!(%error, "an old mark of a mail stays");
            }
        }
        Ok(Self { directory, alone: Arc::default() })
    }

    /// Filters are about to look at a mail; none if they ended the process too often with it.
    pub async fn begin(&self, key: &str) -> Option<UnderWay> {
        let path = self.directory.join(key);
        let deaths = deaths(&path);
        if deaths >= FILTER_DEATHS {
            return None;
        }
        let turn = if deaths == 0 {
            Turn::Beside(Arc::clone(&self.alone).read_owned().await)
        } else {
            tracing::warn!("the gateway ended while filters looked at a mail: they look at it again, alone");
            Turn::Alone(Arc::clone(&self.alone).write_owned().await)
        };
        // A few bytes for the page cache.
        let written = fs::write(&path, (deaths + 1).to_string());
        if let Err(error) = &written {
            tracing::warn!(%error, "that filters look at a mail could not be written down");
        }
        Some(UnderWay { path: written.is_ok().then_some(path), _turn: turn })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && let Err(error) = fs::remove_file(path)
        {
            tracing::warn!(%error, "the mark of a mail that filters have looked at stays");
        }
    }
}

/// How often the process ended with this mail under way.
fn deaths(path: &Path) -> u32 {
    fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or_default()
}

/// What a mail is known by at the next start, and with another chain of filters by another name. Blocks while it reads the mail's end.
pub fn key(
    account: &AccountName,
    facts: &MailFacts,
    message: &dyn MessageBytes,
    slots: &SlotsConfig,
) -> Result<String, Cause> {
    let mut hasher = BodyHasher::new();
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(account.as_str().as_bytes());
    for entry in slots.entries.iter().filter(|entry| entry.slot == sandbox::Slot::MailFilter) {
        part(entry.component.to_string().as_bytes());
    }
    match facts.direction {
        Direction::Incoming => {
            part(facts.peer.map(|key| key.to_string()).unwrap_or_default().as_bytes());
            part(facts.attributes.mail.as_ref().map_or(&[][..], |id| &id.0));
        }
        Direction::Outgoing => {
            part(facts.envelope.forward_path.to_string().as_bytes());
            part(&end_of(message)?);
        }
    }
    Ok(hasher.finish().to_string())
}

/// The end of a mail, without header fields: the gateway adds some that differ each time.
fn end_of(message: &dyn MessageBytes) -> Result<Vec<u8>, Cause> {
    let start = message.size().saturating_sub(FILTER_MARK_END_BYTES as u64);
    let mut end = Vec::new();
    while end.len() < FILTER_MARK_END_BYTES {
        let piece = message.read(start + end.len() as u64, FILTER_MARK_END_BYTES - end.len())?;
        if piece.is_empty() {
            break;
        }
        end.extend_from_slice(&piece);
    }
    if let Some(body) = end.windows(4).position(|four| four == b"\r\n\r\n") {
        end.drain(..body);
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use mail::decision::Attributes;

    use super::*;

    #[tokio::test]
    async fn a_mail_that_ended_the_process_twice_is_not_asked_about_again() {
        let data = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let attempts = Attempts::open(data.path()).unwrap();
            // As if the process ended: nothing is dropped.
            std::mem::forget(attempts.begin("a").await.unwrap());
        }
        let attempts = Attempts::open(data.path()).unwrap();
        assert!(attempts.begin("a").await.is_none());
        assert!(attempts.begin("b").await.is_some(), "others are");
    }

    struct Bytes(&'static [u8]);

    impl MessageBytes for Bytes {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }

        fn read(&self, offset: u64, max: usize) -> Result<bytes::Bytes, Cause> {
            let rest = &self.0[(offset as usize).min(self.0.len())..];
            Ok(bytes::Bytes::from_static(&rest[..max.min(rest.len())]))
        }
    }

    #[test]
    fn a_mail_that_is_sent_again_is_known() {
        let key = |mail: &'static [u8], id: u8, direction| {
            let facts = MailFacts {
                direction,
                envelope: mail::Envelope::new(mail::ReversePath::Null, "ben@tox".parse().unwrap()),
                peer: None,
                is_contact: true,
                from_verified: true,
                attributes: Attributes::of(mail::MailId([id; 16])),
            };
            super::key(&"anna".parse().unwrap(), &facts, &Bytes(mail), &SlotsConfig::default()).unwrap()
        };
        let out = Direction::Outgoing;
        let first = key(b"Received: 1\r\n\r\nbody", 1, out);
        assert_eq!(
            first,
            key(b"Received: 22\r\n\r\nbody", 2, out),
            "its id and what the gateway adds differ"
        );
        assert_ne!(first, key(b"Received: 1\r\n\r\nother", 1, out));
        let incoming = key(b"a", 1, Direction::Incoming);
        assert_eq!(incoming, key(b"a", 1, Direction::Incoming));
        assert_ne!(incoming, key(b"a", 2, Direction::Incoming));
    }

    #[tokio::test]
    async fn a_mail_that_was_answered_leaves_no_mark() {
        let data = tempfile::tempdir().unwrap();
        let attempts = Attempts::open(data.path()).unwrap();
        for _ in 0..3 {
            drop(attempts.begin("a").await.unwrap());
        }
        assert_eq!(fs::read_dir(data.path().join(DIRECTORY)).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn after_a_death_a_mail_is_asked_about_alone() {
        let data = tempfile::tempdir().unwrap();
        std::mem::forget(Attempts::open(data.path()).unwrap().begin("a").await.unwrap());
        let attempts = Arc::new(Attempts::open(data.path()).unwrap());
        let beside = attempts.begin("b").await.unwrap();
        let again = tokio::spawn({
            let attempts = Arc::clone(&attempts);
            async move { attempts.begin("a").await }
        });
        tokio::task::yield_now().await;
        assert!(!again.is_finished(), "another mail is under way");
        drop(beside);
        let again = again.await.unwrap().unwrap();
        assert!(attempts.alone.try_read().is_err(), "no other begins meanwhile");
        drop(again);
        assert_eq!(fs::read_dir(data.path().join(DIRECTORY)).unwrap().count(), 0);
    }
}
