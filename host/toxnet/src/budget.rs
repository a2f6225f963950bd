//! What strangers may cost: opening a packet of an unknown key takes an X25519, about 90 microseconds.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::limits;

/// Operations done for strangers in the present second, together and per network.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    second: u64,
    spent: usize,
    /// At most as many entries as operations.
    networks: BTreeMap<[u8; 7], usize>,
}

impl Budget {
    /// Whether one more operation may be done for `address`; if so it is counted.
    pub(crate) fn spend(&mut self, now: Duration, address: IpAddr) -> bool {
        if self.second != now.as_secs() {
            *self = Self { second: now.as_secs(), ..Self::default() };
        }
        if self.spent >= limits::STRANGERS_PER_SECOND {
            return false;
        }
        let network = self.networks.entry(network(address)).or_default();
        if *network >= limits::STRANGERS_PER_NETWORK {
            return false;
        }
        *network += 1;
        self.spent += 1;
        true
    }
}

/// What one customer usually gets: a /24 of IPv4, a /56 of IPv6.
pub(crate) fn network(address: IpAddr) -> [u8; 7] {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            [a, b, c, 0, 0, 0, 0]
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, e, f, g, ..] = address.octets();
            [a, b, c, d, e, f, g]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(budget: &mut Budget, now: Duration, addresses: impl Iterator<Item = IpAddr>) -> usize {
        addresses.filter(|address| budget.spend(now, *address)).count()
    }

    #[test]
    fn one_network_cannot_spend_everything() {
        let mut budget = Budget::default();
        let one = (0..=255).map(|host| IpAddr::from([10, 0, 0, host]));
        assert_eq!(spent(&mut budget, Duration::ZERO, one.clone()), limits::STRANGERS_PER_NETWORK);
        assert!(budget.spend(Duration::ZERO, IpAddr::from([10, 0, 1, 0])));
        assert_eq!(spent(&mut budget, Duration::from_secs(1), one), limits::STRANGERS_PER_NETWORK);
    }

    #[test]
    fn all_together_have_a_bound() {
        let mut budget = Budget::default();
        let many = (0..60_000_u32).map(|network| IpAddr::from((network << 8).to_be_bytes()));
        assert_eq!(spent(&mut budget, Duration::ZERO, many), limits::STRANGERS_PER_SECOND);
        assert!(budget.networks.len() <= limits::STRANGERS_PER_SECOND);
    }
}
