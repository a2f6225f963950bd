//! A plain SMTP client for tests that need to see every reply.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use crate::wait;

/// One connection.
pub struct Session {
    reader: BufReader<TcpStream>,
}

impl Session {
    /// Connects and reads the greeting.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("SMTP answers");
        stream.set_read_timeout(Some(wait::DEADLINE)).expect("a time limit");
        let mut session = Self { reader: BufReader::new(stream) };
        let greeting = session.reply();
        assert!(greeting.starts_with("220"), "{greeting}");
        session
    }

    /// Connects, says EHLO and logs in.
    #[must_use]
    pub fn login(address: SocketAddr, account: &str, password: &str) -> Self {
        let mut session = Self::connect(address);
        let reply = session.command("EHLO client.test");
        assert!(reply.starts_with("250"), "{reply}");
        let reply =
            session.command(&format!("AUTH PLAIN {}", base64(format!("\0{account}\0{password}").as_bytes())));
        assert!(reply.starts_with("235"), "{reply}");
        session
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).expect("SMTP takes bytes");
    }

    /// Reads one reply, all its lines.
    pub fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).expect("a reply");
            let last = line.len() < 4 || line.as_bytes()[3] != b'-';
            reply.push_str(&line);
            if last {
                return reply;
            }
        }
    }

    /// Sends a command line and reads the reply.
    pub fn command(&mut self, line: &str) -> String {
        self.write(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    /// Sends a mail; `Err` is the first reply that refuses.
    ///
    /// # Errors
    /// The refusing reply.
    pub fn send(&mut self, sender: &str, recipients: &[&str], text: &[u8]) -> Result<String, String> {
        let expect = |reply: String, code: &str| if reply.starts_with(code) { Ok(reply) } else { Err(reply) };
        expect(self.command(&format!("MAIL FROM:<{sender}>")), "250")?;
        for recipient in recipients {
            expect(self.command(&format!("RCPT TO:<{recipient}>")), "250")?;
        }
        expect(self.command("DATA"), "354")?;
        self.write(&stuffed(text));
        expect(self.reply(), "250")
    }
}

/// A mail's text, dot-stuffed and ended.
#[must_use]
pub fn stuffed(text: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(text.len() + 1024);
    let mut at_start = true;
    for byte in text {
        if at_start && *byte == b'.' {
            stuffed.push(b'.');
        }
        stuffed.push(*byte);
        at_start = *byte == b'\n';
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
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
