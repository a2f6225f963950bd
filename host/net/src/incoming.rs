//! Mails that come from a friend, handed to the core's reception.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use gateway::{Gateway, Offer as Answer, Offered, ReceptionError};
use mail::record::ArrivalKey;
use mail::storage::StorageError;
use mail::{Acknowledgement, BodyHasher, MailId, PublicKey, Refusal};
use peer::{BodyError, Hello, Incoming, Interruption, Offer, OfferAnswer};

use crate::instance::Instance;
use crate::limits::{COME_BACK, DIGEST_READ_BYTES};

/// Takes mails for one account. Holds neither the core nor the instance alive: both outlive sessions, and end them.
pub struct AccountMail {
    /// The account's instance.
    pub instance: Weak<Instance>,
    /// The core.
    pub gateway: Weak<Gateway>,
}

/// The gateway is stopping: the sender tries again.
fn stopping() -> Acknowledgement {
    try_later("the gateway is stopping")
}

fn try_later(text: &str) -> Acknowledgement {
    Acknowledgement::TryLater { reason: Refusal::transient(3, 0, text), after: COME_BACK }
}

impl AccountMail {
    fn both(&self) -> Option<(Arc<Instance>, Arc<Gateway>)> {
        Some((self.instance.upgrade()?, self.gateway.upgrade()?))
    }

    /// The digest so far of a mail whose first `length` bytes are here.
    async fn resume(
        &self,
        instance: &Instance,
        from: PublicKey,
        mail: MailId,
        length: u64,
    ) -> Result<BodyHasher, StorageError> {
        let mut hasher = BodyHasher::new();
        if length == 0 {
            return Ok(hasher);
        }
        let key = ArrivalKey { sender: from, account: instance.account.clone(), mail };
        let partial = instance.storage.partial(&key).await?.ok_or(StorageError::NotFound)?;
        while hasher.length() < length {
            let most =
                usize::try_from(length - hasher.length()).unwrap_or(DIGEST_READ_BYTES).min(DIGEST_READ_BYTES);
            let bytes = instance.storage.read_body(partial.body, hasher.length(), most).await?;
            if bytes.is_empty() {
                return Err(StorageError::NotFound);
            }
            hasher.update(&bytes);
        }
        Ok(hasher)
    }
}

async fn take_record(instance: &Instance, from: PublicKey, record: &[u8]) {
    let Some(offline) = instance.offline() else { return };
    if let Err(error) = offline.record_received(&instance.account, from, record).await {
        tracing::warn!(%error, account = %instance.account, %from, "a mailbox record was not stored");
    }
}

#[async_trait]
impl Incoming for AccountMail {
    async fn hello(&self, from: PublicKey, hello: Hello) {
        let Some((instance, gateway)) = self.both() else { return };
        instance.greeted(from);
        let told = gateway.peer_hello(&instance.account, from, hello.tox_id, hello.addresses).await;
        if let Err(error) = told {
            tracing::warn!(%error, account = %instance.account, %from, "a hello was not taken");
            return;
        }
        if let Some(record) = hello.mailbox_record {
            take_record(&instance, from, &record).await;
        }
        // With tokens for this contact, and of this week.
        supervisor::job("tell-record", async move { instance.tell_record(from).await });
    }

    async fn record(&self, from: PublicKey, record: Vec<u8>) {
        let Some((instance, _)) = self.both() else { return };
        take_record(&instance, from, &record).await;
    }

    async fn offer(&self, from: PublicKey, offer: &Offer) -> OfferAnswer {
        let Some((instance, gateway)) = self.both() else { return OfferAnswer::Acknowledge(stopping()) };
        let offered = Offered { envelope: offer.envelope.clone(), size: offer.size, digest: offer.digest };
        match gateway.offer(&instance.account, from, offer.mail, offered).await {
            Answer::AcceptFrom(length) => match self.resume(&instance, from, offer.mail, length).await {
                Ok(hasher) => OfferAnswer::Accept(hasher),
                Err(error) => {
                    tracing::warn!(%error, mail = %offer.mail, "a half mail cannot be read");
                    OfferAnswer::Acknowledge(try_later("the half mail here cannot be read"))
                }
            },
            Answer::AlreadyHave(word) => OfferAnswer::Acknowledge(word),
            Answer::Refuse(refusal) => OfferAnswer::Acknowledge(Acknowledgement::Refused(refusal)),
            Answer::Later { reason, after } => {
                OfferAnswer::Acknowledge(Acknowledgement::TryLater { reason, after })
            }
            Answer::ProtocolError(_) => OfferAnswer::OtherDigest,
        }
    }

    async fn write(&self, from: PublicKey, mail: MailId, offset: u64, bytes: Bytes) -> Result<(), BodyError> {
        let Some((instance, gateway)) = self.both() else { return Err(BodyError::Gone) };
        match gateway.receive(&instance.account, from, mail, offset, bytes).await {
            Ok(_durable) => Ok(()),
            Err(ReceptionError::NotOffered) => Err(BodyError::Gone),
            Err(error) => Err(BodyError::Store(error.to_string())),
        }
    }

    async fn complete(&self, from: PublicKey, mail: MailId) -> Acknowledgement {
        let Some((instance, gateway)) = self.both() else { return stopping() };
        match gateway.complete(&instance.account, from, mail).await {
            Ok(word) => word,
            Err(error) => {
                tracing::warn!(%error, %mail, "a mail that came whole was not taken");
                try_later("the mail could not be taken; send it again")
            }
        }
    }

    async fn interrupted(&self, from: PublicKey, mail: MailId, why: Interruption) {
        let Some((instance, gateway)) = self.both() else { return };
        tracing::debug!(%mail, ?why, "an incoming mail was interrupted");
        if matches!(why, Interruption::Cancelled | Interruption::Corrupt)
            && let Err(error) = gateway.abandon(&instance.account, from, mail).await
        {
            tracing::warn!(%error, %mail, "an abandoned mail was not removed; it is swept later");
        }
    }
}
