//! Durable storage. Every method that changes something returns only after the change is on disk,
//! unless it says otherwise; each is atomic.

use async_trait::async_trait;
use bytes::Bytes;
use mail::record::{
    Account, Arrival, ArrivalKey, BodyId, Contact, FriendRequest, NewMail, OutboxEntry, Outcome, Partial,
    Pin, QuarantineEntry, StagedBody,
};
use mail::{AccountName, Address, MailId, PublicKey, Wall};

/// Why storage failed. The message says what to do where a user can do something (disk full).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The record is not there (any more).
    #[error("there is no such entry")]
    NotFound,
    /// A record with this name is there already.
    #[error("`{0}` exists already")]
    Exists(String),
    /// A bound of the store is reached.
    #[error("{0}")]
    LimitReached(String),
    /// The disk is full.
    #[error(
        "the disk with the data directory is full: free some space there or delete mails; nothing accepted was lost"
    )]
    Full,
    /// Reading or writing failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Takes a body in pieces. Dropped without `finish`, what it wrote is discarded.
#[async_trait]
pub trait BodyWriter: Send + Sync {
    /// Appends; returns when the bytes are taken over (not yet durable). Memory stays bounded.
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError>;

    /// Completes the body. It becomes durable together with the record that takes it.
    async fn finish(self: Box<Self>) -> Result<StagedBody, StorageError>;
}

/// The durable state of the gateway.
#[async_trait]
pub trait Storage: Send + Sync {
    // Bodies.

    /// Starts a body.
    fn new_body(&self) -> Box<dyn BodyWriter>;
    /// Bytes of a body from `offset`, at most `max`; empty at the end. May block briefly: call off async threads
    /// or through the async twin.
    fn read_body_blocking(&self, body: BodyId, offset: u64, max: usize) -> Result<Bytes, StorageError>;
    /// Bytes of a body from `offset`, at most `max`; empty at the end.
    async fn read_body(&self, body: BodyId, offset: u64, max: usize) -> Result<Bytes, StorageError>;
    /// Discards a staged body that no record took.
    async fn discard_body(&self, body: StagedBody) -> Result<(), StorageError>;

    // Outbox.

    /// Puts entries into the outbox, and `quarantined` into quarantine, in one step; all share the staged body.
    async fn enqueue(
        &self,
        body: StagedBody,
        entries: Vec<OutboxEntry>,
        quarantined: Vec<QuarantineEntry>,
    ) -> Result<(), StorageError>;
    /// At most `max` entries of all accounts after the id `after`, in the order of ids; empty after the last.
    async fn outbox_page(&self, after: Option<MailId>, max: usize) -> Result<Vec<OutboxEntry>, StorageError>;
    /// One entry.
    async fn outbox_entry(&self, id: MailId) -> Result<Option<OutboxEntry>, StorageError>;
    /// Replaces an entry (same id). `NotFound` if it has left the outbox meanwhile. May be lazy: a change of attempts, next
    /// attempt or last problem needs no fsync of its own.
    async fn update_outbox(&self, entry: OutboxEntry) -> Result<(), StorageError>;
    /// Ends an entry: removes it, records the outcome, and puts `reports` (bounces, receipts) into mailboxes, in
    /// one step. `NotFound` if it ended already.
    async fn finish_outbox(
        &self,
        id: MailId,
        outcome: Outcome,
        reports: Vec<(NewMail, StagedBody)>,
    ) -> Result<(), StorageError>;
    /// Records the outcome of mails that never came into the outbox (discarded by a filter at submission).
    async fn record_ended(&self, ended: Vec<(OutboxEntry, Outcome)>) -> Result<(), StorageError>;
    /// Moves an entry to a mailbox of this gateway (or its quarantine) in one step, sharing the body.
    async fn deliver_local(
        &self,
        id: MailId,
        mail: NewMail,
        reports: Vec<(NewMail, StagedBody)>,
    ) -> Result<(), StorageError>;

    // Reception.

    /// What is remembered of an arrival.
    async fn arrival(&self, key: &ArrivalKey) -> Result<Option<Arrival>, StorageError>;
    /// What is there of a mail that is coming in.
    async fn partial(&self, key: &ArrivalKey) -> Result<Option<Partial>, StorageError>;
    /// Starts taking a mail in. Replaces a partial of the same key that was there.
    async fn begin_partial(&self, key: &ArrivalKey, partial: Partial) -> Result<Partial, StorageError>;
    /// Appends at `offset` (which must be the end so far). Durable later: returns how many bytes are durable now.
    async fn append_partial(&self, key: &ArrivalKey, offset: u64, bytes: Bytes) -> Result<u64, StorageError>;
    /// Makes all bytes of a partial readable with [`Self::read_body`]; they need not be durable by that.
    async fn settle_partial(&self, key: &ArrivalKey) -> Result<(), StorageError>;
    /// Throws a partial away.
    async fn drop_partial(&self, key: &ArrivalKey) -> Result<(), StorageError>;
    /// Bytes the partials of one sender may take up (their announced sizes), and those of all.
    async fn parked_bytes(&self, sender: PublicKey) -> Result<(u64, u64), StorageError>;
    /// The partials of one sender, the longest untouched first.
    async fn partials_of(&self, sender: PublicKey) -> Result<Vec<ArrivalKey>, StorageError>;
    /// Ends a partial: the mail into mailbox or quarantine (None: refused or discarded), and the arrival is remembered, in one step.
    async fn finish_partial(
        &self,
        key: &ArrivalKey,
        mail: Option<NewMail>,
        arrival: Arrival,
    ) -> Result<(), StorageError>;
    /// The same, where the mail has the staged `body` in place of the bytes that came.
    async fn finish_partial_with(
        &self,
        key: &ArrivalKey,
        mail: NewMail,
        body: StagedBody,
        arrival: Arrival,
    ) -> Result<(), StorageError>;
    /// Puts a mail made here (a report, a welcome) into a mailbox.
    async fn deliver_own(&self, mail: NewMail, body: StagedBody) -> Result<(), StorageError>;
    /// Forgets arrivals before `arrivals_before` and partials untouched since `partials_before`.
    async fn sweep(&self, arrivals_before: Wall, partials_before: Wall) -> Result<(), StorageError>;

    // Quarantine.

    /// The quarantined mails of an account, oldest first.
    async fn quarantine(&self, account: &AccountName) -> Result<Vec<QuarantineEntry>, StorageError>;
    /// Releases a quarantined mail (named by its UIDL) into mailbox or outbox; None if there is none. Returns the outbox entry made, if one was.
    async fn release(&self, account: &AccountName, uidl: MailId)
    -> Result<Option<OutboxEntry>, StorageError>;
    /// Deletes a quarantined mail.
    async fn delete_quarantined(&self, account: &AccountName, uidl: MailId) -> Result<(), StorageError>;
    /// Deletes the quarantined mails whose time was over at `now` ([`QuarantineEntry::delete_at`]), an outgoing one as discarded.
    /// Returns how many.
    async fn empty_bin(&self, now: Wall) -> Result<u64, StorageError>;

    // People.

    /// All accounts; the owner first.
    async fn accounts(&self) -> Result<Vec<Account>, StorageError>;
    /// The contacts of an account.
    async fn contacts(&self, account: &AccountName) -> Result<Vec<Contact>, StorageError>;
    /// Adds or replaces a contact (same key). `Exists` if the alias belongs to another key. A waiting friend request of that key goes in the same step.
    async fn put_contact(&self, account: &AccountName, contact: Contact) -> Result<(), StorageError>;
    /// Removes a contact.
    async fn remove_contact(&self, account: &AccountName, key: PublicKey) -> Result<(), StorageError>;
    /// Friend requests that wait for the user.
    async fn friend_requests(&self, account: &AccountName) -> Result<Vec<FriendRequest>, StorageError>;
    /// Adds or replaces (same key) a waiting friend request. `LimitReached` when too many wait.
    async fn put_friend_request(
        &self,
        account: &AccountName,
        request: FriendRequest,
    ) -> Result<(), StorageError>;
    /// Removes a waiting friend request.
    async fn remove_friend_request(&self, account: &AccountName, key: PublicKey) -> Result<(), StorageError>;
    /// All pins of an account that can be read.
    async fn pins(&self, account: &AccountName) -> Result<Vec<Pin>, StorageError>;
    /// Names whose pin is there and cannot be read: `put_pin` replaces it.
    async fn unreadable_pins(&self, account: &AccountName) -> Result<Vec<Address>, StorageError>;
    /// Adds or replaces a pin.
    async fn put_pin(&self, account: &AccountName, pin: Pin) -> Result<(), StorageError>;
    /// Whether the account has ever sent to that key (for friend requests).
    async fn has_written_to(&self, account: &AccountName, key: PublicKey) -> Result<bool, StorageError>;
}
