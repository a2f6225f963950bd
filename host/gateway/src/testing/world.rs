//! Several gateways on one network, each with a disk that survives its process.

use clock::SimulatedClock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use mail::record::{Contact, ContactState};
use mail::{
    AccountName, Address, MailId, Nospam, Notify, PublicKey, Refusal, Return, ReversePath, ToxId, Wall,
};

use super::companion::Companion;
use super::decisions::Script;
use super::network::{Net, NodeNetwork};
use super::storage::{Disk, Fault, MemoryStorage};
use crate::lock::lock;
use crate::ports::{Event, Events, Random};
use crate::{Gateway, Settings};

/// The name of an account.
pub fn account(name: &str) -> AccountName {
    name.parse().unwrap()
}

/// An address.
pub fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// The key of an account: made of its name.
pub fn key(name: &str) -> PublicKey {
    let mut hasher = mail::BodyHasher::new();
    hasher.update(name.as_bytes());
    let mut bytes = hasher.finish().0;
    // One that somebody can have: `PublicKey::is_possible`.
    bytes[31] &= 0x7f;
    PublicKey(bytes)
}

/// The Tox ID of an account: made of its name.
pub fn tox_id(name: &str) -> ToxId {
    ToxId { key: key(name), nospam: Nospam([7; 4]) }
}

/// A short mail.
pub fn mail_text(from: &str, subject: &str) -> String {
    format!(
        "From: <{from}>\r\nSubject: {subject}\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{subject}@x>\r\n\r\nHello.\r\n"
    )
}

/// splitmix64.
#[derive(Debug)]
pub struct SeededRandom(Mutex<u64>);

impl SeededRandom {
    /// That of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        let mut state = lock(&self.0);
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below the bound.
    pub fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Events, kept.
#[derive(Default)]
pub struct Heard(
    /// In the order in which they came.
    pub Mutex<Vec<Event>>,
);

impl Events for Heard {
    fn publish(&self, event: Event) {
        let mut heard = lock(&self.0);
        if heard.len() < 100_000 {
            heard.push(event);
        }
    }
}

/// One gateway and what survives it.
pub struct Node {
    /// What survives.
    pub disk: Disk,
    /// What its components answer.
    pub script: Script,
    /// What it told.
    pub heard: Arc<Heard>,
    /// Its accounts, and who they are on the network.
    pub accounts: BTreeMap<AccountName, ToxId>,
    /// Its process, while there is one.
    pub process: Mutex<Option<Process>>,
    /// The settings its next process starts with.
    pub settings: Mutex<Settings>,
}

/// One life of a gateway.
#[derive(Clone)]
pub struct Process {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// Its view of the disk.
    pub storage: Arc<MemoryStorage>,
}

/// The world.
pub struct World {
    /// Everybody's time.
    pub clock: Arc<SimulatedClock>,
    /// Everybody's randomness.
    pub random: Arc<SeededRandom>,
    /// The network.
    pub net: Net,
    /// The gateways.
    pub nodes: Vec<Node>,
    ids: fn(&str) -> ToxId,
    companion: OnceLock<Arc<dyn Companion>>,
    me: Weak<World>,
}

impl World {
    /// A world of gateways, each with these accounts, all running and reachable. Nobody knows anybody.
    pub async fn new(seed: u64, nodes: &[&[&str]]) -> Arc<Self> {
        let world = Self::asleep(seed, nodes, tox_id);
        for number in 0..world.nodes.len() {
            world.start(number).await;
        }
        world
    }

    /// The same, with these Tox IDs of accounts; nobody runs yet.
    pub fn asleep(seed: u64, nodes: &[&[&str]], ids: fn(&str) -> ToxId) -> Arc<Self> {
        let world = Arc::new_cyclic(|me| {
            let node = |(number, names): (usize, &&[&str])| Node::new(me, number, names, ids);
            let nodes = nodes.iter().enumerate().map(node).collect();
            Self {
                clock: Arc::new(SimulatedClock::new()),
                random: Arc::new(SeededRandom::new(seed)),
                net: Net::default(),
                nodes,
                ids,
                companion: OnceLock::new(),
                me: me.clone(),
            }
        });
        for (number, node) in world.nodes.iter().enumerate() {
            let mut state = lock(&world.net.state);
            state.reachable.insert(number);
            state.piece_time = Duration::from_millis(5);
            for (name, id) in &node.accounts {
                state.ids.insert(id.key, (number, name.clone(), *id));
            }
        }
        world
    }

    /// Processes that start from now on have this companion.
    pub fn accompany(&self, companion: Arc<dyn Companion>) {
        assert!(self.companion.set(companion).is_ok(), "one for the whole world");
    }

    /// The gateway of a node, while it runs.
    pub fn gateway(&self, node: usize) -> Option<Arc<Gateway>> {
        lock(&self.nodes[node].process).as_ref().map(|process| process.gateway.clone())
    }

    /// What the process of a node sees of its disk.
    pub fn storage(&self, node: usize) -> Arc<MemoryStorage> {
        lock(&self.nodes[node].process).as_ref().unwrap().storage.clone()
    }

    /// Starts a gateway on its disk.
    pub async fn start(&self, number: usize) {
        self.start_with(number, None).await;
    }

    /// Starts a gateway that is to meet a fault, maybe before it runs.
    pub async fn start_with(&self, number: usize, fault: Option<Fault>) {
        let process = self.process(number);
        if let Some(fault) = fault {
            process.storage.plan(fault);
        }
        *lock(&self.nodes[number].process) = Some(process.clone());
        if let (Some(companion), Some(me)) = (self.companion.get(), self.me.upgrade()) {
            companion.made(&me, number, &process).await;
        }
        let started = process.gateway.start().await;
        assert!(started.is_ok() || self.is_dead(number), "the store can be read");
        if let Some(companion) = self.companion.get() {
            companion.started(number);
        }
        self.connect_soon();
    }

    /// A process on the disk of a node.
    fn process(&self, number: usize) -> Process {
        let node = &self.nodes[number];
        let storage = Arc::new(MemoryStorage::new(node.disk.clone()));
        let network = NodeNetwork {
            world: self.me.clone(),
            accounts: node.accounts.clone(),
            dead: storage.dead(),
            storage: storage.clone(),
            random: self.random.clone(),
        };
        let gateway = Arc::new(Gateway::new(
            storage.clone(),
            Arc::new(network),
            Arc::new(node.script.clone()),
            node.heard.clone(),
            self.random.clone(),
            self.clock.clone(),
            lock(&node.settings).clone(),
        ));
        Process { gateway, storage }
    }

    /// The process dies; of what was not durable, the last `undone` changes are lost.
    pub async fn crash(&self, number: usize, undone: usize) {
        let process = lock(&self.nodes[number].process).take();
        if let Some(process) = process {
            process.storage.dead().store(true, std::sync::atomic::Ordering::Relaxed);
            process.gateway.stopping.cancel();
            if let Some(companion) = self.companion.get() {
                companion.ended(number).await;
            }
        }
        self.disconnect(number).await;
        self.nodes[number].disk.crash(undone);
    }

    /// Whether the process died of a planned fault.
    pub fn is_dead(&self, number: usize) -> bool {
        let process = lock(&self.nodes[number].process);
        process
            .as_ref()
            .is_none_or(|process| process.storage.dead().load(std::sync::atomic::Ordering::Relaxed))
    }

    /// The node comes onto or leaves the network.
    pub async fn set_reachable(&self, number: usize, reachable: bool) {
        if reachable {
            lock(&self.net.state).reachable.insert(number);
            self.connect().await;
        } else {
            lock(&self.net.state).reachable.remove(&number);
            self.disconnect(number).await;
        }
    }

    /// Connections of a node end; the others notice.
    async fn disconnect(&self, number: usize) {
        let ended: Vec<(PublicKey, PublicKey)> = {
            let mut state = lock(&self.net.state);
            let of_node =
                |state: &super::network::NetState, key| state.ids.get(key).is_some_and(|id| id.0 == number);
            let ended: Vec<_> = state
                .online
                .iter()
                .filter(|(a, b)| of_node(&state, a) || of_node(&state, b))
                .copied()
                .collect();
            state.online.retain(|pair| !ended.contains(pair));
            ended
        };
        for (own, peer) in ended {
            let target = lock(&self.net.state).ids.get(&own).cloned();
            if let Some((node, account, _)) = target
                && let Some(gateway) = self.gateway(node)
            {
                gateway.peer_offline(&account, peer);
            }
        }
    }

    /// Connects in a task of its own.
    pub fn connect_soon(&self) {
        let me = self.me.clone();
        tokio::spawn(async move {
            if let Some(world) = me.upgrade() {
                world.connect().await;
            }
        });
    }

    /// Friends who are reachable, both running, and not connected yet say hello.
    pub async fn connect(&self) {
        let candidates: Vec<(PublicKey, PublicKey)> = {
            let state = lock(&self.net.state);
            let mutual = |pair: &&(PublicKey, PublicKey)| {
                let ids = (state.ids.get(&pair.0), state.ids.get(&pair.1));
                let (Some(own), Some(peer)) = ids else { return false };
                state.friends.contains(&(pair.1, pair.0))
                    && !state.online.contains(pair)
                    && [own.0, peer.0]
                        .iter()
                        .all(|node| state.reachable.contains(node) && !self.is_dead(*node))
            };
            state.friends.iter().filter(mutual).copied().collect()
        };
        for (own, peer) in candidates {
            let (node, account, told) = {
                let mut state = lock(&self.net.state);
                state.online.insert((own, peer));
                let told = state.told.get(&peer).cloned().unwrap_or_default();
                let (node, account, _) = state.ids[&own].clone();
                (node, account, (state.ids[&peer].2, told))
            };
            if let Some(gateway) = self.gateway(node) {
                let _store_may_be_dead = gateway.peer_hello(&account, peer, told.0, told.1).await;
            }
        }
    }

    /// Makes two accounts confirmed contacts of each other, under their account names.
    pub async fn introduce(&self, one: &str, other: &str) {
        for (own, peer) in [(one, other), (other, one)] {
            let (node, name) = self.whereabouts(own);
            let id = (self.ids)(peer);
            let contact = Contact {
                alias: account(peer),
                key: id.key,
                tox_id: Some(id),
                addresses: Vec::new(),
                state: ContactState::Confirmed,
                since: Wall(0),
            };
            lock(&self.nodes[node].disk.0).contacts.insert((name, id.key), contact);
            lock(&self.net.state).friends.insert(((self.ids)(own).key, id.key));
            if self.gateway(node).is_some() {
                self.crash(node, 0).await;
                self.start(node).await;
            }
        }
        self.connect().await;
    }

    /// Whether an account of a node is connected with somebody.
    pub fn is_online(&self, number: usize, account: &AccountName, peer: PublicKey) -> bool {
        let own = self.nodes[number].accounts[account].key;
        !self.is_dead(number) && lock(&self.net.state).online.contains(&(own, peer))
    }

    /// Node and name of an account.
    pub fn whereabouts(&self, name: &str) -> (usize, AccountName) {
        let state = lock(&self.net.state);
        let (node, account, _) = state.ids[&(self.ids)(name).key].clone();
        (node, account)
    }

    /// Submits a mail; the ids of its entries.
    pub async fn submit(&self, from: &str, to: &[&str], text: &str) -> Result<Vec<MailId>, Refusal> {
        let reverse_path = ReversePath::Mailbox(address(&format!("{from}@tox")));
        self.submit_as(from, reverse_path, to, Notify::default(), text).await
    }

    /// The same, with more said about it.
    pub async fn submit_as(
        &self,
        from: &str,
        reverse_path: ReversePath,
        to: &[&str],
        notify: Notify,
        text: &str,
    ) -> Result<Vec<MailId>, Refusal> {
        let (node, name) = self.whereabouts(from);
        let Some(gateway) = self.gateway(node) else { return Err(Refusal::transient(3, 0, "down")) };
        let mut submission = gateway.begin_submission(&name, reverse_path, None, Return::Headers, None)?;
        for recipient in to {
            submission.recipient(address(recipient), notify, None).await?;
        }
        for piece in text.as_bytes().chunks(60_000) {
            submission.write(Bytes::copy_from_slice(piece)).await?;
        }
        submission.finish().await.map(|accepted| accepted.ids)
    }

    /// Mails in the mailbox of an account, as POP3 gives them.
    pub fn mailbox(&self, name: &str) -> Vec<String> {
        let (node, name) = self.whereabouts(name);
        self.nodes[node].disk.mailbox(&name).into_iter().map(|(_, text)| text).collect()
    }

    /// Waits until the condition holds, in simulated time; fails after two simulated days.
    pub async fn wait_for(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        for _ in 0..2 * 24 * 3600 {
            if condition(self) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("waited in vain for: {what}");
    }

    /// Lets everything happen that is under way, for some simulated time.
    pub async fn let_pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

impl Node {
    fn new(world: &Weak<World>, number: usize, names: &[&str], ids: fn(&str) -> ToxId) -> Self {
        let disk = Disk::default();
        let mut accounts = BTreeMap::new();
        for name in names {
            disk.add_account(&account(name), Vec::new());
            accounts.insert(account(name), ids(name));
        }
        let script = Script::default();
        script.set(|answers| {
            answers.world = Some(world.clone());
            answers.node = number;
        });
        let (heard, process, settings) = (Arc::default(), Mutex::default(), Mutex::default());
        Self { disk, script, heard, accounts, process, settings }
    }
}
