//! The default mail filter: every mail passes, unless a setting asks for more.
//!
//! | setting | value |
//! | --- | --- |
//! | `quarantine-executables` | `yes`: incoming mails with an attachment that a computer would run are set aside; `no` (default) |
//!
//! To write your own: change [`decide`]. A mail is read through `message`, piece by piece, and only what you ask
//! for is copied; a filter that looks at two headers costs two headers.

mod executables;

#[allow(missing_docs, reason = "generated; the WIT files document it")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "mail-filter" });
}

use bindings::exports::toxmail::gateway::mail_filter_decisions::{
    Context, Direction, Guest, MailFacts, Message, Verdict,
};
use bindings::toxmail::gateway::log::{Level, write};
use bindings::toxmail::gateway::message::MessageError;

struct MailFilter;

impl Guest for MailFilter {
    fn filter(context: Context, facts: MailFacts, mail: &Message) -> Verdict {
        if facts.direction == Direction::Incoming && wants_executables_quarantined(&context) {
            decide(file_names(mail))
        } else {
            accept()
        }
    }
}

/// The verdict on a mail with these attachments; an error where they could not be read.
fn decide(file_names: Result<Vec<String>, MessageError>) -> Verdict {
    match file_names {
        Ok(names) => match names.iter().find(|name| executables::is_executable(name)) {
            Some(name) => Verdict::Quarantine(format!("the attachment `{name}` is a program")),
            None => accept(),
        },
        // What cannot be looked into could hide a program: the user looks.
        Err(MessageError::NotParsed) => Verdict::Quarantine(
            "the mail is too large or too deeply nested to look for programs in it".into(),
        ),
        Err(MessageError::NoSuchPart | MessageError::Unavailable) => {
            Verdict::Quarantine("the mail's attachments could not be read".into())
        }
    }
}

fn accept() -> Verdict {
    Verdict::Accept(Vec::new())
}

fn file_names(mail: &Message) -> Result<Vec<String>, MessageError> {
    Ok(mail.parts()?.into_iter().filter_map(|part| part.file_name).collect())
}

fn wants_executables_quarantined(context: &Context) -> bool {
    match context.settings.iter().find(|(name, _)| name == "quarantine-executables") {
        Some((_, value)) if value == "yes" => true,
        Some((_, value)) if value != "no" => {
            write(Level::Warn, &format!("quarantine-executables is `{value}`; it can be yes or no"));
            false
        }
        _ => false,
    }
}

bindings::export!(MailFilter with_types_in bindings);

#[cfg(test)]
mod tests {
    use super::*;

    fn quarantined(names: Result<Vec<String>, MessageError>) -> bool {
        matches!(decide(names), Verdict::Quarantine(_))
    }

    #[test]
    fn programs_are_set_aside_and_documents_pass() {
        assert!(quarantined(Ok(vec!["notes.txt".into(), "Invoice.PDF.exe".into()])));
        assert!(!quarantined(Ok(vec!["notes.txt".into(), "invoice.pdf".into()])));
        assert!(!quarantined(Ok(vec![])));
    }

    #[test]
    fn what_cannot_be_read_is_set_aside() {
        assert!(quarantined(Err(MessageError::NotParsed)));
    }
}
