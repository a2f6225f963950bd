//! A plain SMTP client for tests that need to see every reply: the lab's, and what it cannot do fails the test.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;

pub use lab::smtp::stuffed;

use crate::wait;

/// One connection.
pub struct Session(lab::smtp::Session);

impl Session {
    /// Connects and reads the greeting.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        Self(lab::smtp::Session::connect(address, wait::DEADLINE).unwrap_or_else(|error| panic!("{error}")))
    }

    /// Connects, says EHLO and logs in.
    #[must_use]
    pub fn login(address: SocketAddr, account: &str, password: &str) -> Self {
        let session = lab::smtp::Session::login(address, wait::DEADLINE, (account, password));
        Self(session.unwrap_or_else(|error| panic!("{error}")))
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes).expect("SMTP takes bytes");
    }

    /// Reads one reply, all its lines.
    pub fn reply(&mut self) -> String {
        self.0.reply().expect("a reply")
    }

    /// Sends a command line and reads the reply.
    pub fn command(&mut self, line: &str) -> String {
        self.0.command(line).expect("a reply")
    }

    /// Sends a mail; `Err` is the first reply that refuses.
    ///
    /// # Errors
    /// The refusing reply.
    pub fn send(&mut self, sender: &str, recipients: &[&str], text: &[u8]) -> Result<String, String> {
        self.0.send(sender, recipients, text).map_err(|error| match error {
            lab::Error::Refused { reply, .. } => reply,
            error => panic!("{error}"),
        })
    }
}

/// Base64 by coreutils: an implementation that is not ours.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    let mut child = Command::new("base64")
        .arg("-w0")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("base64 runs");
    child.stdin.take().expect("its input").write_all(bytes).expect("it reads");
    String::from_utf8(child.wait_with_output().expect("it ends").stdout).expect("base64 is ASCII")
}
