//! Nodes of the network: where an instance finds its first peers.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use mail::PublicKey;

use crate::limits;

/// A bootstrap node, and where it is one, a Tox TCP relay.
///
/// Written `HOST:PORT:KEY` or `HOST:PORT:KEY:TCPPORT`, an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// IP address or name, at most 254 bytes.
    pub host: String,
    /// UDP port.
    pub port: u16,
    /// The node's DHT key.
    pub key: PublicKey,
    /// The TCP port where it is a Tox TCP relay too.
    pub tcp_port: Option<u16>,
}

/// Why a text is not a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNode {
    /// Not of the form.
    #[error("a Tox node is written HOST:PORT:KEY or HOST:PORT:KEY:TCPPORT, an IPv6 address in brackets")]
    Form,
    /// Empty, too long, or with characters no host has.
    #[error("the host of a Tox node is an IP address or a name of letters, digits, dots and hyphens")]
    Host,
    /// Not from 1 to 65535.
    #[error("a port is a number from 1 to 65535")]
    Port,
    /// Not 64 hex digits.
    #[error("the key of a Tox node is 64 hex digits")]
    Key,
}

impl FromStr for Node {
    type Err = InvalidNode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, rest) = match text.strip_prefix('[') {
            Some(text) => {
                let (host, rest) = text.split_once("]:").ok_or(InvalidNode::Form)?;
                host.parse::<Ipv6Addr>().map_err(|_| InvalidNode::Host)?;
                (host, rest)
            }
            None => {
                let (host, rest) = text.split_once(':').ok_or(InvalidNode::Form)?;
                if !is_host(host) {
                    return Err(InvalidNode::Host);
                }
                (host, rest)
            }
        };
        let mut parts = rest.split(':');
        let (Some(port), Some(key), tcp_port, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidNode::Form);
        };
        Ok(Self {
            host: host.to_owned(),
            port: parse_port(port)?,
            key: key.parse().map_err(|_| InvalidNode::Key)?,
            tcp_port: tcp_port.map(parse_port).transpose()?,
        })
    }
}

fn is_host(host: &str) -> bool {
    (1..=limits::HOST_BYTES).contains(&host.len())
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

fn parse_port(text: &str) -> Result<u16, InvalidNode> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidNode::Port);
    }
    text.parse().ok().filter(|port| *port != 0).ok_or(InvalidNode::Port)
}

impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}:{}", self.host, self.port, self.key)?;
        } else {
            write!(formatter, "{}:{}:{}", self.host, self.port, self.key)?;
        }
        self.tcp_port.map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

/// Public nodes, run by volunteers, all in the list at nodes.tox.chat (autumn 2026). A start into the network and
/// nothing more: an instance learns further nodes from its peers and keeps them in its saved data.
#[must_use]
pub fn public_nodes() -> Vec<Node> {
    PUBLIC_NODES.iter().filter_map(|text| text.parse().ok()).collect()
}

/// Addresses first: they need no name server, and serve behind a proxy too.
const PUBLIC_NODES: [&str; 8] = [
    "144.217.167.73:33445:7E5668E0EE09E19F320AD47902419331FFEE147BB3606769CFBE921A2A2FD34C:33445",
    "139.162.110.188:33445:F76A11284547163889DDC89A7738CF271797BF5E5E220643E97AD3C7E7903D55:33445",
    "172.104.215.182:33445:DA2BD927E01CD05EBCC2574EBE5BEBB10FF59AE0B2105A7D1E2B40E49BB20239:33445",
    "144.172.88.203:33445:2016A0F2797EE3A8B004BA623F11AAFC8146F1B8F45107232A1A1AECCE856674:443",
    "3.0.24.15:33445:E20ABCF38CDBFFD7D04B29C956B33F7B27A3BB7AF0618101617B036E4AEA402D",
    "tox1.mf-net.eu:33445:B3E5FA80DC8EBD1149AD2AB35ED8B85BD546DEDE261CA593234C619249419506:3389",
    "tox2.mf-net.eu:33445:70EA214FDE161E7432530605213F18F7427DC773E276B3E317A07531F548545F:3389",
    "tox.initramfs.io:33445:3F0A45A268367C1BEA652F258C85F4A66DA76BCAA667A49E770BCC4917AB6A25:3389",
];

#[cfg(test)]
mod tests;
