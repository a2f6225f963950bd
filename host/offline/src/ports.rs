//! What offline mail needs from outside, as small traits. The daemon plugs the real things in.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use drops::cell::BoardKey;
use drops::mailbox::Period;
use drops::message::InvitationCode;
use drops::point::Secret;
use drops::record::OwnerMark;
use drops::session::{BoardSession, Purpose, Unreachable};
use drops::ttl::Ttl;
use gateway::{Asked, Received};
use mail::record::{ContactState, OutboxEntry};
use mail::{AccountName, Acknowledgement, BodyDigest, Clock, Envelope, MailId, PublicKey, ToxId, Wall};

/// Everything from outside.
#[derive(Clone)]
pub struct Ports {
    /// Sessions with boards.
    pub boards: Arc<dyn Boards>,
    /// What must survive a restart.
    pub documents: Arc<dyn Documents>,
    /// Mailbox keys.
    pub keys: Arc<dyn KeyFiles>,
    /// The core.
    pub core: Arc<dyn Core>,
    /// The component that chooses boards.
    pub selector: Arc<dyn Selector>,
    /// Threads for computing.
    pub workers: Arc<dyn Workers>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// Something outside failed: the disk, the store. The text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

/// Under which identity a session is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionIdentity {
    /// A fresh one that leads nowhere: the rule.
    Throwaway,
    /// The owner's, within this process: only with the board that is served here.
    Own,
}

/// A board the user has to do with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownBoard {
    /// Its key.
    pub key: BoardKey,
    /// The mark of who runs it, where its address has one.
    pub owner: Option<OwnerMark>,
    /// Whether this gateway serves it.
    pub served_here: bool,
    /// The user's invitation to its tokens.
    pub invitation: Option<InvitationCode>,
}

/// Sessions with boards.
#[async_trait]
pub trait Boards: Send + Sync {
    /// The boards the user added, and the one served here.
    fn known(&self) -> Vec<KnownBoard>;

    /// Opens a session under a throwaway that was never used, or in process with the board served here. Takes as long as the
    /// network takes, a minute or two at most.
    async fn open(
        &self,
        board: BoardKey,
        purpose: Purpose,
        identity: SessionIdentity,
    ) -> Result<Box<dyn BoardSession>, Unreachable>;
}

/// A document as it is stored: owner (an account, or nothing), key, bytes.
pub type Document = (String, Vec<u8>, Vec<u8>);

/// Small durable documents, by kind, owner and key.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Writes a document (None: removes it); durable when this returns.
    async fn put(
        &self,
        kind: &'static str,
        owner: &str,
        key: Vec<u8>,
        document: Option<Vec<u8>>,
    ) -> Result<(), Failure>;
    /// Documents of a kind in the order of owner and key, from this place on: as many as one page
    /// holds (about a megabyte). The page is empty only if there are no more.
    async fn page(&self, kind: &'static str, owner: &str, key: &[u8]) -> Result<Vec<Document>, Failure>;
    /// Reports a document that makes no sense to the people who look after the gateway. It stays as
    /// it is until another one is written in its place. Never blocks.
    fn unreadable(&self, kind: &'static str, owner: &str, key: &[u8], bytes: &[u8]);
}

/// Private mailbox keys, each in an erasable file of its own.
#[async_trait]
pub trait KeyFiles: Send + Sync {
    /// All keys of an account. A file that is not a key is set aside, and no key is written over
    /// it.
    async fn read(&self, account: &AccountName) -> Result<Vec<(Period, Secret)>, Failure>;
    /// Keeps a key; durable when this returns.
    async fn write(&self, account: &AccountName, period: Period, key: Secret) -> Result<(), Failure>;
    /// Overwrites and removes a key.
    async fn erase(&self, account: &AccountName, period: Period) -> Result<(), Failure>;
    /// Overwrites and removes all keys of an account, and what was set aside of them.
    async fn forget(&self, account: &AccountName) -> Result<(), Failure>;
}

/// An account's identity.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its Tox secret key: mails are sealed and scanned for with it.
    pub secret: Secret,
    /// Its full Tox ID.
    pub tox_id: ToxId,
}

/// The core of the gateway.
#[async_trait]
pub trait Core: Send + Sync {
    /// All accounts.
    fn accounts(&self) -> Vec<AccountName>;
    /// Who an account is; None while its identity does not run.
    async fn identity(&self, account: &AccountName) -> Option<Identity>;
    /// Whether somebody is online for an account.
    fn is_online(&self, account: &AccountName, key: PublicKey) -> bool;
    /// How far an account has got with somebody; None for a stranger.
    fn contact(&self, account: &AccountName, key: PublicKey) -> Option<ContactState>;
    /// Confirmed contacts of an account.
    fn contacts(&self, account: &AccountName) -> Vec<PublicKey>;
    /// An entry of the outbox as its recipient is to see it, and all bytes of the mail if they are at most `max`. None: it has left the outbox.
    async fn outgoing(&self, id: MailId, max: usize)
    -> Result<Option<(OutboxEntry, Option<Bytes>)>, Failure>;
    /// Takes a mail that was found on a board through the ordinary reception. `id` is the sender's.
    async fn take(
        &self,
        account: &AccountName,
        sender: PublicKey,
        id: MailId,
        envelope: Envelope,
        body: Bytes,
    ) -> Received;
    /// Somebody who proved their key writes to the account: the rules for friend requests apply. A contact who was only asked is confirmed by this.
    async fn knock(&self, account: &AccountName, key: PublicKey, text: &str) -> Result<Asked, Failure>;
    /// Whether a friend request of this key still waits for the user.
    async fn is_waiting(&self, account: &AccountName, key: PublicKey) -> Result<bool, Failure>;
    /// Takes note that the recipient `from` acknowledged a mail in a parcel. Nothing happens if no
    /// such mail waits.
    async fn acknowledged(
        &self,
        account: &AccountName,
        from: PublicKey,
        id: MailId,
        digest: BodyDigest,
        word: Acknowledgement,
    ) -> Result<(), Failure>;
    /// Takes note that the mailbox record of an account changed, or the tokens in it: contacts who
    /// are online are sent theirs ([`crate::OfflineMail::record_for`]). Never blocks.
    fn record_changed(&self, account: &AccountName);
    /// Something about an outbox entry changed; one line for people.
    fn outbox_changed(&self, account: &AccountName, id: MailId, what: &str);
}

/// A mail the selector decides about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingMail {
    /// Size in bytes.
    pub size: u64,
    /// Cells on each board.
    pub cells: u32,
    /// Until it is given up at the latest.
    pub remaining: Duration,
    /// Whether the recipient is a contact.
    pub recipient_is_contact: bool,
    /// Whether it was on boards before and nothing was heard.
    pub reposted: bool,
    /// Further facts.
    pub attributes: Vec<(String, String)>,
}

/// A board as the selector sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardFacts {
    /// Its key.
    pub key: BoardKey,
    /// Who runs it, as far as known: equal for boards of one owner.
    pub owner: Option<String>,
    /// Whether this gateway serves it.
    pub served_here: bool,
    /// Whether the recipient reads it, as far as known.
    pub read_by_recipient: bool,
    /// Whether the user named it.
    pub chosen_by_user: bool,
    /// Deposits with a receipt.
    pub receipts: u64,
    /// Deposits that failed.
    pub failures: u64,
    /// The time since the last failure.
    pub last_failure: Option<Duration>,
    /// How full it is, in percent.
    pub fill: u32,
    /// Tokens at hand for a deposit to this recipient.
    pub tokens: u32,
    /// Further facts.
    pub attributes: Vec<(String, String)>,
}

/// A board of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChosenBoard {
    /// The key of the board.
    pub key: BoardKey,
    /// Under which identity cells are deposited there.
    pub identity: SessionIdentity,
    /// The time within which to deposit.
    pub within: Duration,
}

/// The selector's choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Boards, best first.
    pub choices: Vec<ChosenBoard>,
    /// Receipts that are enough.
    pub enough: u32,
    /// 1, 7, 14 or 21; where less time remains, the longest of these that does not outlast the mail is taken.
    pub ttl_days: u32,
}

impl Plan {
    /// The time for which cells are deposited: as the plan says, but no longer than what remains.
    /// None if even a day is too long, or if the days are not a ttl class.
    #[must_use]
    pub fn ttl(&self, remaining: Duration) -> Option<Ttl> {
        Ttl::from_days(self.ttl_days)?.min(Ttl::within(remaining)?).into()
    }
}

/// The relay-selector component.
#[async_trait]
pub trait Selector: Send + Sync {
    /// Where copies of a mail wait. An error: no board is used (the failure was recorded).
    async fn select(
        &self,
        account: &AccountName,
        now: Wall,
        mail: WaitingMail,
        boards: Vec<BoardFacts>,
    ) -> Result<Plan, Failure>;
}

/// Threads for computing: scanning and stamps.
pub trait Workers: Send + Sync {
    /// Runs a job some time, after the jobs before it, with low priority.
    fn run(&self, job: Box<dyn FnOnce() + Send>);
}
