//! The bytes of a mail as filters and checks read them: prefix and body as one.

use std::sync::Arc;

use bytes::Bytes;
use mail::decision::mail_filter::MessageBytes;
use mail::record::BodyId;
use mail::storage::{Storage, StorageError};
use mail::{BodyDigest, BodyHasher, Cause};

/// Where a body is.
#[derive(Clone)]
pub(crate) enum Body {
    /// Small and still in memory, in pieces.
    Memory(Vec<Bytes>),
    /// In the store.
    Stored(Arc<dyn Storage>, BodyId),
}

/// A mail: the header fields that this gateway puts before it, and the bytes that came.
#[derive(Clone)]
pub(crate) struct Message {
    pub prefix: Bytes,
    pub body: Body,
    /// Bytes of the body.
    pub body_size: u64,
}

impl MessageBytes for Message {
    fn size(&self) -> u64 {
        self.prefix.len() as u64 + self.body_size
    }

    fn read(&self, offset: u64, max: usize) -> Result<Bytes, Cause> {
        let prefix_size = self.prefix.len() as u64;
        if offset < prefix_size {
            return Ok(piece(&self.prefix, offset, max));
        }
        let offset = offset - prefix_size;
        match &self.body {
            Body::Memory(pieces) => Ok(read_pieces(pieces, offset, max)),
            Body::Stored(storage, body) => storage.read_body_blocking(*body, offset, max).map_err(Cause::new),
        }
    }
}

/// At most `max` bytes of `bytes` from `offset`.
fn piece(bytes: &Bytes, offset: u64, max: usize) -> Bytes {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    let end = start.saturating_add(max).min(bytes.len());
    bytes.slice(start..end)
}

fn read_pieces(pieces: &[Bytes], offset: u64, max: usize) -> Bytes {
    let mut skipped = 0;
    for bytes in pieces {
        let size = bytes.len() as u64;
        if offset < skipped + size {
            return piece(bytes, offset - skipped, max);
        }
        skipped += size;
    }
    Bytes::new()
}

impl Message {
    /// The digest over prefix and body.
    pub async fn digest(&self) -> Result<BodyDigest, StorageError> {
        let mut hasher = BodyHasher::new();
        hasher.update(&self.prefix);
        match &self.body {
            Body::Memory(pieces) => pieces.iter().for_each(|piece| hasher.update(piece)),
            Body::Stored(storage, body) => {
                let mut offset = 0;
                while offset < self.body_size {
                    let bytes = storage.read_body(*body, offset, mail::limits::BODY_CHUNK_BYTES).await?;
                    if bytes.is_empty() {
                        return Err(StorageError::failed("a stored mail is shorter than it was"));
                    }
                    hasher.update(&bytes);
                    offset += bytes.len() as u64;
                }
            }
        }
        Ok(hasher.finish())
    }
}

/// Up to `max` bytes from the start of a mail.
pub(crate) async fn head(
    storage: &dyn Storage,
    prefix: &[u8],
    body: BodyId,
    max: usize,
) -> Result<Vec<u8>, StorageError> {
    let mut bytes = prefix.get(..max).unwrap_or(prefix).to_vec();
    let mut offset = 0;
    while bytes.len() < max {
        let piece = storage.read_body(body, offset, max - bytes.len()).await?;
        if piece.is_empty() {
            break;
        }
        offset += piece.len() as u64;
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}
