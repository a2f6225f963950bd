//! Mails that come in: taken in pieces, resumed after interruptions, remembered for dedupe.

use async_trait::async_trait;
use bytes::Bytes;

use super::StorageError;
use crate::record::{Arrival, ArrivalKey, NewMail, Partial, StagedBody};
use crate::{PublicKey, Wall};

/// Mails that come in, and what is remembered of those that came.
#[async_trait]
pub trait Reception: Send + Sync {
    /// What is remembered of an arrival.
    ///
    /// # Errors
    /// [`StorageError::Failed`], also for a record that cannot be read.
    async fn arrival(&self, key: &ArrivalKey) -> Result<Option<Arrival>, StorageError>;

    /// What is there of a mail that is coming in.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn partial(&self, key: &ArrivalKey) -> Result<Option<Partial>, StorageError>;

    /// Starts taking a mail in. Replaces a partial of the same key that was there. The body is the
    /// storage's to choose, and `durable` starts at 0, whatever `partial` says; the result has
    /// both. Lazy.
    ///
    /// # Errors
    /// [`StorageError::LimitReached`] where too many are coming in, or the size is beyond the
    /// largest body; [`StorageError::Full`].
    async fn begin_partial(&self, key: &ArrivalKey, partial: Partial) -> Result<Partial, StorageError>;

    /// Appends at `offset`, which must not be beyond the end so far. What overlaps is there already
    /// and is passed over, so that a transfer may resume at `durable`. Returns how many bytes are
    /// durable now; these follow later. Waits while the disk is behind.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such partial; [`StorageError::Full`];
    /// [`StorageError::Failed`] beyond the end or the announced size.
    async fn append_partial(&self, key: &ArrivalKey, offset: u64, bytes: Bytes) -> Result<u64, StorageError>;

    /// Makes all bytes of a partial readable with [`read_body`](super::Bodies::read_body); they
    /// need not be durable by that. Lazy.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such partial; [`StorageError::Full`].
    async fn settle_partial(&self, key: &ArrivalKey) -> Result<(), StorageError>;

    /// Throws a partial away; nothing happens where there is none. Lazy.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn drop_partial(&self, key: &ArrivalKey) -> Result<(), StorageError>;

    /// Bytes parked in partials of one sender, and of all: their announced sizes, which they may
    /// take up any time.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn parked_bytes(&self, sender: PublicKey) -> Result<(u64, u64), StorageError>;

    /// The partials of one sender, the longest untouched first.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn partials_of(&self, sender: PublicKey) -> Result<Vec<ArrivalKey>, StorageError>;

    /// Ends a partial: the mail goes into mailbox or quarantine (None: refused or discarded, which
    /// needs no partial), and the arrival is remembered, in one step.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if the arrival is remembered already; [`StorageError::NotFound`] if
    /// partial or account is not there; [`StorageError::Failed`] if bytes are missing.
    async fn finish_partial(
        &self,
        key: &ArrivalKey,
        mail: Option<NewMail>,
        arrival: Arrival,
    ) -> Result<(), StorageError>;

    /// The same, where the mail has the staged `body` in place of the bytes that came.
    ///
    /// # Errors
    /// Those of [`Reception::finish_partial`]; [`StorageError::NotFound`] if the body is not staged
    /// (any more).
    async fn finish_partial_with(
        &self,
        key: &ArrivalKey,
        mail: NewMail,
        body: StagedBody,
        arrival: Arrival,
    ) -> Result<(), StorageError>;

    /// Puts a mail made here (a report, a welcome) into a mailbox.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if account or body are not there; [`StorageError::LimitReached`]
    /// where the mailbox is full.
    async fn deliver_own(&self, mail: NewMail, body: StagedBody) -> Result<(), StorageError>;

    /// Forgets arrivals before `arrivals_before` and partials untouched since `partials_before`.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn sweep(&self, arrivals_before: Wall, partials_before: Wall) -> Result<(), StorageError>;
}
