//! SOCKS version 5 (RFC 1928), both sides, and HTTP CONNECT (RFC 9110 section 9.3.6) as a client: bytes in, bytes out, no I/O.
//!
//! [`Serve`] is the server side that throwaways speak to, [`Dial`] the client side towards Tor, [`HttpDial`] towards an HTTP proxy.

mod dial;
mod http;
mod serve;

use std::net::{IpAddr, SocketAddr};

pub use dial::{Dial, DialError, DialStep};
pub use http::HttpDial;
pub use serve::{Serve, Step};

const VERSION: u8 = 5;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;

/// What a reply says (RFC 1928 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The connection was made.
    Succeeded,
    /// Something failed.
    Failure,
    /// Not allowed to go there.
    NotAllowed,
    /// The host was not reached.
    HostUnreachable,
    /// The host refused the connection.
    Refused,
    /// Only CONNECT is done.
    Command,
    /// Only addresses, no names.
    AddressType,
}

impl Reply {
    const fn code(self) -> u8 {
        match self {
            Self::Succeeded => 0,
            Self::Failure => 1,
            Self::NotAllowed => 2,
            Self::HostUnreachable => 4,
            Self::Refused => 5,
            Self::Command => 7,
            Self::AddressType => 8,
        }
    }

    /// The reply about a connection to `target`; the bound address is of its kind and says nothing.
    #[must_use]
    pub fn encode(self, target: SocketAddr) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.code(), 0];
        match target.ip() {
            IpAddr::V4(_) => bytes.extend([IPV4, 0, 0, 0, 0, 0, 0]),
            IpAddr::V6(_) => {
                bytes.push(IPV6);
                bytes.extend([0; 18]);
            }
        }
        bytes
    }
}

/// `address type, address, port` of a request.
fn encode_address(target: SocketAddr, bytes: &mut Vec<u8>) {
    match target.ip() {
        IpAddr::V4(ip) => {
            bytes.push(IPV4);
            bytes.extend(ip.octets());
        }
        IpAddr::V6(ip) => {
            bytes.push(IPV6);
            bytes.extend(ip.octets());
        }
    }
    bytes.extend(target.port().to_be_bytes());
}

#[cfg(test)]
mod tests;
