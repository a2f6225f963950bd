//! What the core needs from outside, as small traits. The daemon plugs the real things in.

pub mod network;
pub mod relays;

use mail::{AccountName, MailId, PublicKey};

pub use network::{Network, NetworkError, TransferFailure};
pub use relays::{Copies, DropRelays};

/// Randomness, handed in so that a simulation can be repeated.
pub trait Random: Send + Sync + std::fmt::Debug {
    /// Fills `bytes`. In the daemon: from the operating system.
    fn fill(&self, bytes: &mut [u8]);

    /// A new random mail id.
    fn mail_id(&self) -> MailId {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        MailId(bytes)
    }
}

/// Something a person watching the gateway wants to know. Never mail text, never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A mail was accepted from a mail program.
    Submitted {
        /// The account.
        account: AccountName,
        /// The new outbox entry.
        id: MailId,
    },
    /// Something about an outbox entry changed; `what` is one line for people.
    OutboxChanged {
        /// The account.
        account: AccountName,
        /// The id of the outbox entry.
        id: MailId,
        /// What happened to it, one line for people.
        what: String,
    },
    /// An outbox entry ended: the recipient has the mail, or its sender was told that they will not.
    Ended {
        /// The account.
        account: AccountName,
        /// The id of the outbox entry.
        id: MailId,
        /// Whether the recipient has it.
        delivered: bool,
        /// How long it was in the outbox.
        after: std::time::Duration,
    },
    /// A mail arrived in a mailbox or in quarantine.
    Arrived {
        /// The account.
        account: AccountName,
        /// The sender's key; None for mail made here.
        sender: Option<PublicKey>,
        /// Whether it went to quarantine.
        quarantined: bool,
    },
    /// Contacts, requests or pins of an account changed.
    ContactsChanged {
        /// The account.
        account: AccountName,
    },
    /// A component failed and its slot's failure rule was applied.
    DecisionFailed {
        /// The account it decided for.
        account: AccountName,
        /// The slot.
        slot: &'static str,
        /// Why, one line.
        why: String,
    },
}

/// Where events go: the dashboard and the log.
pub trait Events: Send + Sync {
    /// Tells everybody who listens; never blocks, may drop events nobody can take.
    fn publish(&self, event: Event);
}
