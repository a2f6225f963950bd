//! What a relay does with what its clients send.

use std::collections::BTreeMap;
use std::time::Duration;

use rand_core::CryptoRngCore;

use super::guest::{Open, Route, Stage};
use super::{Closed, Event, Server};
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::nonce::{FreshNonce, SendingNonces};
use crate::packet::relay::hello::{CLIENT_BYTES, Hello};
use crate::packet::relay::{BlindData, Connection, Data, RelayPacket};
use crate::relay::channel::Channel;
use crate::relay::pings::Pings;

/// Types that are forwarding or nothing at all: C's clients may send them.
const IGNORED: std::ops::RangeInclusive<u8> = 10..=15;

impl<R: CryptoRngCore> Server<R> {
    /// Takes bytes of a hello, and answers when it is whole.
    pub(super) fn hello(&mut self, now: Duration, connection: u64, bytes: &mut &[u8]) -> Result<(), Closed> {
        let guest = self.guests.get_mut(&connection).ok_or(Closed::Broken)?;
        let ip = guest.ip;
        let Stage::Hello(hello) = &mut guest.stage else { return Ok(()) };
        let (piece, rest) = bytes.split_at((CLIENT_BYTES - hello.len()).min(bytes.len()));
        hello.extend_from_slice(piece);
        *bytes = rest;
        if hello.len() < CLIENT_BYTES {
            return Ok(());
        }
        let mut hello = std::mem::take(hello);
        let key = Hello::client(&hello).map_err(|_| Closed::Broken)?;
        if key == self.keys.own().public() || !self.may_spend(now, ip) {
            return Err(Closed::Broken);
        }
        let shared = self.keys.get(&key).map_err(|_| Closed::Broken)?;
        let hello = Hello::open_client(&mut hello, &shared).map_err(|_| Closed::Broken)?;
        let temporary = KeyPair::generate(&mut self.random);
        let nonces = SendingNonces::random(&mut self.random);
        let answer = Hello { temporary: temporary.public(), base_nonce: nonces.base() };
        let answer = answer.seal_server(&shared, FreshNonce::random(&mut self.random));
        let session = temporary.secret().shared_with(&hello.temporary).map_err(|_| Closed::Broken)?;
        let channel = Channel::new(session, nonces, hello.base_nonce);
        let (pings, routes) = (Pings::new(now), BTreeMap::new());
        let guest = self.guests.get_mut(&connection).ok_or(Closed::Broken)?;
        guest.stage = Stage::Open(Box::new(Open { key, channel, pings, known: false, routes }));
        guest.first = Some(answer);
        self.ready.insert(connection);
        Ok(())
    }

    pub(super) fn packet(&mut self, now: Duration, connection: u64, packet: &[u8]) -> Result<(), Closed> {
        self.meet(now, connection);
        if packet.first().is_some_and(|kind| IGNORED.contains(kind)) {
            return Ok(());
        }
        match RelayPacket::parse(packet).map_err(|_| Closed::Broken)? {
            RelayPacket::RouteRequest(to) => self.route(connection, to),
            RelayPacket::Disconnected(number) => self.unroute(connection, number),
            RelayPacket::Ping(id) => self.control(connection, RelayPacket::Pong(id).to_vec()),
            RelayPacket::Pong(id) => {
                if let Some(open) = self.open(connection) {
                    open.pings.answered(id);
                }
            }
            RelayPacket::SendBlind { to, data } => self.pass_blind(connection, &to, data),
            RelayPacket::Onion(content) => {
                if self.events.len() < limits::RELAY_EVENTS {
                    let (local, content) = (self.is_local(connection), content.to_vec());
                    self.events.push_back(Event::Onion { connection, local, content });
                }
            }
            RelayPacket::Data { connection: number, data } => self.pass(connection, number, data),
            // C's clients send none of these. C's relay ignores the first and ends the connection at
            // the others; there is no harm in them.
            RelayPacket::Connected(_)
            | RelayPacket::RouteResponse { .. }
            | RelayPacket::CameBlind { .. }
            | RelayPacket::OnionAnswer(_) => {}
        }
        Ok(())
    }

    fn open(&mut self, connection: u64) -> Option<&mut Open> {
        self.guests.get_mut(&connection)?.open_mut()
    }

    /// With its first frame a client is known to others; its connection before this one is over.
    fn meet(&mut self, now: Duration, connection: u64) {
        let Some(open) = self.open(connection).filter(|open| !open.known) else { return };
        open.known = true;
        open.pings = Pings::new(now);
        let key = open.key;
        if let Some(before) = self.known.insert(key, connection) {
            self.close(before, Closed::Replaced);
        }
    }

    fn route(&mut self, connection: u64, to: PublicKey) {
        let Some(open) = self.open(connection) else { return };
        let (own, known) = (open.key, open.number_of(&to));
        let number = known.or_else(|| open.free_number()).filter(|_| to != own);
        if let Some(number) = number {
            open.routes.entry(number).or_insert(Route { to, end: None });
        }
        let response = RelayPacket::RouteResponse { connection: number, key: to };
        self.control(connection, response.to_vec());
        if let Some(number) = number.filter(|_| known.is_none()) {
            self.join(connection, number, &own, &to);
        }
    }

    /// Tells both ends, if both want each other.
    fn join(&mut self, connection: u64, number: Connection, own: &PublicKey, to: &PublicKey) {
        let Some(other) = self.known.get(to).copied() else { return };
        let Some(back) = self.open(other).and_then(|open| open.number_of(own)) else { return };
        for (here, number, end) in [(connection, number, (other, back)), (other, back, (connection, number))]
        {
            if let Some(route) = self.open(here).and_then(|open| open.routes.get_mut(&number)) {
                route.end = Some(end);
                self.control(here, RelayPacket::Connected(number).to_vec());
            }
        }
    }

    /// A client no longer wants a route. For a number that is not in use C's relay ends the
    /// connection, with everything on it, though C's own clients send such numbers.
    fn unroute(&mut self, connection: u64, number: Connection) {
        let route = self.open(connection).and_then(|open| open.routes.remove(&number));
        if let Some((other, back)) = route.and_then(|route| route.end) {
            self.part(other, back, connection);
        }
    }

    /// The other end of a route, which is `gone`, is not there any more.
    pub(super) fn part(&mut self, connection: u64, number: Connection, gone: u64) {
        let route = self.open(connection).and_then(|open| open.routes.get_mut(&number));
        if let Some(route) = route.filter(|route| route.end.is_some_and(|(end, _)| end == gone)) {
            route.end = None;
            self.control(connection, RelayPacket::Disconnected(number).to_vec());
        }
    }

    fn pass(&mut self, connection: u64, number: Connection, data: Data<'_>) {
        let route = self.open(connection).and_then(|open| open.routes.get(&number));
        if let Some((other, back)) = route.and_then(|route| route.end) {
            self.data(other, RelayPacket::Data { connection: back, data }.to_vec());
        }
    }

    fn pass_blind(&mut self, connection: u64, to: &PublicKey, data: BlindData<'_>) {
        let Some(from) = self.open(connection).map(|open| open.key) else { return };
        if let Some(other) = self.known.get(to).copied() {
            self.data(other, RelayPacket::CameBlind { from, data }.to_vec());
        }
    }
}
