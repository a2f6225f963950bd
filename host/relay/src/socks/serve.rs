//! The server side: greeting, request.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{CONNECT, IPV4, IPV6, NO_AUTHENTICATION, NO_METHOD, Reply, VERSION};
use crate::limits::SOCKS_BYTES;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Wait for more bytes.
    More,
    /// Send this and go on.
    Send(Vec<u8>),
    /// The client wants to connect there. Answer with [`Reply::encode`]; then bytes pass, those of [`Serve::into_rest`] first.
    Connect(SocketAddr),
    /// Send this, then close.
    Close(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Greeting,
    Request,
    Over,
}

/// A client's handshake. It holds at most [`SOCKS_BYTES`], and the bytes that came with them in one
/// piece.
#[derive(Debug)]
pub struct Serve {
    phase: Phase,
    bytes: Vec<u8>,
}

impl Default for Serve {
    fn default() -> Self {
        Self { phase: Phase::Greeting, bytes: Vec::new() }
    }
}

impl Serve {
    /// Takes bytes; call [`Self::step`] until it wants more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What follows from the bytes taken.
    pub fn step(&mut self) -> Step {
        let found = match self.phase {
            Phase::Greeting => self.greeting(),
            Phase::Request => self.request(),
            Phase::Over => return Step::More,
        };
        match found {
            Some((length, step)) => {
                self.bytes.drain(..length);
                step
            }
            None if self.bytes.len() >= SOCKS_BYTES => self.close(vec![]),
            None => Step::More,
        }
    }

    /// Bytes that came after the request: they are for the other end.
    #[must_use]
    pub fn into_rest(self) -> Vec<u8> {
        self.bytes
    }

    fn close(&mut self, bytes: Vec<u8>) -> Step {
        self.phase = Phase::Over;
        Step::Close(bytes)
    }

    /// `version, number of methods, methods` (section 3). None while incomplete.
    fn greeting(&mut self) -> Option<(usize, Step)> {
        let version = *self.bytes.first()?;
        if version != VERSION {
            // HTTP or SOCKS4: not a word they would understand.
            return Some((0, self.close(vec![])));
        }
        let count = usize::from(*self.bytes.get(1)?);
        let has_ours = self.bytes.get(2..2 + count)?.contains(&NO_AUTHENTICATION);
        if !has_ours {
            return Some((2 + count, self.close(vec![VERSION, NO_METHOD])));
        }
        self.phase = Phase::Request;
        Some((2 + count, Step::Send(vec![VERSION, NO_AUTHENTICATION])))
    }

    /// `version, command, 0, address type, address, port` (section 4).
    fn request(&mut self) -> Option<(usize, Step)> {
        let (head, rest) = self.bytes.split_first_chunk::<4>()?;
        let [version, command, _reserved, kind] = *head;
        let refuse = match (version, command, kind) {
            (VERSION, CONNECT, IPV4 | IPV6) => None,
            // A name would have to be looked up, and tell a name server who is looked for.
            (VERSION, CONNECT, _) => Some(Reply::AddressType),
            (VERSION, _, _) => Some(Reply::Command),
            _ => Some(Reply::Failure),
        };
        if let Some(reply) = refuse {
            let anywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
            return Some((4, self.close(reply.encode(anywhere))));
        }
        let (target, length) = if kind == IPV4 {
            let (address, port) = address_and_port::<4>(rest)?;
            (SocketAddr::from((Ipv4Addr::from(address), port)), 10)
        } else {
            let (address, port) = address_and_port::<16>(rest)?;
            (SocketAddr::from((Ipv6Addr::from(address), port)), 22)
        };
        self.phase = Phase::Over;
        Some((length, Step::Connect(target)))
    }
}

fn address_and_port<const N: usize>(bytes: &[u8]) -> Option<([u8; N], u16)> {
    let (address, rest) = bytes.split_first_chunk::<N>()?;
    let (port, _) = rest.split_first_chunk::<2>()?;
    Some((*address, u16::from_be_bytes(*port)))
}
