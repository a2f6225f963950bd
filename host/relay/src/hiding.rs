//! Who sees the address of this machine.

use std::fmt;

/// How connections of throwaways leave this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Upstream {
    /// Straight to the Tox TCP relays.
    #[default]
    Direct,
    /// Through a SOCKS5 proxy at host and port: Tor. Each throwaway gives another user name, for which Tor takes another circuit.
    Socks5(String, u16),
    /// Through an HTTP proxy with CONNECT at host and port.
    Http(String, u16),
}

/// Whether boards can learn the address of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hiding {
    /// Nobody on the Tox network does: everything goes through Tor or another proxy.
    Proxy,
    /// Boards do not; the Tox TCP relays chosen for throwaways do.
    Relays,
    /// They can: no Tox TCP relay is known, so throwaways use UDP.
    Visible,
}

impl Hiding {
    /// Its name in facts and settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Relays => "relays",
            Self::Visible => "visible",
        }
    }
}

impl fmt::Display for Hiding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
