//! Components on trial, as the web API asks for them: shadows and replays.

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};
use std::sync::Arc;
use std::time::Duration;

use admin::ManagementError;
use admin::dto::{Answer, BeginShadow, Difference, Health, NotReplayed, Replay, ReplayQuery, Shadow, Slot};
use admin::management::{Accounts as _, Candidate, Result, Trials};
use async_trait::async_trait;
use mail::decision::mail_filter::{MailFacts, MessageBytes};
use mail::record::Direction;
use mail::storage::{Outbox as _, Quarantine as _, StorageError};
use mail::{AccountName, Cause, Wall};
use sandbox::{DecisionRecord, History, Outcome, ShadowReport};
use serde_json::Value;
use store::Store;
use tokio::runtime::Handle;

use super::GatewayManagement;
use super::errors::{library_error, swap_error};
use super::feedback::StoredMail;
use crate::adapters::slots::{sandbox_slot, shown_slot};
use crate::limits::{REPLAY_ARRIVAL, REPLAY_DECISIONS_AT_A_TIME, REPLAY_MAILS};

fn no_shadow(slot: Slot) -> ManagementError {
    ManagementError::NotFound(format!(
        "slot {slot} has no shadow: `toxmail slot shadow {slot} NAME` begins one (a restart ends it)"
    ))
}

#[async_trait]
impl Trials for GatewayManagement {
    async fn shadow(&self, slot: Slot) -> Result<Shadow> {
        shown(self.sandbox.shadow(sandbox_slot(slot)).ok_or_else(|| no_shadow(slot))?)
    }

    async fn begin_shadow(&self, slot: Slot, shadow: BeginShadow) -> Result<Shadow> {
        let component = self.library.find(&shadow.component.to_string()).map_err(library_error)?.sha256;
        let accounts = self.accounts().await?.into_iter().map(|account| account.name).collect();
        let (slot, entry, now) = (sandbox_slot(slot), shadow.entry.as_deref(), self.clock.wall());
        let begun = self.sandbox.begin_shadow(slot, entry, component, accounts, now).await;
        shown(begun.map_err(swap_error)?)
    }

    async fn end_shadow(&self, slot: Slot) -> Result<Shadow> {
        shown(self.sandbox.end_shadow(sandbox_slot(slot)).ok_or_else(|| no_shadow(slot))?)
    }

    async fn replay(&self, candidate: Candidate, query: ReplayQuery) -> Result<Replay> {
        let candidate = match candidate {
            Candidate::Known(component) => {
                let info = self.library.find(&component.to_string()).map_err(library_error)?;
                sandbox::Candidate::Known(info.sha256)
            }
            Candidate::File(bytes) => sandbox::Candidate::File(bytes.to_vec()),
        };
        let slot = sandbox_slot(query.slot);
        let days = Duration::from_secs(u64::from(query.days) * 24 * 3600);
        let from = Wall(self.clock.wall().0.saturating_sub(days.as_millis().try_into().unwrap_or(u64::MAX)));
        let history = StoredHistory::new(self.store.clone(), slot, from);
        let report = self.sandbox.replay(slot, query.entry.as_deref(), candidate, history).await;
        let report = report.map_err(swap_error)?;
        Ok(Replay {
            slot: shown_slot(report.slot),
            entry: report.entry,
            sha256: report.sha256,
            decisions: report.decisions,
            same: report.same,
            different: report.different,
            differences: report.differences.into_iter().map(difference).collect(),
            not_replayed: report
                .not_replayed
                .into_iter()
                .map(|(why, decisions)| NotReplayed { why, decisions })
                .collect(),
            incomplete: report.incomplete,
            microseconds: u64::try_from(report.duration.as_micros()).unwrap_or(u64::MAX),
        })
    }
}

fn shown(report: ShadowReport) -> Result<Shadow> {
    let internal = |error: admin::dto::InvalidComponentName| ManagementError::Internal(error.to_string());
    Ok(Shadow {
        slot: shown_slot(report.slot),
        entry: report.entry,
        name: report.name.parse().map_err(internal)?,
        sha256: report.sha256,
        since: report.since.into(),
        health: if report.health.is_failing { Health::Failing } else { Health::Ok },
        stopped: report.stopped,
        calls: report.health.calls,
        failures: report.health.failures,
        same: report.same,
        different: report.different,
        dropped: report.dropped,
        not_compared: report.not_compared,
        not_compared_why: report.not_compared_why,
        differences: report.differences.into_iter().map(difference).collect(),
    })
}

fn difference(difference: sandbox::Difference) -> Difference {
    Difference {
        id: difference.id,
        time: difference.when.into(),
        function: difference.function,
        account: difference.account,
        facts: value(&difference.facts),
        live: answer(difference.live),
        other: answer(difference.other),
    }
}

fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Ok(answer) => Answer { answer: Some(value(&answer)), failure: None },
        Err(failure) => Answer { answer: None, failure: Some(failure.to_string()) },
    }
}

/// What a component was told and answered is JSON.
fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// Decisions in the store, and the mails they were about.
struct StoredHistory {
    store: Store,
    slot: sandbox::Slot,
    from: Wall,
    after: u64,
    read: VecDeque<store::Decision>,
    is_at_end: bool,
    runtime: Handle,
    mails: HashMap<AccountName, Vec<Kept>>,
}

/// A mail that is still stored.
struct Kept {
    direction: Direction,
    at: Wall,
    mail: mail::record::MailboxEntry,
}

impl StoredHistory {
    fn new(store: Store, slot: sandbox::Slot, from: Wall) -> Self {
        let runtime = Handle::current();
        let (read, mails) = (VecDeque::new(), HashMap::new());
        Self { store, slot, from, after: 0, read, is_at_end: false, runtime, mails }
    }

    /// The mails of an account, newest first.
    fn mails(&mut self, account: &AccountName) -> &[Kept] {
        match self.mails.entry(account.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let mails = self.runtime.block_on(stored_mails(&self.store, account));
                place.insert(mails.unwrap_or_else(|error| {
                    tracing::warn!(%error, %account, "a replay cannot read the mails");
                    Vec::new()
                }))
            }
        }
    }
}

async fn stored_mails(store: &Store, account: &AccountName) -> std::result::Result<Vec<Kept>, StorageError> {
    let mut mails = Vec::new();
    for item in store.mailbox_list(account).await?.into_iter().rev().take(REPLAY_MAILS) {
        // One that was fetched and deleted meanwhile is no longer stored.
        let Ok(mail) = store.mailbox_entry(account, item.number).await else { continue };
        mails.push(Kept { direction: Direction::Incoming, at: mail.received, mail });
    }
    for entry in store.quarantine(account).await? {
        mails.push(Kept { direction: entry.direction, at: entry.mail.received, mail: entry.mail });
    }
    for entry in waiting_mails(store, account).await? {
        let mail = mail::record::MailboxEntry {
            number: 0,
            uidl: entry.id,
            received: entry.created,
            prefix: entry.prefix,
            body: entry.body,
            size: entry.size,
            sender: None,
            envelope: entry.envelope,
        };
        mails.push(Kept { direction: Direction::Outgoing, at: entry.created, mail });
    }
    Ok(mails)
}

/// The mails of an account in the outbox, as many as are looked at.
async fn waiting_mails(
    store: &Store,
    account: &AccountName,
) -> std::result::Result<Vec<mail::record::OutboxEntry>, StorageError> {
    let mut found = Vec::new();
    let mut page = store.outbox_page(None, REPLAY_MAILS).await?;
    while let Some(last) = page.last().map(|entry| entry.id).filter(|_| found.len() < REPLAY_MAILS) {
        found.extend(page.into_iter().filter(|entry| entry.account == *account));
        page = store.outbox_page(Some(last), REPLAY_MAILS).await?;
    }
    found.truncate(REPLAY_MAILS);
    Ok(found)
}

impl History for StoredHistory {
    fn next(&mut self) -> Option<std::result::Result<(u64, DecisionRecord), sandbox::NotReplayed>> {
        if self.read.is_empty() && !self.is_at_end {
            let asked = self.store.decisions_since(
                self.slot.name(),
                self.from,
                self.after,
                REPLAY_DECISIONS_AT_A_TIME,
            );
            match self.runtime.block_on(asked) {
                Ok(read) => {
                    self.is_at_end = read.len() < REPLAY_DECISIONS_AT_A_TIME;
                    self.after = read.last().map_or(self.after, |last| last.id);
                    self.read = read.into();
                }
                Err(error) => {
                    self.is_at_end = true;
                    return Some(Err(sandbox::NotReplayed::Unreadable(Cause::new(error))));
                }
            }
        }
        let decision = self.read.pop_front()?;
        let record = serde_json::from_slice(&decision.record);
        Some(match record {
            Ok(record) => Ok((decision.id, record)),
            Err(_) => Err(sandbox::NotReplayed::OtherVersion),
        })
    }

    fn mail(&mut self, record: &DecisionRecord, facts: &MailFacts) -> Option<Arc<dyn MessageBytes>> {
        let size = facts.attributes.size?;
        let store = self.store.clone();
        let candidates = self.mails(&record.account).iter().filter(|kept| {
            kept.direction == facts.direction
                && kept.mail.envelope == facts.envelope
                // Of mail between accounts of this gateway filters are told no key.
                && (kept.direction == Direction::Outgoing || facts.peer.is_none() || kept.mail.sender == facts.peer)
                && kept.at >= record.when
                && kept.at.since(record.when) <= REPLAY_ARRIVAL
        });
        let fitting =
            candidates.filter_map(|kept| Some((kept.at, StoredMail::filtered(&store, &kept.mail, size)?)));
        let (_, mail) = fitting.min_by_key(|(at, _)| *at)?;
        Some(Arc::new(mail))
    }
}

impl StoredMail {
    /// A mail as its filters saw it, without what was put before it later: its last `size` bytes. None if it cannot be the one.
    fn filtered(store: &Store, mail: &mail::record::MailboxEntry, size: u64) -> Option<Self> {
        let later = usize::try_from(mail.size.checked_sub(size)?).ok()?;
        let prefix = mail.prefix.get(later..)?;
        let body = size.checked_sub(prefix.len() as u64)?;
        Some(Self::new(store, prefix, mail.body, body))
    }
}
