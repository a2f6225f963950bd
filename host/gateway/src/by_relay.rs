//! Mails and acknowledgements that come and go by drop relays, where the sender is proven by the cell and nobody is online.

use bytes::Bytes;
use mail::record::{ContactState, OutboxEntry, Route};
use mail::storage::StorageError;
use mail::{AccountName, Acknowledgement, BodyDigest, BodyHasher, Envelope, MailId, PublicKey};

use crate::Gateway;
use crate::friendship::{Asked, ContactError};
use crate::message;
use crate::outbox::{Claimed, Next};
use crate::reception::{Offer, Offered, ReceptionError};

/// What became of a mail that came by a drop relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The decision about it is durable, now or since it came before.
    Acknowledged(Acknowledgement),
    /// Its sender is not a contact (yet).
    Stranger,
    /// Not now: try again later.
    Later(String),
    /// It breaks the rules.
    Broken(String),
}

impl Gateway {
    /// A mail came by a drop relay from somebody who proved their key.
    pub async fn receive_whole(
        &self,
        account: &AccountName,
        sender: PublicKey,
        mail: MailId,
        envelope: Envelope,
        body: Bytes,
    ) -> Received {
        let state = self.people.contact(account, sender).map(|contact| contact.state);
        if state != Some(ContactState::Confirmed) {
            return Received::Stranger;
        }
        let offered = Offered { envelope, size: body.len() as u64, digest: BodyHasher::digest(&body) };
        match self.offer(account, sender, mail, offered).await {
            Offer::AcceptFrom(_) => {}
            Offer::AlreadyHave(word) => return Received::Acknowledged(word),
            Offer::Refuse(refusal) => return Received::Acknowledged(Acknowledgement::Refused(refusal)),
            Offer::Later { reason, .. } => return Received::Later(reason.to_string()),
            Offer::ProtocolError(what) => return Received::Broken(what),
        }
        let mut offset = 0;
        while let Some(piece) = rest(&body, offset) {
            let end = offset + piece.len() as u64;
            match self.receive(account, sender, mail, offset, piece).await {
                Ok(_durable) => offset = end,
                // The same mail comes directly at the same time, and is further.
                Err(ReceptionError::Offset { expected }) if expected > offset => offset = expected,
                Err(error) => return failed(error),
            }
        }
        match self.complete(account, sender, mail).await {
            Ok(Acknowledgement::TryLater { reason, .. }) => Received::Later(reason.to_string()),
            Ok(word) => Received::Acknowledged(word),
            Err(error) => failed(error),
        }
    }

    /// Takes the word of `from` about a mail, which came by a drop relay. Nothing happens if no
    /// such mail to them waits.
    ///
    /// # Errors
    /// When the store fails: hand it in again.
    pub async fn acknowledged(
        &self,
        account: &AccountName,
        from: PublicKey,
        id: MailId,
        digest: BodyDigest,
        word: Acknowledgement,
    ) -> Result<(), StorageError> {
        loop {
            let Some(entry) = self.outbox_entry(account, id).await? else { return Ok(()) };
            let is_theirs = matches!(&entry.route, Route::Remote(destination) if destination.key() == from);
            if !is_theirs || entry.digest != digest {
                tracing::warn!(%account, %from, %id, "an acknowledgement for another mail or by another was ignored");
                return Ok(());
            }
            if let Some(claimed) = self.claim_entry(id) {
                return self.acknowledged_claimed(claimed, entry, word).await;
            }
            if !self.outbox.is_running(id) {
                return Ok(());
            }
            self.network.cancel(account, from, id);
            self.outbox.task_done(id).await;
        }
    }

    async fn acknowledged_claimed(
        &self,
        claimed: Claimed<'_>,
        entry: OutboxEntry,
        word: Acknowledgement,
    ) -> Result<(), StorageError> {
        let result = match word {
            Acknowledgement::Delivered => self.delivered(entry).await,
            Acknowledgement::Refused(refusal) => self.bounce(entry, refusal).await,
            Acknowledgement::TryLater { reason, after } => {
                self.attempt_failed(entry, reason, false, Some(after)).await
            }
        };
        match result {
            Ok(next) => claimed.end(next),
            Err(StorageError::NotFound) => claimed.end(Next::Gone),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// An entry of the outbox as its recipient is to see it, with all bytes of the mail if they are at most `max`. None: it has left the
    /// outbox.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn outgoing(
        &self,
        id: MailId,
        max: usize,
    ) -> Result<Option<(OutboxEntry, Option<Bytes>)>, StorageError> {
        let Some(entry) = self.storage.outbox_entry(id).await? else { return Ok(None) };
        let wire = self.as_transferred(&entry);
        if entry.size > max as u64 {
            return Ok(Some((wire, None)));
        }
        let bytes = message::head(&*self.storage, &entry.prefix, entry.body, max).await?;
        Ok(Some((wire, Some(Bytes::from(bytes)))))
    }

    /// Somebody who proved their key writes to an account: the rules for friend requests apply.
    ///
    /// # Errors
    /// [`ContactError`].
    pub async fn knock(
        &self,
        account: &AccountName,
        key: PublicKey,
        text: &str,
    ) -> Result<Asked, ContactError> {
        let waits = self.storage.friend_requests(account).await?.iter().any(|request| request.key == key);
        if waits && self.people.contact(account, key).is_none() {
            return Ok(Asked::Waits);
        }
        self.friend_request(account, key, text).await
    }
}

/// The bytes to write next, in pieces as in a transfer.
fn rest(body: &Bytes, offset: u64) -> Option<Bytes> {
    let start = usize::try_from(offset).ok().filter(|start| *start < body.len())?;
    let end = start.saturating_add(mail::limits::BODY_CHUNK_BYTES).min(body.len());
    Some(body.slice(start..end))
}

fn failed(error: ReceptionError) -> Received {
    match error {
        ReceptionError::Protocol(what) => Received::Broken(what),
        other => Received::Later(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
