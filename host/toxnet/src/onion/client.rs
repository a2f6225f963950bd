//! The client: it announces one identity, searches for its friends, and takes what comes for it.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::time::Duration;

use rand_core::CryptoRngCore;

use super::announcing::Announcing;
use super::bucket::Bucket;
use super::friend::Friend;
use super::line::Line;
use super::paths::{Paths, RelayNode, patience};
use super::requests::{First, For, Requests};
use super::strangers::Strangers;
use crate::address::{Address, Node, Transport, UdpNode};
use crate::dht::{Dht, PathNode, is_lan};
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::node::{AddFriendError, Event, Identity};
use crate::packet::dht_request::SealedDhtKey;
use crate::packet::onion::announce::SealedResponse;
use crate::packet::onion::data::SealedResponse as SealedData;
use crate::packet::onion::{DhtKey, FriendRequest, Payload};
use crate::tox_id::Nospam;
use crate::wire::List;

/// The client of one identity.
#[derive(Debug)]
pub(crate) struct Client {
    real: KeyPair,
    nospam: Nospam,
    /// Whoever finds us encrypts with it. New at each start.
    data: KeyPair,
    /// Unix time when our clock says zero.
    unix: Duration,
    announcing: Announcing,
    friends: BTreeMap<PublicKey, Friend>,
    /// For all searches.
    paths: Paths,
    requests: Requests,
    bucket: Bucket,
    strangers: Strangers,
    /// Our DHT key as friends were told last: what is told in one second has one number.
    told: Option<DhtKey>,
    /// Relays that onion packets can go over.
    relays: Vec<(RelayNode, Node)>,
    /// What goes over them.
    over_relays: VecDeque<(u64, Vec<u8>)>,
    /// Nodes to make paths of while the DHT has none: those that answered, the newest last.
    learned: VecDeque<PathNode>,
    /// Counts answers: see [`PathNode`].
    origins: u64,
    /// Whose turn it is first when there was no right to send for all.
    turn: PublicKey,
    /// There is no node for a path.
    starved: bool,
    /// Since when there has been one.
    nodes_since: Option<Duration>,
    deadline: Duration,
    events: VecDeque<Event>,
}

impl Client {
    pub(crate) fn new(now: Duration, identity: Identity, random: &mut impl CryptoRngCore) -> Self {
        let data = KeyPair::generate(random);
        Self {
            announcing: Announcing::new(now, identity.real.clone(), data.public()),
            real: identity.real,
            nospam: identity.nospam,
            data,
            unix: identity.unix,
            friends: BTreeMap::new(),
            paths: Paths::new(),
            requests: Requests::default(),
            bucket: Bucket::default(),
            strangers: Strangers::default(),
            told: None,
            relays: Vec::new(),
            over_relays: VecDeque::new(),
            learned: VecDeque::new(),
            origins: 0,
            turn: PublicKey([0; 32]),
            starved: false,
            nodes_since: None,
            deadline: now,
            events: VecDeque::new(),
        }
    }

    pub(crate) fn set_nospam(&mut self, nospam: Nospam) {
        self.nospam = nospam;
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn tell(&mut self, event: Event) {
        if self.events.len() < limits::NODE_EVENTS {
            self.events.push_back(event);
        }
    }

    pub(crate) fn next_deadline(&self) -> Duration {
        self.deadline
    }

    /// A new node of the DHT may be what was missing for a path.
    pub(crate) fn is_starved(&self) -> bool {
        self.starved
    }

    pub(crate) fn announced(&self) -> (usize, usize) {
        self.announcing.announced()
    }

    /// Adds a friend, who is searched for from now on.
    pub(crate) fn add<R: CryptoRngCore>(
        &mut self,
        now: Duration,
        key: PublicKey,
        dht: &mut Dht<R>,
    ) -> Result<(), AddFriendError> {
        if self.friends.contains_key(&key) {
            return Ok(());
        }
        if key == self.real.public() {
            return Err(AddFriendError::OwnKey);
        }
        if self.friends.len() >= limits::FRIENDS {
            return Err(AddFriendError::TooMany);
        }
        self.friends.insert(key, Friend::new(now, &self.real, key, &mut dht.random)?);
        if let Some(content) = self.strangers.take(now, &key) {
            self.dht_key(now, key, content, dht);
        }
        self.deadline = now;
        Ok(())
    }

    /// Sends a request to a friend until there is a sign of them.
    pub(crate) fn request(&mut self, now: Duration, key: &PublicKey, request: FriendRequest) {
        if let Some(friend) = self.friends.get_mut(key) {
            friend.ask(now, request);
            self.deadline = now;
        }
    }

    /// Removes a friend; gives the DHT key that need no longer be searched for.
    pub(crate) fn remove(&mut self, key: &PublicKey) -> Option<PublicKey> {
        self.requests.forget(For::Friend(*key));
        self.friends.remove(key)?.dht
    }

    /// There is a session with a friend, or no longer.
    pub(crate) fn set_online(&mut self, now: Duration, key: &PublicKey, online: bool) {
        if let Some(friend) = self.friends.get_mut(key)
            && friend.online != online
        {
            friend.online = online;
            friend.begin(now);
            self.deadline = now;
        }
    }

    /// The friend who has this DHT key.
    pub(crate) fn friend_at(&self, dht: &PublicKey) -> Option<PublicKey> {
        let mut friends = self.friends.iter();
        friends.find(|(_, friend)| friend.dht == Some(*dht)).map(|(key, _)| *key)
    }

    /// A node to make paths of, when there is no DHT.
    pub(crate) fn add_path_node(&mut self, now: Duration, node: UdpNode) {
        self.origins += 1;
        self.learn(PathNode { node, origin: self.origins });
        self.deadline = now;
    }

    fn learn(&mut self, node: PathNode) {
        let known = self.learned.iter().position(|known| known.node.key == node.node.key);
        // It keeps the origin it had.
        let node = known.and_then(|index| self.learned.remove(index)).unwrap_or(node);
        if self.learned.len() >= limits::PATH_NODES {
            self.learned.pop_front();
        }
        self.learned.push_back(node);
    }

    /// The relays that are connected now.
    pub(crate) fn set_relays(&mut self, now: Duration, relays: &[(u64, Node)]) {
        let node = |node: &Node| UdpNode { address: node.address, key: node.key };
        self.relays = relays
            .iter()
            .take(limits::RELAYS)
            .map(|(connection, relay)| (RelayNode { connection: *connection, node: node(relay) }, *relay))
            .collect();
        // What friends are told has changed; the next second has another number.
        self.deadline = now;
    }

    /// The next onion packet to go over a relay.
    pub(crate) fn poll_over_relay(&mut self) -> Option<(u64, Vec<u8>)> {
        self.over_relays.pop_front()
    }

    /// Does what is due.
    pub(crate) fn timeout<R: CryptoRngCore>(&mut self, now: Duration, dht: &mut Dht<R>) {
        let mut nodes = dht.path_nodes(now);
        let mut relays: Vec<RelayNode> = Vec::new();
        if nodes.is_empty() && !self.relays.is_empty() {
            nodes = self.learned.iter().copied().collect();
            relays = self.relays.iter().map(|(relay, _)| *relay).collect();
        }
        self.starved = nodes.is_empty();
        if nodes.is_empty() {
            // The next node of the DHT wakes us, or a relay.
            (self.deadline, self.nodes_since) = (now + limits::LOOKUP_RICH, None);
            return;
        }
        let since = *self.nodes_since.get_or_insert(now);
        let waited = now.saturating_sub(since) >= patience(&nodes);
        let told = self.told(now, dht);
        let (requests, bucket) = (&mut self.requests, &mut self.bucket);
        let over_relays = &mut self.over_relays;
        let (nodes, relays) = (&nodes, &relays);
        let mut line = Line { now, dht, nodes, requests, bucket, relays, waited, over_relays };
        let mut next = self.announcing.work(&mut line);
        // From whose turn it is to the end, then from the beginning.
        let from_turn = self.friends.range((Bound::Included(self.turn), Bound::Unbounded));
        let due: Vec<PublicKey> = from_turn
            .chain(self.friends.range((Bound::Unbounded, Bound::Excluded(self.turn))))
            .filter(|(_, friend)| friend.next <= now)
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            if line.bucket.next() > now {
                self.turn = key;
                next = next.min(line.bucket.next());
                break;
            }
            if let Some(friend) = self.friends.get_mut(&key) {
                friend.work(&mut line, &mut self.paths, &self.real, &told);
            }
        }
        // Those that are due now wait for the bucket.
        let friends = self.friends.values().map(|friend| friend.next).filter(|next| *next > now);
        self.deadline = friends.fold(next, Duration::min);
    }

    /// Our DHT key as friends are told it: with nodes near us, from which they can find us.
    fn told<R: CryptoRngCore>(&mut self, now: Duration, dht: &Dht<R>) -> DhtKey {
        let no_replay = (self.unix + now).as_secs();
        if let Some(told) = &self.told
            && told.no_replay >= no_replay
        {
            return told.clone();
        }
        let mut nodes = dht.nearest_nodes(now, &dht.key()).into_vec();
        let is_public = |node: &UdpNode| !is_lan(node.address.ip());
        // Local nodes are nobody else's business, unless there are no others.
        if nodes.iter().any(is_public) {
            nodes.retain(is_public);
        }
        // Two relays first, as C does.
        let relays = self.relays.iter().map(|(_, relay)| *relay).take(limits::TOLD_RELAYS);
        let nodes = List::first_of(relays.chain(nodes.into_iter().map(Node::from)));
        self.told.insert(DhtKey { no_replay, key: dht.key(), nodes }).clone()
    }

    /// An answer to an announcement or a search.
    pub(crate) fn announce_response(&mut self, now: Duration, from: First, packet: &mut [u8]) {
        let Ok(sealed) = SealedResponse::parse(packet) else { return };
        let Some(request) = self.requests.take(now, from, sealed.sendback()) else { return };
        let Ok(response) = sealed.open(&request.key) else { return };
        self.learn(request.node);
        self.origins += 1;
        let answer = (self.origins, &response);
        let (requests, lookup) = (&self.requests, request.lookup);
        let asked = |key: &PublicKey| requests.is_asked(now, lookup, key);
        match lookup {
            For::Own => self.announcing.answer(now, request, answer, asked),
            For::Friend(key) => {
                self.paths.answered(request.path);
                if let Some(friend) = self.friends.get_mut(&key) {
                    friend.answer(now, request, answer, asked);
                }
            }
        }
        self.deadline = now;
    }

    /// Data that somebody sent to where we are announced.
    pub(crate) fn data_response<R: CryptoRngCore>(
        &mut self,
        now: Duration,
        from: First,
        packet: &mut [u8],
        dht: &mut Dht<R>,
    ) {
        let Ok(sealed) = SealedData::parse(packet) else { return };
        // Each has another key, and nobody proves who it is from before it is opened.
        let from = match from {
            First::Udp(from) => from,
            First::Relay(connection) => match self.address_of(connection) {
                Some(from) => from,
                None => return,
            },
        };
        if !dht.spend(now, from) {
            return;
        }
        let Ok(key) = self.data.secret().shared_with(&sealed.temporary()) else { return };
        let Ok(sealed) = sealed.open(&key) else { return };
        let sender = sealed.sender();
        let shared = match self.friends.get(&sender) {
            Some(friend) => friend.shared.clone(),
            None if !dht.spend(now, from) => return,
            None => match self.real.secret().shared_with(&sender) {
                Ok(shared) => shared,
                Err(_) => return,
            },
        };
        match sealed.open(&shared) {
            Ok(Payload::FriendRequest(request)) if request.nospam == self.nospam => {
                self.tell(Event::FriendRequest { from: sender, text: request.text.to_vec() });
            }
            Ok(Payload::DhtKey(content)) => self.dht_key(now, sender, content, dht),
            _ => {}
        }
    }

    fn address_of(&self, connection: u64) -> Option<Address> {
        let mut relays = self.relays.iter().map(|(relay, _)| relay);
        relays.find(|relay| relay.connection == connection).map(|relay| relay.node.address)
    }

    /// A DHT key that came over nodes of the DHT, from the node with the DHT key `from`.
    pub(crate) fn sealed_dht_key<R: CryptoRngCore>(
        &mut self,
        now: Duration,
        from: &PublicKey,
        sealed: SealedDhtKey,
        dht: &mut Dht<R>,
    ) {
        let sender = sealed.sender();
        // Strangers have no reason to use this way: they do not know our DHT key.
        let Some(friend) = self.friends.get(&sender) else { return };
        if let Ok(content) = sealed.open(from, &friend.shared) {
            self.dht_key(now, sender, content, dht);
        }
    }

    fn dht_key<R: CryptoRngCore>(
        &mut self,
        now: Duration,
        sender: PublicKey,
        content: DhtKey,
        dht: &mut Dht<R>,
    ) {
        let Some(friend) = self.friends.get_mut(&sender) else {
            return self.strangers.put(now, sender, content);
        };
        if content.key == dht.key() || !friend.is_new(now, &content) {
            return;
        }
        let old = friend.dht.replace(content.key);
        if let Some(old) = old.filter(|old| *old != content.key) {
            dht.stop_search(&old);
        }
        dht.search(now, content.key);
        let udp = content.nodes.iter().filter(|node| node.transport == Transport::Udp);
        let udp = udp.map(|node| UdpNode { address: node.address, key: node.key });
        dht.search_at(now, content.key, udp);
        let relays = content.nodes.iter().filter(|node| node.transport == Transport::Tcp);
        let relays: Vec<Node> = relays.copied().collect();
        if old != Some(content.key) || !relays.is_empty() {
            self.tell(Event::DhtKey { friend: sender, dht: content.key, relays });
        }
        self.deadline = now;
    }
}
