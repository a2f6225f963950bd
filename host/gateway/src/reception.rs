//! Mails from peers: what is taken, how it comes in, and the acknowledgement.
//!
//! A peer offers a mail; what is not refused comes in pieces into a *partial*, which survives restarts; when it is complete
//! its digest is checked, the filters see it, and mailbox and memory of the arrival are written in one step. Only then
//! is there an acknowledgement. Each step can be repeated: the memory of arrivals answers what was answered before.

pub(crate) mod active;
mod cleaning;
mod error;

use std::time::Duration;

use bytes::Bytes;
use mail::record::{
    Arrival, ArrivalKey, BodyId, ContactState, MailboxEntry, NewMail, Partial, SetAside, StagedBody,
};
use mail::storage::StorageError;
use mail::{AccountName, Acknowledgement, BodyDigest, Envelope, MailId, PublicKey, Refusal};

use self::active::{Progress, Seen};
use self::cleaning::Clean;
pub use self::error::ReceptionError;
use crate::Gateway;
use crate::delivery::{Incoming, Later, Verdict};
use crate::gateway::storage_refusal;
use crate::limits;
use crate::message::Message;
use crate::people::Person;
use crate::ports::Event;

/// The answer to an offered mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Send it, from this byte on.
    AcceptFrom(u64),
    /// It came before and this was the answer.
    AlreadyHave(Acknowledgement),
    /// It is not taken: the sender bounces it.
    Refuse(Refusal),
    /// Not now: the sender tries again after this time.
    Later {
        /// The reason, of class 4.
        reason: Refusal,
        /// How long the sender waits at least.
        after: Duration,
    },
    /// The peer broke the protocol.
    ProtocolError(String),
}

/// What a peer says about a mail it wants to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Sender and recipient.
    pub envelope: Envelope,
    /// Its bytes.
    pub size: u64,
    /// Over all of them.
    pub digest: BodyDigest,
}

const HOUR: Duration = Duration::from_secs(3600);
const MINUTES: Duration = Duration::from_secs(300);

impl Gateway {
    /// A peer offers a mail.
    pub async fn offer(
        &self,
        account: &AccountName,
        sender: PublicKey,
        mail: MailId,
        offered: Offered,
    ) -> Offer {
        let Some(person) = self.people.get(account) else {
            return Offer::Refuse(Refusal::permanent(
                1,
                1,
                "there is no such account here: check the address",
            ));
        };
        let key = ArrivalKey { sender, account: account.clone(), mail };
        let active = self.receptions.of(&key);
        let mut progress = active.progress.lock().await;
        let answer = match self.answer_offer(&person, &key, offered, &mut progress).await {
            Ok(answer) => answer,
            Err(error) => Offer::Later { reason: storage_refusal(&error), after: MINUTES },
        };
        drop(progress);
        if !matches!(answer, Offer::AcceptFrom(_)) {
            self.receptions.forget_idle(&key);
        }
        answer
    }

    async fn answer_offer(
        &self,
        person: &Person,
        key: &ArrivalKey,
        offered: Offered,
        progress: &mut Option<Progress>,
    ) -> Result<Offer, StorageError> {
        if let Some(arrival) = self.storage.arrival(key).await? {
            return Ok(if arrival.digest == offered.digest {
                Offer::AlreadyHave(arrival.acknowledgement)
            } else {
                Offer::ProtocolError("this mail id was used for another mail before".to_owned())
            });
        }
        if let Some(answer) = self.unwanted(person, key.sender, &offered) {
            return Ok(answer);
        }
        let Some(partial) = self.storage.partial(key).await? else {
            return self.begin(key, offered, progress).await;
        };
        if partial.digest != offered.digest || partial.size != offered.size {
            return Ok(Offer::ProtocolError("this mail was offered with other content before".to_owned()));
        }
        let stored = Progress::from(partial);
        let durable = stored.durable;
        let known = progress.take().filter(|progress| progress.end >= stored.end);
        *progress = Some(match known {
            Some(known) => Progress { end: known.end, seen: known.seen, ..stored },
            None => stored,
        });
        Ok(Offer::AcceptFrom(durable))
    }

    /// Why a mail is not taken at all, before anything of it is stored.
    fn unwanted(&self, person: &Person, sender: PublicKey, offered: &Offered) -> Option<Offer> {
        let confirmed =
            person.contact(sender).is_some_and(|contact| contact.state == ContactState::Confirmed);
        if !confirmed {
            let text = "the recipient has not accepted you as a contact yet";
            return Some(Offer::Later { reason: Refusal::transient(7, 1, text), after: HOUR });
        }
        let forward_path = &offered.envelope.forward_path;
        if !self.owned_by(person, forward_path) {
            let text = format!("<{forward_path}> is not an address of this recipient: check it");
            return Some(Offer::Refuse(Refusal::permanent(1, 1, &text)));
        }
        let limit = self.max_mail_bytes();
        if offered.size > limit {
            let text =
                format!("the recipient takes mails of up to {limit} bytes, this one has {}", offered.size);
            return Some(Offer::Refuse(Refusal::permanent(3, 4, &text)));
        }
        None
    }

    /// Starts a new partial, if there is room for it.
    async fn begin(
        &self,
        key: &ArrivalKey,
        offered: Offered,
        progress: &mut Option<Progress>,
    ) -> Result<Offer, StorageError> {
        let (of_sender, of_all) = self.storage.parked_bytes(key.sender).await?;
        let settings = &self.settings;
        let fits =
            |parked: u64, bound: u64| parked.saturating_add(offered.size) <= bound.max(self.max_mail_bytes());
        if !fits(of_sender, settings.parked_per_peer)
            || !fits(of_all, settings.parked)
            || !self.has_place(key.sender).await?
        {
            let text = "too many unfinished mails wait here: the mail is taken once others are complete";
            return Ok(Offer::Later { reason: Refusal::transient(3, 1, text), after: MINUTES });
        }
        let partial = Partial {
            body: BodyId(0),
            durable: 0,
            size: offered.size,
            digest: offered.digest,
            envelope: offered.envelope,
            touched: self.clock.wall(),
        };
        let partial = self.storage.begin_partial(key, partial).await?;
        *progress = Some(Progress::from(partial));
        Ok(Offer::AcceptFrom(0))
    }

    /// Whether one more mail of a sender may begin. Mails that a former connection of theirs left unfinished count too: the one that was
    /// longest untouched gives its place.
    async fn has_place(&self, sender: PublicKey) -> Result<bool, StorageError> {
        if self.receptions.count(sender) > limits::RECEPTIONS_PER_PEER {
            return Ok(false);
        }
        let unfinished = self.storage.partials_of(sender).await?;
        let too_many = (unfinished.len() + 1).saturating_sub(limits::RECEPTIONS_PER_PEER);
        let left = unfinished.into_iter().filter(|key| self.receptions.get(key).is_none());
        let stale: Vec<ArrivalKey> = left.take(too_many).collect();
        for key in &stale {
            self.storage.drop_partial(key).await?;
        }
        Ok(stale.len() == too_many)
    }

    /// Bytes of an offered mail, from `offset` on. Returns how many bytes from the start are durable.
    ///
    /// # Errors
    /// [`ReceptionError`].
    pub async fn receive(
        &self,
        account: &AccountName,
        sender: PublicKey,
        mail: MailId,
        offset: u64,
        bytes: Bytes,
    ) -> Result<u64, ReceptionError> {
        let key = ArrivalKey { sender, account: account.clone(), mail };
        let active = self.receptions.get(&key).ok_or(ReceptionError::NotOffered)?;
        let mut guard = active.progress.lock().await;
        let progress = guard.as_mut().ok_or(ReceptionError::NotOffered)?;
        let fresh = progress.fresh(offset, bytes)?;
        if fresh.is_empty() {
            return Ok(progress.durable);
        }
        match self.storage.append_partial(&key, progress.end, fresh.clone()).await {
            Ok(durable) => {
                progress.advance(&fresh, durable);
                Ok(durable)
            }
            Err(error) => {
                // How much was taken over is not known: the next offer reads it from the store.
                *guard = None;
                self.drop_failed_partial(&key, &error).await;
                Err(error.into())
            }
        }
    }

    /// A partial that cannot be continued is thrown away, except when a full disk is the reason: then it waits.
    async fn drop_failed_partial(&self, key: &ArrivalKey, error: &StorageError) {
        if *error == StorageError::Full {
            return;
        }
        if let Err(error) = self.storage.drop_partial(key).await {
            tracing::warn!(%error, "an unfinished mail was not dropped; it is swept later");
        }
    }

    /// All bytes of an offered mail came. The acknowledgement is durable when this returns it.
    ///
    /// # Errors
    /// [`ReceptionError`].
    pub async fn complete(
        &self,
        account: &AccountName,
        sender: PublicKey,
        mail: MailId,
    ) -> Result<Acknowledgement, ReceptionError> {
        let key = ArrivalKey { sender, account: account.clone(), mail };
        let active = self.receptions.get(&key).ok_or(ReceptionError::NotOffered)?;
        let mut guard = active.progress.lock().await;
        let answer = self.complete_known(&key, &mut guard).await;
        match &answer {
            Ok(_) | Err(ReceptionError::Protocol(_)) => {
                *guard = None;
                self.receptions.forget(&key);
            }
            // A full mailbox takes no bytes away; the mail goes on where it is.
            Err(ReceptionError::Storage(StorageError::LimitReached(_))) => {}
            Err(ReceptionError::Storage(_)) => {
                // Bytes may be gone with what failed: the next offer asks the store where it is.
                *guard = None;
                drop(guard);
                self.receptions.forget_idle(&key);
            }
            Err(ReceptionError::NotOffered | ReceptionError::Offset { .. }) => {}
        }
        match answer {
            Err(ReceptionError::Storage(error)) => {
                let after = if matches!(error, StorageError::Failed(_)) { MINUTES } else { HOUR };
                Ok(Acknowledgement::TryLater { reason: storage_refusal(&error), after })
            }
            answer => answer,
        }
    }

    async fn complete_known(
        &self,
        key: &ArrivalKey,
        progress: &mut Option<Progress>,
    ) -> Result<Acknowledgement, ReceptionError> {
        if let Some(arrival) = self.storage.arrival(key).await? {
            return Ok(arrival.acknowledgement);
        }
        let person = self.people.get(&key.account).ok_or(ReceptionError::NotOffered)?;
        let progress = progress.as_ref().ok_or(ReceptionError::NotOffered)?;
        if progress.end != progress.size {
            return Err(ReceptionError::Offset { expected: progress.end });
        }
        let partial = self.storage.partial(key).await?.ok_or(ReceptionError::NotOffered)?;
        let read = match ReadBack::of(&progress.seen, partial.size) {
            Some(seen) => seen,
            None => self.read_back(key, &partial).await?,
        };
        if read.digest != partial.digest {
            self.storage.drop_partial(key).await?;
            let text = "the mail's bytes do not fit the digest it was offered with";
            return Err(ReceptionError::Protocol(text.to_owned()));
        }
        Ok(self.decide(&person, key, &partial, read).await?)
    }

    /// Reads a whole partial that was not seen from its first byte on, a piece at a time.
    async fn read_back(&self, key: &ArrivalKey, partial: &Partial) -> Result<ReadBack, StorageError> {
        self.storage.settle_partial(key).await?;
        let mut seen = Seen::default();
        let mut offset = 0;
        while offset < partial.size {
            let piece = self.storage.read_body(partial.body, offset, mail::limits::BODY_CHUNK_BYTES).await?;
            if piece.is_empty() {
                return Err(StorageError::failed("an unfinished mail is shorter than it was"));
            }
            seen.take(&piece, partial.size);
            offset += piece.len() as u64;
        }
        Ok(ReadBack::from(seen, partial.size))
    }

    /// The filters decide; the decision is written; only then is there an answer.
    async fn decide(
        &self,
        person: &Person,
        key: &ArrivalKey,
        partial: &Partial,
        read: ReadBack,
    ) -> Result<Acknowledgement, StorageError> {
        if read.has_bare_line_ends {
            return self.end(key, partial, None, Acknowledgement::Refused(bare_line_ends())).await;
        }
        if read.small.is_none() {
            self.storage.settle_partial(key).await?;
        }
        let clean = self.clean(partial, &read).await?;
        let copy = clean.copy;
        let ended = self.judge_and_end(person, key, partial, clean).await;
        if !matches!(ended, Ok(Acknowledgement::Delivered)) {
            self.drop_copy(copy).await;
        }
        ended
    }

    async fn judge_and_end(
        &self,
        person: &Person,
        key: &ArrivalKey,
        partial: &Partial,
        clean: Clean,
    ) -> Result<Acknowledgement, StorageError> {
        let facts = mail::header::facts(&clean.header);
        let (copy, size) = (clean.copy, clean.size);
        let verdict = self.judge(self.incoming(person, key, partial, &facts, clean)).await;
        if person.is_gone() {
            let text = "the recipient's account is being removed";
            return Ok(Acknowledgement::TryLater { reason: Refusal::transient(2, 1, text), after: HOUR });
        }
        let (mail, acknowledgement) = match verdict {
            Verdict::Deliver { prefix, quarantine } => {
                let body = copy.map_or(partial.body, |copy| copy.id);
                let size = prefix.len() as u64 + size;
                let mail = self.new_mail(key, partial, MailBytes { prefix, body, size }, quarantine);
                (Some((mail, copy)), Acknowledgement::Delivered)
            }
            Verdict::Reject(refusal) => (None, Acknowledgement::Refused(refusal)),
            // What came stays, so that it need not come again.
            Verdict::Later(Later { reason, after }) => {
                return Ok(Acknowledgement::TryLater { reason, after });
            }
            Verdict::Discard(reason) => {
                tracing::info!(account = %key.account, id = %key.mail, reason, "a filter threw a mail away");
                self.drop_copy(copy).await;
                (None, Acknowledgement::Delivered)
            }
        };
        self.end(key, partial, mail, acknowledgement).await
    }

    /// Makes a decision durable.
    async fn end(
        &self,
        key: &ArrivalKey,
        partial: &Partial,
        mail: Option<(NewMail, Option<StagedBody>)>,
        acknowledgement: Acknowledgement,
    ) -> Result<Acknowledgement, StorageError> {
        let quarantined = mail.as_ref().map(|(mail, _)| mail.quarantine.is_some());
        let arrival = Arrival {
            digest: partial.digest,
            acknowledgement: acknowledgement.clone(),
            when: self.clock.wall(),
        };
        match mail {
            Some((mail, Some(copy))) => self.storage.finish_partial_with(key, mail, copy, arrival).await?,
            mail => self.storage.finish_partial(key, mail.map(|(mail, _)| mail), arrival).await?,
        }
        if let Some(quarantined) = quarantined {
            let (account, sender) = (key.account.clone(), Some(key.sender));
            self.events.publish(Event::Arrived { account, sender, quarantined });
        }
        Ok(acknowledgement)
    }

    fn incoming<'a>(
        &self,
        person: &'a Person,
        key: &ArrivalKey,
        partial: &'a Partial,
        facts: &'a mail::header::HeaderFacts,
        clean: Clean,
    ) -> Incoming<'a> {
        let contact = person.contact(key.sender);
        let alias = contact.as_ref().and_then(|contact| mail::Address::at_tox(contact.alias.as_str()).ok());
        let mut allowed = contact.map(|contact| self.counting(person, &contact)).unwrap_or_default();
        allowed.extend(alias.clone());
        Incoming {
            person,
            sender: key.sender,
            peer: Some(key.sender),
            allowed,
            reply_to: alias,
            with: "TOX",
            id: key.mail,
            envelope: &partial.envelope,
            facts,
            had_results: clean.had_results,
            message: Message { prefix: Bytes::new(), body: clean.body, body_size: clean.size },
        }
    }

    fn new_mail(
        &self,
        key: &ArrivalKey,
        partial: &Partial,
        bytes: MailBytes,
        quarantine: Option<SetAside>,
    ) -> NewMail {
        let entry = MailboxEntry {
            number: 0,
            uidl: MailId([0; 16]),
            received: self.clock.wall(),
            size: bytes.size,
            prefix: bytes.prefix,
            body: bytes.body,
            sender: Some(key.sender),
            envelope: partial.envelope.clone(),
        };
        NewMail { account: key.account.clone(), entry, quarantine }
    }

    /// Takes note that the peer took an offered mail back.
    ///
    /// # Errors
    /// When the store fails; what came is swept later.
    pub async fn abandon(
        &self,
        account: &AccountName,
        sender: PublicKey,
        mail: MailId,
    ) -> Result<(), StorageError> {
        let key = ArrivalKey { sender, account: account.clone(), mail };
        let Some(active) = self.receptions.get(&key) else { return Ok(()) };
        let mut guard = active.progress.lock().await;
        if guard.take().is_none() {
            return Ok(());
        }
        self.receptions.forget(&key);
        match self.storage.drop_partial(&key).await {
            Err(StorageError::NotFound) => Ok(()),
            other => other,
        }
    }
}

/// What is delivered: a prefix, the body behind it, and the bytes of both.
struct MailBytes {
    prefix: Vec<u8>,
    body: BodyId,
    size: u64,
}

/// A CR or an LF alone is a line end for some programs and none for others, so what follows could be a field, the end of a mail or
/// a command for those alone. No mail program can submit such a mail, so an honest gateway has none: nothing is lost by refusing
/// it, and nothing that its sender signed is changed.
fn bare_line_ends() -> Refusal {
    let text = "the mail contains a CR or LF alone: its lines must end with CR LF";
    Refusal::permanent(6, 0, text)
}

/// What is known of a whole mail: its digest, whether its lines end as they must, and all of it if it is small.
struct ReadBack {
    digest: BodyDigest,
    has_bare_line_ends: bool,
    small: Option<Bytes>,
}

impl ReadBack {
    /// What passed by, if all of the mail did.
    fn of(seen: &Seen, size: u64) -> Option<Self> {
        (seen.hasher.length() == size).then(|| Self::from(seen.clone(), size))
    }

    fn from(seen: Seen, size: u64) -> Self {
        let small = (seen.head.len() as u64 == size).then(|| Bytes::from(seen.head));
        Self { digest: seen.hasher.finish(), has_bare_line_ends: seen.ends.has_bare(), small }
    }
}

#[cfg(test)]
mod tests;
