//! A client of a relay: routes to others who are there too.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand_core::CryptoRngCore;

use super::channel::Channel;
use super::pings::Pings;
use crate::boxes::{LowOrderKey, SharedKey};
use crate::key::{KeyPair, PublicKey, SecretKey};
use crate::limits;
use crate::nonce::{FreshNonce, SendingNonces};
use crate::packet::PacketError;
use crate::packet::relay::hello::{Hello, SERVER_BYTES};
use crate::packet::relay::{BlindData, Connection, Data, OnionContent, RelayPacket};
use crate::wire::ParseError;

/// Something the owner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The relay has proved its key: packets can be sent.
    Open,
    /// The other end of a route is there.
    Connected(PublicKey),
    /// It is gone, or the relay has no room for the route.
    Disconnected(PublicKey),
    /// Data came over a route.
    Data {
        /// Whom from.
        from: PublicKey,
        /// What: 1 to [`limits::RELAY_DATA_BYTES`].
        data: Vec<u8>,
    },
    /// Data came from somebody to whom there is no route.
    Blind {
        /// Whom from: the relay has checked that they have the key.
        from: PublicKey,
        /// What: 1 to [`limits::BLIND_BYTES`].
        data: Vec<u8>,
    },
    /// An answer came through the onion.
    Onion(Vec<u8>),
    /// The connection is over; nothing more can be sent.
    Closed,
}

/// Why something is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// There is no connection to the relay, or the other end of the route is not there.
    #[error("there is no connection over the relay")]
    NotConnected,
    /// Too much waits already: this packet is lost, as on a full line.
    #[error("the line to the relay is full")]
    Full,
    /// It is empty or too long.
    #[error("this cannot be sent over a relay")]
    Length(#[from] ParseError),
}

/// How far a route is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The relay has not answered.
    Requested,
    /// The relay knows of it; the other end is not there, or has not asked for us.
    Waiting(Connection),
    /// Data can be sent.
    Connected(Connection),
}

impl Route {
    fn number(self) -> Option<Connection> {
        match self {
            Self::Requested => None,
            Self::Waiting(number) | Self::Connected(number) => Some(number),
        }
    }
}

#[derive(Debug)]
enum State {
    /// Our hello is on its way, or its answer is.
    Hello {
        hello: Option<Vec<u8>>,
        answer: Vec<u8>,
        until: Duration,
    },
    Open {
        channel: Channel,
        pings: Pings,
    },
    Closed,
}

/// A connection to a relay.
#[derive(Debug)]
pub struct Client<R> {
    /// Shared by our DHT key and the relay's.
    shared: SharedKey,
    temporary: SecretKey,
    nonces: Option<SendingNonces>,
    random: R,
    state: State,
    /// What is wanted, and how far it is. A route that is no longer wanted stays until the relay has
    /// named its number: C's relay ends the connection for a number that is not in use.
    routes: BTreeMap<PublicKey, (Route, bool)>,
    events: VecDeque<Event>,
}

impl<R: CryptoRngCore> Client<R> {
    /// Begins, on a socket that is connected. `own` is the pair of the DHT key.
    ///
    /// # Errors
    /// The relay's key is of low order.
    pub fn new(now: Duration, own: &KeyPair, relay: &PublicKey, mut random: R) -> Result<Self, LowOrderKey> {
        let shared = own.secret().shared_with(relay)?;
        let temporary = KeyPair::generate(&mut random);
        let nonces = SendingNonces::random(&mut random);
        let hello = Hello { temporary: temporary.public(), base_nonce: nonces.base() };
        let hello = hello.seal_client(&own.public(), &shared, FreshNonce::random(&mut random));
        Ok(Self {
            shared,
            temporary: temporary.secret().clone(),
            nonces: Some(nonces),
            random,
            state: State::Hello {
                hello: Some(hello),
                answer: Vec::new(),
                until: now + limits::RELAY_CONNECT_TIME,
            },
            routes: BTreeMap::new(),
            events: VecDeque::new(),
        })
    }

    /// Whether packets can be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// How far the route to somebody is.
    #[must_use]
    pub fn route(&self, to: &PublicKey) -> Option<Route> {
        self.routes.get(to).filter(|(_, wanted)| *wanted).map(|(route, _)| *route)
    }

    /// Asks for a route to somebody, who has to ask for us too. Whether there is room for it.
    pub fn open_route(&mut self, to: PublicKey) -> bool {
        if let Some((_, wanted)) = self.routes.get_mut(&to) {
            *wanted = true;
            return true;
        }
        if self.routes.len() >= limits::RELAY_ROUTES {
            return false;
        }
        self.routes.insert(to, (Route::Requested, true));
        self.control(&RelayPacket::RouteRequest(to));
        true
    }

    /// A route is no longer wanted. The other end is told.
    pub fn close_route(&mut self, to: &PublicKey) {
        let Some((route, wanted)) = self.routes.get_mut(to) else { return };
        *wanted = false;
        if let Some(number) = route.number() {
            self.routes.remove(to);
            self.control(&RelayPacket::Disconnected(number));
        }
    }

    /// Sends data over a route.
    ///
    /// # Errors
    /// [`NotSent`].
    pub fn send(&mut self, to: &PublicKey, data: &[u8]) -> Result<(), NotSent> {
        let data = Data::new(data)?;
        match self.route(to) {
            Some(Route::Connected(connection)) => self.data(&RelayPacket::Data { connection, data }),
            _ => Err(NotSent::NotConnected),
        }
    }

    /// Sends data to somebody who has not asked for us. Nobody tells whether they are there.
    ///
    /// # Errors
    /// [`NotSent`].
    pub fn send_blind(&mut self, to: PublicKey, data: &[u8]) -> Result<(), NotSent> {
        let data = BlindData::new(data)?;
        self.data(&RelayPacket::SendBlind { to, data })
    }

    /// Sends an onion packet, which [`crate::packet::onion::path::RelayPath`] has built.
    ///
    /// # Errors
    /// [`NotSent`].
    pub fn send_onion(&mut self, content: &[u8]) -> Result<(), NotSent> {
        let content = OnionContent::new(content)?;
        self.data(&RelayPacket::Onion(content))
    }

    fn control(&mut self, packet: &RelayPacket<'_>) {
        // Before the relay has answered, requests wait in the routes.
        if let State::Open { channel, .. } = &mut self.state
            && !channel.send_control(packet.to_vec())
        {
            self.close();
        }
    }

    fn data(&mut self, packet: &RelayPacket<'_>) -> Result<(), NotSent> {
        let State::Open { channel, .. } = &mut self.state else { return Err(NotSent::NotConnected) };
        if channel.send_data(packet.to_vec()) { Ok(()) } else { Err(NotSent::Full) }
    }

    /// The next bytes to write: all of them, before any others.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        match &mut self.state {
            State::Hello { hello, .. } => hello.take(),
            State::Open { channel, .. } => channel.poll_transmit(),
            State::Closed => None,
        }
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn tell(&mut self, event: Event) {
        if self.events.len() < limits::RELAY_EVENTS {
            self.events.push_back(event);
        }
    }

    /// The socket is closed, or it should be.
    pub fn close(&mut self) {
        if !matches!(self.state, State::Closed) {
            self.state = State::Closed;
            self.routes.clear();
            // It is the last one, whatever was before.
            self.events.push_back(Event::Closed);
        }
    }

    /// When [`Self::timeout`] is to be called.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Hello { until, .. } => Some(*until),
            State::Open { pings, .. } => Some(pings.next()),
            State::Closed => None,
        }
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Duration) {
        match &mut self.state {
            State::Hello { until, .. } if *until <= now => self.close(),
            State::Open { pings, .. } if pings.is_lost(now) => self.close(),
            State::Open { pings, .. } if pings.is_due(now) => {
                let ping = RelayPacket::Ping(pings.begin(now, &mut self.random));
                self.control(&ping);
            }
            _ => {}
        }
    }

    /// Takes bytes that came over the socket.
    pub fn received(&mut self, now: Duration, mut bytes: &[u8]) {
        if self.take(now, &mut bytes).is_err() {
            self.close();
        }
    }

    fn take(&mut self, now: Duration, bytes: &mut &[u8]) -> Result<(), PacketError> {
        if let State::Hello { answer, .. } = &mut self.state {
            let (piece, rest) = bytes.split_at((SERVER_BYTES - answer.len()).min(bytes.len()));
            answer.extend_from_slice(piece);
            *bytes = rest;
            if answer.len() < SERVER_BYTES {
                return Ok(());
            }
            let hello = Hello::open_server(answer, &self.shared)?;
            self.begin(now, &hello)?;
        }
        while let State::Open { channel, .. } = &mut self.state {
            let Some(packet) = channel.receive(bytes)? else { break };
            self.packet(&packet)?;
        }
        Ok(())
    }

    fn begin(&mut self, now: Duration, hello: &Hello) -> Result<(), PacketError> {
        let nonces = self.nonces.take().ok_or(PacketError::OtherKind)?;
        // Nobody honest has such a key.
        let key = self.temporary.shared_with(&hello.temporary).map_err(|_| PacketError::OtherSender)?;
        let channel = Channel::new(key, nonces, hello.base_nonce);
        // The relay knows us only after a first frame, so nothing would reach us without one.
        let mut pings = Pings::new(now);
        let ping = RelayPacket::Ping(pings.begin(now, &mut self.random));
        self.state = State::Open { channel, pings };
        self.control(&ping);
        self.routes.retain(|_, (_, wanted)| *wanted);
        let wanted: Vec<PublicKey> = self.routes.keys().copied().collect();
        for key in wanted {
            self.control(&RelayPacket::RouteRequest(key));
        }
        self.tell(Event::Open);
        Ok(())
    }

    fn packet(&mut self, packet: &[u8]) -> Result<(), ParseError> {
        match RelayPacket::parse(packet)? {
            RelayPacket::RouteResponse { connection, key } => self.routed(key, connection),
            RelayPacket::Connected(number) => {
                if let Some(key) = self.update(number, Route::Connected(number)) {
                    self.tell(Event::Connected(key));
                }
            }
            RelayPacket::Disconnected(number) => {
                if let Some(key) = self.update(number, Route::Waiting(number)) {
                    self.tell(Event::Disconnected(key));
                }
            }
            RelayPacket::Ping(id) => self.control(&RelayPacket::Pong(id)),
            RelayPacket::Pong(id) => {
                if let State::Open { pings, .. } = &mut self.state {
                    pings.answered(id);
                }
            }
            RelayPacket::CameBlind { from, data } => {
                self.tell(Event::Blind { from, data: data.to_vec() });
            }
            RelayPacket::OnionAnswer(content) => self.tell(Event::Onion(content.to_vec())),
            RelayPacket::Data { connection, data } => {
                // It may have been under way when the route was closed.
                if let Some(from) = self.key_of(connection) {
                    self.tell(Event::Data { from, data: data.to_vec() });
                }
            }
            // Only clients send these; a relay that does means no harm by it.
            RelayPacket::RouteRequest(_) | RelayPacket::SendBlind { .. } | RelayPacket::Onion(_) => {}
        }
        Ok(())
    }

    fn routed(&mut self, key: PublicKey, number: Option<Connection>) {
        let Some((route, wanted)) = self.routes.get_mut(&key) else { return };
        let wanted = *wanted;
        match number {
            Some(number) if wanted => {
                if *route == Route::Requested {
                    *route = Route::Waiting(number);
                }
            }
            Some(number) => {
                self.routes.remove(&key);
                self.control(&RelayPacket::Disconnected(number));
            }
            None => {
                self.routes.remove(&key);
                if wanted {
                    self.tell(Event::Disconnected(key));
                }
            }
        }
    }

    fn key_of(&self, number: Connection) -> Option<PublicKey> {
        let mut routes = self.routes.iter();
        routes.find(|(_, (route, _))| route.number() == Some(number)).map(|(key, _)| *key)
    }

    /// Changes a route; gives whose, if that is news.
    fn update(&mut self, number: Connection, new: Route) -> Option<PublicKey> {
        let key = self.key_of(number)?;
        let (route, _) = self.routes.get_mut(&key)?;
        (std::mem::replace(route, new) != new).then_some(key)
    }
}
