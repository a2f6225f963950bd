//! What the web API can ask the gateway to do: implemented by the daemon, one method a verb.

use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use mail::{AccountName, Address, MailId, PublicKey};
use zeroize::Zeroizing;

use crate::dto::{
    Account, Arrival, Component, ComponentName, ComponentRef, ComponentSignature, ConfigurationKey, Contact,
    ContactRequest, Credentials, Decision, DecisionQuery, History, Identity, ImportedAccount, ImportedMail,
    Invitation, InvitationGiven, Listing, Log, MailSettings, MailboxMail, Mark, NewAccount, NewContact,
    NewRelay, OutboxEntry, Outcome, Page, Password, Pin, QuarantineEntry, Relay, Reloaded, Slot, SlotEntry,
    Status,
};
use crate::metrics::Metric;
use crate::trials::Trials;
use crate::tuning::Tuning;

/// Why the gateway did not do what was asked. The text is for the user: what is wrong and what to do;
/// never a secret, never mail text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManagementError {
    /// No such account, contact, mail, component: 404.
    #[error("{0}")]
    NotFound(String),
    /// It is there already, or its state forbids this: 409.
    #[error("{0}")]
    Conflict(String),
    /// The request is well formed and yet cannot be done as asked (a component that does not fit its slot, an
    /// address that leads to nobody): 422.
    #[error("{0}")]
    Unprocessable(String),
    /// Larger than this gateway takes, or no room for one more: 413.
    #[error("{0}")]
    TooLarge(String),
    /// Not now (no network, DNS silent, disk full): 503, worth trying again.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of the gateway itself: 500. Logged; the text is shown too.
    #[error("{0}")]
    Internal(String),
}

/// Result of every management call.
pub type Result<T> = std::result::Result<T, ManagementError>;

/// A backup that is ready to go out.
pub struct Backup {
    /// Its bytes in all.
    pub size: u64,
    /// It, piece by piece.
    pub pieces: BoxStream<'static, std::io::Result<Bytes>>,
}

/// The gateway, as its users manage it. Methods that name an account answer
/// [`ManagementError::NotFound`] for one that is not there. A change is durable when its method returns.
#[async_trait]
pub trait Management: Trials + Tuning {
    /// The first account: the one meant where a request names none.
    async fn owner(&self) -> Result<AccountName>;

    /// The last lines of the gateway's own log, oldest first: at most [`limits::LOG_LINES`](crate::limits::LOG_LINES).
    async fn log(&self) -> Result<Log>;

    /// How the account and the gateway are doing.
    async fn status(&self, account: &AccountName) -> Result<Status>;
    /// Tox ID and addresses of the account.
    async fn identity(&self, account: &AccountName) -> Result<Identity>;
    /// Where the account's mail programs connect.
    async fn mail_settings(&self, account: &AccountName) -> Result<MailSettings>;

    /// Contacts in the order of their alias; the cursor is the last alias seen.
    async fn contacts(&self, account: &AccountName, page: &Page) -> Result<Listing<Contact>>;
    /// Adds a contact and sends a friend request. An address in DNS is looked up first.
    async fn add_contact(&self, account: &AccountName, contact: NewContact) -> Result<Contact>;
    /// Removes a contact; on Tox the friendship ends.
    async fn remove_contact(&self, account: &AccountName, alias: &AccountName) -> Result<()>;
    /// Friend requests that wait for the user (a bounded number by nature).
    async fn contact_requests(&self, account: &AccountName) -> Result<Vec<ContactRequest>>;
    /// Accepts a waiting friend request. Without an alias the gateway picks a free one.
    async fn accept_contact(
        &self,
        account: &AccountName,
        key: PublicKey,
        alias: Option<AccountName>,
    ) -> Result<Contact>;

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

    /// Quarantined mails, oldest first; the cursor is the last id seen.
    async fn quarantine(&self, account: &AccountName, page: &Page) -> Result<Listing<QuarantineEntry>>;
    /// Lets a quarantined mail go where it was going.
    async fn release(&self, account: &AccountName, id: MailId) -> Result<()>;
    /// Deletes a quarantined mail.
    async fn delete_quarantined(&self, account: &AccountName, id: MailId) -> Result<()>;

    /// Tells the filters that learn what the user says of a mail in the mailbox or in quarantine. The mail stays where it is.
    async fn mark(&self, account: &AccountName, id: MailId, mark: Mark) -> Result<()>;

    /// All accounts, the owner first.
    async fn accounts(&self) -> Result<Vec<Account>>;
    /// Makes an account with an identity of its own. Without a password one of 128 random bits is made and
    /// returned, this once.
    async fn add_account(&self, account: NewAccount) -> Result<Credentials>;
    /// Sets the password of an account; None makes one of 128 random bits and returns it, this once.
    async fn set_password(&self, account: &AccountName, password: Option<Password>) -> Result<Credentials>;

    /// Makes an account with the identity of another Tox program, its friends as contacts, and a generated password. `password` opens the
    /// profile where it is encrypted; `Unprocessable` where it does not.
    async fn import_profile(
        &self,
        name: AccountName,
        profile: Zeroizing<Vec<u8>>,
        password: Option<Zeroizing<String>>,
    ) -> Result<ImportedAccount>;
    /// Removes an account with its mail, contacts and identity for good. `Conflict` for the owner.
    async fn remove_account(&self, account: &AccountName) -> Result<()>;
    /// Switches an account off (no login, not on the Tox network, its mail waits at the senders) or on again. `Conflict`
    /// for the owner.
    async fn set_account_enabled(&self, account: &AccountName, enabled: bool) -> Result<()>;

    /// Mails in the mailbox in the order of arrival; the cursor is the last number seen.
    async fn mailbox(&self, account: &AccountName, page: &Page) -> Result<Listing<MailboxMail>>;
    /// Bytes of a mail from `offset`, at most `max`; empty at its end.
    async fn read_mail(&self, account: &AccountName, number: u64, offset: u64, max: usize) -> Result<Bytes>;
    /// Puts a mail into the mailbox if the very same is not there; line ends become CRLF.
    async fn import_mail(&self, account: &AccountName, mail: Bytes) -> Result<ImportedMail>;

    /// Copies everything while mail goes on, and gives the archive.
    async fn backup(&self) -> Result<Backup>;
    /// Every key of the configuration file, and what of the file holds now; options of the command line are not in it.
    async fn configuration(&self) -> Result<Vec<ConfigurationKey>>;
    /// Reads the configuration again. `Unprocessable` where it is not right; nothing changes then.
    async fn reload(&self) -> Result<Reloaded>;

    /// Drop relays that are known, the own one first (a bounded number by nature).
    async fn relays(&self) -> Result<Vec<Relay>>;
    /// Names a relay to use. `Unprocessable` where the address is none of a relay.
    async fn add_relay(&self, relay: NewRelay) -> Result<Relay>;
    /// Forgets a relay. `Conflict` for the one that is served here.
    async fn remove_relay(&self, key: PublicKey) -> Result<()>;
    /// Makes an invitation to the own relay. `Conflict` where none is served.
    async fn invite_to_relay(&self) -> Result<Invitation>;
    /// Invitations to the own relay (a bounded number). `Conflict` where none is served.
    async fn invitations(&self) -> Result<Vec<InvitationGiven>>;
    /// Takes the invitation of this name back (or the one with this address or code). `NotFound` if there is none, `Conflict` where no relay is served.
    async fn uninvite_from_relay(&self, name: &str) -> Result<()>;

    /// Components this gateway has: built in and uploaded (a bounded number by nature).
    async fn components(&self) -> Result<Vec<Component>>;
    /// Checks and compiles a component and keeps it. It decides nothing until [`Management::use_component`]. The same
    /// bytes under the same name again: the same answer. `Unprocessable` says what does not fit, the signature among it.
    async fn add_component(
        &self,
        name: ComponentName,
        bytes: Bytes,
        signature: Option<ComponentSignature>,
    ) -> Result<Component>;

    /// What fills the slots: a row for each live component, in the order of the chain where there is one.
    async fn slots(&self) -> Result<Vec<SlotEntry>>;
    /// Makes a component live in an entry of a slot, in one step; calls in flight finish on the old one. The entry may be left out where
    /// the slot has one only; a new one of slot `mail-filter` is added at the end of the chain.
    async fn use_component(
        &self,
        slot: Slot,
        component: ComponentRef,
        entry: Option<String>,
    ) -> Result<Vec<SlotEntry>>;
    /// Goes back to what was live in an entry before. `Conflict` when there was nothing.
    async fn roll_back(&self, slot: Slot, entry: Option<String>) -> Result<Vec<SlotEntry>>;
    /// Brings the filters of slot `mail-filter` into another order: the names of all of them.
    async fn order_filters(&self, entries: Vec<String>) -> Result<Vec<SlotEntry>>;
    /// Takes a filter out of the chain.
    async fn remove_filter(&self, entry: String) -> Result<Vec<SlotEntry>>;
    /// Puts a policy set to work: a file on the gateway's machine. All of it or nothing; `Unprocessable` names the line that is wrong.
    async fn use_policy_set(&self, path: PathBuf) -> Result<Vec<SlotEntry>>;

    /// DNS names of which the pinned key changed: mail to them waits for the user.
    async fn changed_pins(&self, account: &AccountName) -> Result<Vec<Pin>>;
    /// Pins a name to the key it changed to; waiting mail goes there.
    async fn accept_pin(&self, account: &AccountName, address: &Address) -> Result<Pin>;

    /// Recorded decisions that fit, newest first; the cursor is the last id looked at. Decisions of some days are kept. A search
    /// looks at a bounded number of them: a page may be short, even empty, and have a next one.
    async fn decisions(&self, query: &DecisionQuery, page: &Page) -> Result<Listing<Decision>>;

    /// Figures of the last hour and days.
    async fn history(&self) -> Result<History>;

    /// Everything `/metrics` shows.
    async fn metrics(&self) -> Vec<Metric>;
}
