//! The bytes of mails on their way out: prefix, then body.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use mail::MailId;
use mail::record::{BodyId, OutboxEntry};
use mail::storage::Bodies;
use peer::{BodyError, Outgoing};

/// Mails that are being transferred.
pub struct OutgoingMails {
    bodies: Arc<dyn Bodies>,
    mails: Arc<Mutex<HashMap<MailId, OutgoingMail>>>,
}

#[derive(Clone)]
struct OutgoingMail {
    prefix: Bytes,
    body: BodyId,
}

/// Keeps a mail readable while it is being transferred.
pub struct Registered {
    mails: Arc<Mutex<HashMap<MailId, OutgoingMail>>>,
    id: MailId,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl OutgoingMails {
    /// No mails yet.
    pub fn new(bodies: Arc<dyn Bodies>) -> Self {
        Self { bodies, mails: Arc::default() }
    }

    /// Makes a mail readable until the returned value is dropped.
    pub fn register(&self, entry: &OutboxEntry) -> Registered {
        let mail = OutgoingMail { prefix: Bytes::from(entry.prefix.clone()), body: entry.body };
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.id, mail);
        Registered { mails: Arc::clone(&self.mails), id: entry.id }
    }

    fn find(&self, id: MailId) -> Option<OutgoingMail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

#[async_trait]
impl Outgoing for OutgoingMails {
    async fn read(&self, id: MailId, offset: u64, max: usize) -> Result<Bytes, BodyError> {
        let mail = self.find(id).ok_or(BodyError::Gone)?;
        let prefix = mail.prefix.len() as u64;
        if offset >= prefix {
            let read = self.bodies.read_body(mail.body, offset - prefix, max).await;
            return read.map_err(|error| body_error(&error.to_string()));
        }
        let start = usize::try_from(offset).unwrap_or(mail.prefix.len());
        let head = mail.prefix.slice(start..);
        if head.len() >= max {
            return Ok(head.slice(..max));
        }
        // A small mail goes out in one piece: its prefix alone would be a packet of its own.
        let rest = self.bodies.read_body(mail.body, 0, max - head.len()).await;
        let rest = rest.map_err(|error| body_error(&error.to_string()))?;
        Ok(Bytes::from([head, rest].concat()))
    }
}

fn body_error(text: &str) -> BodyError {
    BodyError::Store(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clock::SystemClock;
    use mail::record::{Marks, Route};
    use mail::{BodyDigest, Envelope, ReversePath, Wall};
    use store::{OpenOptions, Store};

    use super::*;

    const PREFIX: &[u8] = b"Received: here\r\n";

    /// A mail of a store: `body` after [`PREFIX`].
    async fn mail(store: &Store, body: &'static [u8]) -> OutboxEntry {
        let mut writer = store.new_body();
        writer.write(Bytes::from_static(body)).await.unwrap();
        let body = writer.finish().await.unwrap();
        OutboxEntry {
            id: MailId([1; 16]),
            account: "anna".parse().unwrap(),
            envelope: Envelope::new(ReversePath::Null, "ben@tox".parse().unwrap()),
            route: Route::Local("ben".parse().unwrap()),
            prefix: PREFIX.to_vec(),
            size: body.size + PREFIX.len() as u64,
            body: body.id,
            digest: BodyDigest([1; 32]),
            created: Wall(1),
            expires: Wall(2),
            attempts: 0,
            next_attempt: None,
            last_problem: None,
            marks: Marks::default(),
        }
    }

    #[tokio::test]
    async fn every_piece_of_a_mail_is_that_of_prefix_and_body_together_until_the_transfer_ends() {
        const BODY: &[u8] = b"Subject: x\r\n\r\nHello\r\n";
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), OpenOptions::new(Arc::new(SystemClock::new()))).unwrap();
        let mails = OutgoingMails::new(Arc::new(store.clone()));
        let mail = mail(&store, BODY).await;
        let whole = [PREFIX, BODY].concat();
        let registered = mails.register(&mail);
        for offset in 0..=whole.len() {
            for most in [1, 5, PREFIX.len(), whole.len()] {
                let piece = mails.read(mail.id, offset as u64, most).await.unwrap();
                assert_eq!(piece, whole[offset..whole.len().min(offset + most)], "{most} from {offset}");
            }
        }
        drop(registered);
        assert!(matches!(mails.read(mail.id, 0, 1).await, Err(BodyError::Gone)));
    }
}
