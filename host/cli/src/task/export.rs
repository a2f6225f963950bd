//! A mailbox into files.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use api::dto::MailboxMail;
use api::verbs::{ListMailbox, ReadMail};
use api::{AccountQuery, PageLimit, PageQuery, Paged, Readable as _};
use mail::{AccountName, mbox};
use serde::Serialize;

use crate::args::MailboxFormat;
use crate::client::Gateway;
use crate::error::ClientError;
use crate::limits::LIST_TIME;
use crate::progress::Progress;
use crate::request::Request;

/// What was done.
#[derive(Debug, Default, Serialize)]
pub struct Exported {
    /// Mails written.
    pub written: u64,
    /// Mails that were there already (maildir).
    pub already_there: u64,
}

impl Exported {
    /// For people.
    pub fn to_text(&self) -> String {
        match self.already_there {
            0 => format!("{} mails written\n", self.written),
            there => format!("{} mails written, {there} were there already\n", self.written),
        }
    }
}

/// Copies the mailbox of an account.
pub async fn run(
    gateway: &Gateway,
    account: Option<&AccountName>,
    format: MailboxFormat,
    path: &Path,
) -> Result<Exported, ClientError> {
    let pages = PageQuery { limit: Some(PageLimit::LARGEST), ..PageQuery::default() };
    let listing = Request::new(ListMailbox, account, &(), pages, ())?;
    let listed = gateway.ask(Request { time: LIST_TIME, ..listing }).await?;
    let mails = Paged::<MailboxMail>::read(listed).map_err(|error| ClientError::unexpected(&error))?;
    let mut exchange = gateway.open().await?;
    let mut target = Target::new(format, path)?;
    let (mut done, mut progress) = (Exported::default(), Progress::of("copying mails"));
    for (number, mail) in (1..).zip(&mails) {
        progress.at(number, mails.len() as u64);
        let Some(mut file) = target.begin(mail)? else {
            done.already_there += 1;
            continue;
        };
        let reading = Request::new(ReadMail, account, &mail.number, AccountQuery::default(), ())?;
        let copied = exchange.stream(&reading, |piece, _| file.write(piece)).await;
        match copied {
            Ok(()) => file.finish()?,
            // A mail program deleted it meanwhile.
            Err(ClientError::Refused(problem)) if problem.status == 404 => continue,
            Err(error) => return Err(error),
        }
        done.written += 1;
    }
    target.finish()?;
    Ok(done)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> ClientError {
    move |error| ClientError::Input(format!("{} cannot be written: {error}", path.display()))
}

/// Where mails go.
enum Target<'p> {
    Mbox(File, &'p Path),
    Maildir(&'p Path),
}

/// A mail that is being written.
enum Writing<'t> {
    Mbox { file: &'t mut File, path: &'t Path, start: Option<String>, writer: mbox::Writer },
    Maildir { file: File, from: std::path::PathBuf, to: std::path::PathBuf, held: bool },
}

impl<'p> Target<'p> {
    fn new(format: MailboxFormat, path: &'p Path) -> Result<Self, ClientError> {
        match format {
            MailboxFormat::Mbox => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
                Ok(Self::Mbox(file.map_err(failed(path))?, path))
            }
            MailboxFormat::Maildir => {
                for part in ["tmp", "cur", "new"] {
                    let made = DirBuilder::new().recursive(true).mode(0o700).create(path.join(part));
                    made.map_err(failed(path))?;
                }
                Ok(Self::Maildir(path))
            }
        }
    }

    /// Begins a mail; None where it is there already.
    fn begin(&mut self, mail: &MailboxMail) -> Result<Option<Writing<'_>>, ClientError> {
        match self {
            Self::Mbox(file, path) => {
                let start = Some(mbox::separator(mail.received.0));
                Ok(Some(Writing::Mbox { file, path, start, writer: mbox::Writer::default() }))
            }
            Self::Maildir(path) => {
                // The same mail always gets the same name: exported again, it is passed over.
                let name = format!("{}.{}.toxmail", mail.received.0.seconds(), mail.id);
                if is_in_maildir(path, &name).map_err(failed(path))? {
                    return Ok(None);
                }
                let from = path.join("tmp").join(&name);
                let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&from);
                let file = file.map_err(failed(&from))?;
                Ok(Some(Writing::Maildir { file, from, to: path.join("new").join(name), held: false }))
            }
        }
    }

    fn finish(self) -> Result<(), ClientError> {
        match self {
            Self::Mbox(file, path) => file.sync_all().map_err(failed(path)),
            Self::Maildir(_) => Ok(()),
        }
    }
}

/// In `new`, or in `cur` with any flags behind its name.
fn is_in_maildir(path: &Path, name: &str) -> io::Result<bool> {
    if path.join("new").join(name).exists() || path.join("cur").join(name).exists() {
        return Ok(true);
    }
    for entry in std::fs::read_dir(path.join("cur"))? {
        let file = entry?.file_name();
        if file.to_string_lossy().split(':').next() == Some(name) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Writing<'_> {
    fn write(&mut self, piece: &[u8]) -> Result<(), ClientError> {
        match self {
            Self::Mbox { file, path, start, writer } => {
                let mut out = start.take().map(String::into_bytes).unwrap_or_default();
                writer.push(piece, &mut out);
                file.write_all(&out).map_err(failed(path))
            }
            Self::Maildir { file, from, held, .. } => {
                let text = with_lf(piece, held);
                file.write_all(&text).map_err(failed(from))
            }
        }
    }

    fn finish(self) -> Result<(), ClientError> {
        match self {
            Self::Mbox { file, path, start, writer } => {
                let mut out = start.map(String::into_bytes).unwrap_or_default();
                writer.finish(&mut out);
                file.write_all(&out).map_err(failed(path))
            }
            Self::Maildir { mut file, from, to, held } => {
                if held {
                    file.write_all(b"\r").map_err(failed(&from))?;
                }
                file.sync_all().map_err(failed(&from))?;
                std::fs::rename(&from, &to).map_err(failed(&to))
            }
        }
    }
}

/// CRLF as LF; `held`: the piece before ended with CR.
fn with_lf(piece: &[u8], held: &mut bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(piece.len() + 1);
    for &byte in piece {
        if std::mem::take(held) && byte != b'\n' {
            text.push(b'\r');
        }
        if byte == b'\r' {
            *held = true;
        } else {
            text.push(byte);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_lf_wherever_pieces_end() {
        let text = b"one\r\ntwo\r\r\nthree\rfour\r\n";
        for size in 1..=text.len() {
            let mut held = false;
            let out: Vec<u8> = text.chunks(size).flat_map(|piece| with_lf(piece, &mut held)).collect();
            assert_eq!(out, b"one\ntwo\r\nthree\rfour\n", "{size}");
            assert!(!held);
        }
    }
}
