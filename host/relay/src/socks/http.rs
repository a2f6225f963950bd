//! HTTP CONNECT (RFC 9110 section 9.3.6), towards an HTTP proxy.

use std::net::SocketAddr;

use super::{DialError, DialStep};
use crate::limits::HTTP_BYTES;

/// Asks an HTTP proxy for a connection.
#[derive(Debug)]
pub struct HttpDial {
    target: SocketAddr,
    is_asked: bool,
    bytes: Vec<u8>,
}

impl HttpDial {
    /// For a connection to `target`.
    #[must_use]
    pub fn new(target: SocketAddr) -> Self {
        Self { target, is_asked: false, bytes: Vec::new() }
    }

    /// Takes bytes; call [`Self::step`] until it wants more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What follows from the bytes taken.
    ///
    /// # Errors
    /// [`DialError`]: close.
    pub fn step(&mut self) -> Result<DialStep, DialError> {
        if !self.is_asked {
            self.is_asked = true;
            let target = self.target;
            return Ok(DialStep::Send(
                format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").into_bytes(),
            ));
        }
        let Some(end) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            let is_too_long = self.bytes.len() >= HTTP_BYTES;
            return if is_too_long { Err(DialError::Protocol) } else { Ok(DialStep::More) };
        };
        let status = status(&self.bytes).ok_or(DialError::Protocol)?;
        if !(200..300).contains(&status) {
            return Err(DialError::Refused(status));
        }
        self.bytes.drain(..end + 4);
        Ok(DialStep::Done)
    }

    /// Bytes that came after the answer.
    #[must_use]
    pub fn into_rest(self) -> Vec<u8> {
        self.bytes
    }
}

/// The status of `HTTP/1.x NNN ...`.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next().filter(|code| code.len() == 3)?.parse().ok()
}
