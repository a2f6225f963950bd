//! The mails of an account: a part of [`Management`](super::Management).

use async_trait::async_trait;
use bytes::Bytes;
use mail::{AccountName, MailId};

use super::Result;
use crate::dto::{
    Arrival, ImportedMail, Listing, MailboxMail, Mark, OutboxEntry, Outcome, Page, QuarantineEntry,
};

/// Outbox, mailbox and quarantine.
#[async_trait]
pub trait Mails: Send + Sync + 'static {
    /// Outbox entries, oldest first; the cursor is the last id seen.
    async fn outbox(&self, account: &AccountName, page: &Page) -> Result<Listing<OutboxEntry>>;
    /// One entry of the account's outbox.
    async fn outbox_entry(&self, account: &AccountName, id: MailId) -> Result<OutboxEntry>;
    /// Tries an entry now. Returns when the attempt is due, not when it has ended.
    async fn retry(&self, account: &AccountName, id: MailId) -> Result<()>;
    /// Takes a mail back. `Conflict` when the recipient has it already.
    async fn cancel(&self, account: &AccountName, id: MailId) -> Result<()>;
    /// What became of the mails that left the outbox last, newest first, at most `most`.
    async fn outcomes(&self, account: &AccountName, most: usize) -> Result<Vec<Outcome>>;
    /// Mails in the mailbox, newest first; the cursor is the last number seen.
    async fn arrivals(&self, account: &AccountName, page: &Page) -> Result<Listing<Arrival>>;
    /// Mails in the mailbox in the order of arrival; the cursor is the last number seen.
    async fn mailbox(&self, account: &AccountName, page: &Page) -> Result<Listing<MailboxMail>>;
    /// Bytes of a mail from `offset`, at most `max`; empty at its end.
    async fn read_mail(&self, account: &AccountName, number: u64, offset: u64, max: usize) -> Result<Bytes>;
    /// Puts a mail into the mailbox if the very same is not there; line ends become CRLF.
    async fn import_mail(&self, account: &AccountName, mail: Bytes) -> Result<ImportedMail>;
    /// Quarantined mails, oldest first; the cursor is the last id seen.
    async fn quarantine(&self, account: &AccountName, page: &Page) -> Result<Listing<QuarantineEntry>>;
    /// Lets a quarantined mail go where it was going.
    async fn release(&self, account: &AccountName, id: MailId) -> Result<()>;
    /// Deletes a quarantined mail.
    async fn delete_quarantined(&self, account: &AccountName, id: MailId) -> Result<()>;
    /// Tells the filters that learn what the user says of a mail in the mailbox or in quarantine. The mail stays where it is.
    async fn mark(&self, account: &AccountName, id: MailId, mark: Mark) -> Result<()>;
}
