//! The paths that we send over, and which nodes they are made of.

use std::net::IpAddr;
use std::time::Duration;

use rand_core::CryptoRngCore;

use crate::address::{Address, UdpNode};
use crate::dht::{PathNode, is_lan};
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::nonce::FreshNonce;
use crate::packet::onion::path::{Path, RelayPath};
use crate::wire::ParseError;

use super::requests::First;

/// A relay that a path can begin at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RelayNode {
    /// The owner's number for the connection.
    pub(crate) connection: u64,
    /// Where it is, and its key.
    pub(crate) node: UdpNode,
}

/// A path of either kind.
#[derive(Debug)]
pub(super) enum Way {
    Direct(Path),
    Relay { connection: u64, path: RelayPath },
}

impl Way {
    /// Builds a packet; says where the path begins.
    pub(super) fn seal(
        &self,
        to: &Address,
        data: &[u8],
        nonce: FreshNonce,
    ) -> Result<(First, Vec<u8>), ParseError> {
        match self {
            Self::Direct(path) => Ok((First::Udp(path.first()), path.seal(to, data, nonce)?)),
            Self::Relay { connection, path } => Ok((First::Relay(*connection), path.seal(to, data, nonce)?)),
        }
    }
}

/// A path and what became of the packets over it.
#[derive(Debug)]
struct Used {
    id: u64,
    way: Way,
    nodes: [PublicKey; 3],
    made: Duration,
    /// Something came back once.
    answered: bool,
    /// Packets since the last answer, and when the first of them was sent.
    unanswered: u32,
    silent: Duration,
}

impl Used {
    fn stands(&self, now: Duration) -> bool {
        let (tries, wait) = if self.answered {
            (limits::PATH_TRIES, limits::PATH_WAIT)
        } else {
            (limits::NEW_PATH_TRIES, limits::NEW_PATH_WAIT)
        };
        let lost = self.unanswered >= tries && now.saturating_sub(self.silent) >= wait;
        !lost && now.saturating_sub(self.made) < limits::PATH_TIME
    }
}

/// What a path is chosen by.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    /// The path that was used before, if it is to be used again.
    pub(super) again: Option<u64>,
    /// The node that the packet is for: it should not be on the path too.
    pub(super) to: PublicKey,
    /// Our DHT key.
    pub(super) own: &'a KeyPair,
    /// What paths are made of.
    pub(super) nodes: &'a [PathNode],
    /// Where they begin; nowhere: at a node.
    pub(super) relays: &'a [RelayNode],
    /// More nodes were waited for: the rules may give way.
    pub(super) waited: bool,
}

impl Choice<'_> {
    /// Whether a path can be used now.
    fn allows(&self, now: Duration, used: &Used) -> bool {
        let begins = match &used.way {
            Way::Direct(_) => self.relays.is_empty(),
            Way::Relay { connection, .. } => self.relays.iter().any(|relay| relay.connection == *connection),
        };
        begins && used.stands(now)
    }
}

/// Paths of one purpose.
#[derive(Debug)]
pub(super) struct Paths {
    slots: [Option<Used>; limits::ONION_PATHS],
    /// Ids are never used twice.
    made: u64,
}

impl Paths {
    pub(super) fn new() -> Self {
        Self { slots: [const { None }; limits::ONION_PATHS], made: 0 }
    }

    /// When this path was made, if it is still used.
    pub(super) fn made(&self, now: Duration, id: u64) -> Option<Duration> {
        let used = self.slots.iter().flatten().find(|used| used.id == id)?;
        used.stands(now).then_some(used.made)
    }

    /// Something came back over a path.
    pub(super) fn answered(&mut self, id: u64) {
        if let Some(used) = self.slots.iter_mut().flatten().find(|used| used.id == id) {
            (used.answered, used.unanswered) = (true, 0);
        }
    }

    /// Chooses a path for a packet, and makes one where that is needed; gives its id.
    pub(super) fn choose(
        &mut self,
        now: Duration,
        choice: &Choice<'_>,
        random: &mut impl CryptoRngCore,
    ) -> Option<(u64, &Way)> {
        let index = self.find(now, choice, random)?;
        let used = self.slots.get_mut(index)?.as_mut()?;
        if used.unanswered == 0 {
            used.silent = now;
        }
        used.unanswered += 1;
        Some((used.id, &used.way))
    }

    fn find(&mut self, now: Duration, choice: &Choice<'_>, random: &mut impl CryptoRngCore) -> Option<usize> {
        let stands = |slot: &Option<Used>| slot.as_ref().is_some_and(|used| choice.allows(now, used));
        if let Some(again) = choice.again {
            let is_it = |slot: &Option<Used>| slot.as_ref().is_some_and(|used| used.id == again);
            if let Some(index) = self.slots.iter().position(|slot| is_it(slot) && stands(slot)) {
                return Some(index);
            }
        }
        let mut order: [usize; limits::ONION_PATHS] = std::array::from_fn(|index| index);
        shuffle(&mut order, random);
        for index in order {
            let slot = self.slots.get(index)?;
            match slot {
                Some(used) if choice.allows(now, used) && used.nodes.contains(&choice.to) => {}
                Some(used) if choice.allows(now, used) => return Some(index),
                _ => {
                    if let Some(used) = self.make(now, choice, random) {
                        *self.slots.get_mut(index)? = Some(used);
                        return Some(index);
                    }
                }
            }
        }
        // A small network: better over the node itself than not at all.
        order.into_iter().find(|index| self.slots.get(*index).is_some_and(stands))
    }

    fn make(&mut self, now: Duration, choice: &Choice<'_>, random: &mut impl CryptoRngCore) -> Option<Used> {
        if choice.nodes.is_empty() {
            return None;
        }
        let waited = choice.waited;
        let (way, nodes) = match choose_relay(choice.relays, random) {
            Some(relay) => over_relay(relay, choice, waited, random)?,
            None => {
                let hops = hops(choice.nodes, &choice.to, waited, random)?;
                (Way::Direct(Path::new(choice.own, hops, random).ok()?), hops.map(|node| node.key))
            }
        };
        self.made += 1;
        let (id, answered, unanswered) = (self.made, false, 0);
        Some(Used { id, way, nodes, made: now, answered, unanswered, silent: now })
    }
}

/// How long only paths are made that keep all rules.
pub(super) fn patience(nodes: &[PathNode]) -> Duration {
    let local = nodes.iter().all(|node| is_lan(node.node.address.ip()));
    if local { limits::PATH_PATIENCE_LOCAL } else { limits::PATH_PATIENCE }
}

fn choose_relay(relays: &[RelayNode], random: &mut impl CryptoRngCore) -> Option<RelayNode> {
    let mut relays = relays.to_vec();
    shuffle(&mut relays, random);
    relays.first().copied()
}

/// A path that begins at a relay, which is on no path twice and in a network of its own if there are
/// nodes enough.
fn over_relay(
    relay: RelayNode,
    choice: &Choice<'_>,
    waited: bool,
    random: &mut impl CryptoRngCore,
) -> Option<(Way, [PublicKey; 3])> {
    let first = PathNode { node: relay.node, origin: u64::MAX };
    let apart = choice.nodes.iter().filter(|node| Rules::Networks.allow(&first, node));
    let apart: Vec<PathNode> = apart.copied().collect();
    let hops_apart = hops(&apart, &choice.to, waited, random);
    let [second, third, _] = hops_apart.or_else(|| hops(choice.nodes, &choice.to, waited, random))?;
    let path = RelayPath::new([second, third], random).ok()?;
    Some((Way::Relay { connection: relay.connection, path }, [relay.node.key, second.key, third.key]))
}

/// How strict the choice of nodes is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rules {
    /// Three networks, three origins.
    All,
    /// Three networks.
    Networks,
    /// Three nodes.
    Nodes,
}

impl Rules {
    fn allow(self, one: &PathNode, other: &PathNode) -> bool {
        let node = one.node.key != other.node.key;
        let networks = network(one.node.address) != network(other.node.address);
        match self {
            Self::All => node && networks && one.origin != other.origin,
            Self::Networks => node && networks,
            Self::Nodes => node,
        }
    }
}

/// Three nodes at random that keep the strictest rules that any three keep. Once one has `waited`
/// for more nodes, the rules may give way, and where there are not three nodes one comes twice.
fn hops(
    nodes: &[PathNode],
    to: &PublicKey,
    waited: bool,
    random: &mut impl CryptoRngCore,
) -> Option<[UdpNode; 3]> {
    let mut nodes = nodes.to_vec();
    shuffle(&mut nodes, random);
    let others: Vec<PathNode> = nodes.iter().filter(|node| node.node.key != *to).copied().collect();
    if let Some(hops) = three(&others, Rules::All) {
        return Some(hops);
    }
    if !waited {
        return None;
    }
    let relaxed = [(&others, Rules::Networks), (&others, Rules::Nodes), (&nodes, Rules::Nodes)];
    let found = relaxed.into_iter().find_map(|(nodes, rules)| three(nodes, rules));
    found.or_else(|| {
        let at = |index: usize| nodes.get(index % nodes.len().max(1)).map(|node| node.node);
        Some([at(0)?, at(1)?, at(2)?])
    })
}

fn three(nodes: &[PathNode], rules: Rules) -> Option<[UdpNode; 3]> {
    for (index, first) in nodes.iter().enumerate() {
        let rest: Vec<&PathNode> =
            nodes.iter().skip(index + 1).filter(|node| rules.allow(first, node)).collect();
        for (index, second) in rest.iter().enumerate() {
            if let Some(third) = rest.iter().skip(index + 1).find(|node| rules.allow(second, node)) {
                return Some([first.node, second.node, third.node]);
            }
        }
    }
    None
}

/// What one owner usually has: a /16 of IPv4, a /32 of IPv6. On a local network each address is its
/// own.
fn network(address: Address) -> (IpAddr, u16) {
    match address.ip() {
        ip if is_lan(ip) => (ip, address.port()),
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ([a, b, 0, 0].into(), 0)
        }
        IpAddr::V6(ip) => {
            let [a, b, ..] = ip.segments();
            ([a, b, 0, 0, 0, 0, 0, 0].into(), 0)
        }
    }
}

/// Any order is as likely as any other, but for what a remainder of 2^32 favours.
fn shuffle<T>(items: &mut [T], random: &mut impl CryptoRngCore) {
    for last in (1..items.len()).rev() {
        let choices = u32::try_from(last + 1).unwrap_or(u32::MAX);
        items.swap(last, usize::try_from(random.next_u32() % choices).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests;
