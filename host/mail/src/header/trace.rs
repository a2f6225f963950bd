//! Trace fields: how a mail came here.

use super::date::date_time;
use super::fields::{FieldName, Fields};
use crate::address::Address;
use crate::clock::Wall;
use crate::from_check::FromCheck;
use crate::ids::MailId;
use crate::tox_id::PublicKey;

/// A `Received` field (RFC 5321 section 4.4).
#[derive(Clone, Debug)]
pub struct Received<'a> {
    /// The Tox key the mail came from; None at submission, where the mail program's host is nobody's business.
    pub from: Option<PublicKey>,
    /// The account's key: this gateway's name in the trace is `<key>.tox`.
    pub by: PublicKey,
    /// How it came: `TOX` between gateways, `ESMTPA` from a mail program, `ESMTPSA` over TLS (RFC 3848), `LOCAL` between accounts.
    pub with: &'static str,
    /// The id to look for in the log.
    pub id: MailId,
    /// The address it was delivered to. Never at submission: others who get the mail would read it.
    pub recipient: Option<&'a Address>,
    /// The time for `Received`.
    pub time: Wall,
}

impl Received<'_> {
    /// Adds the field.
    pub fn write(&self, fields: &mut Fields) {
        let from = self.from.map(|key| format!("from {}", trace_name(key)));
        let by = format!("by {}", trace_name(self.by));
        let with = format!("with {} id {}", self.with, self.id);
        let recipient = self.recipient.map(|address| format!("for <{address}>"));
        let mut words: Vec<String> = [from, Some(by), Some(with), recipient].into_iter().flatten().collect();
        if let Some(last) = words.last_mut() {
            last.push(';');
        }
        words.push(date_time(self.time));
        fields.words(FieldName::RECEIVED, words.iter().map(String::as_str));
    }
}

/// The id in the first `Received` field of what a gateway put before a mail: of an incoming mail the id its sender gave it.
#[must_use]
pub fn received_id(prefix: &[u8]) -> Option<MailId> {
    let start = prefix.windows(FIELD.len()).enumerate().find_map(|(at, window)| {
        let is_line = at == 0 || prefix.get(at - 1) == Some(&b'\n');
        (is_line && window.eq_ignore_ascii_case(FIELD)).then_some(at + FIELD.len())
    })?;
    let text = String::from_utf8_lossy(prefix.get(start..)?);
    let mut words = text.split_ascii_whitespace();
    words.find(|word| *word == "id")?;
    words.next()?.trim_end_matches(';').parse().ok()
}

/// The name of the field, with its colon.
const FIELD: &[u8] = b"Received:";

/// The name of a Tox key in trace fields: `<64 hex digits>.tox`.
fn trace_name(key: PublicKey) -> String {
    format!("{}.tox", key.to_string().to_lowercase())
}

/// The authserv-id (RFC 8601 section 2.5) of an account: `<64 hex digits of its key>.tox`.
///
/// Unique, but known to every contact: a field of a mail that comes in under this id is removed
/// ([`HeaderScanner`](super::HeaderScanner)).
#[must_use]
pub fn authserv_id(key: PublicKey) -> String {
    trace_name(key)
}

/// An `Authentication-Results` field (RFC 8601) with the one method there is: `x-tox`, which holds the addresses in
/// `From` against the Tox key that the mail came from.
#[derive(Clone, Debug)]
pub struct AuthenticationResults {
    /// The key of the account that checked.
    pub by: PublicKey,
    /// The key the mail came from.
    pub sender: PublicKey,
    /// What came out.
    pub check: FromCheck,
}

impl AuthenticationResults {
    /// Adds the field.
    pub fn write(&self, fields: &mut Fields) {
        let mut words = vec![format!("{};", authserv_id(self.by)), format!("x-tox={}", self.check.result())];
        words.push(format!("reason=\"{}\"", self.check.reason()));
        words.push(format!("policy.key={}", self.sender.to_string().to_lowercase()));
        fields.words(FieldName::AUTHENTICATION_RESULTS, words.iter().map(String::as_str));
    }
}
