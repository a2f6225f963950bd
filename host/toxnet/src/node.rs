//! A node of the network, without I/O: of the DHT, of the onion, and, with an identity, the one that
//! its friends find.
//!
//! Its owner feeds it datagrams and the time, and after each call sends what
//! [`Node::poll_transmit`] gives, takes what [`Node::poll_event`] tells, and calls
//! [`Node::timeout`] at [`Node::next_deadline`]. Times are counted from any moment the owner likes,
//! as long as they never go back.
//!
//! A node finds out where a friend is and tells the friend where it is itself. The session is then
//! begun with [`crate::session::Sessions`], which takes the datagrams that are not for the node; the
//! owner says with [`Node::set_online`] that there is one.

mod onion;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use rand_core::CryptoRngCore;

use crate::address::{Node as NodeAddress, UdpNode};
use crate::boxes::LowOrderKey;
use crate::dht::{self, Dht};
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::onion::client::Client;
use crate::onion::passing::Passing;
use crate::onion::requests::First;
use crate::onion::store::Store;
use crate::packet::Kind;
use crate::packet::info::Info;
use crate::packet::onion::FriendRequest;
use crate::shared::SharedKeys;
use crate::tox_id::{Nospam, ToxId};
use crate::wire::ParseError;

/// Whom a node announces.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The real keys.
    pub real: KeyPair,
    /// Friend requests with another one are ignored.
    pub nospam: Nospam,
    /// The Unix time when the owner's clock says zero: friends believe the newest of our packets, by
    /// this clock, also after a restart.
    pub unix: Duration,
}

/// Something the owner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Whoever has this DHT key answered from this address: somebody who was searched for with
    /// [`Node::search`].
    Found {
        /// The DHT key.
        key: PublicKey,
        /// Where it is.
        at: SocketAddr,
    },
    /// Somebody who knows our Tox ID wants to be a friend. It comes again until there is an answer.
    FriendRequest {
        /// The real key of whom.
        from: PublicKey,
        /// What they wrote; at most [`limits::FRIEND_REQUEST_TAKEN_BYTES`].
        text: Vec<u8>,
    },
    /// A friend has this DHT key now, and is connected to these relays.
    DhtKey {
        /// The friend's real key.
        friend: PublicKey,
        /// The DHT key.
        dht: PublicKey,
        /// The relays; at most [`limits::ANSWERED_NODES`].
        relays: Vec<NodeAddress>,
    },
    /// A friend answered from this address. Told again when the address changes.
    Friend {
        /// The friend's real key.
        friend: PublicKey,
        /// The friend's DHT key.
        dht: PublicKey,
        /// Where it is.
        at: SocketAddr,
    },
}

/// Why somebody does not become a friend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddFriendError {
    /// The node has no identity.
    #[error("this node has no identity, so it has no friends")]
    NoIdentity,
    /// It is the own key.
    #[error("nobody is their own friend")]
    OwnKey,
    /// There are [`limits::FRIENDS`] already.
    #[error("there are too many friends")]
    TooMany,
    /// Nothing could be encrypted for it.
    #[error("the friend's key is not usable")]
    Key(#[from] LowOrderKey),
    /// The text is empty, or longer than [`limits::FRIEND_REQUEST_BYTES`].
    #[error("the text of the friend request is too short or too long")]
    Text(#[from] ParseError),
}

/// A node.
#[derive(Debug)]
pub struct Node<R> {
    dht: Dht<R>,
    /// Shared by the DHT key and the keys of onion packets: their flood does not push out those of
    /// DHT nodes.
    onion_keys: SharedKeys,
    passing: Passing,
    store: Store,
    client: Option<Client>,
    /// What came back for clients of our relay.
    relay_answers: VecDeque<(u64, Vec<u8>)>,
}

impl<R: CryptoRngCore> Node<R> {
    /// A node that knows nobody and has no identity. Its key must be new at each start of the
    /// program, but for bootstrap nodes.
    pub fn new(now: Duration, keys: KeyPair, mut random: R) -> Self {
        Self {
            onion_keys: SharedKeys::new(keys.clone(), limits::ONION_KEYS),
            passing: Passing::new(now, &mut random),
            store: Store::new(keys.public(), &mut random),
            client: None,
            relay_answers: VecDeque::new(),
            dht: Dht::new(keys, random),
        }
    }

    /// Announces an identity from now on.
    pub fn identify(&mut self, now: Duration, identity: Identity) {
        self.client = Some(Client::new(now, identity, &mut self.dht.random));
    }

    /// The own DHT key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.dht.key()
    }

    /// Tells whoever asks about this node, as bootstrap nodes do.
    pub fn answer_info(&mut self, info: Info) {
        self.dht.answer_info(info);
    }

    /// A node to start from: see [`Dht::bootstrap`].
    pub fn bootstrap(&mut self, now: Duration, node: UdpNode) {
        self.dht.bootstrap(now, node);
    }

    /// Searches for whoever has this DHT key, until [`Self::stop_search`]. Friends are searched for
    /// without that.
    pub fn search(&mut self, now: Duration, key: PublicKey) {
        self.dht.search(now, key);
    }

    /// Ends a search.
    pub fn stop_search(&mut self, key: &PublicKey) {
        self.dht.stop_search(key);
    }

    /// Nodes that answered lately, to be saved and started from the next time.
    pub fn nodes(&self, now: Duration) -> impl Iterator<Item = UdpNode> {
        self.dht.nodes(now)
    }

    /// Whether others can find us: the identity, if there is one, is announced at
    /// [`limits::ANNOUNCED_LEAST`] nodes, or at all where there are fewer; without an identity, DHT
    /// nodes answer.
    #[must_use]
    pub fn is_online(&self, now: Duration) -> bool {
        let Some(client) = &self.client else { return self.dht.is_connected(now) };
        let (announced, known) = client.announced();
        announced > 0 && announced >= known.min(limits::ANNOUNCED_LEAST)
    }

    /// Takes friend requests with this nospam only from now on.
    pub fn set_nospam(&mut self, nospam: Nospam) {
        if let Some(client) = &mut self.client {
            client.set_nospam(nospam);
        }
    }

    /// Adds a friend, who is searched for from now on. Nothing happens if they are one already.
    ///
    /// # Errors
    /// [`AddFriendError`].
    pub fn add_friend(&mut self, now: Duration, key: PublicKey) -> Result<(), AddFriendError> {
        let client = self.client.as_mut().ok_or(AddFriendError::NoIdentity)?;
        client.add(now, key, &mut self.dht)
    }

    /// Adds a friend and asks them to be one too, again and again until there is a sign of them.
    ///
    /// # Errors
    /// [`AddFriendError`].
    pub fn request_friend(&mut self, now: Duration, id: &ToxId, text: &[u8]) -> Result<(), AddFriendError> {
        let request = FriendRequest::new(id.nospam, text)?;
        self.add_friend(now, id.key)?;
        if let Some(client) = &mut self.client {
            client.request(now, &id.key, request);
        }
        Ok(())
    }

    /// Removes a friend.
    pub fn remove_friend(&mut self, key: &PublicKey) {
        let removed = self.client.as_mut().and_then(|client| client.remove(key));
        if let Some(dht) = removed {
            self.dht.stop_search(&dht);
        }
    }

    /// A session with a friend was established, or ended. While there is one, nothing is sent to
    /// find the friend, but for the search in the DHT, which notices a new address.
    pub fn set_online(&mut self, now: Duration, key: &PublicKey, online: bool) {
        if let Some(client) = &mut self.client {
            client.set_online(now, key, online);
        }
    }

    /// A node to make onion paths of while there is no UDP: the first ones, since all others are told
    /// through the onion.
    pub fn add_path_node(&mut self, now: Duration, node: UdpNode) {
        if let Some(client) = &mut self.client {
            client.add_path_node(now, node);
            self.work(now);
        }
    }

    /// The relays that are connected now, each with a number that belongs to its connection for ever.
    /// Friends are told of the first ones, and without UDP all onion packets go over them; at most
    /// [`limits::RELAYS`] are used.
    pub fn set_relays(&mut self, now: Duration, relays: &[(u64, NodeAddress)]) {
        if let Some(client) = &mut self.client {
            client.set_relays(now, relays);
            self.work(now);
        }
    }

    /// The next onion packet to send over a relay ([`crate::relay::Client::send_onion`]), with the
    /// number of its connection.
    pub fn poll_over_relay(&mut self) -> Option<(u64, Vec<u8>)> {
        self.client.as_mut()?.poll_over_relay()
    }

    /// Takes an answer that came through the onion over a relay.
    pub fn onion_answer(&mut self, now: Duration, connection: u64, packet: &mut [u8]) {
        let Some(client) = &mut self.client else { return };
        let first = First::Relay(connection);
        match Kind::of(packet) {
            Ok(Kind::AnnounceResponse) => client.announce_response(now, first, packet),
            Ok(Kind::DataResponse) => client.data_response(now, first, packet, &mut self.dht),
            _ => {}
        }
        self.work(now);
    }

    /// The next packet to send, and where to.
    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.dht.poll_transmit()
    }

    /// Passes on an onion packet of a client of our TCP relay. `client` is a number that belongs to
    /// this client for ever; `local` says whether the client is on a local network.
    pub fn onion_from_relay(&mut self, now: Duration, client: u64, local: bool, content: &[u8]) {
        let forward = self.passing.on_from_relay(now, (client, local), content, &mut self.dht.random);
        if let Ok(Some(forward)) = forward {
            self.dht.transmit(forward.to, forward.packet);
        }
    }

    /// The next packet that came back for a client of our TCP relay, with the client's number.
    pub fn poll_relay_answer(&mut self) -> Option<(u64, Vec<u8>)> {
        self.relay_answers.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        match self.dht.poll_event() {
            Some(dht::Event::Found { key, at }) => {
                let friend = self.client.as_ref().and_then(|client| client.friend_at(&key));
                Some(match friend {
                    Some(friend) => Event::Friend { friend, dht: key, at },
                    None => Event::Found { key, at },
                })
            }
            // Those were taken when they came.
            Some(dht::Event::DhtKey { .. }) => self.poll_event(),
            None => self.client.as_mut()?.poll_event(),
        }
    }

    /// When [`Self::timeout`] is to be called.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        let client = self.client.as_ref().map(Client::next_deadline);
        self.dht.next_deadline().into_iter().chain(client).min()
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Duration) {
        self.dht.timeout(now);
        self.work(now);
    }

    /// Takes a datagram of one of the kinds that belong to the DHT or the onion; others are ignored.
    pub fn datagram(&mut self, now: Duration, from: SocketAddr, packet: &mut [u8]) {
        let Ok(kind) = Kind::of(packet) else { return };
        if from.port() == 0 {
            return;
        }
        match kind {
            Kind::OnionInitial | Kind::OnionSecond | Kind::OnionThird => {
                self.pass_on(now, from.into(), packet);
            }
            Kind::OnionReturnFirst | Kind::OnionReturnSecond | Kind::OnionReturnThird => {
                self.pass_back(now, packet);
            }
            Kind::AnnounceRequest => self.announce_request(now, from.into(), packet),
            Kind::DataRequest => self.data_request(now, packet),
            Kind::AnnounceResponse => {
                if let Some(client) = &mut self.client {
                    client.announce_response(now, First::Udp(from.into()), packet);
                }
            }
            Kind::DataResponse => {
                if let Some(client) = &mut self.client {
                    client.data_response(now, First::Udp(from.into()), packet, &mut self.dht);
                }
            }
            _ => self.dht.datagram(now, from, packet),
        }
        self.work(now);
    }

    /// Gives the client what the DHT found, and has it do what is due.
    fn work(&mut self, now: Duration) {
        let Some(client) = &mut self.client else { return };
        for (from, sealed) in self.dht.take_dht_keys() {
            client.sealed_dht_key(now, &from, sealed, &mut self.dht);
        }
        if client.next_deadline() <= now || client.is_starved() {
            client.timeout(now, &mut self.dht);
        }
    }
}
