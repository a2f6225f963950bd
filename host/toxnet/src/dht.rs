//! A DHT node: it knows some nodes near itself, finds others by their key, and answers those who
//! search.
//!
//! [`Dht`] does no I/O. Its owner feeds it datagrams and the time, and after each call sends what
//! [`Dht::poll_transmit`] gives, takes what [`Dht::poll_event`] tells, and calls [`Dht::timeout`]
//! at [`Dht::next_deadline`]. Times are counted from any moment the owner likes, as long as they
//! never go back.
//!
//! Unlike c-toxcore, which takes one step of a search a second, this node asks the next node as
//! soon as an answer names it. What it tells others, and how often it asks each of them, is the
//! same.

mod close;
mod known;
mod lan;
mod requests;
mod search;
mod upkeep;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use rand_core::CryptoRngCore;

use crate::address::{Address, UdpNode};
use crate::boxes::SharedKey;
use crate::budget::Budget;
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::nonce::FreshNonce;
use crate::packet::Kind;
use crate::packet::dht::{Content, NodesRequest, NodesResponse, PingRequest, PingResponse, Sealed, seal};
use crate::packet::dht_request::{self, DhtRequest, SealedDhtKey};
use crate::packet::info::{self, Info};
use crate::shared::SharedKeys;
use crate::wire::{Codec, List};
use close::CloseList;
pub(crate) use known::{compare, nearest};
pub(crate) use lan::{is_lan, is_possible};
use requests::{Requests, Wanted};
use search::Search;
use upkeep::Upkeep;

/// Something the owner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Whoever has this DHT key answered from this address. Told again when the address changes.
    Found {
        /// The key that was searched for.
        key: PublicKey,
        /// Where it is.
        at: SocketAddr,
    },
    /// A packet with somebody's DHT key came over another node. It is still sealed for the real
    /// key.
    DhtKey {
        /// The DHT key that sent it, for [`SealedDhtKey::open`].
        from: PublicKey,
        /// The packet.
        sealed: SealedDhtKey,
    },
}

/// A node to build onion paths of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathNode {
    pub(crate) node: UdpNode,
    /// The answer that named it first. Nodes of one answer may all belong to whoever answered. Those
    /// that nobody named, because they came by themselves or were given to start from, have one each.
    pub(crate) origin: u64,
}

/// A node of the DHT.
#[derive(Debug)]
pub struct Dht<R> {
    keys: SharedKeys,
    pub(crate) random: R,
    /// What strangers may cost.
    budget: Budget,
    close: CloseList,
    searches: BTreeMap<PublicKey, Search>,
    requests: Requests,
    upkeep: Upkeep,
    info: Option<Info>,
    /// Counts answers, and nodes that nobody named: see [`PathNode`].
    origins: u64,
    transmits: VecDeque<(SocketAddr, Vec<u8>)>,
    events: VecDeque<Event>,
}

impl<R: CryptoRngCore> Dht<R> {
    /// A node that knows nobody. Its key must be new at each start of the program.
    pub fn new(keys: KeyPair, mut random: R) -> Self {
        let own = keys.public();
        let mut searches = BTreeMap::new();
        // Searches for nobody: they show nodes all over the network, for the paths of the onion.
        for _ in 0..limits::RANDOM_SEARCHES {
            let nobody = KeyPair::generate(&mut random).public();
            searches.insert(nobody, Search::for_nobody(nobody));
        }
        Self {
            keys: SharedKeys::new(keys, limits::SHARED_KEYS),
            random,
            budget: Budget::default(),
            close: CloseList::new(own),
            searches,
            requests: Requests::default(),
            upkeep: Upkeep::default(),
            info: None,
            origins: 0,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Tells whoever asks about this node, as bootstrap nodes do.
    pub fn answer_info(&mut self, info: Info) {
        self.info = Some(info);
    }

    /// The own DHT key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.keys.own().public()
    }

    /// A node to start from. It is asked until some node has answered, and again when none answers
    /// any more.
    pub fn bootstrap(&mut self, now: Duration, node: UdpNode) {
        if self.upkeep.add_bootstrap(node) {
            self.ask_known(now, node, self.key());
        }
    }

    /// Searches for whoever has this DHT key, until [`Self::stop_search`].
    pub fn search(&mut self, now: Duration, key: PublicKey) {
        if key == self.key() || self.searches.contains_key(&key) {
            return;
        }
        self.searches.insert(key, Search::new(key));
        for node in nearest(&key, self.close.good(now), limits::ANSWERED_NODES) {
            self.ask_known(now, node, key);
        }
        self.upkeep.wake(now + limits::FIRST_ASKS);
    }

    /// Ends a search.
    pub fn stop_search(&mut self, key: &PublicKey) {
        self.searches.remove(key);
    }

    /// Asks nodes that somebody named about a key that is searched for.
    pub(crate) fn search_at(&mut self, now: Duration, key: PublicKey, nodes: impl Iterator<Item = UdpNode>) {
        let origin = self.new_origin();
        for node in nodes.filter(|node| is_possible(&node.address)) {
            self.ask(now, node, key, origin);
        }
    }

    /// Nodes for onion paths that answered lately, each once.
    pub(crate) fn path_nodes(&self, now: Duration) -> Vec<PathNode> {
        let mut nodes: Vec<PathNode> = Vec::new();
        for node in self.searches.values().flat_map(|search| search.for_paths(now)) {
            if nodes.iter().all(|other| other.node.key != node.node.key) {
                nodes.push(node);
            }
        }
        nodes
    }

    /// Whether one more operation may be done for a stranger at `address`; if so it is counted.
    pub(crate) fn spend(&mut self, now: Duration, address: Address) -> bool {
        self.budget.spend(now, address.ip())
    }

    /// The own key pair.
    pub(crate) fn own(&self) -> &KeyPair {
        self.keys.own()
    }

    /// Where a key that is searched for was last heard.
    #[must_use]
    pub fn address_of(&self, now: Duration, key: &PublicKey) -> Option<SocketAddr> {
        self.searches.get(key)?.address(now).map(Into::into)
    }

    /// The nearest nodes to a key, of all that answered lately.
    #[must_use]
    pub fn nearest_nodes(&self, now: Duration, key: &PublicKey) -> List<UdpNode, { limits::ANSWERED_NODES }> {
        List::first_of(nearest(key, self.good(now), limits::ANSWERED_NODES))
    }

    /// Nodes that answered lately, to be saved and started from the next time.
    pub fn nodes(&self, now: Duration) -> impl Iterator<Item = UdpNode> {
        self.good(now)
    }

    /// Whether any node answered lately.
    #[must_use]
    pub fn is_connected(&self, now: Duration) -> bool {
        self.close.good(now).next().is_some()
    }

    /// The next packet to send, and where to.
    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.transmits.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Takes the packets with DHT keys out of what happened.
    pub(crate) fn take_dht_keys(&mut self) -> Vec<(PublicKey, SealedDhtKey)> {
        let is_found = |event: &Event| matches!(event, Event::Found { .. });
        if self.events.iter().all(is_found) {
            return Vec::new();
        }
        let (found, keys) = std::mem::take(&mut self.events).into_iter().partition(is_found);
        self.events = found;
        let keys: VecDeque<Event> = keys;
        let sealed = keys.into_iter().filter_map(|event| match event {
            Event::DhtKey { from, sealed } => Some((from, sealed)),
            Event::Found { .. } => None,
        });
        sealed.collect()
    }

    /// Takes a datagram of one of the kinds that belong to the DHT; others are ignored.
    pub fn datagram(&mut self, now: Duration, from: SocketAddr, packet: &mut [u8]) {
        let from = Address::from(from);
        if from.port() == 0 {
            return;
        }
        match Kind::of(packet) {
            Ok(Kind::BootstrapInfo) => self.info_request(now, from, packet),
            Ok(Kind::DhtRequest) => self.dht_request(now, packet),
            Ok(Kind::PingRequest | Kind::PingResponse | Kind::NodesRequest | Kind::NodesResponse) => {
                self.node_packet(now, from, packet)
            }
            _ => {}
        }
    }

    fn info_request(&mut self, now: Duration, from: Address, packet: &[u8]) {
        if let Some(info) = &self.info
            && info::is_request(packet)
            && self.budget.spend(now, from.ip())
        {
            let answer = info.to_vec();
            self.transmit(from, answer);
        }
    }

    fn node_packet(&mut self, now: Duration, from: Address, packet: &mut [u8]) {
        let Ok(sealed) = Sealed::parse(packet) else { return };
        let sender = UdpNode { address: from, key: sealed.sender() };
        if sender.key == self.key() {
            return;
        }
        // What nobody asked for is not worth opening.
        let answers = matches!(sealed.kind(), Kind::PingResponse | Kind::NodesResponse);
        if answers && !self.requests.expects(now, &sender) {
            return;
        }
        let Some(key) = self.key_of(now, &sender, answers) else { return };
        match sealed.kind() {
            Kind::PingRequest => {
                if let Ok(PingRequest { id }) = sealed.open(&key) {
                    self.send(from, &key, &PingResponse { id });
                    self.newcomer(now, sender);
                }
            }
            Kind::NodesRequest => {
                if let Ok(request) = sealed.open(&key) {
                    self.answer_nodes(now, from, &key, sender, &request);
                    self.newcomer(now, sender);
                }
            }
            Kind::PingResponse => {
                if let Ok(PingResponse { id }) = sealed.open(&key)
                    && let Some((Wanted::Sign, origin)) = self.requests.take(now, &sender, id)
                {
                    self.heard(now, sender, origin);
                }
            }
            _ => {
                if let Ok(response) = sealed.open::<NodesResponse>(&key)
                    && let Some((Wanted::Nodes(wanted), origin)) =
                        self.requests.take(now, &sender, response.id)
                {
                    self.heard(now, sender, origin);
                    self.learn(now, &sender, &wanted, &response);
                }
            }
        }
    }

    /// The key shared with a node. Strangers have a budget; those we asked do not need it.
    fn key_of(&mut self, now: Duration, node: &UdpNode, asked: bool) -> Option<SharedKey> {
        let free = asked || self.keys.knows(&node.key);
        if !free && !self.budget.spend(now, node.address.ip()) {
            return None;
        }
        self.keys.get(&node.key).ok()
    }

    /// Tells the nearest nodes. C throws an answer without nodes away, so whoever asks the first
    /// node of a network is told of itself.
    fn answer_nodes(
        &mut self,
        now: Duration,
        from: Address,
        key: &SharedKey,
        asker: UdpNode,
        request: &NodesRequest,
    ) {
        let mut nodes = self.told(now, from, &request.wanted);
        if nodes.is_empty() {
            nodes.push(asker);
        }
        self.send(from, key, &NodesResponse { nodes: List::first_of(nodes), id: request.id });
    }

    /// The nodes nearest to `wanted` that an asker at this address is told of.
    pub(crate) fn told(&self, now: Duration, asker: Address, wanted: &PublicKey) -> Vec<UdpNode> {
        let lan = is_lan(asker.ip());
        let good = self.good(now).filter(|node| lan || !is_lan(node.address.ip()));
        nearest(wanted, good, limits::ANSWERED_NODES)
    }

    /// A node that asked us may be worth knowing: it is added once it has answered a ping.
    fn newcomer(&mut self, now: Duration, node: UdpNode) {
        let close = self.close.has_room(now, &node.key) && !self.close.knows(now, &node);
        let wanted = close || self.searches.values().any(|search| search.would_take(now, &node));
        if wanted && !self.requests.expects(now, &node) && self.upkeep.may_ping(now, &node) {
            let Ok(key) = self.keys.get(&node.key) else { return };
            let origin = self.new_origin();
            let id = self.requests.add(now, node, Wanted::Sign, origin, &mut self.random);
            self.send(node.address, &key, &PingRequest { id });
        }
    }

    /// A node answered us: it is there, and it owns its key.
    fn heard(&mut self, now: Duration, node: UdpNode, origin: u64) {
        let first = !self.is_connected(now);
        self.close.heard(now, node, origin);
        for search in self.searches.values_mut() {
            search.heard(now, node, origin);
        }
        if let Some(search) = self.searches.get_mut(&node.key)
            && search.is_news(&node)
        {
            self.tell(Event::Found { key: node.key, at: node.address.into() });
        }
        if first {
            // Searches that began before there was anybody to ask.
            let waiting: Vec<PublicKey> = self.searches.keys().copied().collect();
            waiting.into_iter().for_each(|key| self.ask_known(now, node, key));
        }
        self.upkeep.wake(now + limits::FIRST_ASKS);
    }

    /// Asks those of the nodes in an answer that would be worth knowing.
    fn learn(&mut self, now: Duration, sender: &UdpNode, wanted: &PublicKey, response: &NodesResponse) {
        let lan = is_lan(sender.address.ip());
        let origin = self.new_origin();
        for node in response.nodes.iter().copied() {
            let address = node.address;
            let local = is_lan(address.ip());
            if node.key == self.key() || !is_possible(&address) || (local && !lan) {
                continue;
            }
            if self.close.has_room(now, &node.key) && !self.close.knows(now, &node) {
                self.ask(now, node, self.key(), origin);
            }
            let better = self.searches.get(wanted).is_some_and(|search| search.would_take(now, &node));
            if better {
                self.ask(now, node, *wanted, origin);
            }
            // Somebody we search for, whoever was asked about.
            if node.key != *wanted
                && self.searches.get(&node.key).is_some_and(|search| search.would_take(now, &node))
            {
                self.ask(now, node, node.key, origin);
            }
        }
    }

    /// As [`Self::ask`], of a node that no answer named just now.
    fn ask_known(&mut self, now: Duration, node: UdpNode, wanted: PublicKey) {
        let origin = self.new_origin();
        self.ask(now, node, wanted, origin);
    }

    fn new_origin(&mut self) -> u64 {
        self.origins += 1;
        self.origins
    }

    /// Asks a node for nodes near `wanted`, unless it was asked the same a moment ago. A node that
    /// stands in some list keeps its origin.
    fn ask(&mut self, now: Duration, node: UdpNode, wanted: PublicKey, origin: u64) {
        if node.key == self.key() || self.requests.is_asked(now, &node, &wanted) {
            return;
        }
        let Ok(key) = self.keys.get(&node.key) else { return };
        let known = self.searches.values().find_map(|search| search.origin_of(&node.key));
        let origin = self.close.origin_of(&node.key).or(known).unwrap_or(origin);
        let id = self.requests.add(now, node, Wanted::Nodes(wanted), origin, &mut self.random);
        self.send(node.address, &key, &NodesRequest { wanted, id });
        self.upkeep.wake(now + limits::FIRST_ASKS);
    }

    fn send(&mut self, to: Address, key: &SharedKey, content: &impl Content) {
        let nonce = FreshNonce::random(&mut self.random);
        let packet = seal(content, &self.keys.own().public(), key, nonce);
        self.transmit(to, packet);
    }

    /// What does not fit is lost, as on the network.
    pub(crate) fn transmit(&mut self, to: Address, packet: Vec<u8>) {
        if self.transmits.len() < limits::NODE_TRANSMITS {
            self.transmits.push_back((to.into(), packet));
        }
    }

    fn tell(&mut self, event: Event) {
        if self.events.len() < limits::NODE_EVENTS {
            self.events.push_back(event);
        }
    }

    /// All nodes that answered lately; some of them twice.
    fn good(&self, now: Duration) -> impl Iterator<Item = UdpNode> {
        let searches = self.searches.values().flat_map(move |search| search.good(now));
        self.close.good(now).chain(searches)
    }

    /// Passes a request on to a node we know, or takes it.
    fn dht_request(&mut self, now: Duration, packet: &mut [u8]) {
        let Ok(sealed) = dht_request::Sealed::parse(packet) else { return };
        let (receiver, sender) = (sealed.receiver(), sealed.sender());
        if receiver != self.key() {
            let to = self.good(now).find(|node| node.key == receiver).map(|node| node.address);
            if let Some(to) = to {
                self.transmit(to, packet.to_vec());
            }
            return;
        }
        let friend = self.searches.contains_key(&sender);
        // It came over another node, whose address says nothing about the sender.
        if !friend && !self.keys.knows(&sender) && !self.budget.spend(now, [0, 0, 0, 0].into()) {
            return;
        }
        let Ok(key) = self.keys.get(&sender) else { return };
        match sealed.open(&key) {
            Ok(DhtRequest::DhtKey(sealed)) => {
                self.tell(Event::DhtKey { from: sender, sealed });
            }
            Ok(DhtRequest::NatPingRequest(id)) if friend => {
                self.send_request(now, &sender, &DhtRequest::NatPingResponse(id));
            }
            _ => {}
        }
    }

    /// Sends a DHT request over the nodes nearest to the receiver; gives over how many.
    pub fn send_request(&mut self, now: Duration, receiver: &PublicKey, request: &DhtRequest) -> usize {
        let Ok(key) = self.keys.get(receiver) else { return 0 };
        let nonce = FreshNonce::random(&mut self.random);
        let packet = request.seal(receiver, &self.key(), &key, nonce);
        let over = nearest(receiver, self.good(now), limits::ROUTES);
        for node in &over {
            self.transmit(node.address, packet.clone());
        }
        over.len()
    }
}
