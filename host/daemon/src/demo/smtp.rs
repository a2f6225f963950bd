//! As much of an SMTP client as the demo needs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::DemoError;

/// Longest wait for a reply.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Submits one mail (CRLF lines); returns the server's word for it.
pub fn submit(
    server: SocketAddr,
    login: (&str, &str),
    sender: &str,
    recipient: &str,
    text: &[u8],
) -> Result<String, DemoError> {
    let stream = TcpStream::connect(server).map_err(DemoError::system("connecting to SMTP"))?;
    stream.set_read_timeout(Some(TIMEOUT)).map_err(DemoError::system("connecting to SMTP"))?;
    let mut session = Session { reader: BufReader::new(stream) };
    session.expect("220")?;
    session.command("EHLO demo.invalid", "250")?;
    let secret = STANDARD.encode(format!("\0{}\0{}", login.0, login.1));
    session.command(&format!("AUTH PLAIN {secret}"), "235")?;
    session.command(&format!("MAIL FROM:<{sender}>"), "250")?;
    session.command(&format!("RCPT TO:<{recipient}>"), "250")?;
    session.command("DATA", "354")?;
    session.write(&stuffed(text))?;
    let reply = session.expect("250")?;
    session.command("QUIT", "221")?;
    Ok(reply)
}

struct Session {
    reader: BufReader<TcpStream>,
}

impl Session {
    fn write(&mut self, bytes: &[u8]) -> Result<(), DemoError> {
        self.reader.get_mut().write_all(bytes).map_err(DemoError::system("writing to SMTP"))
    }

    fn command(&mut self, line: &str, code: &str) -> Result<String, DemoError> {
        self.write(format!("{line}\r\n").as_bytes())?;
        self.expect(code)
    }

    fn expect(&mut self, code: &str) -> Result<String, DemoError> {
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).map_err(DemoError::system("reading from SMTP"))?;
            let line = line.trim_end().to_owned();
            if !line.starts_with(code) {
                return Err(DemoError::Protocol { server: "SMTP", answer: line });
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line);
            }
        }
    }
}

/// Dot-stuffed and ended (RFC 5321 section 4.5.2).
fn stuffed(text: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(text.len() + 16);
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
