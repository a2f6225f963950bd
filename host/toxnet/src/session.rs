//! Sessions with friends over UDP, as state machines: cookie, handshake, encrypted channel, ordered stream, pace.
//!
//! [`Sessions`] holds all sessions of one identity. Its owner feeds it datagrams and the time, and after each call
//! sends what [`Sessions::poll_transmit`] gives, takes what [`Sessions::poll_event`] tells, and calls
//! [`Sessions::timeout`] at [`Sessions::next_deadline`]. Times are counted from any moment the owner likes, as long
//! as they never go back.
//!
//! The rules follow what c-toxcore 0.2.18 ("C") does, because that is what answers on the network; PROTOCOL.md lists
//! them with the place where each was checked.

mod channel;
mod connection;
mod dial;
mod event;
mod farewell;
mod friend;
mod incoming;
mod lanes;
mod number;
mod pace;
mod receive;
mod window;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use rand_core::CryptoRngCore;

pub use event::{Ended, Event, SendError};
pub use lanes::Urgency;

use crate::boxes::{LowOrderKey, SharedKey};
use crate::budget::Budget;
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::packet::id::{self, Class};
use crate::shared::SharedKeys;
use dial::Dial;
use friend::Friend;

/// All sessions of one identity.
#[derive(Debug)]
pub struct Sessions<R> {
    real: KeyPair,
    dht: SharedKeys,
    /// Nobody else opens our cookies.
    cookies: SharedKey,
    random: R,
    budget: Budget,
    friends: BTreeMap<PublicKey, Friend>,
    /// Who is where. One friend an address, as with C.
    addresses: BTreeMap<SocketAddr, PublicKey>,
    /// Friends for whom something may be due, in turn.
    busy: VecDeque<PublicKey>,
    /// Friends whose packets wait to be taken, in turn.
    readable: VecDeque<PublicKey>,
    /// Cookie responses.
    replies: VecDeque<(SocketAddr, Vec<u8>)>,
    events: VecDeque<Event>,
    first_number: u32,
}

impl<R: CryptoRngCore> Sessions<R> {
    /// No sessions yet. `dht` must be new at each start of the program: a C peer that still holds a session with the
    /// old key would ignore a handshake with it.
    pub fn new(real: KeyPair, dht: KeyPair, mut random: R) -> Self {
        let cookies = SharedKey::generate(&mut random);
        Self {
            real,
            dht: SharedKeys::new(dht, limits::SHARED_KEYS),
            cookies,
            random,
            budget: Budget::default(),
            friends: BTreeMap::new(),
            addresses: BTreeMap::new(),
            busy: VecDeque::new(),
            readable: VecDeque::new(),
            replies: VecDeque::new(),
            events: VecDeque::new(),
            first_number: 0,
        }
    }

    /// Both ends begin to number packets here instead of at 0: for tests of the end of 32 bits.
    #[doc(hidden)]
    pub fn number_from(&mut self, first: u32) {
        self.first_number = first;
    }

    /// The own real key.
    #[must_use]
    pub fn real_key(&self) -> PublicKey {
        self.real.public()
    }

    /// The own DHT key.
    #[must_use]
    pub fn dht_key(&self) -> PublicKey {
        self.dht.own().public()
    }

    /// Takes sessions with this friend from now on, whoever begins them.
    ///
    /// # Errors
    /// The key is a point of low order.
    pub fn allow(&mut self, peer: PublicKey) -> Result<(), LowOrderKey> {
        if !self.friends.contains_key(&peer) {
            let shared = self.real.secret().shared_with(&peer)?;
            self.friends.insert(peer, Friend::new(shared));
        }
        Ok(())
    }

    /// Ends the session with this friend, if there is one, and takes no other.
    pub fn forget(&mut self, now: Duration, peer: &PublicKey) {
        self.close(now, peer);
        if let Some(friend) = self.friends.get_mut(peer) {
            friend.forgotten = true;
        }
    }

    /// Begins a session with a friend who has this DHT key and is at this address. Nothing happens where a session
    /// stands already, or for a stranger. An attempt under way goes on at the new place.
    ///
    /// # Errors
    /// The DHT key is a point of low order.
    pub fn connect(
        &mut self,
        now: Duration,
        peer: &PublicKey,
        dht: PublicKey,
        at: SocketAddr,
    ) -> Result<(), LowOrderKey> {
        let own = (self.real.public(), self.dht.own().public());
        let Some(friend) = self.friends.get_mut(peer).filter(|friend| !friend.forgotten) else {
            return Ok(());
        };
        if friend.open.is_some() || friend.dial.as_ref().is_some_and(|dial| dial.dht == dht && dial.at == at)
        {
            return Ok(());
        }
        let shared = self.dht.get(&dht)?;
        friend.dial = Some(Dial::new(now, (dht, at), shared, own, &mut self.random));
        self.addresses.insert(at, *peer);
        self.wake(*peer);
        Ok(())
    }

    /// The friend was heard at another address: the session goes there from now on.
    pub fn moved(&mut self, peer: &PublicKey, at: SocketAddr) {
        if let Some(open) = self.friends.get_mut(peer).and_then(|friend| friend.open.as_mut()) {
            self.addresses.remove(&open.at);
            self.addresses.insert(at, *peer);
            open.at = at;
        }
    }

    /// Ends the session with a friend, or the attempt to begin one. The peer is told.
    pub fn close(&mut self, now: Duration, peer: &PublicKey) {
        if let Some(friend) = self.friends.get_mut(peer) {
            friend.dial = None;
            friend.say_farewell(now);
            self.wake(*peer);
        }
    }

    /// Whether a session with this friend stands.
    #[must_use]
    pub fn is_established(&self, peer: &PublicKey) -> bool {
        let open = self.friends.get(peer).and_then(|friend| friend.open.as_ref());
        open.is_some_and(connection::Connection::is_confirmed)
    }

    /// Sends a lossless packet. It arrives once and in order, unless the session ends.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(&mut self, peer: &PublicKey, urgency: Urgency, data: Vec<u8>) -> Result<(), SendError> {
        let first = data.first().copied().unwrap_or_default();
        if data.len() > limits::DATA_BYTES || Class::of(first) != Class::Lossless || first == id::ALIVE {
            return Err(SendError::Malformed);
        }
        let open = self.friends.get_mut(peer).and_then(|friend| friend.open.as_mut());
        let open = open.filter(|open| open.is_confirmed()).ok_or(SendError::NotConnected)?;
        if !open.send(urgency, data) {
            return Err(SendError::Full);
        }
        self.wake(*peer);
        Ok(())
    }

    /// Appends the next datagram to `out` and says where it goes. `None`: nothing is due now.
    pub fn poll_transmit(&mut self, now: Duration, out: &mut Vec<u8>) -> Option<SocketAddr> {
        if let Some((to, reply)) = self.replies.pop_front() {
            out.extend_from_slice(&reply);
            return Some(to);
        }
        while let Some(peer) = self.busy.pop_front() {
            let Some(friend) = self.friends.get_mut(&peer) else { continue };
            if let Some(to) = friend.poll_transmit(now, out) {
                self.busy.push_back(peer);
                return Some(to);
            }
            friend.busy = false;
            if friend.open.as_mut().is_some_and(connection::Connection::has_room_again) {
                self.events.push_back(Event::Room { peer });
            }
        }
        None
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        while let Some(peer) = self.readable.pop_front() {
            let Some(friend) = self.friends.get_mut(&peer) else { continue };
            if let Some(data) = friend.open.as_mut().and_then(connection::Connection::take) {
                self.readable.push_back(peer);
                self.wake(peer);
                return Some(Event::Packet { peer, data });
            }
            friend.readable = false;
        }
        None
    }

    /// When [`Self::timeout`] is to be called, if nothing else happens before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.friends.values().filter_map(Friend::deadline).min()
    }

    /// The time has come for whatever was due.
    pub fn timeout(&mut self, now: Duration) {
        let due: Vec<PublicKey> = self
            .friends
            .iter()
            .filter(|(_, friend)| friend.deadline().is_some_and(|deadline| deadline <= now))
            .map(|(peer, _)| *peer)
            .collect();
        for peer in due {
            self.end_what_is_over(now, peer);
            self.wake(peer);
        }
    }

    fn end_what_is_over(&mut self, now: Duration, peer: PublicKey) {
        let Some(friend) = self.friends.get_mut(&peer) else { return };
        if friend.farewell.as_ref().is_some_and(|farewell| farewell.is_over(now)) {
            friend.farewell = None;
        }
        if friend.dial.as_ref().is_some_and(|dial| dial.is_over(now)) {
            friend.dial = None;
            self.events.push_back(Event::Ended { peer, reason: Ended::Unanswered });
        }
        if friend.open.as_ref().is_some_and(|open| open.is_over(now)) {
            let confirmed = friend.open.as_ref().is_some_and(connection::Connection::is_confirmed);
            let reason = if confirmed { Ended::Silence } else { Ended::Unanswered };
            self.end(now, peer, reason);
        }
        self.tidy(peer);
    }

    /// Ends a session. What has arrived in order is handed up before the end.
    fn end(&mut self, now: Duration, peer: PublicKey, reason: Ended) {
        let Some(friend) = self.friends.get_mut(&peer) else { return };
        while let Some(data) = friend.open.as_mut().and_then(connection::Connection::take) {
            self.events.push_back(Event::Packet { peer, data });
        }
        if reason == Ended::ByPeer {
            friend.open = None;
        } else {
            friend.say_farewell(now);
        }
        self.events.push_back(Event::Ended { peer, reason });
    }

    /// Forgets where a friend was, and the friend, once nothing is left to be said.
    fn tidy(&mut self, peer: PublicKey) {
        let Some(friend) = self.friends.get(&peer) else { return };
        if friend.open.is_none() && friend.dial.is_none() && friend.farewell.is_none() {
            self.addresses.retain(|_, owner| *owner != peer);
            if friend.forgotten {
                self.friends.remove(&peer);
            }
        }
    }

    /// Has `poll_transmit` look at a friend.
    fn wake(&mut self, peer: PublicKey) {
        if let Some(friend) = self.friends.get_mut(&peer)
            && !std::mem::replace(&mut friend.busy, true)
        {
            self.busy.push_back(peer);
        }
    }
}
