//! The outbox: mails that are on their way.

use async_trait::async_trait;

use super::StorageError;
use crate::record::{NewMail, OutboxEntry, Outcome, QuarantineEntry, StagedBody};
use crate::{AccountName, MailId, PublicKey};

/// Mails that are on their way, and how each ended.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Puts entries into the outbox, and `quarantined` into quarantine (number and UIDL are the
    /// storage's to choose), in one step. All share the staged body.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if an account or the body is not there, [`StorageError::Exists`]
    /// if an id is in use, [`StorageError::LimitReached`], [`StorageError::Full`],
    /// [`StorageError::Failed`] where an entry does not fit the body.
    async fn enqueue(
        &self,
        body: StagedBody,
        entries: Vec<OutboxEntry>,
        quarantined: Vec<QuarantineEntry>,
    ) -> Result<(), StorageError>;

    /// At most `max` entries of all accounts after the id `after`, in the order of ids, without
    /// those that cannot be read. None after the last.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn outbox_page(&self, after: Option<MailId>, max: usize) -> Result<Vec<OutboxEntry>, StorageError>;

    /// One entry.
    ///
    /// # Errors
    /// [`StorageError::Failed`], also for an entry that cannot be read.
    async fn outbox_entry(&self, id: MailId) -> Result<Option<OutboxEntry>, StorageError>;

    /// Replaces an entry (same id). What a mail is (account, prefix, body, size, digest) cannot
    /// change. Lazy.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if it has left the outbox meanwhile.
    async fn update_outbox(&self, entry: OutboxEntry) -> Result<(), StorageError>;

    /// Ends an entry: removes it, records the outcome, and puts `reports` (bounces, receipts) into
    /// mailboxes, in one step.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if it ended already, or a report's account or body is not there.
    async fn finish_outbox(
        &self,
        id: MailId,
        outcome: Outcome,
        reports: Vec<(NewMail, StagedBody)>,
    ) -> Result<(), StorageError>;

    /// Records the outcome of mails that never came into the outbox (discarded by a filter at
    /// submission). Their bodies are not looked at.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if an id is in use, [`StorageError::NotFound`] if an account is not
    /// there.
    async fn record_ended(&self, ended: Vec<(OutboxEntry, Outcome)>) -> Result<(), StorageError>;

    /// Moves an entry to a mailbox of this gateway (or its quarantine) in one step, sharing the
    /// body. Its outcome is `Delivered`.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if it ended already, or an account or body is not there.
    async fn deliver_local(
        &self,
        id: MailId,
        mail: NewMail,
        reports: Vec<(NewMail, StagedBody)>,
    ) -> Result<(), StorageError>;

    /// Whether the account has ever sent to that key (for friend requests).
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn has_written_to(&self, account: &AccountName, key: PublicKey) -> Result<bool, StorageError>;
}
