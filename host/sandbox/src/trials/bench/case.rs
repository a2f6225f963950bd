//! Case files: what they may say, and where they are wrong.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mail::decision::mail_filter::MessageBytes;
use mail::{AccountName, Wall};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toml::value::Datetime;

use super::ask::Ask;
use crate::capabilities::Contact;
use crate::limits::{CASE_BYTES, CASE_CALLS, CASE_MAIL_BYTES, Limits};

/// The time of calls that name none: 2026-01-01 noon, UTC.
const NOON: Wall = Wall(1_767_268_800_000);

/// The mail of calls that name none.
const MAIL: &str = "From: ben@tox\nTo: anna@tox\nSubject: Hello\n\nHow are you?\n";

/// A case: what is told, what is asked, and what is expected.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is about; the file's name if it does not say.
    pub about: String,
    pub(super) account: AccountName,
    pub(super) settings: Vec<(String, String)>,
    pub(super) state: BTreeMap<String, String>,
    pub(super) dns: BTreeMap<String, DnsAnswer>,
    pub(super) contacts: Vec<Contact>,
    pub(super) accounts: Vec<AccountName>,
    pub(super) limits: Arc<Limits>,
    pub(super) calls: Vec<CaseCall>,
}

/// One call of a case.
#[derive(Clone, Debug)]
pub(super) struct CaseCall {
    pub(super) now: Wall,
    pub(super) ask: Ask,
    pub(super) answer: Option<toml::Value>,
    pub(super) fails: Option<String>,
    pub(super) logs: Option<String>,
    mail: Bytes,
}

/// A case file is wrong: where and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidCase(String);

/// What DNS says of a name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DnsAnswer {
    /// TXT records; none for no answer in time.
    #[serde(default)]
    pub(super) txt: Option<Vec<String>>,
    /// Whether DNSSEC vouches for them.
    #[serde(default)]
    pub(super) secure: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct CaseFile {
    #[serde(default)]
    about: String,
    account: Option<AccountName>,
    now: Option<Datetime>,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default)]
    state: BTreeMap<String, String>,
    #[serde(default)]
    dns: BTreeMap<String, DnsAnswer>,
    #[serde(default)]
    contacts: Vec<ContactFile>,
    #[serde(default)]
    accounts: Vec<AccountName>,
    #[serde(default)]
    limits: Limits,
    call: Vec<CallFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ContactFile {
    alias: String,
    key: Option<mail::PublicKey>,
    tox_id: Option<mail::ToxId>,
    #[serde(default)]
    addresses: Vec<mail::Address>,
    #[serde(default)]
    confirmed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct CallFile {
    now: Option<Datetime>,
    ask: Ask,
    answer: Option<toml::Value>,
    fails: Option<String>,
    logs: Option<String>,
    mail: Option<String>,
    mail_file: Option<String>,
}

impl Case {
    /// Parses a case file. `about` is its name, for cases that do not say what they are about; files it names are looked
    /// for in `directory`.
    ///
    /// # Errors
    /// [`InvalidCase`] with line and column.
    pub fn parse(text: &str, about: &str, directory: Option<&Path>) -> Result<Self, InvalidCase> {
        if text.len() > CASE_BYTES {
            return Err(InvalidCase(format!("a case file may have {CASE_BYTES} bytes")));
        }
        let file: CaseFile = toml::from_str(text).map_err(|error| InvalidCase(error.to_string()))?;
        if file.call.is_empty() || file.call.len() > CASE_CALLS {
            return Err(InvalidCase(format!("a case file has 1 to {CASE_CALLS} calls ([[call]])")));
        }
        let now = file.now.as_ref().map(wall).transpose()?.unwrap_or(NOON);
        let account = match file.account {
            Some(account) => account,
            None => "anna".parse().map_err(|error| InvalidCase(format!("{error}")))?,
        };
        let contacts = file.contacts.into_iter().map(contact).collect::<Result<_, _>>()?;
        let calls = file.call.into_iter().map(|file| call(file, now, directory)).collect::<Result<_, _>>()?;
        Ok(Self {
            about: if file.about.is_empty() { about.to_owned() } else { file.about },
            account,
            settings: file.settings.into_iter().collect(),
            state: file.state,
            dns: file.dns,
            contacts,
            accounts: file.accounts,
            limits: Arc::new(file.limits),
            calls,
        })
    }

    /// How many calls it has.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Reads a case file.
    ///
    /// # Errors
    /// [`InvalidCase`], naming the file.
    pub fn read(path: &Path) -> Result<Self, InvalidCase> {
        let named = |error: &dyn std::fmt::Display| InvalidCase(format!("{}: {error}", path.display()));
        let bytes = read_some(path, CASE_BYTES).map_err(|error| named(&error))?;
        let text = String::from_utf8(bytes).map_err(|error| named(&error))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::parse(&text, &stem, path.parent()).map_err(|error| named(&error))
    }
}

/// Reads a file of `most` bytes at most.
fn read_some(path: &Path, most: usize) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(std::io::Error::other(format!("it is larger than {most} bytes")));
    }
    Ok(bytes)
}

fn wall(datetime: &Datetime) -> Result<Wall, InvalidCase> {
    let invalid = || InvalidCase(format!("`now = {datetime}`: write it as 2026-11-22T23:30:00Z"));
    let time = OffsetDateTime::parse(&datetime.to_string(), &Rfc3339).map_err(|_| invalid())?;
    let milliseconds = u64::try_from(time.unix_timestamp_nanos() / 1_000_000).map_err(|_| invalid())?;
    Ok(Wall(milliseconds))
}

fn contact(file: ContactFile) -> Result<Contact, InvalidCase> {
    let key = file.key.or(file.tox_id.map(|id| id.key));
    let Some(key) = key else {
        return Err(InvalidCase(format!("contact {} needs `key` or `tox-id`", file.alias)));
    };
    Ok(Contact {
        alias: file.alias,
        key,
        tox_id: file.tox_id,
        addresses: file.addresses,
        confirmed: file.confirmed,
    })
}

fn call(file: CallFile, now: Wall, directory: Option<&Path>) -> Result<CaseCall, InvalidCase> {
    let mail = match (file.mail, file.mail_file) {
        (Some(_), Some(_)) => return Err(InvalidCase("a call has `mail` or `mail-file`, not both".into())),
        (Some(text), None) => with_crlf(text.as_bytes()),
        (None, None) => with_crlf(MAIL.as_bytes()),
        (None, Some(name)) => {
            let directory =
                directory.ok_or_else(|| InvalidCase("`mail-file` needs a case in a file".into()))?;
            let path = directory.join(&name);
            let read = read_some(&path, CASE_MAIL_BYTES);
            with_crlf(&read.map_err(|error| InvalidCase(format!("mail-file {}: {error}", path.display())))?)
        }
    };
    if file.answer.is_some() && file.fails.is_some() {
        return Err(InvalidCase("a call is expected to `answer` or to `fails`, not both".into()));
    }
    Ok(CaseCall {
        now: file.now.as_ref().map(wall).transpose()?.unwrap_or(now),
        ask: file.ask,
        answer: file.answer,
        fails: file.fails,
        logs: file.logs,
        mail,
    })
}

/// Mails end their lines with CRLF; case files are written with LF.
fn with_crlf(text: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(text.len() + text.len() / 20);
    let mut before = 0;
    for byte in text {
        if *byte == b'\n' && before != b'\r' {
            bytes.push(b'\r');
        }
        bytes.push(*byte);
        before = *byte;
    }
    bytes.into()
}

/// A mail in memory.
struct InMemory(Bytes);

impl MessageBytes for InMemory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, offset: u64, max: usize) -> Result<Bytes, mail::Cause> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let end = start.saturating_add(max).min(self.0.len());
        Ok(self.0.slice(start..end))
    }
}

impl CaseCall {
    pub(super) fn mail(&self) -> Arc<dyn MessageBytes> {
        Arc::new(InMemory(self.mail.clone()))
    }
}
