//! A plain POP3 client for tests that need to see every byte.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::wait;

/// One connection.
pub struct Session {
    reader: BufReader<TcpStream>,
}

impl Session {
    /// Connects and reads the greeting.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("POP3 answers");
        stream.set_read_timeout(Some(wait::DEADLINE)).expect("a time limit");
        let mut session = Self { reader: BufReader::new(stream) };
        let greeting = session.line();
        assert!(greeting.starts_with("+OK"), "{greeting}");
        session
    }

    /// Connects and logs in.
    ///
    /// # Errors
    /// The refusing reply.
    pub fn login(address: SocketAddr, account: &str, password: &str) -> Result<Self, String> {
        let mut session = Self::connect(address);
        session.command(&format!("USER {account}"))?;
        session.command(&format!("PASS {password}"))?;
        Ok(session)
    }

    /// Reads one line without its end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// Sends a command and reads the first line of the answer.
    ///
    /// # Errors
    /// A `-ERR` line.
    pub fn command(&mut self, line: &str) -> Result<String, String> {
        self.reader.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("POP3 takes bytes");
        let reply = self.line();
        if reply.starts_with("+OK") { Ok(reply) } else { Err(reply) }
    }

    /// The lines of a multi-line answer, unstuffed, as bytes.
    pub fn lines(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        loop {
            let mut line = Vec::new();
            let read = self.reader.read_until(b'\n', &mut line).expect("a line");
            assert!(read > 0, "the connection ended in the middle of an answer");
            if line == b".\r\n" {
                return text;
            }
            text.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    /// How many mails there are.
    pub fn count(&mut self) -> usize {
        let reply = self.command("STAT").expect("STAT");
        reply.split(' ').nth(1).and_then(|count| count.parse().ok()).expect("a count")
    }

    /// One mail whole, counted from 1.
    pub fn retrieve(&mut self, number: usize) -> Vec<u8> {
        self.command(&format!("RETR {number}")).expect("RETR");
        self.lines()
    }

    /// All mails whole.
    pub fn all(&mut self) -> Vec<Vec<u8>> {
        (1..=self.count()).map(|number| self.retrieve(number)).collect()
    }
}
