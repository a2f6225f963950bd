//! Mails that wait to be delivered.

use mail::record::{self, Route};
use mail::{AccountName, Address, MailId, PublicKey, Refusal, ReversePath};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// One mail to one recipient, waiting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutboxEntry {
    /// Its id, also at the recipient.
    #[schema(value_type = String)]
    pub id: MailId,
    /// MAIL FROM; absent for mails that must not bounce.
    #[schema(value_type = Option<String>)]
    pub sender: Option<Address>,
    /// RCPT TO.
    #[schema(value_type = String)]
    pub recipient: Address,
    /// The recipient's key; absent for an account of this gateway.
    #[schema(value_type = Option<String>)]
    pub key: Option<PublicKey>,
    /// The recipient's account, if it is one of this gateway.
    #[schema(value_type = Option<String>)]
    pub account: Option<AccountName>,
    /// Bytes to transfer.
    pub size: u64,
    /// When it was submitted.
    pub created: Timestamp,
    /// When it is given up.
    pub expires: Timestamp,
    /// Attempts that failed so far.
    pub attempts: u32,
    /// When it is tried next; absent if it is tried at once.
    pub next_attempt: Option<Timestamp>,
    /// Why it still waits.
    #[schema(value_type = Option<RefusalText>)]
    pub last_problem: Option<Refusal>,
    /// Whether the sender was told about the delay.
    pub delay_reported: bool,
    /// Copies that wait while the recipient is offline; absent if the gateway never tried to leave
    /// one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub copies: Option<Copies>,
}

/// Copies of a mail on drop relays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Copies {
    /// How many drop relays have the whole mail.
    pub complete: u64,
    /// How many must have it before the mail counts as handed over.
    pub enough: u32,
    /// When it was handed over.
    pub handed_over: Option<Timestamp>,
    /// Until when copies wait.
    pub until: Option<Timestamp>,
    /// Until when an acknowledgement may come.
    pub answer_until: Option<Timestamp>,
    /// How often copies were left again because no acknowledgement came.
    pub reposts: u32,
    /// Why no drop relay is used.
    pub note: Option<String>,
    /// The copies, by drop relay.
    pub relays: Vec<RelayCopies>,
}

/// Copies on one drop relay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RelayCopies {
    /// The key of the drop relay.
    #[schema(value_type = String)]
    pub key: PublicKey,
    /// Receipts it gave.
    pub receipts: u64,
    /// Cells that the mail needs there. With as many receipts, the drop relay has the whole mail.
    pub cells: u32,
    /// Until when it keeps them.
    pub until: Option<Timestamp>,
    /// What went wrong last.
    pub problem: Option<String>,
}

impl From<&record::OutboxEntry> for OutboxEntry {
    fn from(entry: &record::OutboxEntry) -> Self {
        let (key, account) = match &entry.route {
            Route::Local(account) => (None, Some(account.clone())),
            Route::Remote(destination) => (Some(destination.key()), None),
        };
        Self {
            id: entry.id,
            sender: mailbox(&entry.envelope.reverse_path),
            recipient: entry.envelope.forward_path.clone(),
            key,
            account,
            size: entry.size,
            created: entry.created.into(),
            expires: entry.expires.into(),
            attempts: entry.attempts,
            next_attempt: entry.next_attempt.map(Timestamp),
            last_problem: entry.last_problem.clone(),
            delay_reported: entry.marks.delay_reported,
            copies: None,
        }
    }
}

/// The address of a reverse-path, if it has one.
pub(super) fn mailbox(path: &ReversePath) -> Option<Address> {
    match path {
        ReversePath::Null => None,
        ReversePath::Mailbox(address) => Some(address.clone()),
    }
}

/// The JSON form of a refusal: its text and its enhanced status code.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the JSON of mail::Refusal")]
struct RefusalText {
    /// Enhanced status code, `4.4.1` (RFC 3463).
    status: String,
    /// The reason, for people.
    text: String,
}
