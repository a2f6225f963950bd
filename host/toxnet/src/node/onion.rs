//! What a node does for others in the onion.

use std::time::Duration;

use rand_core::CryptoRngCore;

use super::Node;
use crate::address::Address;
use crate::boxes::SharedKey;
use crate::key::PublicKey;
use crate::limits;
use crate::nonce::FreshNonce;
use crate::packet::onion::announce::{AnnounceResponse, SealedRequest};
use crate::packet::onion::back::{Previous, respond};
use crate::packet::onion::data::DataRequest;
use crate::packet::onion::hop::Sealed;
use crate::wire::List;

impl<R: CryptoRngCore> Node<R> {
    /// The key shared with the sender of an onion packet. What is not at hand comes out of the budget
    /// for strangers.
    fn onion_key(&mut self, now: Duration, from: Address, key: &PublicKey) -> Option<SharedKey> {
        if !self.onion_keys.knows(key) && !self.dht.spend(now, from) {
            return None;
        }
        self.onion_keys.get(key).ok()
    }

    pub(super) fn pass_on(&mut self, now: Duration, from: Address, packet: &mut [u8]) {
        let Ok(sealed) = Sealed::parse(packet) else { return };
        let Some(key) = self.onion_key(now, from, &sealed.key()) else { return };
        if let Ok(Some(forward)) = self.passing.on(now, from, sealed, &key, &mut self.dht.random) {
            self.dht.transmit(forward.to, forward.packet);
        }
    }

    pub(super) fn pass_back(&mut self, now: Duration, packet: &[u8]) {
        let Ok(back) = self.passing.back(now, packet, &mut self.dht.random) else { return };
        match back.to {
            Previous::Udp(to) => self.dht.transmit(to, back.packet),
            Previous::RelayClient(client) => {
                if self.relay_answers.len() < limits::RELAY_ANSWERS {
                    self.relay_answers.push_back((client, back.packet));
                }
            }
        }
    }

    pub(super) fn announce_request(&mut self, now: Duration, from: Address, packet: &mut [u8]) {
        let Ok(sealed) = SealedRequest::parse(packet) else { return };
        let (sender, returned) = (sealed.sender(), sealed.returned());
        let Some(key) = self.onion_key(now, from, &sender) else { return };
        let Ok(request) = sealed.open(&key) else { return };
        let stored = self.store.request(now, (from, returned), sender, &request);
        let nodes = List::first_of(self.dht.told(now, from, &request.searched));
        let nonce = FreshNonce::random(&mut self.dht.random);
        let response = AnnounceResponse { stored, nodes }.seal(request.sendback, &key, nonce);
        if let Ok(packet) = respond(returned, &response) {
            self.dht.transmit(from, packet);
        }
    }

    pub(super) fn data_request(&mut self, now: Duration, packet: &[u8]) {
        let Ok(request) = DataRequest::parse(packet) else { return };
        let Some((to, returned)) = self.store.way_to(now, &request.destination) else { return };
        if let Ok(response) = request.response()
            && let Ok(packet) = respond(returned, &response)
        {
            self.dht.transmit(to, packet);
        }
    }
}
