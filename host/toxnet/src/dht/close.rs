//! The nodes near our own key: a bucket for each number of leading bits that a key has in common
//! with ours, so that much is known about the neighbourhood and something about everywhere.

use std::time::Duration;

use super::known::Known;
use crate::address::UdpNode;
use crate::key::PublicKey;
use crate::limits;

/// The list.
#[derive(Debug)]
pub(super) struct CloseList {
    own: PublicKey,
    buckets: Vec<Vec<Known>>,
}

impl CloseList {
    pub(super) fn new(own: PublicKey) -> Self {
        Self { own, buckets: vec![Vec::new(); limits::BUCKETS] }
    }

    fn bucket_of(&self, key: &PublicKey) -> usize {
        let common = self.own.0.iter().zip(&key.0).take_while(|(own, other)| own == other).count();
        let (own, other) = (self.own.0.get(common), key.0.get(common));
        let bits = own.zip(other).map_or(0, |(own, other)| (own ^ other).leading_zeros());
        let bits = usize::try_from(bits).unwrap_or(0);
        (common * 8 + bits).min(limits::BUCKETS - 1)
    }

    fn bucket(&self, key: &PublicKey) -> &[Known] {
        self.buckets.get(self.bucket_of(key)).map_or(&[], Vec::as_slice)
    }

    /// Whether a node that is not in the list would be taken.
    pub(super) fn has_room(&self, now: Duration, key: &PublicKey) -> bool {
        let bucket = self.bucket(key);
        bucket.len() < limits::BUCKET_NODES || bucket.iter().any(|known| !known.is_good(now))
    }

    /// Whether this node is in the list, at this address, and answered lately.
    pub(super) fn knows(&self, now: Duration, node: &UdpNode) -> bool {
        self.bucket(&node.key).iter().any(|known| known.node == *node && known.is_good(now))
    }

    /// The answer that named a node first, if it is in the list.
    pub(super) fn origin_of(&self, key: &PublicKey) -> Option<u64> {
        self.bucket(key).iter().find(|known| known.node.key == *key).map(|known| known.origin)
    }

    /// Takes a node that answered, if there is room.
    pub(super) fn heard(&mut self, now: Duration, node: UdpNode, origin: u64) {
        let index = self.bucket_of(&node.key);
        let Some(bucket) = self.buckets.get_mut(index) else { return };
        if let Some(known) = bucket.iter_mut().find(|known| known.node.key == node.key) {
            known.heard(now, node);
        } else if bucket.len() < limits::BUCKET_NODES {
            bucket.push(Known::new(now, node, origin));
        } else if let Some(bad) = bucket.iter_mut().find(|known| !known.is_good(now)) {
            *bad = Known::new(now, node, origin);
        }
    }

    /// Those that answered lately.
    pub(super) fn good(&self, now: Duration) -> impl Iterator<Item = UdpNode> {
        self.buckets.iter().flatten().filter(move |known| known.is_good(now)).map(|known| known.node)
    }

    /// Forgets nodes that are gone; gives all others.
    pub(super) fn living(&mut self, now: Duration) -> impl Iterator<Item = &mut Known> {
        self.buckets.iter_mut().for_each(|bucket| bucket.retain(|known| !known.is_gone(now)));
        self.buckets.iter_mut().flatten()
    }
}
