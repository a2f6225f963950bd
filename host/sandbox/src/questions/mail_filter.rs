//! Slot `mail-filter`: its questions in the words of wit/mail-filter.wit, and its answers checked.

use mail::MailId;
use mail::decision::mail_filter::{Feedback, Header, MailFacts, UserDecision, Verdict};
use mail::record::Direction;
use wasmtime::Store;
use wasmtime::component::Resource;

use crate::engine::bindings::host::toxmail::gateway::types;
use crate::engine::bindings::learning_mail_filter::exports::toxmail::gateway as learning;
use crate::engine::bindings::mail_filter::exports::toxmail::gateway::mail_filter_decisions as wit;
use crate::engine::guest::Guest;
use crate::engine::version::Prepared;
use crate::limits::{HEADER_NAME_BYTES, HEADER_VALUE_BYTES, HEADERS_ADDED};
use crate::questions::message::Message;
use crate::questions::validate::{self, Nonsense};
use crate::questions::{self, Question, Unanswered};
use crate::slot::Slot;

impl Question for MailFacts {
    const SLOT: Slot = Slot::MailFilter;
    const FUNCTION: &'static str = "filter";
    type Answer = Verdict;

    fn mail(&self) -> Option<MailId> {
        self.attributes.mail
    }

    fn direction(&self) -> Option<Direction> {
        Some(self.direction)
    }

    fn ask(
        &self,
        prepared: &Prepared,
        store: &mut Store<Guest>,
        context: &types::Context,
    ) -> Result<Verdict, Unanswered> {
        let filter = prepared.mail_filter()?.instantiate(&mut *store)?;
        let guest = filter.toxmail_gateway_mail_filter_decisions();
        let facts = wit::MailFacts {
            direction: direction(self.direction),
            envelope: questions::envelope_of(&self.envelope),
            peer: self.peer.map(|key| key.to_string()),
            is_contact: self.is_contact,
            from_verified: self.from_verified,
            attributes: self.attributes.to_list(),
        };
        let most = store.data().output_items(HEADERS_ADDED);
        Ok(check(guest.call_filter(store, context, &facts, the_message())?, most)?)
    }
}

impl Question for Feedback {
    const SLOT: Slot = Slot::MailFilter;
    const FUNCTION: &'static str = "learn";
    type Answer = ();

    fn mail(&self) -> Option<MailId> {
        self.facts.attributes.mail
    }

    fn direction(&self) -> Option<Direction> {
        Some(self.facts.direction)
    }

    fn ask(
        &self,
        prepared: &Prepared,
        store: &mut Store<Guest>,
        context: &types::Context,
    ) -> Result<(), Unanswered> {
        // A filter that does not learn is told nothing.
        let Some(filter) = prepared.learning_mail_filter()? else { return Ok(()) };
        let filter = filter.instantiate(&mut *store)?;
        let facts = learning::mail_filter_decisions::MailFacts {
            direction: direction(self.facts.direction),
            envelope: questions::envelope_of(&self.facts.envelope),
            peer: self.facts.peer.map(|key| key.to_string()),
            is_contact: self.facts.is_contact,
            from_verified: self.facts.from_verified,
            attributes: self.facts.attributes.to_list(),
        };
        let decision = match self.decision {
            UserDecision::Released => learning::mail_filter_feedback::UserDecision::Released,
            UserDecision::Deleted => learning::mail_filter_feedback::UserDecision::Deleted,
            UserDecision::Spam => learning::mail_filter_feedback::UserDecision::Spam,
            UserDecision::NotSpam => learning::mail_filter_feedback::UserDecision::NotSpam,
        };
        let guest = filter.toxmail_gateway_mail_filter_feedback();
        guest.call_learn(store, context, &facts, the_message(), decision)?;
        Ok(())
    }
}

/// Beginnings of names that are reserved: parts of MIME (RFC 2045), signatures of mail systems (RFC 8617), who sent a mail
/// on and to whom (RFC 5322 section 3.6.6), the gateway's own.
const RESERVED_PREFIXES: [&str; 5] = ["arc-", "autocrypt", "content-", "resent-", "x-toxmail"];

/// Fields that a mail has once (RFC 5322 section 3.6, RFC 2045 section 3), that the gateway or another mail system vouches for
/// (RFC 8601, RFC 6376), or that make the reader's program send something by itself or elsewhere (RFC 2369, RFC 8058, RFC 8098, Autocrypt): added by
/// a filter they would change what the mail says.
const RESERVED: [&str; 32] = [
    "authentication-results",
    "bcc",
    "cc",
    "date",
    "delivered-to",
    "disposition-notification-to",
    "dkim-signature",
    "domainkey-signature",
    "errors-to",
    "from",
    "in-reply-to",
    "list-archive",
    "list-help",
    "list-owner",
    "list-post",
    "list-subscribe",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "mail-followup-to",
    "message-id",
    "mime-version",
    "received",
    "received-spf",
    "references",
    "reply-to",
    "return-path",
    "return-receipt-requested",
    "return-receipt-to",
    "sender",
    "subject",
    "to",
    "x-confirm-reading-to",
];

/// A call has one mail: the handle needs no number.
fn the_message() -> Resource<Message> {
    Resource::new_borrow(0)
}

fn direction(direction: Direction) -> types::Direction {
    match direction {
        Direction::Outgoing => types::Direction::Outgoing,
        Direction::Incoming => types::Direction::Incoming,
    }
}

fn check(verdict: wit::Verdict, most: usize) -> Result<Verdict, Nonsense> {
    match verdict {
        wit::Verdict::Accept(headers) => {
            if headers.len() > most {
                let count = headers.len();
                return Err(Nonsense::new(format!("it adds {count} header fields; {most} at most")));
            }
            Ok(Verdict::Accept(headers.into_iter().map(check_header).collect::<Result<_, _>>()?))
        }
        wit::Verdict::Quarantine(text) => Ok(Verdict::Quarantine(validate::reason(&text)?)),
        wit::Verdict::Reject(refusal) => Ok(Verdict::Reject(validate::refusal(&refusal, &[4, 5])?)),
        wit::Verdict::Discard(text) => Ok(Verdict::Discard(validate::reason(&text)?)),
    }
}

fn check_header(header: wit::Header) -> Result<Header, Nonsense> {
    let wit::Header { name, value } = header;
    let name_fits = (1..=HEADER_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !name_fits {
        return Err(Nonsense::new(format!("`{}` is no name of a header field", validate::quoted(&name))));
    }
    let lower = name.to_ascii_lowercase();
    let has_reserved_prefix = RESERVED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix));
    if has_reserved_prefix || RESERVED.contains(&lower.as_str()) {
        return Err(Nonsense::new(format!(
            "a filter may not add the field {name}: it would change the mail"
        )));
    }
    if value.len() > HEADER_VALUE_BYTES || value.chars().any(mail::text::is_unsafe) {
        return Err(Nonsense::new(format!(
            "the value of {name} is too long, or is not one line of harmless characters"
        )));
    }
    Ok(Header { name, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_adds_no_field_that_somebody_vouches_for_or_that_makes_a_program_act() {
        let header = |name: &str, value: &str| wit::Header { name: name.to_owned(), value: value.to_owned() };
        for name in [
            "X-Toxmail-Unfiltered",
            "X-Toxmail",
            "List-Unsubscribe-Post",
            "ARC-Seal",
            "DKIM-Signature",
            "Autocrypt",
            "Disposition-Notification-To",
            "Return-Receipt-To",
            "X-Confirm-Reading-To",
            "Resent-Bcc",
            "Received-SPF",
            "Mail-Followup-To",
            "Content-Type",
            "from",
        ] {
            assert!(check_header(header(name, "x")).is_err(), "{name}");
        }
        assert!(check_header(header("X-Spam-Score", "3")).is_ok());
        assert!(check_header(header("X-Spam-Score", "3\u{202e}1")).is_err());
    }
}
