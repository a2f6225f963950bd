//! How an instance is started.

use crate::port_range::PortRange;
use crate::saved::SavedData;

/// How an instance is started. The default is a new identity with UDP on any free port of
/// [`crate::limits::UDP_PORTS`], IPv6 and hole punching on, local discovery off, no proxy.
#[derive(Debug)]
pub struct Options {
    /// The identity and friends to go on with; `None` makes a new identity.
    pub saved: Option<SavedData>,
    /// Use UDP. Without it everything goes through Tox TCP relays. Off by itself where a proxy is set:
    /// UDP would pass it by.
    pub udp: bool,
    /// The UDP port: a free one of these.
    pub ports: PortRange,
    /// Be a Tox TCP relay for others on this TCP port.
    pub tcp_relay_port: Option<u16>,
    /// Where connections go through.
    pub proxy: Proxy,
    /// Use IPv6 beside IPv4.
    pub ipv6: bool,
    /// Look for friends on the local network. It tells everybody there that Tox runs here.
    pub local_discovery: bool,
    /// Help UDP through address translation (NAT).
    pub hole_punching: bool,
    /// The name friends see, up to 128 bytes; `None` keeps that of the saved data.
    pub name: Option<String>,
}

/// Where an instance's connections go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// Straight to the network.
    #[default]
    None,
    /// A SOCKS5 proxy (Tor) at host and port.
    Socks5(String, u16),
    /// An HTTP proxy with CONNECT at host and port.
    Http(String, u16),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            saved: None,
            udp: true,
            ports: PortRange::default(),
            tcp_relay_port: None,
            proxy: Proxy::None,
            ipv6: true,
            local_discovery: false,
            hole_punching: true,
            name: None,
        }
    }
}
