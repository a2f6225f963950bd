//! The nodes nearest to a key, as they are found through the onion: where we are announced, or where
//! a friend may be.

use std::time::Duration;

use crate::address::UdpNode;
use crate::boxes::SharedKey;
use crate::dht::{PathNode, compare, is_lan, is_possible, nearest};
use crate::key::PublicKey;
use crate::limits;
use crate::packet::onion::announce::Stored;

/// A node that answered.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) node: PathNode,
    /// Shared by it and the key that the requests are encrypted with.
    pub(super) key: SharedKey,
    /// What it said last.
    pub(super) stored: Stored,
    /// It has our announcement, with the way back along the path below.
    pub(super) announced: bool,
    /// The path its last answer came over: its ping id is good for that alone.
    pub(super) path: u64,
    pub(super) since: Duration,
    /// When it is asked again.
    pub(super) due: Duration,
    pub(super) unanswered: u32,
}

impl Found {
    /// It was asked just now.
    pub(super) fn asked(&mut self, now: Duration) {
        self.unanswered += 1;
        self.due = now + limits::ONION_ASK_AGAIN;
    }
}

/// One lookup.
#[derive(Debug)]
pub(super) struct Lookup {
    target: PublicKey,
    most: usize,
    /// The nearest first.
    pub(super) nodes: Vec<Found>,
    /// Nodes that answers named, to be asked; the nearest first.
    candidates: Vec<PathNode>,
    /// When it is begun again with nodes of the DHT.
    pub(super) begin: Duration,
}

impl Lookup {
    pub(super) fn new(now: Duration, target: PublicKey, most: usize) -> Self {
        Self { target, most, nodes: Vec::new(), candidates: Vec::new(), begin: now }
    }

    fn place(&self, key: &PublicKey) -> usize {
        self.nodes.partition_point(|found| compare(&self.target, &found.node.node.key, key).is_lt())
    }

    /// Whether a node would be taken and is not there yet.
    fn would_take(&self, key: &PublicKey) -> bool {
        self.place(key) < self.most && !self.nodes.iter().any(|found| found.node.node.key == *key)
    }

    /// A node answered: it is in the list now if it is near enough.
    pub(super) fn answered(
        &mut self,
        now: Duration,
        node: PathNode,
        key: SharedKey,
        (stored, path): (Stored, u64),
    ) -> Option<&mut Found> {
        let index = match self.nodes.iter().position(|found| found.node.node.key == node.node.key) {
            Some(index) => index,
            None => {
                let index = self.place(&node.node.key);
                if index >= self.most {
                    return None;
                }
                let (since, due, unanswered) = (now, now, 0);
                let found = Found { node, key, stored, announced: false, path, since, due, unanswered };
                self.nodes.insert(index, found);
                self.nodes.truncate(self.most);
                index
            }
        };
        let found = self.nodes.get_mut(index)?;
        (found.node, found.stored, found.path, found.unanswered) = (node, stored, path, 0);
        Some(found)
    }

    /// An answer named nodes. Gives whether any of them is worth asking. `origin` is its number.
    pub(super) fn named(
        &mut self,
        by: &PathNode,
        origin: u64,
        nodes: &[UdpNode],
        asked: impl Fn(&PublicKey) -> bool,
    ) -> bool {
        let local = is_lan(by.node.address.ip());
        let mut news = false;
        for node in nodes {
            let may = is_possible(&node.address) && (local || !is_lan(node.address.ip()));
            if may && self.would_take(&node.key) && !asked(&node.key) {
                news |= self.add_candidate(PathNode { node: *node, origin });
            }
        }
        news
    }

    fn add_candidate(&mut self, node: PathNode) -> bool {
        if self.candidates.iter().any(|known| known.node.key == node.node.key) {
            return false;
        }
        let target = self.target;
        let at = self
            .candidates
            .partition_point(|known| compare(&target, &known.node.key, &node.node.key).is_lt());
        self.candidates.insert(at, node);
        self.candidates.truncate(limits::LOOKUP_CANDIDATES);
        true
    }

    /// Begins, or begins again, with the nearest of these nodes.
    pub(super) fn begin_with(
        &mut self,
        now: Duration,
        nodes: &[PathNode],
        asked: impl Fn(&PublicKey) -> bool,
    ) {
        let new = nodes.iter().map(|node| node.node);
        let new = new.filter(|node| self.would_take(&node.key) && !asked(&node.key));
        for nearest in nearest(&self.target, new, limits::LOOKUP_START) {
            if let Some(node) = nodes.iter().find(|node| node.node == nearest) {
                self.add_candidate(*node);
            }
        }
        self.begin = now
            + match self.nodes.len() {
                0 => limits::LOOKUP_EMPTY,
                few if few <= self.most / 2 => limits::LOOKUP_POOR,
                _ => limits::LOOKUP_RICH,
            };
    }

    /// The next node to ask that is not in the list yet.
    pub(super) fn candidate(&self) -> Option<PathNode> {
        self.candidates.first().copied()
    }

    /// It was asked, or cannot be.
    pub(super) fn drop_candidate(&mut self) {
        if !self.candidates.is_empty() {
            self.candidates.remove(0);
        }
    }

    /// Forgets nodes that do not answer, and candidates that nearer nodes have overtaken.
    pub(super) fn tidy(&mut self, now: Duration) {
        let lost = |found: &Found| found.unanswered >= limits::ONION_NODE_TRIES && found.due <= now;
        let before = self.nodes.len();
        self.nodes.retain(|found| !lost(found));
        if self.nodes.is_empty() && before > 0 {
            self.begin = now;
        }
        let candidates = std::mem::take(&mut self.candidates);
        self.candidates = candidates.into_iter().filter(|node| self.would_take(&node.node.key)).collect();
    }

    /// The nearest node that is to be asked now.
    pub(super) fn due(&self, now: Duration) -> Option<usize> {
        self.nodes.iter().position(|found| found.due <= now)
    }

    /// When something is to be done next.
    pub(super) fn next(&self) -> Duration {
        self.nodes.iter().map(|found| found.due).fold(self.begin, Duration::min)
    }

    /// Bytes of memory are bounded by these.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.nodes.len(), self.candidates.len())
    }

    /// The data key that most nodes name for the target, if more name it than any other: a node that
    /// gives its own would learn who writes to whom. While answers are `open`, two have to agree.
    pub(super) fn agreed_data_key(&self, open: bool) -> Option<PublicKey> {
        let named = || {
            self.nodes.iter().filter_map(|found| match found.stored {
                Stored::Other(key) => Some(key),
                _ => None,
            })
        };
        let votes = |key: &PublicKey| named().filter(|other| other == key).count();
        let best = named().max_by_key(|key| votes(key))?;
        let contested = named().any(|key| key != best && votes(&key) == votes(&best));
        (!contested && (votes(&best) >= 2 || !open)).then_some(best)
    }

    /// The nodes that name this data key, the nearest first.
    pub(super) fn naming(&self, data_key: PublicKey) -> impl Iterator<Item = UdpNode> {
        let names = move |found: &&Found| found.stored == Stored::Other(data_key);
        self.nodes.iter().filter(names).map(|found| found.node.node)
    }
}

#[cfg(test)]
mod tests;
