//! Records of decisions: appended, read back for replay, dropped when old or too many.

use std::time::Duration;

use bytes::Bytes;
use mail::{AccountName, MailId, Wall};
use redb::{ReadTransaction, ReadableTable};

use crate::Store;
use crate::context::Context;
use crate::error::Error;
use crate::limits::{
    DECISION_BYTES, DECISIONS_DROPPED_PER_COMMIT, DECISIONS_SEARCHED, DECISIONS_WAITING_BYTES, LIST_ENTRIES,
    NAME_BYTES,
};
use crate::shared::{Message, Shared};
use crate::tables::{DECISION_SLOTS, DECISIONS, DecisionRow, MAIL_DECISIONS, SYSTEM};

/// Bytes of all decisions, in the `system` table.
pub(crate) const BYTES_KEY: &str = "decision bytes";
/// The id the next decision gets, in the `system` table.
const NEXT_KEY: &str = "next decision";

/// One recorded decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its id: increasing, never used again.
    pub id: u64,
    /// When it was recorded.
    pub time: Wall,
    /// The slot that decided.
    pub slot: String,
    /// For which account.
    pub account: AccountName,
    /// What the sandbox recorded, opaque here.
    pub record: Bytes,
}

/// Which decisions are wanted: all that fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionSearch {
    /// Of this slot.
    pub slot: Option<String>,
    /// About this mail.
    pub mail: Option<MailId>,
    /// For this account.
    pub account: Option<AccountName>,
    /// Recorded at this time or later.
    pub from: Option<Wall>,
    /// Recorded at this time or earlier.
    pub until: Option<Wall>,
    /// The record has these bytes somewhere; ASCII letters in either case.
    pub text: Option<String>,
    /// With an id below this one: where the page before ended.
    pub before: Option<u64>,
}

/// A part of the decisions that fit, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionsFound {
    /// The decisions.
    pub decisions: Vec<Decision>,
    /// Where to go on with [`DecisionSearch::before`]; None where nothing is left. A page may hold few decisions or none and still have
    /// a next one: a search stops after [`DECISIONS_SEARCHED`] records.
    pub next: Option<u64>,
}

/// A decision that is not written yet, and the mail it is about.
#[derive(Clone, Debug)]
struct Unwritten {
    decision: Decision,
    mail: Option<MailId>,
}

/// Decisions not written yet.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    decisions: Vec<Unwritten>,
    bytes: usize,
    next_id: u64,
    /// How many of them the transaction now running writes.
    in_flight: usize,
}

impl Waiting {
    /// What was in flight is on disk.
    pub(crate) fn saved(&mut self) {
        for unwritten in self.decisions.drain(..self.in_flight) {
            self.bytes -= cost(&unwritten.decision);
        }
        self.in_flight = 0;
    }

    pub(crate) fn is_unsaved(&self) -> bool {
        !self.decisions.is_empty()
    }
}

/// What a decision counts against the bounds.
fn cost(decision: &Decision) -> usize {
    decision.record.len() + decision.slot.len() + decision.account.as_str().len() + 64
}

impl Store {
    /// Records a decision, about `mail` if it is about one, and returns its id. Lazy and takes microseconds: all that were recorded within
    /// a second go to disk together; it can be read once it is there.
    ///
    /// # Errors
    /// [`Error::LimitReached`] where the record is too long or too many wait to be written.
    pub fn append_decision(
        &self,
        slot: &str,
        account: &AccountName,
        mail: Option<MailId>,
        record: Bytes,
    ) -> Result<u64, Error> {
        let shared = &self.inner.shared;
        if record.len() > DECISION_BYTES || slot.len() > NAME_BYTES {
            return Err(Error::LimitReached(format!("the record of a decision has {} bytes", record.len())));
        }
        let mut waiting = shared.decisions();
        let (id, time) = (waiting.next_id, shared.options.clock.wall());
        let decision = Decision { id, time, slot: slot.to_owned(), account: account.clone(), record };
        if waiting.bytes + cost(&decision) > DECISIONS_WAITING_BYTES {
            return Err(Error::LimitReached("too many decisions wait for the disk".to_owned()));
        }
        let is_first = !waiting.is_unsaved();
        waiting.next_id += 1;
        waiting.bytes += cost(&decision);
        waiting.decisions.push(Unwritten { decision, mail });
        if is_first {
            shared.send(Message::Unsaved)?;
        } else if waiting.bytes > DECISIONS_WAITING_BYTES / 2 {
            shared.send(Message::Flush)?;
        }
        Ok(id)
    }

    /// Decisions of a slot with an id beyond `after`, recorded at `from` or later, oldest first, at most `max`.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn decisions_since(
        &self,
        slot: &str,
        from: Wall,
        after: u64,
        max: usize,
    ) -> Result<Vec<Decision>, Error> {
        let slot = slot.to_owned();
        self.list(move |transaction| since(transaction, &slot, from, after, max.min(LIST_ENTRIES))).await
    }
}

impl Store {
    /// Decisions that fit, newest first, at most `max`. Finds the newest by time without reading those after it.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub async fn decisions_newest(
        &self,
        search: DecisionSearch,
        max: usize,
    ) -> Result<DecisionsFound, Error> {
        self.list(move |transaction| newest(transaction, &search, max.min(LIST_ENTRIES))).await
    }
}

/// Writes what waits, and drops what is too old or too much.
pub(crate) fn write_waiting(context: &mut Context<'_, '_>) -> Result<(), Error> {
    let (waiting, next_id) = {
        let mut waiting = context.shared.decisions();
        waiting.in_flight = waiting.decisions.len();
        (waiting.decisions.clone(), waiting.next_id)
    };
    if waiting.is_empty() {
        return Ok(());
    }
    let mut total = context.t.system.read()?.get(BYTES_KEY)?.map_or(0, |bytes| bytes.value());
    for Unwritten { decision, mail } in &waiting {
        let (slot, account) = (decision.slot.as_str(), decision.account.as_str());
        let row = (decision.time.0, slot, account, &decision.record[..]);
        context.t.decisions.write()?.insert(decision.id, row)?;
        context.t.decision_slots.write()?.insert((slot, decision.id), decision.time.0)?;
        if let Some(mail) = mail {
            context.t.mail_decisions.write()?.insert((mail.0, decision.id), ())?;
            context.t.decision_mails.write()?.insert(decision.id, mail.0)?;
        }
        total += decision.record.len() as u64;
    }
    total = drop_old(context, total)?;
    context.t.system.write()?.insert(BYTES_KEY, total)?;
    context.t.system.write()?.insert(NEXT_KEY, next_id)?;
    Ok(())
}

fn drop_old(context: &mut Context<'_, '_>, mut total: u64) -> Result<u64, Error> {
    let options = &context.shared.options;
    let now = options.clock.wall();
    for _ in 0..DECISIONS_DROPPED_PER_COMMIT {
        let first = context.t.decisions.read()?.first()?.map(|(id, row)| {
            let (time, slot, _, record) = row.value();
            (id.value(), Wall(time), slot.to_owned(), record.len() as u64)
        });
        let Some((id, time, slot, bytes)) = first else { break };
        if total <= options.decisions_bytes && now.since(time) <= options.decisions_age {
            break;
        }
        context.t.decisions.write()?.remove(id)?;
        context.t.decision_slots.write()?.remove((slot.as_str(), id))?;
        let mail = context.t.decision_mails.write()?.remove(id)?.map(|mail| mail.value());
        if let Some(mail) = mail {
            context.t.mail_decisions.write()?.remove((mail, id))?;
        }
        total = total.saturating_sub(bytes);
    }
    Ok(total)
}

fn since(
    transaction: &ReadTransaction,
    slot: &str,
    from: Wall,
    after: u64,
    max: usize,
) -> Result<Vec<Decision>, Error> {
    let index = transaction.open_table(DECISION_SLOTS)?;
    let decisions = transaction.open_table(DECISIONS)?;
    let mut found = Vec::new();
    let first = after.saturating_add(1).max(first_from(&decisions, from)?);
    for row in index.range((slot, first)..=(slot, u64::MAX))? {
        let (key, time) = row?;
        if found.len() >= max {
            break;
        }
        if Wall(time.value()) < from {
            continue;
        }
        let id = key.value().1;
        let row = decisions.get(id)?.ok_or_else(|| damaged(id, "it is missing"))?;
        found.push(decision(id, row.value())?);
    }
    Ok(found)
}

fn newest(
    transaction: &ReadTransaction,
    search: &DecisionSearch,
    max: usize,
) -> Result<DecisionsFound, Error> {
    let decisions = transaction.open_table(DECISIONS)?;
    let first = search.from.map_or(Ok(0), |from| first_from(&decisions, from))?;
    let mut end = search.before.unwrap_or(u64::MAX);
    if let Some(until) = search.until {
        end = end.min(first_from(&decisions, until.plus(Duration::from_millis(1)))?);
    }
    let text = search.text.as_ref().map(|text| text.to_ascii_lowercase().into_bytes());
    let mut found = DecisionsFound::default();
    if first >= end {
        return Ok(found);
    }
    // Whether the search goes on; without, this one is the first of the next page.
    let mut look = |searched: usize, id: u64, row: (u64, &str, &str, &[u8])| {
        if found.decisions.len() >= max || searched >= DECISIONS_SEARCHED {
            found.next = Some(id.saturating_add(1));
            return Ok(false);
        }
        if search.fits(text.as_deref(), row) {
            found.decisions.push(decision(id, row)?);
        }
        Ok::<_, Error>(true)
    };
    if let Some(mail) = search.mail {
        let index = transaction.open_table(MAIL_DECISIONS)?;
        for (searched, key) in index.range((mail.0, first)..(mail.0, end))?.rev().enumerate() {
            let id = key?.0.value().1;
            let row = decisions.get(id)?.ok_or_else(|| damaged(id, "it is missing"))?;
            if !look(searched, id, row.value())? {
                break;
            }
        }
    } else {
        for (searched, row) in decisions.range(first..end)?.rev().enumerate() {
            let (id, row) = row?;
            if !look(searched, id.value(), row.value())? {
                break;
            }
        }
    }
    Ok(found)
}

impl DecisionSearch {
    /// Whether a row fits; `text` is the one looked for, in lower case. Of the mail nothing is looked at.
    fn fits(&self, text: Option<&[u8]>, (time, slot, account, record): (u64, &str, &str, &[u8])) -> bool {
        self.slot.as_ref().is_none_or(|wanted| wanted == slot)
            && self.account.as_ref().is_none_or(|wanted| wanted.as_str() == account)
            && self.from.is_none_or(|from| Wall(time) >= from)
            && self.until.is_none_or(|until| Wall(time) <= until)
            && text.is_none_or(|text| contains(record, text))
    }
}

/// Whether `text`, in lower case, is somewhere in `record`. Most places are passed by their first byte: a search looks at megabytes.
fn contains(record: &[u8], text: &[u8]) -> bool {
    let Some((first, rest)) = text.split_first() else { return true };
    let (lower, upper) = (*first, first.to_ascii_uppercase());
    let mut left = record;
    while let Some(at) = left.iter().position(|byte| *byte == lower || *byte == upper) {
        left = left.get(at + 1..).unwrap_or_default();
        if left.get(..rest.len()).is_some_and(|found| found.eq_ignore_ascii_case(rest)) {
            return true;
        }
    }
    false
}

/// The id of the first decision recorded at `from` or later: ids and times grow together, as long as nobody sets the clock back,
/// so it is looked for by halves. [`u64::MAX`] where there is none.
fn first_from(decisions: &impl ReadableTable<u64, DecisionRow>, from: Wall) -> Result<u64, Error> {
    let (Some((first, _)), Some((last, _))) = (decisions.first()?, decisions.last()?) else {
        return Ok(u64::MAX);
    };
    let (mut low, mut high) = (first.value(), last.value().saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        match decisions.range(middle..high)?.next().transpose()? {
            Some((id, row)) if Wall(row.value().0) < from => low = id.value().saturating_add(1),
            _ => high = middle,
        }
    }
    Ok(low)
}

fn damaged(id: u64, why: impl std::fmt::Display) -> Error {
    Error::Damaged { table: "decisions", key: id.to_string(), why: why.to_string() }
}

fn decision(id: u64, (time, slot, account, record): (u64, &str, &str, &[u8])) -> Result<Decision, Error> {
    let account = account.parse().map_err(|error: mail::account::InvalidAccountName| damaged(id, error))?;
    let record = Bytes::copy_from_slice(record);
    Ok(Decision { id, time: Wall(time), slot: slot.to_owned(), account, record })
}

/// Where ids go on.
pub(crate) fn load(shared: &Shared) -> Result<(), Error> {
    let next_id = shared.read(|transaction| {
        let next = transaction.open_table(SYSTEM)?.get(NEXT_KEY)?;
        Ok(next.map_or(1, |next| next.value()))
    })?;
    shared.decisions().next_id = next_id;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_text_is_found_in_either_case_wherever_it_stands() {
        for (record, text, found) in [
            ("", "", true),
            ("", "a", false),
            ("xAbc", "abc", true),
            ("aab", "ab", true),
            ("ABAC", "bac", true),
            ("abab", "abc", false),
            ("ab", "abc", false),
            ("{\"to\":\"Mail-7@tox\"}", "mail-7@", true),
        ] {
            assert_eq!(contains(record.as_bytes(), text.as_bytes()), found, "{text} in {record}");
        }
    }
}
