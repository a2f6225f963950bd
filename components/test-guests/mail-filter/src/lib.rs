//! A mail filter that misbehaves as the setting `do` says, learns, and tells what it can read of a mail.

#[allow(missing_docs, reason = "generated; the WIT files document it")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "learning-mail-filter" });
}

use bindings::exports::toxmail::gateway::{mail_filter_decisions, mail_filter_feedback};
use bindings::toxmail::gateway::log::{Level, write};
use bindings::toxmail::gateway::message::Message;
use bindings::toxmail::gateway::state;
use mail_filter_decisions::{Context, Header, MailFacts, Refusal, Verdict};
use mail_filter_feedback::UserDecision;

struct Evil;

impl mischief::Gateway for Evil {
    fn log(text: &str) {
        write(Level::Info, text);
    }

    fn set(key: &str, value: &[u8]) -> bool {
        state::set(key, value).is_ok()
    }
}

impl mail_filter_decisions::Guest for Evil {
    fn filter(context: Context, _facts: MailFacts, mail: &Message) -> Verdict {
        let what = mischief::wanted(&context.settings, "filter");
        mischief::act::<Self>(what);
        match what {
            "huge" => Verdict::Quarantine(mischief::huge()),
            "nonsense" => Verdict::Quarantine("  ".into()),
            "describe" => Verdict::Accept(describe(mail)),
            "quote" => quote(mail),
            "learned" => Verdict::Quarantine(learned()),
            "bad-header" => Verdict::Accept(vec![header("X-Evil", "one\r\nBcc: everybody")]),
            "reserved-header" => Verdict::Accept(vec![header("from", "somebody@else")]),
            "many-headers" => Verdict::Accept((0..1000).map(|_| header("X-Evil", "again")).collect()),
            "read-loop" => loop {
                let _ = mail.raw(0, u32::MAX);
            },
            _ => Verdict::Accept(vec![header("X-Evil", "seen")]),
        }
    }
}

impl mail_filter_feedback::Guest for Evil {
    fn learn(context: Context, _facts: MailFacts, mail: &Message, decision: UserDecision) {
        mischief::act::<Self>(mischief::wanted(&context.settings, "learn"));
        let what = format!("{decision:?} {}", mail.size());
        let _ = state::set("learned", what.as_bytes());
    }
}

fn learned() -> String {
    match state::get("learned") {
        Ok(Some(value)) => String::from_utf8_lossy(&value).into_owned(),
        _ => "nothing".into(),
    }
}

/// What makes no sense, with a text of the mail in it wherever the component may write one.
fn quote(mail: &Message) -> Verdict {
    let subject = mail.header("subject").join(" ");
    write(Level::Warn, &subject);
    let _ = state::get(&subject);
    Verdict::Reject(Refusal { status: subject.clone(), text: subject })
}

/// Each thing that can be read of a mail, as a header field.
fn describe(mail: &Message) -> Vec<Header> {
    let mut fields = vec![
        header("X-Size", &mail.size().to_string()),
        header("X-Subject", &mail.header("SUBJECT").join("|")),
        header("X-Names", &mail.header_names().join(",")),
        header(
            "X-Raw",
            &mail
                .raw(0, 4)
                .map_or("error".into(), |bytes| String::from_utf8_lossy(&bytes).escape_debug().to_string()),
        ),
    ];
    match mail.parts() {
        Ok(parts) => {
            for part in parts {
                let text = mail.text(part.index, 0, 20).unwrap_or_else(|_| "no text".into());
                let (parent, name) = (part.parent, part.file_name);
                let line =
                    format!("{parent:?} {} {name:?} {} {}", part.content_type, part.attachment, part.size);
                fields.push(header("X-Part", &format!("{line} {}", text.trim())));
            }
        }
        Err(error) => fields.push(header("X-Parts", &format!("{error:?}"))),
    }
    fields
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.into(), value: value.into() }
}

bindings::export!(Evil with_types_in bindings);
