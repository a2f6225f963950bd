//! What is remembered of a decision: enough to ask another component the same, and never mail text.

use std::time::Duration;

use mail::{AccountName, ComponentDigest, Wall};
use serde::{Deserialize, Serialize};

use crate::capabilities::{Contact, DnsError, TxtAnswer};
use crate::failure::Failure;
use crate::limits::{LOG_LINE_BYTES, RECORD_BYTES};
use crate::slot::Slot;

/// One call of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The slot.
    pub slot: Slot,
    /// The function of the slot's interface, `next-attempt` for instance.
    pub function: String,
    /// The entry of the policy set.
    pub entry: String,
    /// For whom was decided.
    pub account: AccountName,
    /// Which version of the component.
    pub component: ComponentDigest,
    /// The facts of the call, as JSON.
    pub facts: String,
    /// What capabilities answered, in order. State is named by key only.
    pub capability_calls: Vec<CapabilityCall>,
    /// Capability calls that are not in the list, because it was full.
    pub capability_calls_dropped: u64,
    /// The answer, as JSON, or why there is none.
    pub outcome: Result<String, Failure>,
    /// Lines the component logged.
    pub log: Vec<LogLine>,
    /// Log lines over the limit.
    pub log_lines_dropped: u64,
    /// When the call was made.
    pub when: Wall,
    /// How long it took, waiting for a thread left out.
    pub duration: Duration,
}

/// A line a component logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How important.
    pub level: LogLevel,
    /// One line.
    pub text: String,
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// For the component's author.
    Debug,
    /// Worth knowing.
    Info,
    /// Somebody should look.
    Warn,
    /// Something is broken.
    Error,
}

/// A call of a capability and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "call")]
pub enum CapabilityCall {
    /// `dns.lookup-txt`.
    LookupTxt {
        /// The name.
        name: String,
        /// What DNS said.
        answer: Result<TxtAnswer, DnsError>,
    },
    /// `contacts.by-alias`, `by-key`, `by-address`.
    Contact {
        /// Which of the three.
        by: String,
        /// The alias, key or address.
        value: String,
        /// The contact.
        answer: Option<Contact>,
    },
    /// `contacts.account-of`.
    AccountOf {
        /// The address.
        address: String,
        /// The account.
        answer: Option<AccountName>,
    },
    /// A function of `state`; values are not recorded, replays run on a copy of the state.
    State {
        /// Which function.
        function: String,
        /// The key or prefix.
        key: String,
    },
}

/// Collects what a call did, within bounds.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    pub(crate) calls: Vec<CapabilityCall>,
    pub(crate) calls_dropped: u64,
    pub(crate) log: Vec<LogLine>,
    pub(crate) log_dropped: u64,
    bytes: usize,
    log_bytes: usize,
}

impl Transcript {
    /// Keeps a call of about `bytes`, if there is room.
    pub(crate) fn call(&mut self, bytes: usize, call: impl FnOnce() -> CapabilityCall) {
        // Each call costs something even when its texts are empty.
        let bytes = self.bytes.saturating_add(bytes).saturating_add(64);
        if bytes > RECORD_BYTES {
            self.calls_dropped += 1;
        } else {
            self.bytes = bytes;
            self.calls.push(call());
        }
    }

    /// Keeps a log line, cut and cleaned, if the call has not logged too much.
    pub(crate) fn log(&mut self, level: LogLevel, text: &str, lines: u32, bytes: u32) -> Option<&LogLine> {
        let text = crate::validate::one_line(text, LOG_LINE_BYTES);
        let total = self.log_bytes.saturating_add(text.len());
        if self.log.len() >= lines as usize || total > bytes as usize {
            self.log_dropped += 1;
            return None;
        }
        self.log_bytes = total;
        self.log.push(LogLine { level, text });
        self.log.last()
    }
}

/// Facts and answers have no maps with odd keys and no failing parts: they always have a JSON form.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"unserialisable\":\"{error}\"}}"))
}
