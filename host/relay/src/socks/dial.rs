//! The client side, towards Tor.

use std::net::SocketAddr;

use super::{CONNECT, IPV4, IPV6, NAME, NO_AUTHENTICATION, USER_AND_PASSWORD, VERSION, encode_address};

/// Bytes of user name and password, hex digits.
const NAME_DIGITS: usize = 32;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialStep {
    /// Wait for more bytes.
    More,
    /// Send this and go on.
    Send(Vec<u8>),
    /// Connected: what comes from now on, [`Dial::into_rest`] first, is from the other end.
    Done,
}

/// Why the proxy did not connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// It speaks something else.
    #[error("the proxy does not speak the protocol it is configured for; check its address and kind")]
    Protocol,
    /// It wants to know who asks.
    #[error("the proxy wants a way of authentication that Toxmail does not have")]
    Authentication,
    /// It cannot or will not connect: the code of RFC 1928 section 6, or the status of HTTP.
    #[error("the proxy did not connect (code {0})")]
    Refused(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Start,
    Method,
    Authentication,
    Reply,
    Done,
}

/// Asks a SOCKS5 proxy for a connection.
///
/// It offers both no authentication and a user name (RFC 1929). Tor takes the name, and gives each name circuits of its own, so that what
/// goes under different names cannot be tied together (Tor manual, `IsolateSOCKSAuth`).
#[derive(Debug)]
pub struct Dial {
    target: SocketAddr,
    name: [u8; 16],
    phase: Phase,
    bytes: Vec<u8>,
}

impl Dial {
    /// For a connection to `target` under this name.
    #[must_use]
    pub fn new(target: SocketAddr, name: [u8; 16]) -> Self {
        Self { target, name, phase: Phase::Start, bytes: Vec::new() }
    }

    /// Takes bytes; call [`Self::step`] until it wants more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What follows from the bytes taken; each answer is short, so that little is ever held.
    ///
    /// # Errors
    /// [`DialError`]: close.
    pub fn step(&mut self) -> Result<DialStep, DialError> {
        match self.phase {
            Phase::Start => {
                self.phase = Phase::Method;
                Ok(DialStep::Send(vec![VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD]))
            }
            Phase::Method => match self.take::<2>() {
                None => Ok(DialStep::More),
                Some([VERSION, NO_AUTHENTICATION]) => Ok(self.request()),
                Some([VERSION, USER_AND_PASSWORD]) => {
                    self.phase = Phase::Authentication;
                    Ok(DialStep::Send(self.authentication()))
                }
                Some([VERSION, _]) => Err(DialError::Authentication),
                Some(_) => Err(DialError::Protocol),
            },
            Phase::Authentication => match self.take::<2>() {
                None => Ok(DialStep::More),
                // Version 1 of the sub-negotiation; some servers answer 5.
                Some([_, 0]) => Ok(self.request()),
                Some(_) => Err(DialError::Authentication),
            },
            Phase::Reply => self.reply(),
            Phase::Done => Ok(DialStep::Done),
        }
    }

    /// Bytes that came after the reply.
    #[must_use]
    pub fn into_rest(self) -> Vec<u8> {
        self.bytes
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = *self.bytes.first_chunk::<N>()?;
        self.bytes.drain(..N);
        Some(taken)
    }

    fn request(&mut self) -> DialStep {
        self.phase = Phase::Reply;
        let mut request = vec![VERSION, CONNECT, 0];
        encode_address(self.target, &mut request);
        DialStep::Send(request)
    }

    /// RFC 1929 section 2: the name, and as password the same.
    fn authentication(&self) -> Vec<u8> {
        let name = format!("{:0NAME_DIGITS$x}", u128::from_be_bytes(self.name));
        let mut bytes = vec![1];
        for _ in 0..2 {
            bytes.push(u8::try_from(name.len()).unwrap_or(0));
            bytes.extend_from_slice(name.as_bytes());
        }
        bytes
    }

    /// `version, reply, 0, address type, address, port` (RFC 1928 section 6).
    fn reply(&mut self) -> Result<DialStep, DialError> {
        let Some(&[version, code, _, kind]) = self.bytes.first_chunk::<4>() else {
            return Ok(DialStep::More);
        };
        if version != VERSION {
            return Err(DialError::Protocol);
        }
        if code != 0 {
            return Err(DialError::Refused(code.into()));
        }
        let address = match kind {
            IPV4 => 4,
            IPV6 => 16,
            NAME => match self.bytes.get(4) {
                Some(length) => 1 + usize::from(*length),
                None => return Ok(DialStep::More),
            },
            _ => return Err(DialError::Protocol),
        };
        let length = 4 + address + 2;
        if self.bytes.len() < length {
            return Ok(DialStep::More);
        }
        self.bytes.drain(..length);
        self.phase = Phase::Done;
        Ok(DialStep::Done)
    }
}
