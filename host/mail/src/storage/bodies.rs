//! Bodies: written in pieces, read by range.

use async_trait::async_trait;
use bytes::Bytes;

use super::StorageError;
use crate::record::{BodyId, StagedBody};

/// Takes a body in pieces. Dropped without [`BodyWriter::finish`], what it wrote is discarded.
#[async_trait]
pub trait BodyWriter: Send + Sync {
    /// Appends. Returns when the bytes are taken over, not when they are durable; waits while the
    /// disk is behind. Memory stays bounded. After a call that was dropped before it returned, the
    /// writer is good for nothing but dropping.
    ///
    /// # Errors
    /// [`StorageError::Full`]; [`StorageError::LimitReached`] beyond the largest body.
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError>;

    /// Completes the body. It becomes durable together with the record that takes it.
    ///
    /// # Errors
    /// Those of [`BodyWriter::write`]; [`StorageError::Failed`] where the disk failed meanwhile.
    async fn finish(self: Box<Self>) -> Result<StagedBody, StorageError>;
}

/// The bytes of mails, shared by all records of a mail.
#[async_trait]
pub trait Bodies: Send + Sync {
    /// Starts a body.
    fn new_body(&self) -> Box<dyn BodyWriter>;

    /// At most `max` bytes of a body from `offset`; none at its end. Staged bodies can be read too.
    /// May wait for the disk: for threads that may block. Others call [`Bodies::read_body`].
    ///
    /// # Errors
    /// [`StorageError::NotFound`] for a body that is not there.
    fn read_body_blocking(&self, body: BodyId, offset: u64, max: usize) -> Result<Bytes, StorageError>;

    /// At most `max` bytes of a body from `offset`; none at its end. Staged bodies can be read too.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] for a body that is not there.
    async fn read_body(&self, body: BodyId, offset: u64, max: usize) -> Result<Bytes, StorageError>;

    /// Discards a staged body that no record took.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] where it is not staged (any more).
    async fn discard_body(&self, body: StagedBody) -> Result<(), StorageError>;
}
