//! Which addresses are local: they are told to local askers only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::Address;

/// Whether an address is of a local network.
pub(crate) fn is_lan(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_lan_v4(ip),
        IpAddr::V6(ip) => is_lan_v6(ip),
    }
}

fn is_lan_v4(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    // Carriers' own addresses are 100.64.0.0/10.
    ip.is_loopback() || ip.is_private() || ip.is_link_local() || (first == 100 && second & 0xc0 == 64)
}

fn is_lan_v6(ip: Ipv6Addr) -> bool {
    ip.is_loopback() || ip.is_unicast_link_local()
}

/// Whether a packet can be sent there at all.
pub(crate) fn is_possible(address: &Address) -> bool {
    let ip = address.ip();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses() {
        for local in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.3.4",
            "100.64.0.1",
            "169.254.1.1",
            "::1",
            "fe80::1",
        ] {
            assert!(is_lan(local.parse().unwrap()), "{local}");
        }
        for public in ["192.0.2.1", "100.63.0.1", "100.128.0.1", "172.32.0.1", "2001:db8::1"] {
            assert!(!is_lan(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn impossible_addresses() {
        for (ip, port) in
            [("0.0.0.0", 1), ("255.255.255.255", 1), ("224.0.0.1", 1), ("192.0.2.1", 0), ("ff02::1", 1)]
        {
            assert!(!is_possible(&Address::new(ip.parse().unwrap(), port)), "{ip}");
        }
        assert!(is_possible(&Address::new([192, 0, 2, 1].into(), 1)));
    }
}
