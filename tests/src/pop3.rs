//! A plain POP3 client for tests that need to see every byte: the lab's, and what it cannot do fails the test.

use std::net::SocketAddr;

use crate::wait;

/// One connection.
pub struct Session(lab::pop3::Session);

impl Session {
    /// Connects and reads the greeting.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        Self(lab::pop3::Session::connect(address, wait::DEADLINE).unwrap_or_else(|error| panic!("{error}")))
    }

    /// Connects and logs in.
    ///
    /// # Errors
    /// The refusing reply.
    pub fn login(address: SocketAddr, account: &str, password: &str) -> Result<Self, String> {
        lab::pop3::Session::login(address, wait::DEADLINE, (account, password)).map(Self).map_err(refused)
    }

    /// Reads one line without its end.
    pub fn line(&mut self) -> String {
        self.0.line().expect("a line")
    }

    /// Sends a command and reads the first line of the answer.
    ///
    /// # Errors
    /// A `-ERR` line.
    pub fn command(&mut self, line: &str) -> Result<String, String> {
        self.0.command(line).map_err(refused)
    }

    /// The lines of a multi-line answer, unstuffed, as bytes.
    pub fn lines(&mut self) -> Vec<u8> {
        self.0.lines().expect("lines")
    }

    /// How many mails there are.
    pub fn count(&mut self) -> usize {
        self.0.count().expect("STAT")
    }

    /// One mail whole, counted from 1.
    pub fn retrieve(&mut self, number: usize) -> Vec<u8> {
        self.0.retrieve(number).expect("RETR")
    }

    /// All mails whole.
    pub fn all(&mut self) -> Vec<Vec<u8>> {
        self.0.all().expect("the mailbox")
    }
}

fn refused(error: lab::Error) -> String {
    match error {
        lab::Error::Refused { reply, .. } => reply,
        error => panic!("{error}"),
    }
}
