//! Addresses of nodes and packed nodes, as packets name them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::key::PublicKey;
use crate::wire::{Codec, ParseError, Reader, Writer};

/// UDP over IPv4 and IPv6; TCP relays have these values plus 128.
const IPV4: u8 = 2;
const IPV6: u8 = 10;
const TCP: u8 = 128;

/// IP address and port. An IPv4 address is IPv4, also where it came in the form of an IPv6 address,
/// so that one node has one address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    ip: IpAddr,
    port: u16,
}

impl Address {
    /// An address.
    #[must_use]
    pub fn new(ip: IpAddr, port: u16) -> Self {
        Self { ip: ip.to_canonical(), port }
    }

    /// The IP address; never IPv4 in the form of IPv6.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// The port. From outside, it may be zero.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    fn family(&self) -> u8 {
        if self.ip.is_ipv4() { IPV4 } else { IPV6 }
    }

    fn write_packed(&self, transport: u8, writer: &mut Writer) {
        writer.u8(self.family() + transport);
        match self.ip {
            IpAddr::V4(ip) => writer.raw(&ip.octets()),
            IpAddr::V6(ip) => writer.raw(&ip.octets()),
        };
        writer.u16(self.port);
    }

    /// The form in the onion: always sixteen bytes of address, of which IPv4 uses four.
    pub(crate) fn write_padded(&self, writer: &mut Writer) {
        writer.u8(self.family());
        match self.ip {
            IpAddr::V4(ip) => writer.raw(&ip.octets()).zeros(12),
            IpAddr::V6(ip) => writer.raw(&ip.octets()),
        };
        writer.u16(self.port);
    }

    /// What [`Self::write_padded`] wrote, behind its family. Bytes in place of the zeros are not
    /// looked at.
    pub(crate) fn read_padded(family: u8, reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let octets: [u8; 16] = reader.array("an address")?;
        let port = reader.u16("a port")?;
        let ip = match (family, octets) {
            (IPV4, [a, b, c, d, ..]) => Ipv4Addr::new(a, b, c, d).into(),
            (IPV6, _) => Ipv6Addr::from(octets).into(),
            _ => return Err(unknown(family)),
        };
        Ok(Self::new(ip, port))
    }
}

fn unknown(family: u8) -> ParseError {
    ParseError::Value { what: "an address family", value: family.into() }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&SocketAddr::from(*self), formatter)
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.ip(), address.port())
    }
}

impl From<Address> for SocketAddr {
    fn from(address: Address) -> Self {
        Self::new(address.ip, address.port)
    }
}

/// How a node is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// As a DHT node.
    Udp,
    /// As a TCP relay.
    Tcp,
}

/// A packed node: `[1 family][4|16 address][2 port][32 key]`. An IPv4 address in the form of IPv6
/// is written as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// DHT node or TCP relay.
    pub transport: Transport,
    /// Where it is.
    pub address: Address,
    /// Its DHT key.
    pub key: PublicKey,
}

impl Codec for Node {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let byte = reader.u8("an address family")?;
        let (transport, family) = match byte.checked_sub(TCP) {
            Some(family) => (Transport::Tcp, family),
            None => (Transport::Udp, byte),
        };
        let ip = match family {
            IPV4 => Ipv4Addr::from(reader.array::<4>("an IPv4 address")?).into(),
            IPV6 => Ipv6Addr::from(reader.array::<16>("an IPv6 address")?).into(),
            _ => return Err(unknown(byte)),
        };
        let address = Address::new(ip, reader.u16("a port")?);
        Ok(Self { transport, address, key: PublicKey::read(reader)? })
    }

    fn write(&self, writer: &mut Writer) {
        let transport = match self.transport {
            Transport::Udp => 0,
            Transport::Tcp => TCP,
        };
        self.address.write_packed(transport, writer);
        writer.value(&self.key);
    }
}

/// A packed node where only DHT nodes may be named: in answers about nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UdpNode {
    /// Where it is.
    pub address: Address,
    /// Its DHT key.
    pub key: PublicKey,
}

impl UdpNode {
    /// The longest form: IPv6.
    pub const MOST_BYTES: usize = 1 + 16 + 2 + PublicKey::BYTES;
}

impl From<UdpNode> for Node {
    fn from(node: UdpNode) -> Self {
        Self { transport: Transport::Udp, address: node.address, key: node.key }
    }
}

impl Codec for UdpNode {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let node = Node::read(reader)?;
        match node.transport {
            Transport::Udp => Ok(Self { address: node.address, key: node.key }),
            Transport::Tcp => Err(unknown(TCP)),
        }
    }

    fn write(&self, writer: &mut Writer) {
        Node::from(*self).write(writer);
    }
}
