//! The bytes of a submitted mail: its header section is cleaned, everything else streams into the store and into the digest.

use std::sync::Arc;

use bytes::Bytes;
use mail::header::{FieldName, Fields, HeaderScanner, Received, authserv_id, date_time};
use mail::record::StagedBody;
use mail::storage::{BodyWriter, Storage, StorageError};
use mail::{BodyDigest, BodyHasher, MailId, PublicKey, ReversePath, Wall};

use crate::message::{Body, Message};

/// Takes the bytes of a mail.
pub(super) struct BodyIntake {
    storage: Arc<dyn Storage>,
    writer: Box<dyn BodyWriter>,
    scanner: HeaderScanner,
    received: u64,
    origin: Origin,
    /// The pieces so far: until the prefix is known (it is hashed first), and as long as the mail is small.
    pieces: Vec<Bytes>,
    /// Bytes of all pieces; over [`mail::limits::BODY_CHUNK_BYTES`] they are dropped once hashed, and this is the maximum.
    kept: u64,
    hashing: Option<(Bytes, BodyHasher)>,
}

/// What the fields put before a mail say.
pub(super) struct Origin {
    /// The account's key.
    pub key: PublicKey,
    /// How it comes (RFC 3848).
    pub with: &'static str,
    pub id: MailId,
    pub time: Wall,
    /// Who sends it: its `From`, where it has none.
    pub sender: ReversePath,
}

/// A mail whose bytes are all in the store.
pub(super) struct Intake {
    storage: Arc<dyn Storage>,
    pub staged: StagedBody,
    pub prefix: Bytes,
    pub digest: BodyDigest,
    /// The header section, prefix included, as far as it is parsed.
    pub header: Vec<u8>,
    /// The whole body, if it is small.
    pieces: Option<Vec<Bytes>>,
}

impl BodyIntake {
    /// `own` are the keys of the accounts here.
    pub fn new(storage: Arc<dyn Storage>, own: Arc<[PublicKey]>, origin: Origin) -> Self {
        let writer = storage.new_body();
        let scanner = HeaderScanner::submitted(own);
        let pieces = Vec::new();
        Self { storage, writer, scanner, received: 0, origin, pieces, kept: 0, hashing: None }
    }

    /// Bytes that came so far, those that are taken out included.
    pub const fn received(&self) -> u64 {
        self.received
    }

    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.received += bytes.len() as u64;
        let mut rest = bytes;
        if !self.scanner.is_complete() {
            let mut kept = Vec::with_capacity(rest.len());
            let used = self.scanner.feed(&rest, &mut kept);
            let _header = rest.split_to(used.min(rest.len()));
            self.take(Bytes::from(kept)).await?;
        }
        self.take(rest).await
    }

    pub async fn finish(mut self) -> Result<Intake, StorageError> {
        let mut kept = Vec::new();
        self.scanner.finish(&mut kept);
        self.take(Bytes::from(kept)).await?;
        self.start_hashing();
        let staged = self.writer.finish().await?;
        let (prefix, hasher) = self.hashing.unwrap_or_default();
        let header = [&prefix, self.scanner.captured()].concat();
        let pieces = (staged.size == self.kept).then_some(self.pieces);
        Ok(Intake { storage: self.storage, staged, prefix, digest: hasher.finish(), header, pieces })
    }

    /// Takes bytes that stay in the mail.
    async fn take(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        if bytes.is_empty() {
            return Ok(());
        }
        match &mut self.hashing {
            Some((_, hasher)) => {
                hasher.update(&bytes);
                if self.kept.saturating_add(bytes.len() as u64) <= mail::limits::BODY_CHUNK_BYTES as u64 {
                    self.keep(bytes.clone());
                } else {
                    self.pieces = Vec::new();
                    self.kept = u64::MAX;
                }
            }
            None => {
                self.keep(bytes.clone());
                if self.scanner.is_complete() || self.scanner.overflowed() {
                    self.start_hashing();
                }
            }
        }
        self.writer.write(bytes).await
    }

    fn keep(&mut self, bytes: Bytes) {
        self.kept += bytes.len() as u64;
        self.pieces.push(bytes);
    }

    /// The header section is known as far as it will be: makes the prefix and hashes what was held back for it.
    fn start_hashing(&mut self) {
        if self.hashing.is_some() {
            return;
        }
        let prefix = self.prefix();
        let mut hasher = BodyHasher::new();
        hasher.update(&prefix);
        self.pieces.iter().for_each(|piece| hasher.update(piece));
        self.hashing = Some((Bytes::from(prefix), hasher));
    }

    /// `Received`, and what a submission server adds where it is missing: `Date` and `Message-ID` (RFC 6409 section 8), and
    /// `From`, as sendmail and Postfix do, because without it most programs show nobody. Nothing is added to a mail whose
    /// header section is too long to know what is missing.
    fn prefix(&self) -> Vec<u8> {
        let mut fields = Fields::new();
        let Origin { key, with, id, time, .. } = &self.origin;
        if !self.scanner.overflowed() {
            self.add_missing(&mut fields);
        }
        Received { from: None, by: *key, with, id: *id, recipient: None, time: *time }.write(&mut fields);
        fields.into_bytes()
    }

    fn add_missing(&self, fields: &mut Fields) {
        let Origin { key, id, time, sender, .. } = &self.origin;
        let seen = self.scanner.seen();
        if !seen.date {
            fields.words(FieldName::DATE, [date_time(*time).as_str()]);
        }
        if !seen.from && matches!(sender, ReversePath::Mailbox(_)) {
            fields.words(FieldName::FROM, [sender.to_string().as_str()]);
        }
        if !seen.message_id {
            fields.words(FieldName::MESSAGE_ID, [format!("<{id}@{}>", authserv_id(*key)).as_str()]);
        }
    }
}

impl Intake {
    /// The mail, from memory if it is small.
    pub fn message(&self, storage: Arc<dyn Storage>) -> Message {
        let body = match &self.pieces {
            Some(pieces) => Body::Memory(pieces.clone()),
            None => Body::Stored(storage, self.staged.id),
        };
        Message { prefix: self.prefix.clone(), body, body_size: self.staged.size }
    }

    /// The mail, with the storage it was written to.
    pub fn message_stored(&self) -> Message {
        self.message(self.storage.clone())
    }
}
