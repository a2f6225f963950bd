//! The bytes of mails on their way out: prefix, then body.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use mail::MailId;
use mail::record::{BodyId, OutboxEntry};
use peer::{BodyError, Outgoing};
use store::Store;

/// Mails that are being transferred.
pub struct OutgoingMails {
    store: Store,
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
    /// None yet.
    pub fn new(store: Store) -> Self {
        Self { store, mails: Arc::default() }
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
            let read = self.store.read_body(mail.body, offset - prefix, max).await;
            return read.map_err(|error| body_error(&error.to_string()));
        }
        let start = usize::try_from(offset).unwrap_or(mail.prefix.len());
        let head = mail.prefix.slice(start..);
        if head.len() >= max {
            return Ok(head.slice(..max));
        }
        // A small mail goes out in one piece: its prefix alone would be a packet of its own.
        let rest = self.store.read_body(mail.body, 0, max - head.len()).await;
        let rest = rest.map_err(|error| body_error(&error.to_string()))?;
        Ok(Bytes::from([head, rest].concat()))
    }
}

fn body_error(text: &str) -> BodyError {
    BodyError::Store(text.to_owned())
}
