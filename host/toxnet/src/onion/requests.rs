//! What we asked through the onion and have no answer to yet. An answer counts only from the first
//! node of the path that was used.

use std::collections::VecDeque;
use std::time::Duration;

use crate::address::Address;
use crate::boxes::SharedKey;
use crate::dht::PathNode;
use crate::key::PublicKey;
use crate::limits;

/// Whose lookup a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// The own announcement.
    Own,
    /// The search for this friend.
    Friend(PublicKey),
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// A node at this address.
    Udp(Address),
    /// A relay, by the owner's number.
    Relay(u64),
}

/// A request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) sendback: [u8; 8],
    pub(super) lookup: For,
    pub(super) node: PathNode,
    /// Opens the answer.
    pub(super) key: SharedKey,
    /// The path it took, and where that begins.
    pub(super) path: u64,
    pub(super) first: First,
    /// It had a ping id that came over the same path.
    pub(super) announces: bool,
    pub(super) at: Duration,
}

/// Requests without an answer, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Requests(VecDeque<Request>);

impl Requests {
    /// Remembers a request. When there are too many, the oldest is forgotten.
    pub(super) fn add(&mut self, request: Request) {
        let old = |old: &Request| request.at.saturating_sub(old.at) >= limits::ONION_ANSWER_TIME;
        while self.0.len() >= limits::ONION_REQUESTS || self.0.front().is_some_and(old) {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    /// Whether a node was asked for this lookup and has not answered.
    pub(super) fn is_asked(&self, now: Duration, lookup: For, node: &PublicKey) -> bool {
        self.0
            .iter()
            .rev()
            .take_while(|request| is_open(request, now))
            .any(|request| request.lookup == lookup && request.node.node.key == *node)
    }

    /// Until when the last request for this lookup is likely to be answered.
    pub(super) fn open_until(&self, lookup: For) -> Option<Duration> {
        let last = self.0.iter().rev().find(|request| request.lookup == lookup)?;
        Some(last.at + limits::ONION_ASK_AGAIN)
    }

    /// The request that an answer belongs to; it is answered then.
    pub(super) fn take(&mut self, now: Duration, from: First, sendback: [u8; 8]) -> Option<Request> {
        let fits = |request: &Request| request.sendback == sendback && request.first == from;
        let request = self.0.remove(self.0.iter().position(fits)?)?;
        is_open(&request, now).then_some(request)
    }

    /// Forgets all requests of a lookup.
    pub(super) fn forget(&mut self, lookup: For) {
        self.0.retain(|request| request.lookup != lookup);
    }
}

fn is_open(request: &Request, now: Duration) -> bool {
    now.saturating_sub(request.at) < limits::ONION_ANSWER_TIME
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;
    use crate::address::UdpNode;

    const NOW: Duration = Duration::from_secs(1000);

    fn place(host: u8) -> First {
        First::Udp(Address::new([192, 0, 2, host].into(), 33445))
    }

    fn request(number: u8, at: Duration) -> Request {
        let address = Address::new([192, 0, 2, 9].into(), 33445);
        Request {
            sendback: [number; 8],
            lookup: For::Own,
            node: PathNode { node: UdpNode { address, key: PublicKey([number; 32]) }, origin: 1 },
            key: SharedKey::generate(&mut ChaCha20Rng::seed_from_u64(1)),
            path: 1,
            first: place(1),
            announces: false,
            at,
        }
    }

    #[test]
    fn an_answer_counts_once_in_time_and_from_the_first_node_of_its_path() {
        let mut requests = Requests::default();
        requests.add(request(1, NOW));
        assert!(requests.is_asked(NOW, For::Own, &PublicKey([1; 32])));
        assert!(requests.take(NOW, place(2), [1; 8]).is_none());
        assert!(requests.take(NOW, First::Relay(1), [1; 8]).is_none());
        assert!(requests.take(NOW, place(1), [2; 8]).is_none());
        assert!(requests.take(NOW, place(1), [1; 8]).is_some());
        assert!(requests.take(NOW, place(1), [1; 8]).is_none());
        requests.add(request(3, NOW));
        assert!(requests.take(NOW + limits::ONION_ANSWER_TIME, place(1), [3; 8]).is_none());
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let mut requests = Requests::default();
        for number in 0..=255 {
            requests.add(request(number, NOW));
        }
        requests.add(request(7, NOW));
        assert_eq!(requests.0.len(), limits::ONION_REQUESTS);
        assert!(requests.take(NOW, place(1), [0; 8]).is_none());
        requests.add(request(8, NOW + limits::ONION_ANSWER_TIME));
        assert_eq!(requests.0.len(), 1);
    }
}
