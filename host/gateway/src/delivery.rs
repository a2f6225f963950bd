//! The last step of every incoming mail: the recipient's filters, and the headers put before it.

use std::sync::Arc;
use std::time::Duration;

use mail::decision::Attributes;
use mail::decision::mail_filter::{self, MailFacts, MessageBytes as _};
use mail::header::{AuthenticationResults, FieldName, Fields, HeaderFacts, Received};
use mail::record::{Direction, SetAside};
use mail::{Address, Envelope, FromCheck, MailId, PublicKey, Refusal, ReversePath};

use crate::Gateway;
use crate::limits;
use crate::message::Message;
use crate::people::Person;
use crate::submission::add_headers;

/// A mail that is here, before its filters saw it.
pub(crate) struct Incoming<'a> {
    /// The person whose mailbox it is for.
    pub person: &'a Person,
    /// The key it came from; for local mail that of another account here.
    pub sender: PublicKey,
    /// The contact behind the key, under the name the user gave; None for local mail.
    pub peer: Option<PublicKey>,
    /// Addresses that `From` may have besides the key itself.
    pub allowed: Vec<Address>,
    /// Where an answer reaches the sender.
    pub reply_to: Option<Address>,
    /// How it came, for `Received`.
    pub with: &'static str,
    pub id: MailId,
    pub envelope: &'a Envelope,
    pub facts: &'a HeaderFacts,
    /// `Authentication-Results` of its sender were taken out.
    pub had_results: bool,
    pub message: Message,
}

/// What becomes of an incoming mail.
pub(crate) enum Verdict {
    /// Into the mailbox or, with a reason, into quarantine, with this prefix.
    Deliver { prefix: Vec<u8>, quarantine: Option<SetAside> },
    /// The mail is refused for good.
    Reject(Refusal),
    /// The sender is told to try again.
    Later(Later),
    /// Thrown away for good, for this reason: the user keeps no bin.
    Discard(String),
}

/// A mail is not taken now, and nothing is decided about it.
pub(crate) struct Later {
    /// Why, of class 4.
    pub reason: Refusal,
    /// No earlier than this it is tried again.
    pub after: Duration,
}

impl Gateway {
    /// Runs the recipient's filters. When they fail, the mail is delivered marked, or set aside, as the policy set says. When they were not
    /// asked since too much waits for them, nothing is decided: the mail comes again.
    pub(crate) async fn judge(&self, incoming: Incoming<'_>) -> Verdict {
        let check = mail::from_check::check(incoming.facts, incoming.sender, &incoming.allowed);
        let account = incoming.person.name();
        let size = incoming.message.size();
        let facts = MailFacts {
            direction: Direction::Incoming,
            envelope: incoming.envelope.clone(),
            peer: incoming.peer,
            is_contact: incoming.peer.is_none_or(|key| incoming.person.contact(key).is_some()),
            from_verified: check == FromCheck::Pass,
            attributes: Attributes { size: Some(size), ..Attributes::of(incoming.id) },
        };
        let message = Arc::new(incoming.message.clone());
        let mut added = Fields::new();
        let quarantine = match self.decisions.filter(account, self.clock.wall(), facts, message).await {
            Ok(mail_filter::Verdict::Accept(headers)) => {
                add_headers(&mut added, &headers);
                None
            }
            Ok(mail_filter::Verdict::Quarantine(reason)) => Some(SetAside::quarantined(reason)),
            // Class 4 says that it may be taken another time (RFC 3463 section 2).
            Ok(mail_filter::Verdict::Reject(reason)) if reason.status.class() == 4 => {
                return Verdict::Later(Later { reason, after: limits::FILTER_LATER });
            }
            Ok(mail_filter::Verdict::Reject(refusal)) => return Verdict::Reject(refusal),
            Ok(mail_filter::Verdict::Discard(reason)) => match self.bin_until() {
                None => return Verdict::Discard(reason),
                until => Some(SetAside { reason, delete_at: until }),
            },
            Err(failure) if failure.is_busy => {
                self.decision_failed(account, "mail-filter", &failure);
                let text = "the recipient's mail filters have too much to do: the mail is tried again";
                let reason = Refusal::transient(3, 2, text);
                return Verdict::Later(Later { reason, after: limits::FILTER_BUSY });
            }
            Err(failure) => {
                self.decision_failed(account, "mail-filter", &failure);
                added.text(FieldName::UNFILTERED, &failure.reason);
                let set_aside = self.decisions.quarantine_unfiltered();
                set_aside.then(|| SetAside::quarantined(format!("the filter failed: {}", failure.reason)))
            }
        };
        Verdict::Deliver { prefix: self.prefix(&incoming, check, added), quarantine }
    }

    /// The headers put before a mail.
    fn prefix(&self, incoming: &Incoming<'_>, check: FromCheck, added: Fields) -> Vec<u8> {
        let own_key = self.key_of_account(incoming.person).unwrap_or(PublicKey([0; 32]));
        let mut fields = Fields::new();
        fields.words(FieldName::RETURN_PATH, [incoming.envelope.reverse_path.to_string().as_str()]);
        fields.words(FieldName::DELIVERED_TO, [incoming.envelope.forward_path.to_string().as_str()]);
        AuthenticationResults { by: own_key, sender: incoming.sender, check }.write(&mut fields);
        if incoming.had_results {
            fields.text(
                FieldName::WARNING,
                "the sender wrote Authentication-Results in the name of this gateway, or in an unclear one: they were taken out",
            );
        }
        if let Some(address) = reply_to(incoming, check) {
            fields.words(FieldName::REPLY_TO, [format!("<{address}>").as_str()]);
        }
        let mut prefix = fields.into_bytes();
        prefix.extend_from_slice(added.as_bytes());
        let mut received = Fields::new();
        Received {
            from: Some(incoming.sender),
            by: own_key,
            with: incoming.with,
            id: incoming.id,
            recipient: Some(&incoming.envelope.forward_path),
            time: self.clock.wall(),
        }
        .write(&mut received);
        prefix.extend_from_slice(received.as_bytes());
        prefix
    }
}

/// An answer must reach the sender. Where `From` is not known to do that, and the sender did not say where answers go, this
/// gateway says it.
fn reply_to(incoming: &Incoming<'_>, check: FromCheck) -> Option<Address> {
    let wants_answers = !matches!(incoming.envelope.reverse_path, ReversePath::Null);
    if check == FromCheck::Pass || incoming.facts.reply_to || !wants_answers {
        return None;
    }
    incoming.reply_to.clone()
}
