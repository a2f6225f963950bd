//! Gateways with a fake core: an outbox that tries every half hour, a reception that dedupes, contacts.

use clock::SimulatedClock;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use drops::point::Secret;
use drops::record::OwnerMark;
use gateway::ports::DropRelays as _;
use gateway::{Asked, Received};
use mail::record::{BodyId, ContactState, Destination, Marks, OutboxEntry, Route};
use mail::{
    AccountName, Acknowledgement, Address, BodyDigest, BodyHasher, Envelope, MailId, Nospam, PublicKey,
    ReversePath, ToxId,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::task::JoinHandle;

use super::{Disk, Host, Life, TestBoards};
use crate::ports::{
    BoardFacts, ChosenBoard, Core, Failure, Identity, KnownBoard, Plan, Selector, SessionIdentity,
    WaitingMail, Workers,
};
use crate::shared::lock;
use crate::{OfflineMail, Ports, Settings};

/// All gateways and boards.
pub(crate) struct World {
    pub clock: Arc<SimulatedClock>,
    pub hosts: Vec<Arc<Host>>,
    /// Gateways that run, by key: what "online" means here.
    pub online: Arc<Mutex<BTreeSet<PublicKey>>>,
}

impl World {
    pub fn new(boards: u8) -> Self {
        let clock = Arc::new(SimulatedClock::new());
        let hosts = (0..boards).map(|number| Host::new(100 + number, &clock)).collect();
        Self { clock, hosts, online: Arc::default() }
    }

    /// A gateway that knows these boards.
    pub fn node(&self, byte: u8, boards: &[usize]) -> Node {
        let known = |number: &usize| KnownBoard {
            key: self.hosts[*number].key,
            owner: None,
            served_here: false,
            invitation: None,
        };
        Node {
            secret: Secret::from_bytes([byte; 32]),
            disk: Arc::new(Disk::new()),
            boards: Arc::new(TestBoards::new(self.hosts.clone(), boards.iter().map(known).collect())),
            clock: Arc::clone(&self.clock),
            online: Arc::clone(&self.online),
            accepts: true,
            selector: Arc::default(),
            workers: Arc::new(Inline),
            starts: 0,
            process: None,
        }
    }

    pub async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// One gateway, running or not.
pub(crate) struct Node {
    pub secret: Secret,
    pub disk: Arc<Disk>,
    pub boards: Arc<TestBoards>,
    /// Whether strangers become contacts at once; else the user is asked.
    pub accepts: bool,
    pub selector: Arc<FakeSelector>,
    pub workers: Arc<dyn Workers>,
    clock: Arc<SimulatedClock>,
    online: Arc<Mutex<BTreeSet<PublicKey>>>,
    starts: u64,
    process: Option<Process>,
}

struct Process {
    offline: Arc<OfflineMail>,
    life: Arc<Life>,
    outbox: JoinHandle<()>,
}

pub(crate) fn account() -> AccountName {
    "owner".parse().unwrap()
}

impl Node {
    pub fn key(&self) -> PublicKey {
        PublicKey(self.secret.point().0)
    }

    pub async fn start(&mut self) {
        self.start_to_die(0, false).await;
    }

    /// Starts; dies at the n-th change (0: never).
    pub async fn start_to_die(&mut self, dies_at: u64, after: bool) {
        self.starts += 1;
        let life = Arc::new(Life::new(&self.disk, dies_at, after));
        let core = Arc::new(FakeCore {
            life: Arc::clone(&life),
            identity: Identity {
                secret: self.secret.clone(),
                tox_id: ToxId { key: self.key(), nospam: Nospam([1; 4]) },
            },
            online: Arc::clone(&self.online),
            accepts: self.accepts,
        });
        let ports = Ports {
            boards: Arc::clone(&self.boards) as Arc<_>,
            documents: Arc::clone(&life) as Arc<_>,
            keys: Arc::clone(&life) as Arc<_>,
            core: Arc::clone(&core) as Arc<_>,
            selector: Arc::clone(&self.selector) as Arc<_>,
            workers: Arc::clone(&self.workers),
            clock: Arc::clone(&self.clock) as Arc<_>,
        };
        let seed = self.starts * 1000 + u64::from(self.secret.as_bytes()[0]);
        let dice = Box::new(ChaCha20Rng::seed_from_u64(seed));
        let offline = Arc::new(OfflineMail::new(ports, Settings::default(), dice));
        let _may_die = offline.load(&[account()]).await;
        offline.start();
        lock(&self.online).insert(self.key());
        let outbox = tokio::spawn(outbox(Arc::clone(&offline), core));
        self.process = Some(Process { offline, life, outbox });
    }

    /// Stops it, or takes away what is left of a process that died.
    pub async fn stop(&mut self) {
        lock(&self.online).remove(&self.key());
        if let Some(process) = self.process.take() {
            process.life.kill();
            process.outbox.abort();
            process.offline.stop().await;
        }
    }

    pub fn offline(&self) -> &Arc<OfflineMail> {
        &self.process.as_ref().unwrap().offline
    }

    pub fn is_dead(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.life.is_dead())
    }

    /// Serves this board itself.
    pub fn serves(&self, host: &Host) {
        let key = host.key;
        let own = KnownBoard { key, owner: Some(OwnerMark([1; 8])), served_here: true, invitation: None };
        lock(&self.boards.known).push(own);
    }

    /// Was invited to this board.
    pub fn is_invited(&self, host: &Host) {
        let code = [self.secret.as_bytes()[0]; 16];
        host.invite(code);
        let known = KnownBoard { key: host.key, owner: None, served_here: false, invitation: Some(code) };
        lock(&self.boards.known).push(known);
    }

    /// Both are contacts, as if they had met.
    pub fn befriend(&self, other: &Self) {
        lock(&self.disk.contacts).insert(other.key(), ContactState::Confirmed);
        lock(&other.disk.contacts).insert(self.key(), ContactState::Confirmed);
    }

    /// Hands the own record to somebody who runs too, as a hello does.
    pub async fn greet(&self, other: &Self) {
        let record = self.offline().record_for(&account(), other.key()).await.unwrap().unwrap();
        other.offline().record_received(&account(), self.key(), &record).await.unwrap();
    }

    /// Submits a mail; durable at once.
    pub fn submit(&self, number: u8, to: &Self, text: &str) -> MailId {
        let id = MailId([number; 16]);
        let body = Bytes::from(text.to_owned());
        let created = mail::Clock::wall(&*self.clock);
        let entry = OutboxEntry {
            id,
            account: account(),
            envelope: Envelope::new(ReversePath::Mailbox(address(self.key())), address(to.key())),
            route: Route::Remote(Destination::Contact(to.key())),
            prefix: vec![],
            body: BodyId(0),
            size: body.len() as u64,
            digest: BodyHasher::digest(&body),
            created,
            expires: created.plus(mail::limits::EXPIRY),
            attempts: 0,
            next_attempt: None,
            last_problem: None,
            marks: Marks::default(),
        };
        lock(&self.disk.outbox).insert(id, (entry, body));
        lock(&self.disk.contacts).entry(to.key()).or_insert(ContactState::Requested);
        id
    }

    /// The mails that came, in the order of their text.
    pub fn mails(&self) -> Vec<String> {
        let mailbox = lock(&self.disk.mailbox);
        let mut mails: Vec<String> =
            mailbox.iter().map(|mail| String::from_utf8_lossy(mail).into_owned()).collect();
        mails.sort();
        mails
    }

    /// How a mail left the outbox.
    pub fn ended(&self, id: MailId) -> Vec<&'static str> {
        lock(&self.disk.ended).iter().filter(|(other, _)| *other == id).map(|(_, how)| *how).collect()
    }
}

fn address(key: PublicKey) -> Address {
    Address::at_tox(&key.to_string().to_lowercase()).unwrap()
}

/// Every half hour: what is over is given up, for the rest copies are seen to.
async fn outbox(offline: Arc<OfflineMail>, core: Arc<FakeCore>) {
    loop {
        let entries: Vec<OutboxEntry> =
            lock(&core.life.disk.outbox).values().map(|(entry, _)| entry.clone()).collect();
        for entry in entries {
            let Route::Remote(destination) = entry.route.clone() else { continue };
            let answer = offline.copies(entry.id).answer_until;
            if mail::Clock::wall(&*offline_clock(&offline))
                >= answer.unwrap_or(entry.expires).max(entry.expires)
            {
                core.end(entry.id, "bounced");
                offline.ended(entry.id);
            } else if !core.is_online(&entry.account, destination.key()) {
                offline.leave_copies(&entry).await;
            }
        }
        let left: Vec<MailId> = lock(&core.life.disk.ended).iter().map(|(id, _)| *id).collect();
        for id in left {
            offline.ended(id);
        }
        tokio::time::sleep(Duration::from_secs(1800)).await;
    }
}

fn offline_clock(offline: &OfflineMail) -> Arc<dyn mail::Clock> {
    offline.clock()
}

struct FakeCore {
    life: Arc<Life>,
    identity: Identity,
    online: Arc<Mutex<BTreeSet<PublicKey>>>,
    accepts: bool,
}

impl FakeCore {
    fn end(&self, id: MailId, how: &'static str) {
        let _may_die = self.life.change(|disk| {
            if lock(&disk.outbox).remove(&id).is_some() {
                lock(&disk.ended).push((id, how));
            }
        });
    }
}

#[async_trait]
impl Core for FakeCore {
    fn accounts(&self) -> Vec<AccountName> {
        vec![account()]
    }

    async fn identity(&self, _account: &AccountName) -> Option<Identity> {
        Some(self.identity.clone())
    }

    fn is_online(&self, _account: &AccountName, key: PublicKey) -> bool {
        lock(&self.online).contains(&key)
    }

    fn contact(&self, _account: &AccountName, key: PublicKey) -> Option<ContactState> {
        lock(&self.life.disk.contacts).get(&key).copied()
    }

    fn contacts(&self, _account: &AccountName) -> Vec<PublicKey> {
        let contacts = lock(&self.life.disk.contacts);
        contacts.iter().filter(|(_, state)| **state == ContactState::Confirmed).map(|(key, _)| *key).collect()
    }

    async fn outgoing(
        &self,
        id: MailId,
        max: usize,
    ) -> Result<Option<(OutboxEntry, Option<Bytes>)>, Failure> {
        let outbox = lock(&self.life.disk.outbox);
        Ok(outbox.get(&id).map(|(entry, body)| (entry.clone(), (body.len() <= max).then(|| body.clone()))))
    }

    async fn take(
        &self,
        account: &AccountName,
        sender: PublicKey,
        id: MailId,
        _envelope: Envelope,
        body: Bytes,
    ) -> Received {
        if self.contact(account, sender) != Some(ContactState::Confirmed) {
            return Received::Stranger;
        }
        let (key, digest) = ((sender, id), BodyHasher::digest(&body));
        let known = lock(&self.life.disk.arrivals).get(&key).cloned();
        match known {
            Some((other, word)) if other == digest => return Received::Acknowledged(word),
            Some(_) => return Received::Broken("the id was used for another mail".to_owned()),
            None => {}
        }
        let word = Acknowledgement::Delivered;
        let made = self.life.change(|disk| {
            lock(&disk.mailbox).push(body.clone());
            lock(&disk.arrivals).insert(key, (digest, word.clone()));
        });
        match made {
            Ok(()) => Received::Acknowledged(word),
            Err(error) => Received::Later(error.to_string()),
        }
    }

    async fn knock(&self, _account: &AccountName, key: PublicKey, _text: &str) -> Result<Asked, Failure> {
        let is_known = lock(&self.life.disk.contacts).contains_key(&key);
        if is_known || self.accepts {
            self.life.change(|disk| lock(&disk.contacts).insert(key, ContactState::Confirmed))?;
            return Ok(Asked::Contact);
        }
        if lock(&self.life.disk.requests).contains(&key) {
            return Ok(Asked::Waits);
        }
        if self.life.disk.request_room.load(Ordering::Relaxed) == 0 {
            return Ok(Asked::NoRoom);
        }
        self.life.change(|disk| {
            disk.request_room.fetch_sub(1, Ordering::Relaxed);
            lock(&disk.requests).push(key);
        })?;
        Ok(Asked::Waits)
    }

    async fn is_waiting(&self, _account: &AccountName, key: PublicKey) -> Result<bool, Failure> {
        Ok(lock(&self.life.disk.requests).contains(&key))
    }

    async fn acknowledged(
        &self,
        _account: &AccountName,
        from: PublicKey,
        id: MailId,
        digest: BodyDigest,
        word: Acknowledgement,
    ) -> Result<(), Failure> {
        let is_right = lock(&self.life.disk.outbox).get(&id).is_some_and(|(entry, _)| {
            entry.digest == digest
                && matches!(&entry.route, Route::Remote(destination) if destination.key() == from)
        });
        if is_right {
            self.end(id, if word == Acknowledgement::Delivered { "delivered" } else { "refused" });
        }
        if self.life.is_dead() { Err(Failure("the process is dead".to_owned())) } else { Ok(()) }
    }

    fn record_changed(&self, _account: &AccountName) {
        self.life.disk.record_changes.fetch_add(1, Ordering::Relaxed);
    }

    fn outbox_changed(&self, _account: &AccountName, _id: MailId, _what: &str) {}
}

/// Three boards the recipient reads; where that is not known, three the user chose. As the default component does.
#[derive(Default)]
pub(crate) struct FakeSelector {
    /// Wants the own identity everywhere.
    pub shows_itself: AtomicBool,
    /// Days cells are to be held, where that is not as usual.
    pub ttl_days: Mutex<Option<u32>>,
    /// What was offered last.
    pub offered: Mutex<Vec<BoardFacts>>,
}

#[async_trait]
impl Selector for FakeSelector {
    async fn select(
        &self,
        _account: &AccountName,
        _now: mail::Wall,
        mail: WaitingMail,
        boards: Vec<BoardFacts>,
    ) -> Result<Plan, Failure> {
        lock(&self.offered).clone_from(&boards);
        let shows_itself = self.shows_itself.load(Ordering::Relaxed);
        let is_read = boards.iter().any(|board| board.read_by_recipient);
        let rests = |board: &BoardFacts| board.last_failure.is_some_and(|ago| ago < super::HOUR);
        let usable = boards.iter().filter(|board| !rests(board) && (board.read_by_recipient || !is_read));
        let chosen = |board: &BoardFacts| ChosenBoard {
            key: board.key,
            identity: if board.served_here || shows_itself {
                SessionIdentity::Own
            } else {
                SessionIdentity::Throwaway
            },
            within: Duration::from_secs(300),
        };
        let choices: Vec<_> = usable.take(3).map(chosen).collect();
        let enough = if choices.is_empty() { 0 } else { u32::try_from(choices.len() / 2 + 1).unwrap() };
        let usual = if mail.remaining > 14 * super::DAY { 14 } else { 7 };
        let ttl_days = lock(&self.ttl_days).unwrap_or(usual);
        Ok(Plan { choices, enough, ttl_days })
    }
}

/// Computing takes no time here.
struct Inline;

impl Workers for Inline {
    fn run(&self, job: Box<dyn FnOnce() + Send>) {
        job();
    }
}

/// Worker threads that do nothing before they are told to.
#[derive(Default)]
pub(crate) struct Held(Mutex<VecDeque<Box<dyn FnOnce() + Send>>>);

impl Held {
    /// Jobs that wait.
    pub fn waiting(&self) -> usize {
        lock(&self.0).len()
    }

    /// Does the next one; false if none waits.
    pub fn run_next(&self) -> bool {
        let job = lock(&self.0).pop_front();
        job.map(|job| job()).is_some()
    }
}

impl Workers for Held {
    fn run(&self, job: Box<dyn FnOnce() + Send>) {
        lock(&self.0).push_back(job);
    }
}

impl World {
    pub fn deposits(&self) -> u64 {
        self.hosts.iter().map(|host| host.deposits.load(Ordering::Relaxed)).sum()
    }
}
