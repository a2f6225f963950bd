//! What a node does for the paths of others: it peels a layer and passes on, and takes what comes
//! back a node further.

use std::time::Duration;

use rand_core::CryptoRngCore;

use crate::address::Address;
use crate::boxes::SharedKey;
use crate::dht::{is_lan, is_possible};
use crate::limits;
use crate::nonce::FreshNonce;
use crate::packet::PacketError;
use crate::packet::onion::back::{Back, Previous, pass_back};
use crate::packet::onion::hop::{Forward, Sealed, from_relay};
use crate::wire::ParseError;

/// The keys that seal where packets came from.
#[derive(Debug)]
pub(crate) struct Passing {
    own: SharedKey,
    /// The one before, so that no path breaks when a new one is made.
    before: Option<SharedKey>,
    renewed: Duration,
}

impl Passing {
    pub(crate) fn new(now: Duration, random: &mut impl CryptoRngCore) -> Self {
        Self { own: SharedKey::generate(random), before: None, renewed: now }
    }

    fn renew(&mut self, now: Duration, random: &mut impl CryptoRngCore) {
        let age = now.saturating_sub(self.renewed);
        if age < limits::RETURN_KEY_TIME {
            return;
        }
        let old = std::mem::replace(&mut self.own, SharedKey::generate(random));
        self.before = (age < limits::RETURN_KEY_TIME * 2).then_some(old);
        self.renewed = now;
    }

    /// Passes a packet on. `key` opens its layer.
    ///
    /// # Errors
    /// [`PacketError`].
    pub(crate) fn on(
        &mut self,
        now: Duration,
        from: Address,
        sealed: Sealed<'_>,
        key: &SharedKey,
        random: &mut impl CryptoRngCore,
    ) -> Result<Option<Forward>, PacketError> {
        self.renew(now, random);
        let nonce = FreshNonce::random(random);
        let forward = sealed.peel(key, &Previous::Udp(from), &self.own, nonce)?;
        Ok(may_go(is_lan(from.ip()), forward))
    }

    /// Passes on what a client of our TCP relay sent: which, and whether it is on a local network.
    ///
    /// # Errors
    /// [`ParseError`].
    pub(crate) fn on_from_relay(
        &mut self,
        now: Duration,
        (client, local): (u64, bool),
        content: &[u8],
        random: &mut impl CryptoRngCore,
    ) -> Result<Option<Forward>, ParseError> {
        self.renew(now, random);
        let nonce = FreshNonce::random(random);
        let forward = from_relay(content, &Previous::RelayClient(client), &self.own, nonce)?;
        Ok(may_go(local, forward))
    }

    /// Passes a packet back.
    ///
    /// # Errors
    /// [`PacketError`].
    pub(crate) fn back(
        &mut self,
        now: Duration,
        packet: &[u8],
        random: &mut impl CryptoRngCore,
    ) -> Result<Back, PacketError> {
        self.renew(now, random);
        let back = pass_back(packet, &self.own);
        match (&back, &self.before) {
            (Err(PacketError::Open(_)), Some(before)) => pass_back(packet, before),
            _ => back,
        }
    }
}

/// Nobody from outside sends into our local network, or to an address that is none.
fn may_go(local: bool, forward: Forward) -> Option<Forward> {
    let may = is_possible(&forward.to) && (local || !is_lan(forward.to.ip()));
    may.then_some(forward)
}
