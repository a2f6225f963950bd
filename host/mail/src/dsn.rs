//! Delivery status notifications: what the sender reads when a mail fails, takes long, or was delivered
//! (RFC 3464, with RFC 6533 where an address or a text is not ASCII).
//!
//! Complete CRLF-terminated messages come out, whatever went in: the texts and headers quoted in them came from peers, and
//! can neither end a line early nor make one too long.

mod human;
mod machine;
mod quoted_printable;
mod returned;

use crate::address::Address;
use crate::clock::Wall;
use crate::envelope::{Envelope, ReversePath};
use crate::header::{FieldName, Fields, authserv_id, date_time};
use crate::ids::MailId;
use crate::status::Refusal;
use crate::tox_id::PublicKey;

/// The local part that reports come from.
const SENDER: &str = "mailer-daemon";

/// What happened to a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It was given up.
    Failed,
    /// It was given up without the recipient's word, although it may have reached them. RFC 3464 section 2.3.3 has no word for that:
    /// for programs it is a failure, people read more.
    Unconfirmed,
    /// It takes long, and is tried until this time.
    Delayed {
        /// When it will be given up.
        until: Wall,
    },
    /// The recipient has it.
    Delivered,
}

/// What is returned of the mail.
#[derive(Clone, Copy, Debug)]
pub enum Returned<'a> {
    /// Its header section (the first bytes of the mail, with or without body behind): cut to 64 KB.
    Headers(&'a [u8]),
    /// The whole mail. Where it is not fit to stand in a report (lines over 998 bytes, bare CR or LF, NUL) its headers
    /// are returned instead.
    Full(&'a [u8]),
}

/// A notification about one mail to one recipient.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What happened.
    pub action: Action,
    /// Why, and the status. For [`Action::Delivered`] a refusal of class 2 that says so.
    pub reason: &'a Refusal,
    /// The envelope of the mail.
    pub envelope: &'a Envelope,
    /// The key of the account whose mail it was: this gateway's name is `<key>.tox`.
    pub reporter: PublicKey,
    /// The mail's id in the outbox.
    pub mail: MailId,
    /// Random: names this report, and separates its parts.
    pub id: MailId,
    /// When the mail was submitted.
    pub submitted: Wall,
    /// The time of the report.
    pub time: Wall,
    /// What is returned of the mail.
    pub returned: Returned<'a>,
}

/// Writes the report. None for a mail with a null reverse-path: nobody is told about a report
/// (RFC 5321 section 6.1). The report's own reverse-path is null.
#[must_use]
pub fn write(report: &Report<'_>) -> Option<Vec<u8>> {
    let ReversePath::Mailbox(to) = &report.envelope.reverse_path else { return None };
    let boundary = format!("toxmail-{}", report.id);
    let mut message = header_section(report, to, &boundary);
    for part in [human::part(report), machine::part(report), returned::part(report)] {
        message.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        message.extend_from_slice(&part);
    }
    message.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Some(message)
}

fn header_section(report: &Report<'_>, to: &Address, boundary: &str) -> Vec<u8> {
    let subject = match report.action {
        Action::Failed => "Your mail could not be delivered",
        Action::Unconfirmed => "Your mail may not have been delivered",
        Action::Delayed { .. } => "Your mail is not delivered yet",
        Action::Delivered => "Your mail was delivered",
    };
    let from = format!("<{SENDER}@{}>", crate::address::TOX_DOMAIN);
    let to = format!("<{to}>");
    let message_id = format!("<{}@{}>", report.id, authserv_id(report.reporter));
    let boundary = format!("boundary=\"{boundary}\"");
    let mut fields = Fields::new();
    fields
        .words(FieldName::RETURN_PATH, ["<>"])
        .words(FieldName::DATE, [date_time(report.time).as_str()])
        .words(FieldName::FROM, ["Toxmail", &from])
        .words(FieldName::TO, [to.as_str()])
        .words(FieldName::SUBJECT, [subject])
        .words(FieldName::MESSAGE_ID, [message_id.as_str()])
        .words(FieldName::AUTO_SUBMITTED, ["auto-replied"])
        .words(FieldName::MIME_VERSION, ["1.0"])
        .words(FieldName::CONTENT_TYPE, ["multipart/report;", "report-type=delivery-status;", &boundary]);
    let mut section = fields.into_bytes();
    section.extend_from_slice(b"\r\n");
    section
}

#[cfg(test)]
mod tests;
