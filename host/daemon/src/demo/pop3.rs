//! As much of a POP3 client as the demo needs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::DemoError;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Fetches every mail of a mailbox, leaving them there.
pub fn fetch(server: SocketAddr, login: (&str, &str)) -> Result<Vec<Vec<u8>>, DemoError> {
    let stream = TcpStream::connect(server).map_err(DemoError::system("connecting to POP3"))?;
    stream.set_read_timeout(Some(TIMEOUT)).map_err(DemoError::system("connecting to POP3"))?;
    let mut session = Session { reader: BufReader::new(stream) };
    session.answer()?;
    session.command(&format!("USER {}", login.0))?;
    session.command(&format!("PASS {}", login.1))?;
    let stat = session.command("STAT")?;
    let count = stat.split(' ').nth(1).and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
    let mails = (1..=count).map(|number| session.retrieve(number)).collect();
    session.command("QUIT")?;
    mails
}

struct Session {
    reader: BufReader<TcpStream>,
}

impl Session {
    fn answer(&mut self) -> Result<String, DemoError> {
        let mut line = String::new();
        self.reader.read_line(&mut line).map_err(DemoError::system("reading from POP3"))?;
        let line = line.trim_end().to_owned();
        if line.starts_with("+OK") {
            Ok(line)
        } else {
            Err(DemoError::Protocol { server: "POP3", answer: line })
        }
    }

    fn command(&mut self, line: &str) -> Result<String, DemoError> {
        let written = self.reader.get_mut().write_all(format!("{line}\r\n").as_bytes());
        written.map_err(DemoError::system("writing to POP3"))?;
        self.answer()
    }

    fn retrieve(&mut self, number: usize) -> Result<Vec<u8>, DemoError> {
        self.command(&format!("RETR {number}"))?;
        let mut mail = Vec::new();
        loop {
            let mut line = Vec::new();
            let read =
                self.reader.read_until(b'\n', &mut line).map_err(DemoError::system("reading from POP3"))?;
            if read == 0 {
                return Err(DemoError::Protocol {
                    server: "POP3",
                    answer: "the connection ended".to_owned(),
                });
            }
            if line == b".\r\n" {
                return Ok(mail);
            }
            mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }
}
