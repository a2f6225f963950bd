//! One connection of a pool.

use std::time::Duration;

use rand_core::CryptoRngCore;

use crate::address::Node;
use crate::boxes::LowOrderKey;
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::relay::client::Client;

/// How far it is.
#[derive(Debug)]
pub(super) enum Stage<R> {
    /// The owner connects the socket, until this time at most.
    Dialling(Duration),
    Client(Box<Client<R>>),
}

/// One connection.
#[derive(Debug)]
pub(super) struct Line<R> {
    pub(super) relay: Node,
    pub(super) stage: Stage<R>,
    /// The relay has answered once.
    pub(super) was_open: bool,
}

impl<R: CryptoRngCore> Line<R> {
    pub(super) fn new(now: Duration, relay: Node) -> Self {
        Self { relay, stage: Stage::Dialling(now + limits::RELAY_CONNECT_TIME), was_open: false }
    }

    /// The socket is connected; these friends are wanted.
    pub(super) fn begin(
        &mut self,
        now: Duration,
        own: &KeyPair,
        random: R,
        wanted: impl Iterator<Item = PublicKey>,
    ) -> Result<(), LowOrderKey> {
        let mut client = Client::new(now, own, &self.relay.key, random)?;
        for friend in wanted {
            client.open_route(friend);
        }
        self.stage = Stage::Client(Box::new(client));
        Ok(())
    }

    pub(super) fn client(&mut self) -> Option<&mut Client<R>> {
        match &mut self.stage {
            Stage::Client(client) => Some(client),
            Stage::Dialling(_) => None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(&self.stage, Stage::Client(client) if client.is_open())
    }

    pub(super) fn open_route(&mut self, friend: PublicKey) {
        if let Some(client) = self.client() {
            client.open_route(friend);
        }
    }

    pub(super) fn close_route(&mut self, friend: &PublicKey) {
        if let Some(client) = self.client() {
            client.close_route(friend);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        match &self.stage {
            Stage::Dialling(until) => Some(*until),
            Stage::Client(client) => client.next_deadline(),
        }
    }
}
