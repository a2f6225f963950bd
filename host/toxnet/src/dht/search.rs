//! The search for one key: the nodes nearest to it, and it itself once it has answered.

use std::time::Duration;

use super::PathNode;
use super::known::{Known, compare};
use crate::address::{Address, UdpNode};
use crate::key::PublicKey;
use crate::limits;

/// One search.
#[derive(Debug)]
pub(super) struct Search {
    target: PublicKey,
    /// The nearest first.
    nodes: Vec<Known>,
    /// Where the target was when the owner was last told; none while nobody is meant.
    told: Option<Address>,
    for_nobody: bool,
    /// When a node chosen at random is asked next, and how often that happened.
    pub(super) next_random: Duration,
    pub(super) randoms: u32,
}

impl Search {
    pub(super) fn new(target: PublicKey) -> Self {
        Self {
            target,
            nodes: Vec::new(),
            told: None,
            for_nobody: false,
            next_random: Duration::ZERO,
            randoms: 0,
        }
    }

    /// A search for a random key, of which nothing is told.
    pub(super) fn for_nobody(target: PublicKey) -> Self {
        Self { for_nobody: true, ..Self::new(target) }
    }

    /// Whether a node with this key would be taken.
    pub(super) fn has_room(&self, now: Duration, key: &PublicKey) -> bool {
        self.nodes.len() < limits::SEARCH_NODES
            || self.nodes.iter().any(|known| !known.is_good(now))
            || self.nodes.last().is_some_and(|last| compare(&self.target, key, &last.node.key).is_lt())
    }

    /// Whether a node would be taken and is not there yet.
    pub(super) fn would_take(&self, now: Duration, node: &UdpNode) -> bool {
        let known = self.nodes.iter().any(|known| known.node == *node && known.is_good(now));
        !known && self.has_room(now, &node.key)
    }

    /// Takes a node that answered, if it is near enough.
    pub(super) fn heard(&mut self, now: Duration, node: UdpNode, origin: u64) {
        if let Some(known) = self.nodes.iter_mut().find(|known| known.node.key == node.key) {
            return known.heard(now, node);
        }
        if !self.has_room(now, &node.key) {
            return;
        }
        if self.nodes.len() >= limits::SEARCH_NODES {
            // A bad one goes, else the farthest.
            let bad = self.nodes.iter().rposition(|known| !known.is_good(now));
            self.nodes.remove(bad.unwrap_or(self.nodes.len() - 1));
        }
        let target = self.target;
        let at = self.nodes.partition_point(|known| compare(&target, &known.node.key, &node.key).is_lt());
        self.nodes.insert(at, Known::new(now, node, origin));
    }

    /// Whether the owner has not been told of the target at this address; if so it counts as told.
    pub(super) fn is_news(&mut self, node: &UdpNode) -> bool {
        let news = !self.for_nobody && self.told != Some(node.address);
        self.told = Some(node.address);
        news
    }

    /// The answer that named a node first, if it is among those near the target.
    pub(super) fn origin_of(&self, key: &PublicKey) -> Option<u64> {
        self.nodes.iter().find(|known| known.node.key == *key).map(|known| known.origin)
    }

    /// Those that answered lately, if this is a search for nobody: far from whoever we look for.
    pub(super) fn for_paths(&self, now: Duration) -> impl Iterator<Item = PathNode> {
        let nodes = self.nodes.iter().filter(move |known| self.for_nobody && known.is_good(now));
        nodes.map(|known| PathNode { node: known.node, origin: known.origin })
    }

    /// Where the target was lately.
    pub(super) fn address(&self, now: Duration) -> Option<Address> {
        let known = self.nodes.iter().find(|known| known.node.key == self.target)?;
        known.is_good(now).then_some(known.node.address)
    }

    /// Those that answered lately.
    pub(super) fn good(&self, now: Duration) -> impl Iterator<Item = UdpNode> {
        self.nodes.iter().filter(move |known| known.is_good(now)).map(|known| known.node)
    }

    /// Forgets nodes that are gone; gives all others.
    pub(super) fn living(&mut self, now: Duration) -> impl Iterator<Item = &mut Known> {
        self.nodes.retain(|known| !known.is_gone(now));
        if !self.nodes.iter().any(|known| known.node.key == self.target) {
            self.told = None;
        }
        self.nodes.iter_mut()
    }
}
