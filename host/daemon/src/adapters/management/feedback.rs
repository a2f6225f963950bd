//! Tells filters that learn what the user decided about a mail they set aside.

use std::sync::Arc;

use bytes::Bytes;
use mail::PublicKey;
use mail::decision::Attributes;
use mail::decision::mail_filter::{Feedback, MailFacts, MessageBytes, UserDecision};
use mail::record::{BodyId, Direction, QuarantineEntry, Route};
use mail::storage::Bodies as _;
use store::Store;

/// The facts for a filter, and the mail it may read.
pub fn feedback(
    store: &Store,
    entry: &QuarantineEntry,
    is_contact: bool,
    decision: UserDecision,
) -> (Feedback, Arc<dyn MessageBytes>) {
    // As when it was filtered: of an incoming mail the bytes that came, of an outgoing one all that goes out.
    let prefix = match entry.direction {
        Direction::Incoming => &[][..],
        Direction::Outgoing => &entry.mail.prefix,
    };
    let body_size = entry.mail.size.saturating_sub(entry.mail.prefix.len() as u64);
    let source = StoredMail::new(store, prefix, entry.mail.body, body_size);
    let facts = MailFacts {
        direction: entry.direction,
        envelope: entry.mail.envelope.clone(),
        peer: peer_of(entry),
        is_contact,
        from_verified: is_from_verified(&entry.mail.prefix),
        attributes: Attributes { size: Some(source.size), mail: entry.mail_id(), others: Vec::new() },
    };
    (Feedback { facts, decision }, Arc::new(source))
}

/// The other side's key; None for mail between accounts of this gateway.
pub fn peer_of(entry: &QuarantineEntry) -> Option<PublicKey> {
    match &entry.outgoing {
        Some(outgoing) => match &outgoing.route {
            Route::Local(_) => None,
            Route::Remote(destination) => Some(destination.key()),
        },
        None => entry.mail.sender,
    }
}

/// Whether the field this gateway put before the mail says so.
fn is_from_verified(prefix: &[u8]) -> bool {
    let text = String::from_utf8_lossy(prefix);
    let results = text.split_once("Authentication-Results:").map(|(_, rest)| rest.to_owned());
    results.is_some_and(|results| results.split("\r\n").take(3).any(|line| line.contains("=pass")))
}

/// A stored mail, read by range.
pub struct StoredMail {
    store: Store,
    prefix: Bytes,
    body: BodyId,
    size: u64,
}

impl StoredMail {
    /// A body of `body_bytes` behind a prefix.
    pub fn new(store: &Store, prefix: &[u8], body: BodyId, body_bytes: u64) -> Self {
        let size = prefix.len() as u64 + body_bytes;
        Self { store: store.clone(), prefix: Bytes::copy_from_slice(prefix), body, size }
    }
}

impl MessageBytes for StoredMail {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, max: usize) -> Result<Bytes, mail::Cause> {
        let prefix = self.prefix.len() as u64;
        if offset < prefix {
            let start = usize::try_from(offset).unwrap_or(self.prefix.len());
            let end = start.saturating_add(max).min(self.prefix.len());
            return Ok(self.prefix.slice(start..end));
        }
        self.store.read_body_blocking(self.body, offset - prefix, max).map_err(mail::Cause::new)
    }
}
