//! Mails that a filter set aside.

use async_trait::async_trait;

use super::StorageError;
use crate::record::{OutboxEntry, QuarantineEntry};
use crate::{AccountName, MailId, Wall};

/// Mails that a filter set aside, and the bin, which is part of it.
#[async_trait]
pub trait Quarantine: Send + Sync {
    /// The quarantined mails of an account, oldest first, those in the bin among them.
    ///
    /// # Errors
    /// [`StorageError::Failed`], also for a record that cannot be read.
    async fn quarantine(&self, account: &AccountName) -> Result<Vec<QuarantineEntry>, StorageError>;

    /// Releases a quarantined mail (named by its UIDL): an incoming one into the mailbox, under a
    /// new number and its old UIDL; an outgoing one into the outbox. Returns the outbox entry made,
    /// if one was.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such mail.
    async fn release(&self, account: &AccountName, uidl: MailId)
    -> Result<Option<OutboxEntry>, StorageError>;

    /// Deletes a quarantined mail. An outgoing one is recorded as discarded.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such mail.
    async fn delete_quarantined(&self, account: &AccountName, uidl: MailId) -> Result<(), StorageError>;

    /// Deletes the mails of all bins whose time was over at `now` ([`QuarantineEntry::delete_at`]),
    /// and returns how many. An outgoing one is recorded as discarded, with the filter's reason.
    ///
    /// # Errors
    /// [`StorageError::Failed`]; what was deleted before stays deleted.
    async fn empty_bin(&self, now: Wall) -> Result<u64, StorageError>;
}
