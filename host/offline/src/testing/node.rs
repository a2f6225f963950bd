//! One gateway of the world: the real core and real offline mail, on a disk that survives both.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use drops::record::OwnerMark;
use gateway::Gateway;
use gateway::testing::{Fault, Process};
use mail::decision::policy::{FriendRequestAnswer, RetryAnswer};
use mail::record::{Contact, ContactState, OutboxEntry, Outcome};
use mail::{AccountName, MailId, PublicKey, Wall};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::boards::{Host, LiveBoards, TestBoards};
use super::core::SimCore;
use super::disk::{Disk, Files};
use super::selector::FakeSelector;
use super::workers::Inline;
use super::world::{Sim, tox_id};
use crate::ports::{KnownBoard, Workers};
use crate::shared::lock;
use crate::{OfflineMail, Ports, Settings};

/// One gateway, running or not.
pub(crate) struct Node {
    /// What offline mail has on disk; the core's disk is the world's.
    pub disk: Arc<Disk>,
    pub boards: Arc<TestBoards>,
    pub selector: Arc<FakeSelector>,
    workers: Mutex<Arc<dyn Workers>>,
    sim: Weak<Sim>,
    number: usize,
    /// Of its first account, which is made of it.
    name: String,
    offline: Mutex<Option<Arc<OfflineMail>>>,
}

impl Node {
    pub fn new(sim: &Arc<Sim>, number: usize, hosts: &[Arc<Host>]) -> Self {
        let name = sim.nodes[number].accounts.keys().next().unwrap().to_string();
        Self {
            disk: Arc::default(),
            boards: Arc::new(TestBoards::new(hosts.to_vec())),
            selector: Arc::default(),
            workers: Mutex::new(Arc::new(Inline)),
            sim: Arc::downgrade(sim),
            number,
            name,
            offline: Mutex::default(),
        }
    }

    fn sim(&self) -> Arc<Sim> {
        self.sim.upgrade().unwrap()
    }

    pub fn account(&self) -> AccountName {
        self.name.parse().unwrap()
    }

    pub fn key(&self) -> PublicKey {
        tox_id(&self.name).key
    }

    pub fn offline(&self) -> Arc<OfflineMail> {
        lock(&self.offline).clone().unwrap()
    }

    pub async fn start(&self) {
        self.sim().start(self.number).await;
    }

    /// Starts; dies at the n-th change.
    pub async fn start_to_die(&self, n: u64, after: bool) {
        let fault = if after { Fault::DieAfter(n) } else { Fault::DieBefore(n) };
        self.sim().start_with(self.number, Some(fault)).await;
    }

    /// Stops it, or takes away what is left of a process that died.
    pub async fn stop(&self) {
        self.sim().crash(self.number, 0).await;
    }

    pub fn is_dead(&self) -> bool {
        self.sim().is_dead(self.number)
    }

    /// Does something with the core, which is started for it where it does not run.
    async fn awake<T>(&self, act: impl AsyncFnOnce(Arc<Gateway>) -> T) -> T {
        let sim = self.sim();
        if let Some(gateway) = sim.gateway(self.number) {
            return act(gateway).await;
        }
        self.start().await;
        let done = act(sim.gateway(self.number).unwrap()).await;
        self.stop().await;
        done
    }

    /// The process of its core is made: offline mail comes in, as in the daemon.
    pub async fn process_made(&self, process: &Process) {
        let files = Arc::new(Files { disk: self.disk.clone(), storage: process.storage.clone() });
        let ports = Ports {
            boards: Arc::new(LiveBoards { boards: self.boards.clone(), dead: process.storage.dead() }),
            documents: files.clone(),
            keys: files,
            core: Arc::new(SimCore::new(&self.sim, self.number, process, &self.disk)),
            selector: self.selector.clone(),
            workers: lock(&self.workers).clone(),
            clock: self.sim().clock.clone(),
        };
        let dice = Box::new(ChaCha20Rng::seed_from_u64(self.sim().random.next()));
        let offline = Arc::new(OfflineMail::new(ports, Settings::default(), dice));
        let accounts: Vec<AccountName> = self.sim().nodes[self.number].accounts.keys().cloned().collect();
        let _may_die = process.gateway.load_people().await;
        let _may_die = offline.load(&accounts).await;
        process.gateway.use_relays(offline.clone());
        *lock(&self.offline) = Some(offline);
    }

    /// Its core runs.
    pub fn process_started(&self) {
        self.offline().start();
    }

    /// Its process is no more.
    pub async fn process_ended(&self) {
        let offline = lock(&self.offline).take();
        if let Some(offline) = offline {
            offline.stop().await;
        }
    }

    /// Has its computing done by these from the next start on.
    pub fn computes_with(&self, workers: Arc<dyn Workers>) {
        *lock(&self.workers) = workers;
    }

    /// Knows these boards.
    pub fn reads(&self, hosts: &[&Arc<Host>]) {
        let known = |host: &&Arc<Host>| KnownBoard {
            key: host.key,
            owner: None,
            served_here: false,
            invitation: None,
        };
        lock(&self.boards.known).extend(hosts.iter().map(known));
    }

    /// Serves this board itself.
    pub fn serves(&self, host: &Host) {
        let key = host.key;
        let own = KnownBoard { key, owner: Some(OwnerMark([1; 8])), served_here: true, invitation: None };
        lock(&self.boards.known).push(own);
    }

    /// Was invited to this board.
    pub fn is_invited(&self, host: &Host) {
        let code = [u8::try_from(self.number).unwrap(); 16];
        host.invite(code);
        let known = KnownBoard { key: host.key, owner: None, served_here: false, invitation: Some(code) };
        lock(&self.boards.known).push(known);
    }

    /// Strangers do not become contacts at once: the user is asked.
    pub fn asks_its_user(&self) {
        self.answers_requests(FriendRequestAnswer::AskUser);
    }

    pub fn answers_requests(&self, answer: FriendRequestAnswer) {
        let script = &self.sim().nodes[self.number].script;
        script.set(|answers| answers.friend_request = Some(Ok(answer)));
    }

    /// The outbox waits so long between attempts.
    pub fn tries_every(&self, wait: Duration) {
        let script = &self.sim().nodes[self.number].script;
        script.set(|answers| answers.retry = Some(Ok(RetryAnswer::After(wait))));
    }

    /// Both are contacts, as if they had met.
    pub async fn befriend(&self, other: &Self) {
        self.sim().introduce(&self.name, &other.name).await;
    }

    /// Has asked somebody to be a contact, in an earlier life, and knows their key alone.
    pub fn has_asked(&self, other: &Self) {
        let contact = Contact {
            alias: other.account(),
            key: other.key(),
            tox_id: None,
            addresses: vec![],
            state: ContactState::Requested,
            since: Wall(0),
        };
        let place = (self.account(), other.key());
        lock(&self.sim().nodes[self.number].disk.0).contacts.insert(place, contact);
    }

    /// Room for so many friend requests.
    pub fn has_room_for_requests(&self, limit: usize) {
        lock(&self.sim().nodes[self.number].disk.0).request_limit = limit;
    }

    /// Who has asked to be a contact, and waits for the user.
    pub fn requests(&self) -> Vec<PublicKey> {
        let sim = self.sim();
        let state = lock(&sim.nodes[self.number].disk.0);
        state.requests.keys().map(|(_, key)| *key).collect()
    }

    /// The user accepts a friend request.
    pub async fn accept(&self, other: &Self) {
        let accept = async |gateway: Arc<Gateway>| {
            gateway.accept_request(&self.account(), other.key(), None).await.unwrap()
        };
        self.awake(accept).await;
    }

    /// The user declines a friend request.
    pub async fn decline(&self, other: &Self) {
        let decline = async |gateway: Arc<Gateway>| {
            gateway.decline_request(&self.account(), other.key()).await.unwrap();
        };
        self.awake(decline).await;
    }

    /// How far it has got with somebody.
    pub fn contact(&self, other: &Self) -> Option<ContactState> {
        let sim = self.sim();
        let state = lock(&sim.nodes[self.number].disk.0);
        state.contacts.get(&(self.account(), other.key())).map(|contact| contact.state)
    }

    /// Hands the own record to somebody who runs too, as a hello does.
    pub async fn greet(&self, other: &Self) {
        let record = self.offline().record_for(&self.account(), other.key()).await.unwrap().unwrap();
        other.offline().record_received(&other.account(), self.key(), &record).await.unwrap();
    }

    /// Submits a mail to somebody whose key alone is known; durable when this returns.
    pub async fn submit(&self, to: &Self, text: &str) -> MailId {
        let from = &self.name;
        let text = format!("From: <{from}@tox>\r\nSubject: a mail\r\n\r\n{text}\r\n");
        let to = format!("{}@tox", to.key().to_string().to_lowercase());
        let submit = async |_| self.sim().submit(from, &[&to], &text).await.unwrap()[0];
        self.awake(submit).await
    }

    /// The texts of mails that came, in their order. Reports are not among them.
    pub fn mails(&self) -> Vec<String> {
        let mailbox = self.sim().mailbox(&self.name);
        let mails = mailbox.iter().filter(|mail| !mail.starts_with("Return-Path: <>\r\n"));
        let text = |mail: &String| {
            let (_, text) = mail.split_once("\r\n\r\n").unwrap();
            text.trim_end_matches("\r\n").to_owned()
        };
        let mut mails: Vec<String> = mails.map(text).collect();
        mails.sort();
        mails
    }

    /// A mail that waits in the outbox.
    pub fn entry(&self, id: MailId) -> OutboxEntry {
        lock(&self.sim().nodes[self.number].disk.0).outbox[&id].clone()
    }

    /// How a mail left the outbox.
    pub fn ended(&self, id: MailId) -> Option<&'static str> {
        self.sim().nodes[self.number].disk.outcome(id).map(|outcome| match outcome {
            Outcome::Delivered => "delivered",
            Outcome::Bounced(_) => "bounced",
            other => panic!("{other:?}"),
        })
    }
}
