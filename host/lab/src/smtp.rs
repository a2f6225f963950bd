//! A plain SMTP client (RFC 5321, AUTH PLAIN of RFC 4954) that shows every reply.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Error;

const SERVER: &str = "SMTP";

/// One connection.
pub struct Session {
    reader: BufReader<TcpStream>,
}

impl Session {
    /// Connects and reads the greeting; each reply may take `patience`.
    ///
    /// # Errors
    /// [`Error::System`] and [`Error::Refused`].
    pub fn connect(server: SocketAddr, patience: Duration) -> Result<Self, Error> {
        let failed = || Error::system("connecting to SMTP");
        let stream = TcpStream::connect(server).map_err(failed())?;
        stream.set_read_timeout(Some(patience)).map_err(failed())?;
        let mut session = Self { reader: BufReader::new(stream) };
        session.reply().and_then(|reply| expect(reply, "220"))?;
        Ok(session)
    }

    /// Connects, says EHLO and logs in with AUTH PLAIN.
    ///
    /// # Errors
    /// [`Error::System`] and [`Error::Refused`].
    pub fn login(server: SocketAddr, patience: Duration, login: (&str, &str)) -> Result<Self, Error> {
        let mut session = Self::connect(server, patience)?;
        session.must("EHLO client.test", "250")?;
        let secret = STANDARD.encode(format!("\0{}\0{}", login.0, login.1));
        session.must(&format!("AUTH PLAIN {secret}"), "235")?;
        Ok(session)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.reader.get_mut().write_all(bytes).map_err(Error::system("writing to SMTP"))
    }

    /// Reads one reply, all its lines; empty where the connection ended.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn reply(&mut self) -> Result<String, Error> {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).map_err(Error::system("reading from SMTP"))?;
            reply.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(reply);
            }
        }
    }

    /// Sends a command line and reads the reply.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn command(&mut self, line: &str) -> Result<String, Error> {
        self.write(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }

    /// Sends a command line, and takes a reply with this code only.
    fn must(&mut self, line: &str, code: &str) -> Result<String, Error> {
        self.command(line).and_then(|reply| expect(reply, code))
    }

    /// Sends a mail with CRLF line ends; the answer is the server's last reply.
    ///
    /// # Errors
    /// [`Error::Refused`] with the first reply that refuses; [`Error::System`].
    pub fn send(&mut self, sender: &str, recipients: &[&str], text: &[u8]) -> Result<String, Error> {
        self.must(&format!("MAIL FROM:<{sender}>"), "250")?;
        for recipient in recipients {
            self.must(&format!("RCPT TO:<{recipient}>"), "250")?;
        }
        self.must("DATA", "354")?;
        self.write(&stuffed(text))?;
        self.reply().and_then(|reply| expect(reply, "250"))
    }
}

fn expect(reply: String, code: &str) -> Result<String, Error> {
    if reply.starts_with(code) { Ok(reply) } else { Err(Error::Refused { server: SERVER, reply }) }
}

/// A mail's text, dot-stuffed and ended (RFC 5321 section 4.5.2).
#[must_use]
pub fn stuffed(text: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(text.len() + 1024);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

#[cfg(test)]
mod tests {
    #[test]
    fn dots_at_the_start_of_lines_are_doubled() {
        assert_eq!(super::stuffed(b".a\r\nb.\r\n..\r\n"), b"..a\r\nb.\r\n...\r\n.\r\n");
    }
}
