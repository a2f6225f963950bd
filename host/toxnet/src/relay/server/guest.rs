//! One connection of a relay.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use rand_core::CryptoRngCore;

use crate::key::PublicKey;
use crate::limits;
use crate::packet::relay::{Connection, RelayPacket};
use crate::relay::channel::Channel;
use crate::relay::pings::Pings;

/// Somebody whom a client wants to talk to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) to: PublicKey,
    /// The other end's connection, and its number for us.
    pub(super) end: Option<(u64, Connection)>,
}

/// A client whose hello was good.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) key: PublicKey,
    pub(super) channel: Channel,
    pub(super) pings: Pings,
    /// A first frame came: it is not somebody who repeats another one's hello.
    pub(super) known: bool,
    pub(super) routes: BTreeMap<Connection, Route>,
}

impl Open {
    /// The number of the route to somebody.
    pub(super) fn number_of(&self, to: &PublicKey) -> Option<Connection> {
        self.routes.iter().find(|(_, route)| route.to == *to).map(|(number, _)| *number)
    }

    /// The lowest number that is free.
    pub(super) fn free_number(&self) -> Option<Connection> {
        let numbers = (0..=u8::MAX).filter_map(|number| Connection::new(number).ok());
        numbers.into_iter().find(|number| !self.routes.contains_key(number))
    }
}

/// How far it is.
#[derive(Debug)]
pub(super) enum Stage {
    /// The beginning of a hello.
    Hello(Vec<u8>),
    Open(Box<Open>),
}

/// One connection.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) ip: IpAddr,
    pub(super) network: [u8; 7],
    pub(super) stage: Stage,
    /// What is written before all frames: our hello.
    pub(super) first: Option<Vec<u8>>,
    since: Duration,
}

impl Guest {
    pub(super) fn new(now: Duration, ip: IpAddr, network: [u8; 7]) -> Self {
        Self { ip, network, stage: Stage::Hello(Vec::new()), first: None, since: now }
    }

    pub(super) fn open(&self) -> Option<&Open> {
        match &self.stage {
            Stage::Open(open) => Some(open),
            Stage::Hello(_) => None,
        }
    }

    pub(super) fn open_mut(&mut self) -> Option<&mut Open> {
        match &mut self.stage {
            Stage::Open(open) => Some(open),
            Stage::Hello(_) => None,
        }
    }

    pub(super) fn is_known(&self) -> bool {
        self.open().is_some_and(|open| open.known)
    }

    pub(super) fn key(&self) -> Option<PublicKey> {
        self.open().map(|open| open.key)
    }

    pub(super) fn data_bytes(&self) -> usize {
        self.open().map_or(0, |open| open.channel.data_bytes())
    }

    /// The other ends of its routes.
    pub(super) fn ends(&self) -> Vec<(u64, Connection)> {
        self.open().map_or(Vec::new(), |open| open.routes.values().filter_map(|route| route.end).collect())
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        if self.first.is_some() {
            return self.first.take();
        }
        self.open_mut()?.channel.poll_transmit()
    }

    pub(super) fn send_control(&mut self, packet: Vec<u8>) -> bool {
        self.open_mut().is_some_and(|open| open.channel.send_control(packet))
    }

    pub(super) fn send_data(&mut self, packet: Vec<u8>) -> bool {
        self.open_mut().is_some_and(|open| open.channel.send_data(packet))
    }

    /// When a ping is to be sent, or it is over.
    pub(super) fn next(&self) -> Duration {
        match self.open() {
            Some(open) if open.known => open.pings.next(),
            _ => self.since + limits::RELAY_HELLO_TIME,
        }
    }

    /// The ping that is due; none if it is over.
    pub(super) fn ping(&mut self, now: Duration, random: &mut impl CryptoRngCore) -> Option<Vec<u8>> {
        let open = self.open_mut().filter(|open| open.known && !open.pings.is_lost(now))?;
        Some(RelayPacket::Ping(open.pings.begin(now, random)).to_vec())
    }
}
