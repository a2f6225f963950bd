//! A plain POP3 client (RFC 1939) that shows every byte.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Error;

const SERVER: &str = "POP3";

/// One connection.
pub struct Session {
    reader: BufReader<TcpStream>,
}

impl Session {
    /// Connects and reads the greeting; each answer may take `patience`.
    ///
    /// # Errors
    /// [`Error::System`] and [`Error::Refused`].
    pub fn connect(server: SocketAddr, patience: Duration) -> Result<Self, Error> {
        let failed = || Error::system("connecting to POP3");
        let stream = TcpStream::connect(server).map_err(failed())?;
        stream.set_read_timeout(Some(patience)).map_err(failed())?;
        let mut session = Self { reader: BufReader::new(stream) };
        session.answer()?;
        Ok(session)
    }

    /// Connects and logs in.
    ///
    /// # Errors
    /// [`Error::System`] and [`Error::Refused`].
    pub fn login(server: SocketAddr, patience: Duration, login: (&str, &str)) -> Result<Self, Error> {
        let mut session = Self::connect(server, patience)?;
        session.command(&format!("USER {}", login.0))?;
        session.command(&format!("PASS {}", login.1))?;
        Ok(session)
    }

    /// Reads one line, without its end; empty where the connection ended.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn line(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        self.reader.read_line(&mut line).map_err(Error::system("reading from POP3"))?;
        Ok(line.trim_end().to_owned())
    }

    fn answer(&mut self) -> Result<String, Error> {
        let reply = self.line()?;
        if reply.starts_with("+OK") { Ok(reply) } else { Err(Error::Refused { server: SERVER, reply }) }
    }

    /// Sends a command and reads the first line of the answer.
    ///
    /// # Errors
    /// [`Error::Refused`] with a `-ERR` line; [`Error::System`].
    pub fn command(&mut self, line: &str) -> Result<String, Error> {
        let written = self.reader.get_mut().write_all(format!("{line}\r\n").as_bytes());
        written.map_err(Error::system("writing to POP3"))?;
        self.answer()
    }

    /// The lines of a multi-line answer, unstuffed, as bytes.
    ///
    /// # Errors
    /// [`Error::Refused`] where the connection ends in the middle; [`Error::System`].
    pub fn lines(&mut self) -> Result<Vec<u8>, Error> {
        let mut text = Vec::new();
        loop {
            let mut line = Vec::new();
            let read = self.reader.read_until(b'\n', &mut line);
            if read.map_err(Error::system("reading from POP3"))? == 0 {
                let reply = "(the connection ended in the middle of an answer)".to_owned();
                return Err(Error::Refused { server: SERVER, reply });
            }
            if line == b".\r\n" {
                return Ok(text);
            }
            text.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    /// How many mails there are.
    ///
    /// # Errors
    /// [`Error::Refused`] and [`Error::System`].
    pub fn count(&mut self) -> Result<usize, Error> {
        let reply = self.command("STAT")?;
        let count = reply.split(' ').nth(1).and_then(|count| count.parse().ok());
        count.ok_or(Error::Refused { server: SERVER, reply })
    }

    /// One mail whole, counted from 1.
    ///
    /// # Errors
    /// [`Error::Refused`] and [`Error::System`].
    pub fn retrieve(&mut self, number: usize) -> Result<Vec<u8>, Error> {
        self.command(&format!("RETR {number}"))?;
        self.lines()
    }

    /// All mails whole; they stay in the mailbox.
    ///
    /// # Errors
    /// [`Error::Refused`] and [`Error::System`].
    pub fn all(&mut self) -> Result<Vec<Vec<u8>>, Error> {
        (1..=self.count()?).map(|number| self.retrieve(number)).collect()
    }
}
