//! Mails put into a mailbox by hand: each once, however often it is brought.

use std::collections::HashMap;

use bytes::Bytes;
use mail::header::HeaderScanner;
use mail::record::MailboxEntry;
use mail::storage::{Bodies as _, Reception as _, StorageError};
use mail::{AccountName, Address, Envelope, MailId, ReversePath, Wall};
use store::{NewMail, Store};
use tokio::sync::Mutex;

/// Remembers the sizes of the mails in the mailbox that is being filled: only one of the same size can be the very same.
#[derive(Default)]
pub struct Imports(Mutex<Option<Index>>);

struct Index {
    account: AccountName,
    /// The newest mail that is in it.
    newest: u64,
    /// Numbers of mails by their size; some may be deleted by now.
    by_size: HashMap<u64, Vec<u64>>,
}

impl Imports {
    /// Puts a mail into a mailbox unless it holds the very same bytes already. False if so. One at a time.
    ///
    /// # Errors
    /// As the store says.
    pub async fn put(
        &self,
        store: &Store,
        account: &AccountName,
        mail: &[u8],
        now: Wall,
    ) -> Result<bool, StorageError> {
        let mail = readable(mail);
        let mut held = self.0.lock().await;
        let fresh = Index { account: account.clone(), newest: 0, by_size: HashMap::new() };
        let mut index = held.take().filter(|index| index.account == *account).unwrap_or(fresh);
        let is_there = index.holds(store, &mail).await?;
        *held = Some(index);
        if is_there {
            return Ok(false);
        }
        deliver(store, account, mail, now).await.map(|()| true)
    }
}

impl Index {
    async fn holds(&mut self, store: &Store, mail: &Bytes) -> Result<bool, StorageError> {
        for item in store.mailbox_list_after(&self.account, self.newest).await? {
            self.by_size.entry(item.size).or_default().push(item.number);
            self.newest = self.newest.max(item.number);
        }
        for number in self.by_size.get(&(mail.len() as u64)).into_iter().flatten() {
            match store.mailbox_read(&self.account, *number, 0, mail.len()).await {
                Ok(bytes) if bytes == mail => return Ok(true),
                Ok(_) | Err(store::Error::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }
}

async fn deliver(store: &Store, account: &AccountName, mail: Bytes, now: Wall) -> Result<(), StorageError> {
    let to = Address::at_tox(account.as_str()).map_err(StorageError::failed)?;
    let mut writer = store.new_body();
    writer.write(mail).await?;
    let body = writer.finish().await?;
    let entry = MailboxEntry {
        number: 0,
        uidl: MailId([0; 16]),
        received: now,
        prefix: Vec::new(),
        body: body.id,
        size: body.size,
        sender: None,
        envelope: Envelope::new(ReversePath::Null, to),
    };
    let stored = store.deliver_own(NewMail { account: account.clone(), entry, quarantine: None }, body).await;
    if stored.is_err()
        && let Err(error) = store.discard_body(body).await
    {
        tracing::debug!(%error, "an imported mail that was not taken is discarded at the next start");
    }
    stored
}

/// A mail as POP3 gives it: every line end as CRLF, one at the end, and a header section that mail programs can read.
fn readable(mail: &[u8]) -> Bytes {
    let mail = with_crlf(mail);
    let (mut scanner, mut text) = (HeaderScanner::imported(), Vec::with_capacity(mail.len()));
    let used = scanner.feed(&mail, &mut text);
    scanner.finish(&mut text);
    text.extend_from_slice(mail.get(used..).unwrap_or_default());
    text.into()
}

/// LF, CR, and any number of CRs before an LF are one line end.
fn with_crlf(mail: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(mail.len() + mail.len() / 32);
    let mut crs = 0;
    let end = |crs: usize, text: &mut Vec<u8>| (0..crs).for_each(|_| text.extend_from_slice(b"\r\n"));
    for &byte in mail {
        match byte {
            b'\r' => crs += 1,
            b'\n' => {
                crs = 0;
                end(1, &mut text);
            }
            byte => {
                end(std::mem::take(&mut crs), &mut text);
                text.push(byte);
            }
        }
    }
    end(crs, &mut text);
    if !text.ends_with(b"\r\n") {
        text.extend_from_slice(b"\r\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_crlf() {
        assert_eq!(with_crlf(b"a\nb\r\nc"), b"a\r\nb\r\nc\r\n");
        assert_eq!(with_crlf(b"a\rb\r\r\nc\r"), b"a\r\nb\r\nc\r\n");
        assert_eq!(with_crlf(b"a\r\rb"), b"a\r\n\r\nb\r\n");
        assert_eq!(with_crlf(b"\n"), b"\r\n");
    }

    #[test]
    fn a_mail_out_of_a_file_can_be_read() {
        let mail = "A: 1\nAuthentication-Results: x\nBcc: y\n\nFrom z\n";
        let clean = mail.replace('\n', "\r\n");
        for before in ["", "\u{feff}", "From - Thu Jan  1 00:00:00 1970\n", ">From -\n"] {
            assert_eq!(readable(format!("{before}{mail}").as_bytes()), clean);
            assert_eq!(readable(format!("{before}{mail}").replace('\n', "\r").as_bytes()), clean);
        }
        assert_eq!(readable(b"text"), "\r\ntext\r\n");
    }
}
