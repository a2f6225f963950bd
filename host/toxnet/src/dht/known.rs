//! A node that answered at least once, and how near keys are to each other.

use std::cmp::Ordering;
use std::time::Duration;

use crate::address::UdpNode;
use crate::key::PublicKey;
use crate::limits;

/// A node that answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) node: UdpNode,
    /// When it last answered.
    pub(super) heard: Duration,
    /// When it was last asked to keep in touch.
    pub(super) asked: Duration,
    /// The answer that named it first: see [`super::PathNode`].
    pub(super) origin: u64,
}

impl Known {
    pub(super) fn new(now: Duration, node: UdpNode, origin: u64) -> Self {
        Self { node, heard: now, asked: now, origin }
    }

    /// It answered lately, so others may be told of it.
    pub(super) fn is_good(&self, now: Duration) -> bool {
        now.saturating_sub(self.heard) < limits::NODE_BAD
    }

    /// It has not answered for so long that it is forgotten.
    pub(super) fn is_gone(&self, now: Duration) -> bool {
        now.saturating_sub(self.heard) >= limits::NODE_FORGOTTEN
    }

    /// When it is to be asked again.
    pub(super) fn due(&self) -> Duration {
        self.asked + limits::NODE_ASKED
    }

    /// The node answered, perhaps from elsewhere.
    pub(super) fn heard(&mut self, now: Duration, node: UdpNode) {
        (self.node, self.heard) = (node, now);
    }
}

/// Which of two keys is nearer to `target`: distances are the exclusive or of the keys, as numbers.
pub(crate) fn compare(target: &PublicKey, one: &PublicKey, other: &PublicKey) -> Ordering {
    let distance = |key: &PublicKey| -> [u8; 32] { std::array::from_fn(|at| key.0[at] ^ target.0[at]) };
    distance(one).cmp(&distance(other))
}

/// The nearest to `target`, at most `most`, each once.
pub(crate) fn nearest(target: &PublicKey, nodes: impl Iterator<Item = UdpNode>, most: usize) -> Vec<UdpNode> {
    let mut found: Vec<UdpNode> = Vec::with_capacity(most + 1);
    for node in nodes {
        if found.iter().any(|other| other.key == node.key) {
            continue;
        }
        let at = found.partition_point(|other| compare(target, &other.key, &node.key).is_lt());
        if at < most {
            found.insert(at, node);
            found.truncate(most);
        }
    }
    found
}
