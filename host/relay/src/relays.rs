//! Which Tox TCP relays throwaways use: drawn for them, whatever the accounts of this gateway are connected to.

use std::net::{IpAddr, SocketAddr};

use rand_core::RngCore;
use tox::Node;

use crate::hiding::Upstream;
use crate::limits::{RELAYS, RELAYS_KNOWN};
use drops::session::Purpose;

/// Nodes by address: what throwaways may know of the network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Relays {
    /// In a random order drawn at start: those of even places are for reading and tokens, the others for depositing.
    nodes: Vec<Node>,
    /// All nodes, for the paths on which Tox looks for friends.
    pub all: Vec<Node>,
}

impl Relays {
    /// Looks up the names among `nodes`. Behind a proxy names are left out: looking them up would pass it by.
    pub async fn resolve(nodes: &[Node], upstream: &Upstream, rng: &mut impl RngCore) -> Self {
        let mut all = vec![];
        for node in nodes.iter().take(RELAYS_KNOWN) {
            match address(node, upstream).await {
                Some(ip) => all.push(Node { host: ip.to_string(), ..node.clone() }),
                None => tracing::debug!(host = node.host, "a Tox node that throwaways cannot use"),
            }
        }
        let mut nodes: Vec<Node> = all.iter().filter(|node| node.tcp_port.is_some()).cloned().collect();
        for last in (1..nodes.len()).rev() {
            nodes.swap(last, below(last + 1, rng));
        }
        Self { nodes, all }
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The relays of one throwaway.
    pub fn choose(&self, purpose: Purpose, rng: &mut impl RngCore) -> Vec<Node> {
        let is_for = |place: usize| match purpose {
            // Tokens: with spares made for reading.
            Purpose::Reading | Purpose::Tokens => place.is_multiple_of(2),
            Purpose::Depositing => !place.is_multiple_of(2),
        };
        let share = self.nodes.iter().enumerate().filter(|(place, _)| is_for(*place));
        let mut share: Vec<Node> = share.map(|(_, node)| node.clone()).collect();
        if share.is_empty() {
            share.clone_from(&self.nodes);
        }
        let mut chosen = vec![];
        while chosen.len() < RELAYS && !share.is_empty() {
            chosen.push(share.swap_remove(below(share.len(), rng)));
        }
        chosen
    }
}

/// Where a relay listens.
pub(crate) fn listens(node: &Node) -> Option<SocketAddr> {
    Some(SocketAddr::new(node.host.parse().ok()?, node.tcp_port?))
}

async fn address(node: &Node, upstream: &Upstream) -> Option<IpAddr> {
    if let Ok(ip) = node.host.parse() {
        return Some(ip);
    }
    if *upstream != Upstream::Direct {
        return None;
    }
    let mut found = tokio::net::lookup_host((node.host.as_str(), node.port)).await.ok()?;
    found.find(SocketAddr::is_ipv4).map(|address| address.ip())
}

/// A number below `end`, which is not 0.
pub(crate) fn below(end: usize, rng: &mut impl RngCore) -> usize {
    // Uneven by less than end / 2^64.
    usize::try_from(rng.next_u64() % end.max(1) as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;

    use super::*;

    #[tokio::test]
    async fn readers_and_depositors_share_no_relay_where_there_are_two() {
        let key = "11".repeat(32);
        let nodes: Vec<Node> =
            (1..=9).map(|n| format!("192.0.2.{n}:33445:{key}:33445").parse().unwrap()).collect();
        let relays = Relays::resolve(&nodes, &Upstream::Direct, &mut OsRng).await;
        for _ in 0..50 {
            let reading = relays.choose(Purpose::Reading, &mut OsRng);
            let depositing = relays.choose(Purpose::Depositing, &mut OsRng);
            assert_eq!((reading.len(), depositing.len()), (RELAYS, RELAYS));
            assert!(reading.iter().all(|node| !depositing.contains(node)));
            let tokens = relays.choose(Purpose::Tokens, &mut OsRng);
            assert!(tokens.iter().all(|node| !depositing.contains(node)));
            assert!((1..RELAYS).all(|n| !reading[..n].contains(&reading[n])), "each once");
        }
        let one = Relays::resolve(&nodes[..1], &Upstream::Direct, &mut OsRng).await;
        assert_eq!(one.choose(Purpose::Depositing, &mut OsRng).len(), 1, "better the same one than none");
    }

    #[tokio::test]
    async fn names_are_not_looked_up_past_a_proxy() {
        let key = "11".repeat(32);
        let nodes = [format!("localhost:33445:{key}:33445").parse().unwrap()];
        let tor = Upstream::Socks5("127.0.0.1".to_owned(), 9050);
        assert!(Relays::resolve(&nodes, &tor, &mut OsRng).await.is_empty());
        assert!(!Relays::resolve(&nodes, &Upstream::Direct, &mut OsRng).await.is_empty());
    }
}
