//! What is remembered of a decision: enough to ask another component the same.
//!
//! The gateway puts no mail text into it. The component's own words (see [`DecisionRecord::without_words`]) may quote the mail: they are
//! bounded, belong to the account, and can be left out.

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
    /// The account that the decision is for.
    pub account: AccountName,
    /// The version of the component; [`DecisionRecord::NO_COMPONENT`] if a filter is lost, or the slot empty.
    pub component: ComponentDigest,
    /// The facts of the call, as JSON.
    pub facts: String,
    /// What capabilities answered, in order. State is named by key only.
    pub capability_calls: Vec<CapabilityCall>,
    /// Capability calls that are not in the list, because it was full.
    pub capability_calls_dropped: u64,
    /// The answer, as JSON, or why there is none. Texts in it are the component's words.
    pub outcome: Result<String, Failure>,
    /// Lines the component logged: its words.
    pub log: Vec<LogLine>,
    /// Log lines over the limit.
    pub log_lines_dropped: u64,
    /// When the call was made.
    pub when: Wall,
    /// How long it took, waiting for a thread left out.
    pub duration: Duration,
    /// Whether the component's words were left out, as the owner wants it.
    #[serde(default)]
    pub words_left_out: bool,
    /// Whether parts were cut because the record was larger than one may be.
    #[serde(default)]
    pub is_cut: bool,
}

impl DecisionRecord {
    /// The version of a component that is no longer known: no file has this digest.
    pub const NO_COMPONENT: ComponentDigest = ComponentDigest([0; 32]);

    /// A decision for which no component could be asked.
    pub(crate) fn without_component(
        (slot, function, entry): (Slot, &str, &str),
        (account, when): (&AccountName, Wall),
        facts: String,
        failure: Failure,
    ) -> Self {
        Self {
            slot,
            function: function.to_owned(),
            entry: entry.to_owned(),
            account: account.clone(),
            component: Self::NO_COMPONENT,
            facts,
            capability_calls: Vec::new(),
            capability_calls_dropped: 0,
            outcome: Err(failure),
            log: Vec::new(),
            log_lines_dropped: 0,
            when,
            duration: Duration::ZERO,
            words_left_out: false,
            is_cut: false,
        }
    }

    /// The record as JSON, cut to `most` bytes if it is larger: of its log and its questions the first stay, of its facts and its answer
    /// the beginnings, as JSON texts.
    ///
    /// # Errors
    /// It has no JSON form.
    pub fn to_json(&self, most: usize) -> Result<Vec<u8>, serde_json::Error> {
        let whole = serde_json::to_vec(self)?;
        if whole.len() <= most { Ok(whole) } else { serde_json::to_vec(&self.cut(most / 8)) }
    }

    /// The record with at most this many bytes in each of its four large parts, as JSON.
    fn cut(&self, part: usize) -> Self {
        let (calls, log) = (first(&self.capability_calls, part), first(&self.log, part));
        let dropped = |all: usize, kept: usize| all.saturating_sub(kept) as u64;
        Self {
            facts: beginning(&self.facts, part),
            capability_calls_dropped: self
                .capability_calls_dropped
                .saturating_add(dropped(self.capability_calls.len(), calls.len())),
            capability_calls: calls,
            outcome: self.outcome.as_ref().map(|answer| beginning(answer, part)).map_err(Clone::clone),
            log_lines_dropped: self.log_lines_dropped.saturating_add(dropped(self.log.len(), log.len())),
            log,
            is_cut: true,
            ..self.clone()
        }
    }
}

/// The first of `items`, as many as take `most` bytes as JSON.
fn first<T: Clone + Serialize>(items: &[T], most: usize) -> Vec<T> {
    let mut left = most;
    let fits = |item: &&T| match left.checked_sub(json(item).len() + 1) {
        Some(less) => {
            left = less;
            true
        }
        None => false,
    };
    items.iter().take_while(fits).cloned().collect()
}

/// The beginning of a JSON text, as a JSON text, if it takes more than `most` bytes within JSON.
fn beginning(text: &str, most: usize) -> String {
    if json(&text).len() <= most {
        return text.to_owned();
    }
    // Of JSON each byte takes four at most when it is quoted twice.
    json(&format!("{}... ({} bytes)", mail::text::cut(text, most.saturating_sub(64) / 4), text.len()))
}

/// A line a component logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How important the line is.
    pub level: LogLevel,
    /// The text, one line.
    pub text: String,
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// For the component's author.
    Debug,
    /// A user may want to know it.
    Info,
    /// A user should look at it.
    Warn,
    /// The component cannot do its work.
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
        /// The kind of question: by alias, key or address.
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
        /// The name of the function.
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
        let text = crate::questions::validate::one_line(text, LOG_LINE_BYTES);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> DecisionRecord {
        DecisionRecord {
            slot: Slot::Policy,
            function: "next-attempt".into(),
            entry: "policy".into(),
            account: "anna".parse().unwrap(),
            component: ComponentDigest([1; 32]),
            facts: r#"{"attempts":1}"#.into(),
            capability_calls: Vec::new(),
            capability_calls_dropped: 1,
            outcome: Ok(r#"{"after":7}"#.into()),
            log: Vec::new(),
            log_lines_dropped: 2,
            when: Wall(7),
            duration: Duration::from_millis(3),
            words_left_out: false,
            is_cut: false,
        }
    }

    #[test]
    fn a_record_that_is_too_large_is_cut_and_says_so() {
        const MOST: usize = 1 << 20;
        // The worst in JSON: each character becomes six.
        let line = LogLine { level: LogLevel::Info, text: "\u{1}".repeat(LOG_LINE_BYTES) };
        let call = CapabilityCall::State { function: "get".into(), key: "\u{1}".repeat(256) };
        let quoted = json(&"\"\\\u{1}ä".repeat(500_000));
        let large = DecisionRecord {
            log: vec![line; 500],
            capability_calls: vec![call; 5000],
            facts: quoted.clone(),
            outcome: Ok(quoted),
            ..record()
        };
        let json = large.to_json(MOST).unwrap();
        assert!((MOST / 4..=MOST).contains(&json.len()), "{}", json.len());
        let cut: DecisionRecord = serde_json::from_slice(&json).unwrap();
        assert!(cut.is_cut);
        assert_eq!(cut.log.len() as u64 + cut.log_lines_dropped, 502);
        assert_eq!(cut.capability_calls.len() as u64 + cut.capability_calls_dropped, 5001);
        assert!(!cut.log.is_empty() && !cut.capability_calls.is_empty());
        for text in [&cut.facts, cut.outcome.as_ref().unwrap()] {
            let text: String = serde_json::from_str(text).unwrap();
            assert!(text.starts_with("\"\\\"") && text.ends_with("bytes)"), "a text that says so");
        }
        assert_eq!((cut.function, cut.when), (large.function, large.when));
    }

    #[test]
    fn of_a_record_that_is_too_large_what_is_small_stays() {
        let line = LogLine { level: LogLevel::Info, text: "x".repeat(1000) };
        let large = DecisionRecord { log: vec![line; 100], ..record() };
        let cut: DecisionRecord = serde_json::from_slice(&large.to_json(50_000).unwrap()).unwrap();
        assert_eq!((&cut.facts, &cut.outcome), (&large.facts, &large.outcome));
        assert!(cut.is_cut && cut.log_lines_dropped > 2);
    }

    #[test]
    fn a_record_that_fits_stays_whole() {
        let json = record().to_json(10_000).unwrap();
        assert_eq!(serde_json::from_slice::<DecisionRecord>(&json).unwrap(), record());
    }
}
