//! Drop relays as the core sees them: copies of mails wait there while their recipients are offline.

use async_trait::async_trait;
use mail::record::OutboxEntry;
use mail::{AccountName, MailId, Wall};

/// Known facts about the copies of a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// Relays that have the whole mail.
    pub complete: usize,
    /// Until when an acknowledgement may come; None if nothing waits anywhere.
    pub answer_until: Option<Wall>,
    /// Whether the recipient may have found the mail on some relay, now or at any time: then nobody can say for sure that they did not.
    pub may_have_arrived: bool,
    /// Why no relay is used, one line for people.
    pub note: Option<String>,
}

/// Somebody who leaves copies on drop relays. Set with [`crate::Gateway::use_relays`]; without, mails wait in the outbox alone.
#[async_trait]
pub trait DropRelays: Send + Sync {
    /// Sees to copies of `entry`, whose recipient is offline, and tells what is known of them. It
    /// returns quickly; the deposits happen later.
    async fn leave_copies(&self, entry: &OutboxEntry) -> Copies;

    /// Known facts about the copies of a mail.
    fn copies(&self, id: MailId) -> Copies;

    /// Whether a mail can reach somebody by drop relays if only their key is known.
    fn reaches_strangers(&self) -> bool;

    /// A mail has left the outbox, in whatever way. Called once or more, never blocks.
    fn ended(&self, id: MailId);

    /// The contacts of an account changed.
    fn contacts_changed(&self, account: &AccountName);
}
