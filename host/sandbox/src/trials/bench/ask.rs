//! The facts of a call as a case file writes them: the records of the WIT package, each field with a plain default.

use std::collections::BTreeMap;
use std::time::Duration;

use mail::decision::Attributes;
use mail::decision::mail_filter::{Feedback, MailFacts, UserDecision};
use mail::decision::policy::{Deposit, FriendRequest, Retry, Submission};
use mail::decision::relay_selector::{Relay, Select, WaitingMail};
use mail::decision::resolver::Resolve;
use mail::record::Direction;
use mail::status::EnhancedStatus;
use mail::{Address, Envelope, PublicKey, Refusal, ReversePath};
use serde::{Deserialize, Deserializer};

use crate::slot::Slot;

/// What is asked: a function and its facts.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ask {
    /// `policy`.
    #[serde(with = "SubmissionFacts")]
    AllowSubmission(Submission),
    /// `policy`.
    #[serde(with = "FriendFacts")]
    AcceptFriend(FriendRequest),
    /// `policy`.
    #[serde(with = "RetryFacts")]
    NextAttempt(Retry),
    /// `policy`.
    #[serde(with = "DepositFacts")]
    AllowDeposit(Deposit),
    /// `resolver`.
    #[serde(with = "ResolveFacts")]
    Resolve(Resolve),
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

/// An address of this file: `local` is a valid local part.
fn at_tox(local: &str) -> Address {
    #[allow(clippy::expect_used, reason = "a constant of this file")]
    Address::at_tox(local).expect("a valid local part")
}

/// Reads a number of seconds.
fn seconds<'de, D: Deserializer<'de>>(file: D) -> Result<Duration, D::Error> {
    u64::deserialize(file).map(Duration::from_secs)
}

/// Reads a number of seconds.
fn some_seconds<'de, D: Deserializer<'de>>(file: D) -> Result<Option<Duration>, D::Error> {
    seconds(file).map(Some)
}

/// A table of names and values.
fn attributes<'de, D: Deserializer<'de>>(file: D) -> Result<Attributes, D::Error> {
    let table = BTreeMap::<String, String>::deserialize(file)?;
    Ok(table.into_iter().collect::<Vec<_>>().into())
}

/// An address; `""` for mails that must not bounce.
fn reverse_path<'de, D: Deserializer<'de>>(file: D) -> Result<ReversePath, D::Error> {
    let text = String::deserialize(file)?;
    match text.as_str() {
        "" => Ok(ReversePath::Null),
        address => address.parse().map(ReversePath::Mailbox).map_err(serde::de::Error::custom),
    }
}

/// `types.refusal`
fn refusal<'de, D: Deserializer<'de>>(file: D) -> Result<Refusal, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        status: EnhancedStatus,
        text: String,
    }
    let File { status, text } = File::deserialize(file)?;
    Ok(Refusal::new(status, &text))
}

/// `policy-decisions.submission`
#[derive(Deserialize)]
#[serde(remote = "Submission", default = "submission", deny_unknown_fields, rename_all = "kebab-case")]
struct SubmissionFacts {
    #[serde(deserialize_with = "reverse_path")]
    reverse_path: ReversePath,
    forward_path: Address,
    declared_size: Option<u64>,
    queued: u64,
    #[serde(deserialize_with = "attributes")]
    attributes: Attributes,
}

fn submission() -> Submission {
    Submission {
        reverse_path: ReversePath::Mailbox(at_tox("anna")),
        forward_path: at_tox("ben"),
        declared_size: None,
        queued: 0,
        attributes: Attributes::default(),
    }
}

/// `policy-decisions.friend-request`
#[derive(Deserialize)]
#[serde(remote = "FriendRequest", default = "friend_request", deny_unknown_fields, rename_all = "kebab-case")]
struct FriendFacts {
    key: PublicKey,
    message: String,
    written_to: bool,
    #[serde(deserialize_with = "attributes")]
    attributes: Attributes,
}

fn friend_request() -> FriendRequest {
    FriendRequest {
        key: PublicKey([7; 32]),
        message: "It is me".to_owned(),
        written_to: false,
        attributes: Attributes::default(),
    }
}

/// `policy-decisions.retry`; times in seconds.
#[derive(Deserialize)]
#[serde(remote = "Retry", default = "retry", deny_unknown_fields, rename_all = "kebab-case")]
struct RetryFacts {
    attempts: u32,
    #[serde(deserialize_with = "seconds")]
    age: Duration,
    #[serde(deserialize_with = "seconds")]
    remaining: Duration,
    peer_online: bool,
    #[serde(deserialize_with = "refusal")]
    problem: Refusal,
    size: u64,
    #[serde(deserialize_with = "attributes")]
    attributes: Attributes,
}

fn retry() -> Retry {
    Retry {
        attempts: 1,
        age: Duration::from_secs(10),
        remaining: Duration::from_secs(5 * 24 * 3600),
        peer_online: false,
        problem: Refusal::transient(4, 1, "the recipient is not online"),
        size: 4000,
        attributes: Attributes::default(),
    }
}

/// `policy-decisions.deposit`
#[derive(Deserialize)]
#[serde(remote = "Deposit", default = "deposit", deny_unknown_fields, rename_all = "kebab-case")]
struct DepositFacts {
    admission: String,
    ttl_days: u32,
    cells: u64,
    capacity: u64,
    today: u64,
    #[serde(deserialize_with = "attributes")]
    attributes: Attributes,
}

fn deposit() -> Deposit {
    Deposit {
        admission: "token".to_owned(),
        ttl_days: 7,
        cells: 10,
        capacity: 1000,
        today: 3,
        attributes: Attributes::default(),
    }
}

/// `resolver-decisions.resolve`
#[derive(Deserialize)]
#[serde(remote = "Resolve", deny_unknown_fields)]
struct ResolveFacts {
    address: Address,
    #[serde(skip)]
    mail: Option<mail::MailId>,
}

/// `relay-selector-decisions.select`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SelectFacts {
    #[serde(with = "WaitingFacts")]
    mail: WaitingMail,
    relays: Vec<OneRelay>,
}

impl Default for SelectFacts {
    fn default() -> Self {
        Self { mail: waiting_mail(), relays: Vec::new() }
    }
}

impl SelectFacts {
    pub(super) fn question(&self) -> Select {
        let relays = self.relays.iter().map(|OneRelay(relay)| relay.clone());
        Select { mail: self.mail.clone(), relays: relays.collect() }
    }
}

/// `relay-selector-decisions.waiting-mail`; times in seconds.
#[derive(Deserialize)]
#[serde(remote = "WaitingMail", default = "waiting_mail", deny_unknown_fields, rename_all = "kebab-case")]
struct WaitingFacts {
    size: u64,
    cells: u32,
    #[serde(deserialize_with = "seconds")]
    remaining: Duration,
    recipient_is_contact: bool,
    reposted: bool,
    #[serde(deserialize_with = "attributes")]
    attributes: Attributes,
}

fn waiting_mail() -> WaitingMail {
    WaitingMail {
        size: 4000,
        cells: 1,
        remaining: Duration::from_secs(20 * 24 * 3600),
        recipient_is_contact: true,
        reposted: false,
        attributes: Attributes::default(),
    }
}

/// A relay in a list.
#[derive(Clone, Debug, Deserialize)]
struct OneRelay(#[serde(with = "RelayFacts")] Relay);

/// `relay-selector-decisions.relay`; times in seconds.
#[derive(Deserialize)]
#[serde(remote = "Relay", default = "relay", deny_unknown_fields, rename_all = "kebab-case")]
struct RelayFacts {
    key: PublicKey,
    owner: Option<String>,
    served_here: bool,
    read_by_recipient: bool,
    chosen_by_user: bool,
    receipts: u64,
    failures: u64,
    #[serde(deserialize_with = "some_seconds")]
    last_failure: Option<Duration>,
    fill: u32,
    tokens: u32,
    #[serde(deserialize_with = "attributes")]
    attributes: Attributes,
}

fn relay() -> Relay {
    Relay {
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
        attributes: Attributes::default(),
    }
}

/// The direction of a mail.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Way {
    /// From a mail program here.
    Outgoing,
    /// To a mailbox here.
    Incoming,
}

/// `mail-filter-decisions.mail-facts`, with its envelope beside the other fields.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FilterFacts {
    direction: Way,
    #[serde(deserialize_with = "reverse_path")]
    reverse_path: ReversePath,
    forward_path: Address,
    peer: Option<PublicKey>,
    is_contact: bool,
    from_verified: bool,
    #[serde(deserialize_with = "attributes")]
    attributes: Attributes,
}

impl Default for FilterFacts {
    fn default() -> Self {
        Self {
            direction: Way::Incoming,
            reverse_path: ReversePath::Mailbox(at_tox("ben")),
            forward_path: at_tox("anna"),
            peer: Some(PublicKey([7; 32])),
            is_contact: true,
            from_verified: true,
            attributes: Attributes::default(),
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
            envelope: Envelope::new(self.reverse_path.clone(), self.forward_path.clone()),
            peer: self.peer,
            is_contact: self.is_contact,
            from_verified: self.from_verified,
            attributes: self.attributes.clone(),
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
