//! A mail filter: marks mail from somebody who is not a contact.

#[allow(warnings, reason = "generated from wit/")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "mail-filter" });
}

use bindings::exports::toxmail::gateway::mail_filter_decisions::*;

struct MailFilter;

impl Guest for MailFilter {
    fn filter(_context: Context, facts: MailFacts, mail: &Message) -> Verdict {
        if facts.is_contact || facts.direction == Direction::Outgoing {
            return Verdict::Accept(vec![]);
        }
        let subject = mail.header("Subject").into_iter().next().unwrap_or_default();
        let value = format!("{} characters of subject", subject.chars().count());
        Verdict::Accept(vec![Header { name: "X-Stranger".into(), value }])
    }
}

bindings::export!(MailFilter with_types_in bindings);
