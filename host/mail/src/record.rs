//! What the gateway keeps: the records that `gateway` thinks in and `store` makes durable.

use serde::{Deserialize, Deserializer, Serialize};

use crate::account::AccountName;
use crate::acknowledgement::Acknowledgement;
use crate::address::Address;
use crate::clock::Wall;
use crate::envelope::Envelope;
use crate::ids::{BodyDigest, MailId};
use crate::status::Refusal;
use crate::tox_id::{PublicKey, ToxId};

/// Names a stored mail body. Several outbox entries may share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BodyId(pub u64);

/// A body that is complete but belongs to no record yet; it is gone after a restart unless one takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedBody {
    /// Its name.
    pub id: BodyId,
    /// Its length in bytes.
    pub size: u64,
}

/// A local mail user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Given by the store and never used again, also not by a later account of the same name; 0 before the account is stored.
    #[serde(skip)]
    pub id: u64,
    /// Login and local part.
    pub name: AccountName,
    /// The first account: manages the gateway.
    pub owner: bool,
    /// Names in DNS that lead to this account, beside `<tox id>@tox` and `<name>@tox`.
    #[serde(deserialize_with = "addresses_that_are")]
    pub addresses: Vec<Address>,
    /// When it was made.
    pub created: Wall,
}

/// Stored addresses, without texts that are not addresses: earlier programs accepted some that they
/// could not read again.
fn addresses_that_are<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Address>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    Ok(texts.into_iter().filter_map(|text| text.parse().ok()).collect())
}

/// How far two people have got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ContactState {
    /// We asked; they have not answered. They become a Tox friend when they accept.
    Requested,
    /// Both agreed.
    Confirmed,
}

/// Somebody an account exchanges mail with; on Tox a friend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The name the user gave, unique in the account: `alias@tox`.
    pub alias: AccountName,
    /// Who it is.
    pub key: PublicKey,
    /// The full Tox ID where known (typed by the user, or told in `hello`).
    pub tox_id: Option<ToxId>,
    /// Addresses that the contact's own gateway claims in `hello`. Some of the claims count.
    #[serde(deserialize_with = "addresses_that_are")]
    pub addresses: Vec<Address>,
    /// How far it has got.
    pub state: ContactState,
    /// When it was added.
    pub since: Wall,
}

/// A friend request that waits for the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendRequest {
    /// The Tox key of the person who asks.
    pub key: PublicKey,
    /// What they wrote; bounded and free of control characters.
    pub message: String,
    /// When it came.
    pub received: Wall,
}

/// The first key a name led to, or the one the user confirmed: another one later is held for the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The name.
    pub address: Address,
    /// The key it is pinned to.
    pub key: PublicKey,
    /// When it was first seen.
    pub first_seen: Wall,
    /// Another key that it led to later; mail to the name waits until the user decides.
    pub changed_to: Option<ToxId>,
}

/// Where a mail goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Destination {
    /// A contact or a Tox ID not met yet (then a friend request goes first).
    Tox(ToxId),
    /// A key whose nospam is not known: a contact.
    Contact(PublicKey),
}

impl Destination {
    /// The key it leads to.
    #[must_use]
    pub const fn key(&self) -> PublicKey {
        match self {
            Self::Tox(id) => id.key,
            Self::Contact(key) => *key,
        }
    }
}

/// Where a mail goes: over Tox, or to another account of this gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Route {
    /// To an account of this gateway.
    Local(AccountName),
    /// Over Tox.
    Remote(Destination),
}

/// One mail to one recipient, waiting to be delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// Its id, also at the recipient.
    pub id: MailId,
    /// The account it belongs to.
    pub account: AccountName,
    /// Sender, recipient, wanted reports.
    pub envelope: Envelope,
    /// Where it goes.
    pub route: Route,
    /// Headers this gateway put before the submitted bytes, CRLF-terminated.
    pub prefix: Vec<u8>,
    /// The submitted bytes.
    pub body: BodyId,
    /// Bytes of prefix and body together: what is transferred.
    pub size: u64,
    /// Over prefix and body together.
    pub digest: BodyDigest,
    /// When it was submitted.
    pub created: Wall,
    /// When it is given up.
    pub expires: Wall,
    /// Attempts that failed so far.
    pub attempts: u32,
    /// When it is tried next; None if it is tried at once.
    pub next_attempt: Option<Wall>,
    /// Why it is still here.
    pub last_problem: Option<Refusal>,
    /// What has happened to it.
    pub marks: Marks,
}

/// What has happened to an outbox entry. Stored as one byte, in which bit 0 says what a whole byte said before there was more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Marks {
    /// Whether the sender was told about the delay.
    pub delay_reported: bool,
    /// Whether all bytes were sent in a transfer that nobody acknowledged: the recipient may have it.
    pub sent_whole: bool,
}

/// A byte that is not one of [`Marks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not stand for marks of an outbox entry")]
pub struct InvalidMarks(u8);

const DELAY_REPORTED: u8 = 1;
const SENT_WHOLE: u8 = 2;

impl From<Marks> for u8 {
    fn from(marks: Marks) -> Self {
        let bit = |is_set: bool, bit: Self| if is_set { bit } else { 0 };
        bit(marks.delay_reported, DELAY_REPORTED) | bit(marks.sent_whole, SENT_WHOLE)
    }
}

impl TryFrom<u8> for Marks {
    type Error = InvalidMarks;

    fn try_from(byte: u8) -> Result<Self, InvalidMarks> {
        if byte & !(DELAY_REPORTED | SENT_WHOLE) != 0 {
            return Err(InvalidMarks(byte));
        }
        Ok(Self { delay_reported: byte & DELAY_REPORTED != 0, sent_whole: byte & SENT_WHOLE != 0 })
    }
}

/// A mail in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxEntry {
    /// The order of arrival in its account.
    pub number: u64,
    /// The unique id for POP3 (RFC 1939 section 7): random, 32 hex digits, never changes.
    pub uidl: MailId,
    /// When it was delivered.
    pub received: Wall,
    /// Headers that this gateway put before the bytes that came.
    pub prefix: Vec<u8>,
    /// The body of the mail.
    pub body: BodyId,
    /// Bytes of prefix and body together: what POP3 says.
    pub size: u64,
    /// The Tox key it came from; None for reports and other mail made here.
    pub sender: Option<PublicKey>,
    /// The envelope it came with.
    pub envelope: Envelope,
}

impl MailboxEntry {
    /// The id the mail came with, which decisions about it name; None for reports and other mail made here.
    #[must_use]
    pub fn mail_id(&self) -> Option<MailId> {
        crate::header::received_id(&self.prefix)
    }
}

/// A mail that a filter set aside for the user to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineEntry {
    /// The mail as it would have stood in the mailbox (incoming) or as submitted (outgoing).
    pub mail: MailboxEntry,
    /// The filter's reason.
    pub reason: String,
    /// Where it would have gone.
    pub direction: Direction,
    /// For an outgoing one: the entry to put into the outbox when released.
    pub outgoing: Option<OutboxEntry>,
    /// When the mail is deleted for good: the filter threw it away. None for a mail that stays
    /// until the user decides. It is not part of the stored record: the store keeps it in a table
    /// of its own.
    #[serde(skip)]
    pub delete_at: Option<Wall>,
}

/// Why a mail is kept out of the mailbox, and for how long it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// The filter's reason.
    pub reason: String,
    /// As [`QuarantineEntry::delete_at`].
    pub delete_at: Option<Wall>,
}

impl SetAside {
    /// Until the user decides.
    #[must_use]
    pub const fn quarantined(reason: String) -> Self {
        Self { reason, delete_at: None }
    }
}

impl QuarantineEntry {
    /// The id that decisions about the mail name.
    #[must_use]
    pub fn mail_id(&self) -> Option<MailId> {
        self.outgoing.as_ref().map_or_else(|| self.mail.mail_id(), |entry| Some(entry.id))
    }
}

/// A new mailbox entry: what the caller decides; number and UIDL are the store's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// The account whose mailbox it is for.
    pub account: AccountName,
    /// The entry; the store fills in `number` and `uidl`.
    pub entry: MailboxEntry,
    /// Into quarantine instead.
    pub quarantine: Option<SetAside>,
}

/// The direction of a mail, seen from this gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// From a mail program here to somebody.
    Outgoing,
    /// From somebody to a mailbox here.
    Incoming,
}

/// Names a mail of a sender for an account: the key of dedupe.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ArrivalKey {
    /// The authenticated sender.
    pub sender: PublicKey,
    /// The recipient here.
    pub account: AccountName,
    /// The sender's id for it.
    pub mail: MailId,
}

/// What is remembered of a mail that came, longer than any sender tries again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The digest of the mail that came: the same id with another digest is a protocol error.
    pub digest: BodyDigest,
    /// What was answered: delivered or refused.
    pub acknowledgement: Acknowledgement,
    /// When it was recorded.
    pub when: Wall,
}

/// A mail that is coming in and not whole yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// The body so far.
    pub body: BodyId,
    /// Bytes that are on disk: a transfer resumes here.
    pub durable: u64,
    /// Announced size.
    pub size: u64,
    /// Announced digest.
    pub digest: BodyDigest,
    /// Announced envelope.
    pub envelope: Envelope,
    /// When bytes last came: an abandoned one is swept.
    pub touched: Wall,
}

/// What happens to an outbox entry at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The recipient has it.
    Delivered,
    /// The recipient or the schedule refused it; the sender was told with a bounce.
    Bounced(Refusal),
    /// The user took it back.
    Cancelled,
    /// A named decision threw it away.
    Discarded {
        /// Who decided and why, for the record.
        reason: String,
    },
}
