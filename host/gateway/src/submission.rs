//! A mail from a mail program: who may send it, to whom it goes, and its way into the outbox.
//!
//! MAIL begins it, each RCPT adds a recipient (or says why not), the bytes stream into the store, and the end decides:
//! only after everything is durable is there an answer that the mail program may take for accepted.

mod body;
mod recipients;

use std::sync::Arc;

use bytes::Bytes;
use mail::header::{FieldName, Fields};
use mail::record::{
    Direction, MailboxEntry, Marks, OutboxEntry, Outcome, QuarantineEntry, Route, StagedBody,
};
use mail::{Address, BodyDigest, Envelope, FromCheck, MailId, Notify, Refusal, Return, ReversePath, Wall};

use self::body::{BodyIntake, Intake};
use self::recipients::Recipient;
use crate::core::{Core, storage_refusal};
use crate::limits;
use crate::message::Message;
use crate::people::Person;
use crate::ports::Event;
use crate::ports::decisions::{FilterAnswer, FilterFacts};

/// A mail that is being submitted. Dropped before [`finish`](Self::finish), nothing of it remains.
pub struct Submission {
    core: Arc<Core>,
    person: Arc<Person>,
    reverse_path: ReversePath,
    declared_size: Option<u64>,
    ret: Return,
    envelope_id: Option<String>,
    recipients: Vec<Recipient>,
    body: Option<BodyIntake>,
    /// How it comes, for `Received` (RFC 3848).
    with: &'static str,
}

/// A mail was accepted: durable, and on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The ids of its outbox entries, in the order of the recipients; those a filter set aside or threw away are included.
    pub ids: Vec<MailId>,
}

impl std::fmt::Display for Accepted {
    /// What follows `250 2.0.0`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("queued as ")?;
        match self.ids.as_slice() {
            [] => formatter.write_str("nothing"),
            [id] => write!(formatter, "{id}"),
            [id, others @ ..] => write!(formatter, "{id} and {} more", others.len()),
        }
    }
}

/// What becomes of one recipient's copy.
struct Copy {
    entry: OutboxEntry,
    fate: Fate,
}

enum Fate {
    Send,
    Quarantine(String),
    Discard(String),
}

impl Submission {
    pub(crate) fn begin(
        core: Arc<Core>,
        person: Arc<Person>,
        reverse_path: ReversePath,
        declared_size: Option<u64>,
        ret: Return,
        envelope_id: Option<String>,
    ) -> Result<Self, Refusal> {
        core.check_reverse_path(&person, &reverse_path)?;
        let limit = core.max_mail_bytes();
        if declared_size.is_some_and(|size| size > limit) {
            return Err(too_large(limit));
        }
        let envelope_id = envelope_id.filter(|id| id.len() <= limits::ENVELOPE_ID_BYTES);
        let recipients = Vec::new();
        let (body, with) = (None, "ESMTPA");
        Ok(Self { core, person, reverse_path, declared_size, ret, envelope_id, recipients, body, with })
    }

    /// The same, over TLS: `Received` says so.
    #[must_use]
    pub fn over_tls(self) -> Self {
        Self { with: "ESMTPSA", ..self }
    }

    /// Adds a recipient. One that leads to somebody who is a recipient already is accepted and counted once.
    ///
    /// # Errors
    /// A [`Refusal`] that tells the user what to do; the mail goes on without this recipient.
    pub async fn recipient(
        &mut self,
        address: Address,
        notify: Notify,
        original_recipient: Option<String>,
    ) -> Result<(), Refusal> {
        let original_recipient =
            original_recipient.filter(|text| text.len() <= limits::ORIGINAL_RECIPIENT_BYTES);
        let id = self.core.random.mail_id();
        self.check_policy(id, &address).await?;
        let route = self.core.resolve(&self.person, &address, Some(id)).await?;
        if let Some(known) = self.recipients.iter_mut().find(|known| known.leads_to(&route)) {
            known.merge(notify);
            return Ok(());
        }
        if self.recipients.len() >= mail::limits::RECIPIENTS {
            return Err(Refusal::transient(
                5,
                3,
                "a mail can have 100 recipients at most: send it to the others in a second mail",
            ));
        }
        self.recipients.push(Recipient { id, route, address, notify, original_recipient });
        Ok(())
    }

    /// Takes the next bytes of the mail, CRLF-terminated lines, cut anywhere.
    ///
    /// # Errors
    /// A [`Refusal`] when the mail is too large or the store fails; the mail is to be dropped then.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        let limit = self.core.max_mail_bytes();
        let intake = self.intake();
        if intake.received() + bytes.len() as u64 > limit {
            return Err(too_large(limit));
        }
        intake.write(bytes).await.map_err(|error| storage_refusal(&error))
    }

    /// The mail is complete: filters see it, then it goes into the outbox. `Ok` means that it is durable.
    ///
    /// # Errors
    /// A [`Refusal`], and nothing of the mail remains.
    pub async fn finish(mut self) -> Result<Accepted, Refusal> {
        if self.recipients.is_empty() {
            return Err(Refusal::permanent(5, 1, "the mail has no recipient: add one and send it again"));
        }
        self.intake();
        let Some(intake) = self.body.take() else {
            return Err(Refusal::transient(3, 0, "the mail is empty"));
        };
        let intake = intake.finish().await.map_err(|error| storage_refusal(&error))?;
        let now = self.core.now();
        let outcome = match self.copies(&intake, now.wall).await {
            Ok(copies) => self.store(intake.staged, copies).await,
            Err(refusal) => Err(refusal),
        };
        if outcome.is_err()
            && let Err(error) = self.core.storage.discard_body(intake.staged).await
        {
            tracing::debug!(%error, "a refused body was not discarded; it is gone after a restart");
        }
        outcome
    }

    fn intake(&mut self) -> &mut BodyIntake {
        let (core, person, with) = (&self.core, &self.person, self.with);
        self.body.get_or_insert_with(|| {
            let key = core.key_of_account(person);
            BodyIntake::new(core.storage.clone(), key, with, core.random.mail_id(), core.clock.wall())
        })
    }

    /// One copy for each recipient, as its filters want it.
    async fn copies(&self, intake: &Intake, now: Wall) -> Result<Vec<Copy>, Refusal> {
        let facts = mail::header::facts(&intake.header);
        let own = crate::addresses::of(&self.person.account, self.core.network.tox_id(self.person.name()));
        let key = self.core.key_of_account(&self.person);
        let from_verified =
            key.is_some_and(|key| mail::from_check::check(&facts, key, &own) == FromCheck::Pass);
        let mut digests = Digests::new(intake);
        let mut copies = Vec::with_capacity(self.recipients.len());
        for recipient in &self.recipients {
            copies.push(self.copy(recipient, intake, &mut digests, from_verified, now).await?);
        }
        Ok(copies)
    }

    async fn copy(
        &self,
        recipient: &Recipient,
        intake: &Intake,
        digests: &mut Digests<'_>,
        from_verified: bool,
        now: Wall,
    ) -> Result<Copy, Refusal> {
        let envelope = self.envelope(recipient);
        let answer = self.filter(recipient, envelope.clone(), intake, from_verified, now).await?;
        let mut added = Fields::new();
        let fate = match answer {
            FilterAnswer::Accept(headers) => {
                add_headers(&mut added, &headers);
                Fate::Send
            }
            FilterAnswer::Quarantine(reason) => Fate::Quarantine(reason),
            FilterAnswer::Reject(refusal) => return Err(refusal),
            FilterAnswer::Discard(reason) => Fate::Discard(reason),
        };
        let (prefix, digest) = digests.of(added).await.map_err(|error| storage_refusal(&error))?;
        let entry = OutboxEntry {
            id: recipient.id,
            account: self.person.name().clone(),
            envelope,
            route: recipient.route.clone(),
            size: prefix.len() as u64 + intake.staged.size,
            prefix,
            body: intake.staged.id,
            digest,
            created: now,
            expires: now.plus(self.core.patience().expiry.min(mail::limits::EXPIRY_LONGEST)),
            attempts: 0,
            next_attempt: None,
            last_problem: None,
            marks: Marks::default(),
        };
        Ok(Copy { entry, fate })
    }

    fn envelope(&self, recipient: &Recipient) -> Envelope {
        Envelope {
            reverse_path: self.reverse_path.clone(),
            forward_path: recipient.address.clone(),
            notify: recipient.notify,
            ret: self.ret,
            envelope_id: self.envelope_id.clone(),
            original_recipient: recipient.original_recipient.clone(),
        }
    }

    /// The chain of outgoing filters; 451 when it fails.
    async fn filter(
        &self,
        recipient: &Recipient,
        envelope: Envelope,
        intake: &Intake,
        from_verified: bool,
        now: Wall,
    ) -> Result<FilterAnswer, Refusal> {
        let account = self.person.name();
        let peer = match &recipient.route {
            Route::Local(_) => None,
            Route::Remote(destination) => Some(destination.key()),
        };
        let message = Arc::new(intake.message(self.core.storage.clone()));
        let facts = FilterFacts {
            id: recipient.id,
            direction: Direction::Outgoing,
            envelope,
            peer,
            is_contact: peer.is_none_or(|key| self.person.contact(key).is_some()),
            from_verified,
            size: intake.prefix.len() as u64 + intake.staged.size,
        };
        self.core.decisions.filter(account, now, facts, message).await.map_err(|failure| {
            self.core.decision_failed(account, "mail-filter", &failure);
            Refusal::transient(
                3,
                0,
                "the mail filter failed and the mail was not sent: send it again later, or choose another filter (the \
                 dashboard shows what went wrong)",
            )
        })
    }

    /// Makes everything durable in one step (what was discarded is recorded before).
    async fn store(&self, body: StagedBody, copies: Vec<Copy>) -> Result<Accepted, Refusal> {
        let ids: Vec<MailId> = copies.iter().map(|copy| copy.entry.id).collect();
        let (mut entries, mut quarantined, mut discarded) = (Vec::new(), Vec::new(), Vec::new());
        for Copy { entry, fate } in copies {
            match fate {
                Fate::Send => entries.push(entry),
                Fate::Quarantine(reason) => quarantined.push(self.quarantine_entry(entry, reason)),
                Fate::Discard(reason) => discarded.push((entry, Outcome::Discarded { reason })),
            }
        }
        let refused = |error| storage_refusal(&error);
        if !discarded.is_empty() {
            self.core.storage.record_ended(discarded).await.map_err(refused)?;
        }
        if entries.is_empty() && quarantined.is_empty() {
            self.core.storage.discard_body(body).await.map_err(refused)?;
            return Ok(Accepted { ids });
        }
        let waiting: Vec<_> = entries.iter().map(|entry| self.core.waiting(entry, true)).collect();
        self.core.storage.enqueue(body, entries, quarantined).await.map_err(refused)?;
        for waiting in waiting {
            let id = waiting.id;
            tracing::info!(account = %self.person.name(), %id, "submitted");
            self.core.outbox.insert(waiting);
            self.core.events.publish(Event::Submitted { account: self.person.name().clone(), id });
        }
        Ok(Accepted { ids })
    }

    fn quarantine_entry(&self, entry: OutboxEntry, reason: String) -> QuarantineEntry {
        let mail = MailboxEntry {
            number: 0,
            uidl: entry.id,
            received: entry.created,
            prefix: entry.prefix.clone(),
            body: entry.body,
            size: entry.size,
            sender: None,
            envelope: entry.envelope.clone(),
        };
        QuarantineEntry { mail, reason, direction: Direction::Outgoing, outgoing: Some(entry) }
    }
}

/// Prefixes and their digests: most recipients share one, and the body is read again only for another prefix.
struct Digests<'a> {
    intake: &'a Intake,
    known: Vec<(Vec<u8>, BodyDigest)>,
}

impl<'a> Digests<'a> {
    fn new(intake: &'a Intake) -> Self {
        Self { intake, known: vec![(intake.prefix.to_vec(), intake.digest)] }
    }

    /// The prefix with `added` fields before it, and the digest of the mail with it.
    async fn of(&mut self, added: Fields) -> Result<(Vec<u8>, BodyDigest), crate::ports::StorageError> {
        let prefix = [added.as_bytes(), &self.intake.prefix].concat();
        if let Some(known) = self.known.iter().find(|(known, _)| *known == prefix) {
            return Ok(known.clone());
        }
        let message = Message { prefix: Bytes::from(prefix.clone()), ..self.intake.message_stored() };
        let digest = message.digest().await?;
        self.known.push((prefix.clone(), digest));
        Ok((prefix, digest))
    }
}

/// Adds the header fields a filter asked for; one whose name is no field name is left out.
pub(crate) fn add_headers(fields: &mut Fields, headers: &[(String, String)]) {
    for (name, value) in headers {
        match FieldName::new(name) {
            Some(name) => {
                fields.text(name, value);
            }
            None => tracing::warn!("a filter wanted to add a header field whose name is none"),
        }
    }
}

fn too_large(limit: u64) -> Refusal {
    Refusal::permanent(
        3,
        4,
        &format!(
            "the mail is larger than {limit} bytes, the limit here: send a smaller one, or raise the limit"
        ),
    )
}

#[cfg(test)]
mod tests;
