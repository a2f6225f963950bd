//! The header section of a mail from a peer, cleaned. Where that changes anything, a copy is delivered in place of what came.

use bytes::Bytes;
use mail::header::HeaderScanner;
use mail::record::{Partial, StagedBody};

use super::ReadBack;
use crate::Gateway;
use crate::message::Body;
use mail::storage::StorageError;

/// A mail as it is judged and delivered.
pub(super) struct Clean {
    /// Its header section, as far as it is parsed.
    pub header: Vec<u8>,
    /// Its sender wrote `Authentication-Results` that were taken out.
    pub had_results: bool,
    pub body: Body,
    pub size: u64,
    /// The copy, where there is one; to be discarded if it is not delivered.
    pub copy: Option<StagedBody>,
}

impl Gateway {
    /// Cleans a mail that is whole, and settled unless it is small.
    pub(super) async fn clean(&self, partial: &Partial, read: &ReadBack) -> Result<Clean, StorageError> {
        let scanner = HeaderScanner::received(self.own_keys());
        let found = self.scan(partial, read, scanner.clone()).await?;
        if found.has_changed() {
            return self.copy(partial, read, scanner).await;
        }
        let body = match &read.small {
            Some(bytes) => Body::Memory(vec![bytes.clone()]),
            None => Body::Stored(self.storage.clone(), partial.body),
        };
        let header = found.captured().to_vec();
        Ok(Clean { header, had_results: false, body, size: partial.size, copy: None })
    }

    /// What the scanner finds in the header section.
    async fn scan(
        &self,
        partial: &Partial,
        read: &ReadBack,
        mut scanner: HeaderScanner,
    ) -> Result<HeaderScanner, StorageError> {
        let (mut offset, mut kept) = (0, Vec::new());
        while !scanner.is_complete() {
            let piece = self.piece(partial, read, offset).await?;
            if piece.is_empty() {
                scanner.finish(&mut kept);
                break;
            }
            scanner.feed(&piece, &mut kept);
            kept.clear();
            offset += piece.len() as u64;
        }
        Ok(scanner)
    }

    /// Writes the whole mail again.
    async fn copy(
        &self,
        partial: &Partial,
        read: &ReadBack,
        mut scanner: HeaderScanner,
    ) -> Result<Clean, StorageError> {
        let (mut offset, mut pieces) = (0, Vec::new());
        let mut writer = self.storage.new_body();
        loop {
            let piece = self.piece(partial, read, offset).await?;
            offset += piece.len() as u64;
            let mut kept = Vec::with_capacity(piece.len());
            let used = if piece.is_empty() {
                scanner.finish(&mut kept);
                0
            } else {
                scanner.feed(&piece, &mut kept)
            };
            kept.extend_from_slice(piece.get(used..).unwrap_or_default());
            let kept = Bytes::from(kept);
            if read.small.is_some() {
                pieces.push(kept.clone());
            }
            if !kept.is_empty() {
                writer.write(kept).await?;
            }
            if piece.is_empty() {
                break;
            }
        }
        let copy = writer.finish().await?;
        let body = match read.small {
            Some(_) => Body::Memory(pieces),
            None => Body::Stored(self.storage.clone(), copy.id),
        };
        let (header, had_results) = (scanner.captured().to_vec(), scanner.has_removed_results());
        Ok(Clean { header, had_results, body, size: copy.size, copy: Some(copy) })
    }

    /// Bytes of a mail from `offset` on; none at its end.
    async fn piece(&self, partial: &Partial, read: &ReadBack, offset: u64) -> Result<Bytes, StorageError> {
        if let Some(bytes) = &read.small {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            return Ok(bytes.slice(start..));
        }
        if offset >= partial.size {
            return Ok(Bytes::new());
        }
        let piece = self.storage.read_body(partial.body, offset, mail::limits::BODY_CHUNK_BYTES).await?;
        match piece.is_empty() {
            true => Err(StorageError::failed("an unfinished mail is shorter than it was")),
            false => Ok(piece),
        }
    }

    /// The copy is not delivered.
    pub(super) async fn drop_copy(&self, copy: Option<StagedBody>) {
        let Some(copy) = copy else { return };
        if let Err(error) = self.storage.discard_body(copy).await {
            tracing::debug!(%error, "a copy of a mail was not discarded; it is gone after a restart");
        }
    }
}
