//! What we asked and have no answer to yet. An answer counts only from the address and key that
//! were asked.

use std::collections::VecDeque;
use std::time::Duration;

use rand_core::CryptoRngCore;

use crate::address::UdpNode;
use crate::key::PublicKey;
use crate::limits;

/// What an answer should bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A sign of life.
    Sign,
    /// Nodes near this key.
    Nodes(PublicKey),
}

#[derive(Debug)]
struct Request {
    id: [u8; 8],
    node: UdpNode,
    wanted: Wanted,
    /// The answer that named the node: see [`super::PathNode`].
    origin: u64,
    at: Duration,
}

/// Requests without an answer, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Requests(VecDeque<Request>);

impl Requests {
    /// Remembers a request; gives its id. When there are too many, the oldest is forgotten.
    pub(super) fn add(
        &mut self,
        now: Duration,
        node: UdpNode,
        wanted: Wanted,
        origin: u64,
        random: &mut impl CryptoRngCore,
    ) -> [u8; 8] {
        let mut id = [0; 8];
        random.fill_bytes(&mut id);
        if self.0.len() >= limits::NODE_REQUESTS {
            self.0.pop_front();
        }
        self.0.push_back(Request { id, node, wanted, origin, at: now });
        id
    }

    fn open(&self, now: Duration) -> impl Iterator<Item = &Request> {
        let valid = move |request: &&Request| now.saturating_sub(request.at) < limits::NODE_ANSWER_TIME;
        self.0.iter().rev().take_while(valid)
    }

    /// Whether this node owes us an answer.
    pub(super) fn expects(&self, now: Duration, node: &UdpNode) -> bool {
        self.open(now).any(|request| request.node == *node)
    }

    /// Whether this node was asked for nodes near `wanted` so lately that the answer may be under
    /// way.
    pub(super) fn is_asked(&self, now: Duration, node: &UdpNode, wanted: &PublicKey) -> bool {
        let wanted = Wanted::Nodes(*wanted);
        self.open(now)
            .take_while(|request| now.saturating_sub(request.at) < limits::NODE_ASK_AGAIN)
            .any(|request| request.node == *node && request.wanted == wanted)
    }

    /// What was wanted of an answer, and the origin of its node; the request is answered then.
    pub(super) fn take(&mut self, now: Duration, node: &UdpNode, id: [u8; 8]) -> Option<(Wanted, u64)> {
        let at = self.0.iter().position(|request| request.id == id && request.node == *node)?;
        let request = self.0.remove(at)?;
        (now.saturating_sub(request.at) < limits::NODE_ANSWER_TIME)
            .then_some((request.wanted, request.origin))
    }
}
