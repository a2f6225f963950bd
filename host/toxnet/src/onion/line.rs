//! Sending through the onion: a right of the bucket, a path, layers.

use std::collections::VecDeque;
use std::time::Duration;

use rand_core::CryptoRngCore;

use super::bucket::Bucket;
use super::lookup::Lookup;
use super::paths::{Choice, Paths, RelayNode};
use super::requests::{First, For, Request, Requests};
use crate::address::UdpNode;
use crate::boxes::SharedKey;
use crate::dht::{Dht, PathNode};
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::nonce::FreshNonce;
use crate::packet::onion::announce::{AnnounceRequest, Stored};

/// What sending takes.
#[derive(Debug)]
pub(super) struct Line<'a, R> {
    pub(super) now: Duration,
    pub(super) dht: &'a mut Dht<R>,
    /// What paths are made of.
    pub(super) nodes: &'a [PathNode],
    pub(super) requests: &'a mut Requests,
    pub(super) bucket: &'a mut Bucket,
    /// Where paths begin; nowhere: at a node.
    pub(super) relays: &'a [RelayNode],
    /// More nodes were waited for.
    pub(super) waited: bool,
    /// What goes over relays.
    pub(super) over_relays: &'a mut VecDeque<(u64, Vec<u8>)>,
}

/// Who asks for whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    pub(super) lookup: For,
    /// The real pair to announce, a temporary one to search.
    pub(super) pair: &'a KeyPair,
    pub(super) searched: PublicKey,
    /// Zeros to search.
    pub(super) data_key: PublicKey,
}

/// Nothing was sent now; try at this time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait(pub(super) Duration);

impl<R: CryptoRngCore> Line<'_, R> {
    /// Sends what a lookup has to send now; gives when it has more.
    pub(super) fn work(&mut self, lookup: &mut Lookup, paths: &mut Paths, asker: Asker<'_>) -> Duration {
        lookup.tidy(self.now);
        if lookup.begin <= self.now {
            let (requests, now) = (&*self.requests, self.now);
            let asked = |key: &PublicKey| requests.is_asked(now, asker.lookup, key);
            lookup.begin_with(now, self.nodes, asked);
        }
        match self.ask_all(lookup, paths, asker) {
            Ok(()) => lookup.next(),
            Err(Wait(until)) => until,
        }
    }

    fn ask_all(&mut self, lookup: &mut Lookup, paths: &mut Paths, asker: Asker<'_>) -> Result<(), Wait> {
        while let Some(found) = lookup.due(self.now).and_then(|index| lookup.nodes.get_mut(index)) {
            let ping_id = match found.stored {
                Stored::No(id) | Stored::Own(id) => Some((id, found.path)),
                Stored::Other(_) => None,
            };
            // A node that does not answer may be behind a path that is broken.
            let again = (found.unanswered == 0).then_some(found.path);
            self.ask(paths, asker, (found.node, found.key.clone()), again, ping_id)?;
            found.asked(self.now);
        }
        while let Some(node) = lookup.candidate() {
            // A key of low order cannot be asked.
            if let Ok(key) = asker.pair.secret().shared_with(&node.node.key) {
                self.ask(paths, asker, (node, key), None, None)?;
            }
            lookup.drop_candidate();
        }
        Ok(())
    }

    fn ask(
        &mut self,
        paths: &mut Paths,
        asker: Asker<'_>,
        (node, key): (PathNode, SharedKey),
        again: Option<u64>,
        ping_id: Option<([u8; 32], u64)>,
    ) -> Result<(), Wait> {
        let mut sendback = [0; 8];
        self.dht.random.fill_bytes(&mut sendback);
        let searches = asker.lookup != For::Own;
        let ping_id = ping_id.filter(|_| !searches);
        let request = AnnounceRequest {
            ping_id: ping_id.map_or([0; 32], |(id, _)| id),
            searched: asker.searched,
            data_key: asker.data_key,
            sendback,
        };
        let packet = request.seal(&asker.pair.public(), &key, FreshNonce::random(&mut self.dht.random));
        let (path, first) = self.send(paths, &node.node, again, &packet)?;
        let announces = ping_id.is_some_and(|(_, came_over)| came_over == path);
        let (lookup, at) = (asker.lookup, self.now);
        self.requests.add(Request { sendback, lookup, node, key, path, first, announces, at });
        Ok(())
    }

    /// Sends data to a node over a path; gives the path, and where that begins.
    pub(super) fn send(
        &mut self,
        paths: &mut Paths,
        to: &UdpNode,
        again: Option<u64>,
        data: &[u8],
    ) -> Result<(u64, First), Wait> {
        if self.bucket.next() > self.now {
            return Err(Wait(self.bucket.next()));
        }
        let own = self.dht.own().clone();
        let (nodes, relays, waited) = (self.nodes, self.relays, self.waited);
        let choice = Choice { again, to: to.key, own: &own, nodes, relays, waited };
        let Some((id, way)) = paths.choose(self.now, &choice, &mut self.dht.random) else {
            // Soon there are more nodes, or the rules give way.
            return Err(Wait(self.now + limits::PATH_AGAIN));
        };
        let nonce = FreshNonce::random(&mut self.dht.random);
        // What we send is never too long.
        let Ok((first, packet)) = way.seal(&to.address, data, nonce) else {
            return Err(Wait(self.now + limits::LOOKUP_EMPTY));
        };
        self.bucket.take(self.now);
        match first {
            First::Udp(first) => self.dht.transmit(first, packet),
            // An owner who does not take them loses them.
            First::Relay(connection) if self.over_relays.len() < limits::NODE_TRANSMITS => {
                self.over_relays.push_back((connection, packet));
            }
            First::Relay(_) => {}
        }
        Ok((id, first))
    }
}
