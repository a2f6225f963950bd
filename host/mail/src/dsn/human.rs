//! The part that people read.

use super::returned::subject_of;
use super::{Action, Report, quoted_printable};
use crate::header::date_time;
use crate::limits::{DSN_SUBJECT_CHARS, DSN_WORD_BYTES};
use crate::status::EnhancedStatus;

/// Where lines are wrapped.
const WRAP_AT: usize = 72;

/// The text part, headers included.
pub(super) fn part(report: &Report<'_>) -> Vec<u8> {
    let mut text = String::new();
    for paragraph in paragraphs(report) {
        wrap(&paragraph, &mut text);
        text.push_str("\r\n");
    }
    let mut part = b"Content-Type: text/plain; charset=utf-8\r\n".to_vec();
    if text.is_ascii() {
        part.extend_from_slice(b"Content-Transfer-Encoding: 7bit\r\n\r\n");
        part.extend_from_slice(text.as_bytes());
    } else {
        part.extend_from_slice(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        part.extend_from_slice(&quoted_printable::encode(text.as_bytes()));
    }
    part
}

fn paragraphs(report: &Report<'_>) -> Vec<String> {
    let recipient = recipient_as_typed(report);
    let subject = subject_of(report.returned).filter(|subject| !subject.trim().is_empty());
    let mail = match subject {
        Some(subject) => {
            let subject: String = subject.trim().chars().take(DSN_SUBJECT_CHARS).collect();
            format!("Your mail \"{subject}\" of {}", date_time(report.submitted))
        }
        None => format!("Your mail of {}", date_time(report.submitted)),
    };
    let status = report.reason.status;
    let why = report.reason.text();
    match report.action {
        Action::Failed => vec![
            format!("{mail} could not be delivered to {recipient}"),
            format!("Why: {why} (status {status})"),
            "What happens next: nothing. The mail was taken out of the outbox and is not tried again.".to_owned(),
            format!("What you can do: {}", advice(status)),
        ],
        Action::Unconfirmed => vec![
            format!("{mail} may or may not have reached {recipient}"),
            format!("Why: {why} (status {status})"),
            "What happens next: nothing. The mail was taken out of the outbox and is not tried again.".to_owned(),
            "What you can do: ask the recipient, in another way, whether it came. Send it again if it did not."
                .to_owned(),
        ],
        Action::Delayed { until } => vec![
            format!("{mail} has not reached {recipient} yet."),
            format!("Why: {why} (status {status})"),
            format!(
                "What happens next: the gateway goes on trying until {}. You get another notice if it has to give up.",
                date_time(until)
            ),
            "What you can do: nothing is needed. It helps if the recipient starts their gateway while yours is \
             running. To stop trying, cancel the mail in the outbox."
                .to_owned(),
        ],
        Action::Delivered => vec![
            format!("{mail} was delivered to {recipient}"),
            "Their gateway has it safely on disk. This does not say that anybody has read it.".to_owned(),
            "What happens next: nothing more.".to_owned(),
        ],
    }
}

/// The address the sender wrote: ORCPT where there is one.
fn recipient_as_typed(report: &Report<'_>) -> String {
    let original = report.envelope.original_recipient.as_deref();
    let typed = original.and_then(|text| text.split_once(';')).map(|(_, address)| address.trim());
    typed.map_or_else(|| report.envelope.forward_path.to_string(), str::to_owned)
}

/// What helps against a failure of this kind (RFC 3463).
fn advice(status: EnhancedStatus) -> &'static str {
    let code = status.to_string();
    match code.split_once('.').map_or("", |(_, rest)| rest) {
        "1.1" | "1.2" | "1.3" => {
            "check the address for a mistake. If the recipient has a new Tox ID, ask them for it, add it as a contact, and \
             send the mail again."
        }
        "2.2" => "ask the recipient to make room in their mailbox, then send the mail again.",
        "3.4" | "2.3" => "send a smaller mail, for example with fewer or smaller attachments.",
        "4.7" => {
            "ask the recipient, in another way, to start their gateway and to leave it running for a while; then send the \
             mail again."
        }
        "7.1" | "7.0" => {
            "ask the recipient, in another way, to accept mail from you; then send the mail again."
        }
        _ => "send the mail again later. If it fails again, ask the recipient in another way what is wrong.",
    }
}

/// Appends `paragraph` in lines of about [`WRAP_AT`] columns, each ending in CRLF.
fn wrap(paragraph: &str, text: &mut String) {
    let clean = crate::text::one_line(paragraph);
    let mut column = 0;
    for word in clean.split_whitespace().flat_map(pieces) {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WRAP_AT {
            text.push_str("\r\n");
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text.push_str("\r\n");
}

fn pieces(word: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = word;
    while rest.len() > DSN_WORD_BYTES {
        let mut end = DSN_WORD_BYTES;
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}
