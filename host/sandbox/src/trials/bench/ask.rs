//! The facts of a call as a case file writes them: the records of the WIT package, each field with a plain default.

use std::collections::BTreeMap;
use std::time::Duration;

use mail::decision::mail_filter::{Feedback, MailFacts, UserDecision};
use mail::decision::policy::{Deposit, FriendRequest, Retry, Submission};
use mail::decision::relay_selector::{Relay, Select, WaitingMail};
use mail::decision::resolver::Resolve;
use mail::record::Direction;
use mail::status::EnhancedStatus;
use mail::{Address, Envelope, PublicKey, Refusal, ReversePath};
use serde::Deserialize;

use crate::slot::Slot;

/// What is asked: a function and its facts.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ask {
    /// `policy`.
    AllowSubmission(SubmissionFacts),
    /// `policy`.
    AcceptFriend(FriendFacts),
    /// `policy`.
    NextAttempt(RetryFacts),
    /// `policy`.
    AllowDeposit(DepositFacts),
    /// `resolver`.
    Resolve(ResolveFacts),
    /// `relay-selector`.
    Select(SelectFacts),
    /// `mail-filter`.
    Filter(FilterFacts),
    /// `mail-filter`, if it learns.
    Learn(LearnFacts),
}

impl Ask {
    pub(super) fn slot(&self) -> Slot {
        match self {
            Self::AllowSubmission(_)
            | Self::AcceptFriend(_)
            | Self::NextAttempt(_)
            | Self::AllowDeposit(_) => Slot::Policy,
            Self::Resolve(_) => Slot::Resolver,
            Self::Select(_) => Slot::RelaySelector,
            Self::Filter(_) | Self::Learn(_) => Slot::MailFilter,
        }
    }
}

/// Name and value.
type Attributes = BTreeMap<String, String>;

fn attributes(attributes: &Attributes) -> Vec<(String, String)> {
    attributes.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// An address a case file need not write.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Mailbox(Address);

impl Mailbox {
    fn of(local: &str) -> Self {
        // `local` stands in this file: it is a valid local part.
        #[allow(clippy::expect_used, reason = "a constant of this file")]
        Self(Address::at_tox(local).expect("a valid local part"))
    }
}

/// `none` for the null reverse-path.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", untagged)]
pub(super) enum From {
    /// An address.
    Mailbox(Address),
    /// `""`
    Null(Empty),
}

/// The empty text.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Empty;

impl TryFrom<String> for Empty {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() { Ok(Self) } else { Err("an address, or \"\" for mails that must not bounce") }
    }
}

impl From {
    fn path(&self) -> ReversePath {
        match self {
            Self::Mailbox(address) => ReversePath::Mailbox(address.clone()),
            Self::Null(Empty) => ReversePath::Null,
        }
    }
}

/// `policy-decisions.submission`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SubmissionFacts {
    reverse_path: From,
    forward_path: Mailbox,
    declared_size: Option<u64>,
    queued: u64,
    attributes: Attributes,
}

impl Default for SubmissionFacts {
    fn default() -> Self {
        Self {
            reverse_path: From::Mailbox(Mailbox::of("anna").0),
            forward_path: Mailbox::of("ben"),
            declared_size: None,
            queued: 0,
            attributes: Attributes::new(),
        }
    }
}

impl SubmissionFacts {
    pub(super) fn question(&self) -> Submission {
        Submission {
            reverse_path: self.reverse_path.path(),
            forward_path: self.forward_path.0.clone(),
            declared_size: self.declared_size,
            queued: self.queued,
            attributes: attributes(&self.attributes).into(),
        }
    }
}

/// `policy-decisions.friend-request`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FriendFacts {
    key: PublicKey,
    message: String,
    written_to: bool,
    attributes: Attributes,
}

impl Default for FriendFacts {
    fn default() -> Self {
        let message = "It is me".to_owned();
        Self { key: PublicKey([7; 32]), message, written_to: false, attributes: Attributes::new() }
    }
}

impl FriendFacts {
    pub(super) fn question(&self) -> FriendRequest {
        FriendRequest {
            key: self.key,
            message: self.message.clone(),
            written_to: self.written_to,
            attributes: attributes(&self.attributes).into(),
        }
    }
}

/// `types.refusal`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Problem {
    status: EnhancedStatus,
    text: String,
}

/// `policy-decisions.retry`; times in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RetryFacts {
    attempts: u32,
    age: u64,
    remaining: u64,
    peer_online: bool,
    problem: Problem,
    size: u64,
    attributes: Attributes,
}

impl Default for RetryFacts {
    fn default() -> Self {
        Self {
            attempts: 1,
            age: 10,
            remaining: 5 * 24 * 3600,
            peer_online: false,
            problem: Problem {
                status: EnhancedStatus::transient(4, 1),
                text: "the recipient is not online".to_owned(),
            },
            size: 4000,
            attributes: Attributes::new(),
        }
    }
}

impl RetryFacts {
    pub(super) fn question(&self) -> Retry {
        Retry {
            attempts: self.attempts,
            age: Duration::from_secs(self.age),
            remaining: Duration::from_secs(self.remaining),
            peer_online: self.peer_online,
            problem: Refusal::new(self.problem.status, &self.problem.text),
            size: self.size,
            attributes: attributes(&self.attributes).into(),
        }
    }
}

/// `policy-decisions.deposit`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DepositFacts {
    admission: String,
    ttl_days: u32,
    cells: u64,
    capacity: u64,
    today: u64,
    attributes: Attributes,
}

impl Default for DepositFacts {
    fn default() -> Self {
        Self {
            admission: "token".to_owned(),
            ttl_days: 7,
            cells: 10,
            capacity: 1000,
            today: 3,
            attributes: Attributes::new(),
        }
    }
}

impl DepositFacts {
    pub(super) fn question(&self) -> Deposit {
        Deposit {
            admission: self.admission.clone(),
            ttl_days: self.ttl_days,
            cells: self.cells,
            capacity: self.capacity,
            today: self.today,
            attributes: attributes(&self.attributes).into(),
        }
    }
}

/// `resolver-decisions.resolve`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResolveFacts {
    address: Address,
}

impl ResolveFacts {
    pub(super) fn question(&self) -> Resolve {
        Resolve { address: self.address.clone(), mail: None }
    }
}

/// `relay-selector-decisions.select`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SelectFacts {
    mail: WaitingFacts,
    relays: Vec<RelayFacts>,
}

impl SelectFacts {
    pub(super) fn question(&self) -> Select {
        Select { mail: self.mail.mail(), relays: self.relays.iter().map(RelayFacts::relay).collect() }
    }
}

/// `relay-selector-decisions.waiting-mail`; times in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WaitingFacts {
    size: u64,
    cells: u32,
    remaining: u64,
    recipient_is_contact: bool,
    reposted: bool,
    attributes: Attributes,
}

impl Default for WaitingFacts {
    fn default() -> Self {
        Self {
            size: 4000,
            cells: 1,
            remaining: 20 * 24 * 3600,
            recipient_is_contact: true,
            reposted: false,
            attributes: Attributes::new(),
        }
    }
}

impl WaitingFacts {
    fn mail(&self) -> WaitingMail {
        WaitingMail {
            size: self.size,
            cells: self.cells,
            remaining: Duration::from_secs(self.remaining),
            recipient_is_contact: self.recipient_is_contact,
            reposted: self.reposted,
            attributes: attributes(&self.attributes).into(),
        }
    }
}

/// `relay-selector-decisions.relay`; times in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RelayFacts {
    key: PublicKey,
    owner: Option<String>,
    served_here: bool,
    read_by_recipient: bool,
    chosen_by_user: bool,
    receipts: u64,
    failures: u64,
    last_failure: Option<u64>,
    fill: u32,
    tokens: u32,
    attributes: Attributes,
}

impl Default for RelayFacts {
    fn default() -> Self {
        Self {
            key: PublicKey([1; 32]),
            owner: None,
            served_here: false,
            read_by_recipient: true,
            chosen_by_user: true,
            receipts: 0,
            failures: 0,
            last_failure: None,
            fill: 10,
            tokens: 1,
            attributes: Attributes::new(),
        }
    }
}

impl RelayFacts {
    fn relay(&self) -> Relay {
        Relay {
            key: self.key,
            owner: self.owner.clone(),
            served_here: self.served_here,
            read_by_recipient: self.read_by_recipient,
            chosen_by_user: self.chosen_by_user,
            receipts: self.receipts,
            failures: self.failures,
            last_failure: self.last_failure.map(Duration::from_secs),
            fill: self.fill,
            tokens: self.tokens,
            attributes: attributes(&self.attributes).into(),
        }
    }
}

/// Which way a mail goes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Way {
    /// From a mail program here.
    Outgoing,
    /// To a mailbox here.
    Incoming,
}

/// `mail-filter-decisions.mail-facts`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FilterFacts {
    direction: Way,
    reverse_path: From,
    forward_path: Mailbox,
    peer: Option<PublicKey>,
    is_contact: bool,
    from_verified: bool,
    attributes: Attributes,
}

impl Default for FilterFacts {
    fn default() -> Self {
        Self {
            direction: Way::Incoming,
            reverse_path: From::Mailbox(Mailbox::of("ben").0),
            forward_path: Mailbox::of("anna"),
            peer: Some(PublicKey([7; 32])),
            is_contact: true,
            from_verified: true,
            attributes: Attributes::new(),
        }
    }
}

impl FilterFacts {
    pub(super) fn facts(&self) -> MailFacts {
        MailFacts {
            direction: match self.direction {
                Way::Outgoing => Direction::Outgoing,
                Way::Incoming => Direction::Incoming,
            },
            envelope: Envelope::new(self.reverse_path.path(), self.forward_path.0.clone()),
            peer: self.peer,
            is_contact: self.is_contact,
            from_verified: self.from_verified,
            attributes: attributes(&self.attributes).into(),
        }
    }
}

/// `mail-filter-feedback.learn`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LearnFacts {
    decision: UserDecision,
    #[serde(default)]
    facts: FilterFacts,
}

impl LearnFacts {
    pub(super) fn feedback(&self) -> Feedback {
        Feedback { facts: self.facts.facts(), decision: self.decision }
    }
}
