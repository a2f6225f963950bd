//! Decisions by a script: the defaults of each slot, until a test says otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mail::decision::mail_filter::{MailFacts, MessageBytes, Verdict};
use mail::decision::policy::*;
use mail::decision::resolver::{Resolution, Resolve, ResolveAnswer, Source, Target, Trust};
use mail::decision::{DecisionFailure, Decisions};
use mail::record::Direction;
use mail::{AccountName, Address, MailId, Refusal, ToxId, Wall};

use super::world::World;
use crate::lock::lock;

/// One slot: answers, fails, or thinks for a while first.
pub type Answer<T> = Option<Result<T, DecisionFailure>>;

/// What the components say. `None` is the default answer.
#[derive(Default)]
pub struct Answers {
    /// Slot `policy`: whether a mail is taken.
    pub submission: Answer<SubmissionAnswer>,
    /// Slot `policy`: what becomes of a friend request.
    pub friend_request: Answer<FriendRequestAnswer>,
    /// Slot `policy`: when a mail is tried again.
    pub retry: Answer<RetryAnswer>,
    /// Slot `resolver`, for these addresses.
    pub resolve: BTreeMap<Address, Result<ResolveAnswer, DecisionFailure>>,
    /// Slot `mail-filter`, for what goes out.
    pub outgoing: Answer<Verdict>,
    /// Slot `mail-filter`, for what comes in.
    pub incoming: Answer<Verdict>,
    /// Outgoing, for one recipient.
    pub outgoing_to: BTreeMap<Address, Verdict>,
    /// What becomes of mail whose filter failed.
    pub quarantine_unfiltered: bool,
    /// How long each decision takes.
    pub delay: Duration,
    /// What the filters were told, and the mail they read.
    pub filtered: Vec<(MailFacts, Vec<u8>)>,
    /// The friend requests that were decided about.
    pub friend_requests: Vec<FriendRequest>,
    /// The attempts that failed.
    pub retries: Vec<Retry>,
    /// The recipients that were asked for.
    pub submissions: Vec<Submission>,
    /// The mails addresses were resolved for.
    pub resolved_for: Vec<MailId>,
    /// The resolver's `accounts` and `contacts` capabilities: who is whom, of the whole world.
    pub world: Option<std::sync::Weak<World>>,
    /// Which of its gateways this is.
    pub node: usize,
}

/// Scripted decisions of one gateway.
#[derive(Clone, Default)]
pub struct Script(pub Arc<Mutex<Answers>>);

/// A component trapped.
pub fn failure() -> DecisionFailure {
    DecisionFailure { reason: "it trapped".to_owned(), is_busy: false }
}

/// No component had a free place.
pub fn busy() -> DecisionFailure {
    DecisionFailure { reason: "too many calls are waiting".to_owned(), is_busy: true }
}

impl Script {
    /// Changes what is answered from now on.
    pub fn set(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut lock(&self.0));
    }

    /// A name that the resolver knows from DNS.
    pub fn dns(&self, address: &str, id: ToxId) {
        let target = Target::ToxId(id);
        let resolution =
            Resolution { target, source: Source::Dns, trust: Trust::FirstUse, attributes: Vec::new() };
        let answer = Ok(ResolveAnswer::Found(resolution));
        self.set(|answers| drop(answers.resolve.insert(address.parse().unwrap(), answer)));
    }

    async fn think(&self) {
        let delay = lock(&self.0).delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }

    /// What the default resolver component says: literals, accounts here, contacts.
    fn resolve_by_default(&self, account: &AccountName, address: &Address) -> ResolveAnswer {
        let (world, node) = {
            let answers = lock(&self.0);
            (answers.world.clone(), answers.node)
        };
        let found = |target, source| {
            let trust = Trust::Verified;
            ResolveAnswer::Found(Resolution { target, source, trust, attributes: Vec::new() })
        };
        let local = address.canonical().local().to_owned();
        if address.is_tox()
            && let Ok(id) = local.parse::<ToxId>()
        {
            return found(Target::ToxId(id), Source::Literal);
        }
        if address.is_tox()
            && let Ok(key) = local.parse()
        {
            return found(Target::Key(key), Source::Literal);
        }
        let Some(gateway) = world.and_then(|world| world.upgrade()).and_then(|world| world.gateway(node))
        else {
            return ResolveAnswer::NotFound("nobody has this address".to_owned());
        };
        if let Some(name) = gateway.account_with_address(address) {
            return found(Target::Account(name), Source::Account);
        }
        if let Some(contact) = gateway.find_contact(account, address) {
            let target = match contact.tox_id {
                Some(id) => Target::ToxId(id),
                None => Target::Key(contact.key),
            };
            return found(target, Source::Contact);
        }
        ResolveAnswer::NotFound("nobody has this address".to_owned())
    }
}

/// What a mail asks the filter of its recipient to do, in a field of its own.
fn verdict_in(mail: &[u8]) -> Answer<Verdict> {
    let text = String::from_utf8_lossy(mail);
    let (_, verdict) = text.split_once("X-Verdict: ")?;
    match verdict.split("\r\n").next()? {
        "reject" => Some(Ok(Verdict::Reject(Refusal::permanent(7, 1, "the filter says no")))),
        "quarantine" => Some(Ok(Verdict::Quarantine("odd".to_owned()))),
        "discard" => Some(Ok(Verdict::Discard("noise".to_owned()))),
        "later" => Some(Ok(Verdict::Reject(Refusal::transient(7, 1, "ask me again")))),
        "trap" => Some(Err(failure())),
        "busy" => Some(Err(busy())),
        "panic" => panic!("a fault of the gateway itself"),
        _ => None,
    }
}

#[async_trait]
impl Decisions for Script {
    async fn submission(
        &self,
        _account: &AccountName,
        _now: Wall,
        facts: Submission,
    ) -> Result<SubmissionAnswer, DecisionFailure> {
        self.think().await;
        let mut answers = lock(&self.0);
        answers.submissions.push(facts);
        answers.submission.clone().unwrap_or(Ok(SubmissionAnswer::Allow))
    }

    async fn friend_request(
        &self,
        _account: &AccountName,
        _now: Wall,
        facts: FriendRequest,
    ) -> Result<FriendRequestAnswer, DecisionFailure> {
        self.think().await;
        let mut answers = lock(&self.0);
        answers.friend_requests.push(facts);
        answers.friend_request.clone().unwrap_or(Ok(FriendRequestAnswer::AskUser))
    }

    async fn retry(
        &self,
        _account: &AccountName,
        _now: Wall,
        facts: Retry,
    ) -> Result<RetryAnswer, DecisionFailure> {
        self.think().await;
        let mut answers = lock(&self.0);
        let wait = Duration::from_secs(60 * u64::from(facts.attempts.min(240)));
        answers.retries.push(facts);
        answers.retry.clone().unwrap_or(Ok(RetryAnswer::After(wait)))
    }

    async fn resolve(
        &self,
        account: &AccountName,
        _now: Wall,
        question: Resolve,
    ) -> Result<ResolveAnswer, DecisionFailure> {
        self.think().await;
        let known = {
            let mut answers = lock(&self.0);
            answers.resolved_for.extend(question.mail);
            answers.resolve.get(&question.address).cloned()
        };
        known.unwrap_or_else(|| Ok(self.resolve_by_default(account, &question.address)))
    }

    async fn filter(
        &self,
        _account: &AccountName,
        _now: Wall,
        facts: MailFacts,
        message: Arc<dyn MessageBytes>,
    ) -> Result<Verdict, DecisionFailure> {
        self.think().await;
        let mut bytes = Vec::new();
        while let Ok(piece) = message.read(bytes.len() as u64, 7000)
            && !piece.is_empty()
        {
            bytes.extend_from_slice(&piece);
        }
        assert_eq!(bytes.len() as u64, message.size());
        assert_eq!(Some(bytes.len() as u64), facts.attributes.size);
        let mut answers = lock(&self.0);
        let answer = match facts.direction {
            Direction::Outgoing => {
                let own = answers.outgoing_to.get(&facts.envelope.forward_path).cloned();
                own.map(Ok).or_else(|| answers.outgoing.clone())
            }
            Direction::Incoming => answers.incoming.clone().or_else(|| verdict_in(&bytes)),
        };
        // Bounded, so that a simulation can run for hours.
        if answers.filtered.len() < 10_000 {
            answers.filtered.push((facts, bytes));
        }
        answer.unwrap_or(Ok(Verdict::Accept(Vec::new())))
    }

    fn quarantine_unfiltered(&self) -> bool {
        lock(&self.0).quarantine_unfiltered
    }
}
