//! The bytes of a submitted mail: `Bcc` goes out, everything else streams into the store and into the digest.

use std::sync::Arc;

use bytes::Bytes;
use mail::header::{FieldName, Fields, HeaderScanner, Received, authserv_id, date_time};
use mail::record::StagedBody;
use mail::{BodyDigest, BodyHasher, MailId, PublicKey, Wall};

use crate::message::{Body, Message};
use crate::ports::{BodyWriter, Storage, StorageError};

/// Takes the bytes of a mail.
pub(super) struct BodyIntake {
    storage: Arc<dyn Storage>,
    writer: Box<dyn BodyWriter>,
    scanner: HeaderScanner,
    received: u64,
    key: Option<PublicKey>,
    with: &'static str,
    id: MailId,
    time: Wall,
    /// The pieces so far: until the prefix is known (it is hashed first), and as long as the mail is small.
    pieces: Vec<Bytes>,
    /// Bytes of all pieces; over [`mail::limits::BODY_CHUNK_BYTES`] they are dropped once hashed, and this is the maximum.
    kept: u64,
    hashing: Option<(Bytes, BodyHasher)>,
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
    pub fn new(
        storage: Arc<dyn Storage>,
        key: Option<PublicKey>,
        with: &'static str,
        id: MailId,
        time: Wall,
    ) -> Self {
        let writer = storage.new_body();
        let scanner = HeaderScanner::new();
        let pieces = Vec::new();
        Self { storage, writer, scanner, received: 0, key, with, id, time, pieces, kept: 0, hashing: None }
    }

    /// Bytes that came so far, `Bcc` included.
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

    /// `Received`, and what RFC 6409 section 8 lets a submission server add where it is missing. Nothing is added to a mail whose
    /// header section is too long to know what is missing.
    fn prefix(&self) -> Vec<u8> {
        let mut fields = Fields::new();
        let seen = self.scanner.seen();
        let key = self.key.unwrap_or(PublicKey([0; 32]));
        // Last stands Received: a mail that starts with a blank would otherwise continue a field that says more.
        if !self.scanner.overflowed() && !seen.date {
            fields.words(FieldName::DATE, [date_time(self.time).as_str()]);
        }
        if !self.scanner.overflowed() && !seen.message_id {
            fields.words(FieldName::MESSAGE_ID, [format!("<{}@{}>", self.id, authserv_id(key)).as_str()]);
        }
        Received { from: None, by: key, with: self.with, id: self.id, recipient: None, time: self.time }
            .write(&mut fields);
        fields.into_bytes()
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
