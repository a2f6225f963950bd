//! A mail from a mail program: who may send it, to whom it goes, and its way into the outbox.
//!
//! MAIL begins it, each RCPT adds a recipient (or says why not), the bytes stream into the store, and the end decides:
//! only after everything is durable is there an answer that the mail program may take for accepted.

mod body;
mod recipients;

use std::sync::Arc;

use bytes::Bytes;
use mail::decision::Attributes;
use mail::decision::mail_filter::{Header, MailFacts, Verdict};
use mail::header::{FieldName, Fields};
use mail::record::{
    Direction, MailboxEntry, Marks, OutboxEntry, Outcome, QuarantineEntry, Route, SetAside, StagedBody,
};
use mail::storage::StorageError;
use mail::{
    AccountName, Address, BodyDigest, Envelope, FromCheck, MailId, Monotonic, Notify, PublicKey, Refusal,
    Return, ReversePath, Wall,
};

use self::body::{BodyIntake, Intake, Origin};
use self::recipients::Recipient;
use crate::Gateway;
use crate::gateway::storage_refusal;
use crate::limits;
use crate::message::Message;
use crate::people::Person;
use crate::ports::Event;

/// A mail that is being submitted. Dropped before [`finish`](Self::finish), nothing of it remains.
pub struct Submission {
    gateway: Arc<Gateway>,
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

/// What all copies of a mail have in common when filters are asked.
struct Asking {
    from_verified: bool,
    now: Wall,
    /// Until when filters without a free place are asked again.
    until: Monotonic,
}

/// What becomes of one recipient's copy.
struct Copy {
    entry: OutboxEntry,
    fate: Fate,
}

enum Fate {
    Send,
    SetAside(SetAside),
    /// For good: the user keeps no bin.
    Discard(String),
}

impl Gateway {
    /// MAIL: begins a mail of an account.
    ///
    /// # Errors
    /// 5.7.1 when the reverse-path is not the account's (the text names those that are), 5.3.4 when it is too large.
    pub fn begin_submission(
        self: &Arc<Self>,
        account: &AccountName,
        reverse_path: ReversePath,
        declared_size: Option<u64>,
        ret: Return,
        envelope_id: Option<String>,
    ) -> Result<Submission, Refusal> {
        let person = self.people.get(account).ok_or_else(|| {
            Refusal::permanent(
                7,
                1,
                "this account was removed: log in with another one (toxmail account list)",
            )
        })?;
        Submission::begin(self.clone(), person, reverse_path, declared_size, ret, envelope_id)
    }
}

impl Submission {
    fn begin(
        gateway: Arc<Gateway>,
        person: Arc<Person>,
        reverse_path: ReversePath,
        declared_size: Option<u64>,
        ret: Return,
        envelope_id: Option<String>,
    ) -> Result<Self, Refusal> {
        gateway.check_reverse_path(&person, &reverse_path)?;
        let limit = gateway.max_mail_bytes();
        if declared_size.is_some_and(|size| size > limit) {
            return Err(too_large(limit));
        }
        let envelope_id = envelope_id.filter(|id| id.len() <= limits::ENVELOPE_ID_BYTES);
        let recipients = Vec::new();
        let (body, with) = (None, "ESMTPA");
        Ok(Self { gateway, person, reverse_path, declared_size, ret, envelope_id, recipients, body, with })
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
        let id = self.gateway.random.mail_id();
        self.check_policy(id, &address).await?;
        let route = self.gateway.resolve(&self.person, &address, Some(id)).await?;
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
        let limit = self.gateway.max_mail_bytes();
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
        let now = self.gateway.now();
        let outcome = match self.copies(&intake, now.wall).await {
            Ok(copies) => self.store(intake.staged, copies).await,
            Err(refusal) => Err(refusal),
        };
        if outcome.is_err()
            && let Err(error) = self.gateway.storage.discard_body(intake.staged).await
        {
            tracing::debug!(%error, "a refused body was not discarded; it is gone after a restart");
        }
        outcome
    }

    fn intake(&mut self) -> &mut BodyIntake {
        let (gateway, person, with, sender) = (&self.gateway, &self.person, self.with, &self.reverse_path);
        self.body.get_or_insert_with(|| {
            let key = gateway.key_of_account(person).unwrap_or(PublicKey([0; 32]));
            let (id, time, sender) = (gateway.random.mail_id(), gateway.clock.wall(), sender.clone());
            let origin = Origin { key, with, id, time, sender };
            BodyIntake::new(gateway.storage.clone(), gateway.own_keys(), origin)
        })
    }

    /// One copy for each recipient, as its filters want it.
    async fn copies(&self, intake: &Intake, now: Wall) -> Result<Vec<Copy>, Refusal> {
        let facts = mail::header::facts(&intake.header);
        let own = self.gateway.writes_as(&self.person);
        let key = self.gateway.key_of_account(&self.person);
        let from_verified =
            key.is_some_and(|key| mail::from_check::check(&facts, key, &own) == FromCheck::Pass);
        let until = Monotonic(self.gateway.clock.monotonic().0 + limits::FILTERS_WAIT);
        let asking = Asking { from_verified, now, until };
        let mut digests = Digests::new(intake);
        let mut copies = Vec::with_capacity(self.recipients.len());
        for recipient in &self.recipients {
            copies.push(self.copy(recipient, intake, &mut digests, &asking).await?);
        }
        Ok(copies)
    }

    async fn copy(
        &self,
        recipient: &Recipient,
        intake: &Intake,
        digests: &mut Digests<'_>,
        asking: &Asking,
    ) -> Result<Copy, Refusal> {
        let now = asking.now;
        let envelope = self.envelope(recipient);
        let answer = self.filter(recipient, envelope.clone(), intake, asking).await?;
        let mut added = Fields::new();
        let fate = match answer {
            Verdict::Accept(headers) => {
                add_headers(&mut added, &headers);
                Fate::Send
            }
            Verdict::Quarantine(reason) => Fate::SetAside(SetAside::quarantined(reason)),
            Verdict::Reject(refusal) => return Err(refusal),
            Verdict::Discard(reason) => match self.gateway.bin_until() {
                None => Fate::Discard(reason),
                until => Fate::SetAside(SetAside { reason, delete_at: until }),
            },
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
            expires: now.plus(self.gateway.patience().expiry.min(mail::limits::EXPIRY_LONGEST)),
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

    /// The chain of outgoing filters, once it has a free place; 451 when it fails, or has none for long.
    async fn filter(
        &self,
        recipient: &Recipient,
        envelope: Envelope,
        intake: &Intake,
        asking: &Asking,
    ) -> Result<Verdict, Refusal> {
        let account = self.person.name();
        let peer = match &recipient.route {
            Route::Local(_) => None,
            Route::Remote(destination) => Some(destination.key()),
        };
        let message = Arc::new(intake.message(self.gateway.storage.clone()));
        let facts = MailFacts {
            direction: Direction::Outgoing,
            envelope,
            peer,
            is_contact: peer.is_none_or(|key| self.person.contact(key).is_some()),
            from_verified: asking.from_verified,
            attributes: Attributes {
                size: Some(intake.prefix.len() as u64 + intake.staged.size),
                ..Attributes::of(recipient.id)
            },
        };
        let failure = loop {
            let asked =
                self.gateway.decisions.filter(account, asking.now, facts.clone(), Arc::clone(&message) as _);
            match asked.await {
                Ok(answer) => return Ok(answer),
                Err(failure) if failure.is_busy && self.gateway.clock.monotonic() < asking.until => {
                    self.gateway.clock.sleep(limits::FILTER_PAUSE).await;
                }
                Err(failure) => break failure,
            }
        };
        self.gateway.decision_failed(account, "mail-filter", &failure);
        Err(match failure.is_busy {
            true => Refusal::transient(
                3,
                2,
                "the mail filters have too much to do and the mail was not sent: send it again later",
            ),
            false => Refusal::transient(
                3,
                0,
                "the mail filter failed and the mail was not sent: send it again later, or choose another filter (the \
                 dashboard shows what went wrong)",
            ),
        })
    }

    /// Makes everything durable in one step (what was discarded is recorded before).
    async fn store(&self, body: StagedBody, copies: Vec<Copy>) -> Result<Accepted, Refusal> {
        let ids: Vec<MailId> = copies.iter().map(|copy| copy.entry.id).collect();
        let (mut entries, mut quarantined, mut discarded) = (Vec::new(), Vec::new(), Vec::new());
        for Copy { entry, fate } in copies {
            match fate {
                Fate::Send => entries.push(entry),
                Fate::SetAside(why) => quarantined.push(quarantine_entry(entry, why)),
                Fate::Discard(reason) => discarded.push((entry, Outcome::Discarded { reason })),
            }
        }
        // Filters take their time, and the account may be removed meanwhile.
        if self.person.is_gone() {
            let text = "this account was removed: log in with another one";
            return Err(Refusal::permanent(7, 1, text));
        }
        let refused = |error| storage_refusal(&error);
        if !discarded.is_empty() {
            self.gateway.storage.record_ended(discarded).await.map_err(refused)?;
        }
        if entries.is_empty() && quarantined.is_empty() {
            self.gateway.storage.discard_body(body).await.map_err(refused)?;
            return Ok(Accepted { ids });
        }
        let waiting: Vec<_> = entries.iter().map(|entry| self.gateway.waiting(entry, true)).collect();
        let submitted: Vec<MailId> = waiting.iter().map(|waiting| waiting.id).collect();
        let gateway = Arc::clone(&self.gateway);
        // A task of its own: what is durable is in the schedule too, whatever becomes of the session meanwhile.
        let stored = supervisor::job("submission", async move {
            gateway.storage.enqueue(body, entries, quarantined).await?;
            waiting.into_iter().for_each(|waiting| gateway.outbox.insert(waiting));
            Ok(())
        });
        let failed = |_| StorageError::failed("the gateway failed while it stored the mail");
        stored.await.unwrap_or_else(|error| Err(failed(error))).map_err(refused)?;
        for id in submitted {
            let account = self.person.name().clone();
            tracing::info!(%account, %id, "submitted");
            self.gateway.events.publish(Event::Submitted { account, id });
        }
        Ok(Accepted { ids })
    }
}

fn quarantine_entry(entry: OutboxEntry, SetAside { reason, delete_at }: SetAside) -> QuarantineEntry {
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
    QuarantineEntry { mail, reason, direction: Direction::Outgoing, outgoing: Some(entry), delete_at }
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
    async fn of(&mut self, added: Fields) -> Result<(Vec<u8>, BodyDigest), mail::storage::StorageError> {
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

/// Adds the header fields that a filter asked for. A field whose name is not valid is left out.
pub(crate) fn add_headers(fields: &mut Fields, headers: &[Header]) {
    for Header { name, value } in headers {
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
