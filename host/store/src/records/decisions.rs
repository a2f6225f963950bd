//! Records of decisions: appended, read back for replay, dropped when old or too many.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mail::{AccountName, ComponentDigest, MailId, Wall};
use redb::{ReadTransaction, ReadableTable};

use crate::Store;
use crate::engine::context::Context;
use crate::engine::shared::{Message, Shared};
use crate::engine::tables::{DECISION_SLOTS, DECISIONS, DecisionRow, MAIL_DECISIONS, SYSTEM, Tables};
use crate::error::Error;
use crate::limits::{
    DECISION_BYTES, DECISION_ROWS_BYTES, DECISIONS_DROPPED_PER_COMMIT, DECISIONS_SEARCHED,
    DECISIONS_WAITING_BYTES, LIST_ENTRIES, NAME_BYTES,
};
use crate::upkeep::unreadable::View;

/// The id the next decision gets, in the `system` table.
const NEXT_KEY: &str = "next decision";

/// Stands for whatever component made a decision before it was written down which.
const UNKNOWN_COMPONENT: [u8; 32] = [0; 32];

/// A page of redb's file.
const PAGE_BYTES: usize = 4096;

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

/// The wanted decisions: those that match every given field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionSearch {
    /// Only of this slot.
    pub slot: Option<String>,
    /// Only about this mail.
    pub mail: Option<MailId>,
    /// Only for this account.
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

/// A decision that is not written yet, who made it, and the mail it is about.
#[derive(Clone, Debug)]
struct Unwritten {
    decision: Decision,
    component: ComponentDigest,
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
    /// Attempts to save that failed.
    failures: u64,
}

impl Waiting {
    /// What was in flight is on disk, or could not be written.
    pub(crate) fn saved(&mut self, success: bool) {
        if !success {
            self.failures += 1;
            return;
        }
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
    /// Records a decision of a component, about `mail` if it is about one, and returns its id. Lazy and takes microseconds: all that were
    /// recorded within a second go to disk together; it can be read once it is there. Only where [`DECISIONS_WAITING_BYTES`] wait for
    /// the disk, it blocks until those are there.
    ///
    /// # Errors
    /// [`Error::LimitReached`] where the record is longer than [`DECISION_BYTES`] or the disk takes none.
    pub fn append_decision(
        &self,
        slot: &str,
        component: ComponentDigest,
        account: &AccountName,
        mail: Option<MailId>,
        record: Bytes,
    ) -> Result<u64, Error> {
        let shared = &self.inner.shared;
        if record.len() > DECISION_BYTES || slot.len() > NAME_BYTES {
            return Err(Error::LimitReached(format!("the record of a decision has {} bytes", record.len())));
        }
        let time = shared.options.clock.wall();
        let mut decision = Decision { id: 0, time, slot: slot.to_owned(), account: account.clone(), record };
        let mut waiting = shared.room_for_decision(cost(&decision))?;
        let id = waiting.next_id;
        decision.id = id;
        let is_first = !waiting.is_unsaved();
        waiting.next_id += 1;
        waiting.bytes += cost(&decision);
        waiting.decisions.push(Unwritten { decision, component, mail });
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

impl Shared {
    /// Waits until a decision of this many bytes has room among those that wait for the disk.
    fn room_for_decision(&self, bytes: usize) -> Result<MutexGuard<'_, Waiting>, Error> {
        let mut waiting = self.decisions();
        let failures = waiting.failures;
        while waiting.bytes + bytes > DECISIONS_WAITING_BYTES {
            self.send(Message::Flush)?;
            waiting = self.decisions_saved.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            if waiting.failures > failures {
                return Err(Error::LimitReached("decisions cannot be saved: look at the disk".to_owned()));
            }
        }
        Ok(waiting)
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

/// Writes the waiting decisions, and drops decisions that are too old or too many.
pub(crate) fn write_waiting(context: &mut Context<'_, '_>) -> Result<(), Error> {
    let (waiting, next_id) = {
        let mut waiting = context.shared.decisions();
        waiting.in_flight = waiting.decisions.len();
        (waiting.decisions.clone(), waiting.next_id)
    };
    if waiting.is_empty() {
        return Ok(());
    }
    for Unwritten { decision, component, mail } in &waiting {
        let (slot, account) = (decision.slot.as_str(), decision.account.as_str());
        let row = (decision.time.0, slot, account, &decision.record[..]);
        // After a commit that failed and yet came to the disk it is there already.
        context.t.decisions.write()?.insert(decision.id, row)?;
        context.t.decision_slots.write()?.insert((slot, decision.id), decision.time.0)?;
        if let Some(mail) = mail {
            context.t.mail_decisions.write()?.insert((mail.0, decision.id), ())?;
            context.t.decision_mails.write()?.insert(decision.id, mail.0)?;
        }
        count(context.t, slot, component.0, decision.id, decision.record.len())?;
    }
    drop_old(context)?;
    context.t.system.write()?.insert(NEXT_KEY, next_id)?;
    Ok(())
}

/// The room that a decision with a record of this many bytes takes in the file. redb keeps a large
/// value in pages of its own, a power of two of them.
pub(crate) const fn cost_in_file(record: usize) -> u64 {
    let row = record as u64 + 64;
    DECISION_ROWS_BYTES + if record > PAGE_BYTES / 2 { row.next_power_of_two() } else { row }
}

/// Counts a decision that was written.
fn count(
    tables: &mut Tables<'_>,
    slot: &str,
    component: [u8; 32],
    id: u64,
    record: usize,
) -> Result<(), Error> {
    let cost = cost_in_file(record);
    tables.decision_components.write()?.insert(id, component)?;
    let counted =
        tables.decision_costs.write()?.insert((slot, component, id), cost)?.map(|cost| cost.value());
    let used = tables.decision_usage.read()?.get((slot, component))?.map_or(0, |used| used.value());
    tables
        .decision_usage
        .write()?
        .insert((slot, component), (used + cost).saturating_sub(counted.unwrap_or(0)))?;
    Ok(())
}

/// Counts the decisions of formats that did not, as if one component had made all of a slot.
pub(crate) fn count_those_of_before(tables: &mut Tables<'_>) -> Result<(), Error> {
    let mut all = Vec::new();
    for row in tables.decisions.read()?.iter()? {
        let (id, row) = row?;
        let (_, slot, _, record) = row.value();
        all.push((id.value(), slot.to_owned(), record.len()));
    }
    for (id, slot, record) in all {
        count(tables, &slot, UNKNOWN_COMPONENT, id, record)?;
    }
    Ok(())
}

/// Drops decisions that are too old, then those that are too many.
fn drop_old(context: &mut Context<'_, '_>) -> Result<(), Error> {
    let (oldest, most) = (context.shared.options.decisions_age, context.shared.options.decisions_bytes);
    let now = context.shared.options.clock.wall();
    for _ in 0..DECISIONS_DROPPED_PER_COMMIT {
        let first = context.t.decisions.read()?.first()?.map(|(id, row)| (id.value(), Wall(row.value().0)));
        let too_old = first.filter(|(_, time)| now.since(*time) > oldest);
        let next = match too_old {
            Some((id, _)) => Some(id),
            None => too_much(context, most)?,
        };
        let Some(id) = next else { break };
        drop_decision(context, id)?;
    }
    Ok(())
}

/// The decision to drop next where all together take up more than `most`: the oldest of the component that takes up most in the slot that takes
/// up most.
fn too_much(context: &mut Context<'_, '_>, most: u64) -> Result<Option<u64>, Error> {
    let mut slots: BTreeMap<String, (u64, u64, [u8; 32])> = BTreeMap::new();
    for row in context.t.decision_usage.read()?.iter()? {
        let (key, used) = row?;
        let ((slot, component), used) = (key.value(), used.value());
        let (all, largest, of) = slots.entry(slot.to_owned()).or_default();
        *all += used;
        if used >= *largest {
            (*largest, *of) = (used, component);
        }
    }
    if slots.values().map(|(all, ..)| all).sum::<u64>() <= most {
        return Ok(None);
    }
    let fullest = slots.into_iter().max_by_key(|(_, (all, ..))| *all);
    let Some((slot, (_, _, component))) = fullest else { return Ok(None) };
    let costs = context.t.decision_costs.read()?;
    let first = costs.range((slot.as_str(), component, 0)..=(slot.as_str(), component, u64::MAX))?.next();
    Ok(first.transpose()?.map(|(key, _)| key.value().2))
}

fn drop_decision(context: &mut Context<'_, '_>, id: u64) -> Result<(), Error> {
    let row = context.t.decisions.write()?.remove(id)?.map(|row| row.value().1.to_owned());
    let component = context.t.decision_components.write()?.remove(id)?.map(|row| row.value());
    let Some(slot) = row else { return Ok(()) };
    context.t.decision_slots.write()?.remove((slot.as_str(), id))?;
    let mail = context.t.decision_mails.write()?.remove(id)?.map(|mail| mail.value());
    if let Some(mail) = mail {
        context.t.mail_decisions.write()?.remove((mail, id))?;
    }
    let Some(component) = component else { return Ok(()) };
    let cost = context.t.decision_costs.write()?.remove((slot.as_str(), component, id))?;
    let cost = cost.map_or(0, |cost| cost.value());
    let source = (slot.as_str(), component);
    let used = context.t.decision_usage.read()?.get(source)?.map_or(0, |used| used.value());
    let usage = context.t.decision_usage.write()?;
    match used.saturating_sub(cost) {
        0 => drop(usage.remove(source)?),
        left => drop(usage.insert(source, left)?),
    }
    Ok(())
}

/// Drops decisions before their time: those of an account that goes.
pub(crate) fn drop_these(context: &mut Context<'_, '_>, ids: &[u64]) -> Result<(), Error> {
    // One may have grown old meanwhile.
    ids.iter().try_for_each(|id| drop_decision(context, *id))
}

fn since(
    transaction: &View<'_>,
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
        let Some(row) = decisions.get(id)? else { continue };
        found.extend(decision(transaction, id, row.value()));
    }
    Ok(found)
}

fn newest(transaction: &View<'_>, search: &DecisionSearch, max: usize) -> Result<DecisionsFound, Error> {
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
            found.decisions.extend(decision(transaction, id, row));
        }
        Ok::<_, Error>(true)
    };
    if let Some(mail) = search.mail {
        let index = transaction.open_table(MAIL_DECISIONS)?;
        for (searched, key) in index.range((mail.0, first)..(mail.0, end))?.rev().enumerate() {
            let id = key?.0.value().1;
            let Some(row) = decisions.get(id)? else { continue };
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

/// A decision; None where its row cannot be read, which is remembered.
fn decision(
    view: &View<'_>,
    id: u64,
    (time, slot, account, record): (u64, &str, &str, &[u8]),
) -> Option<Decision> {
    match account.parse::<AccountName>() {
        Ok(account) => {
            let record = Bytes::copy_from_slice(record);
            Some(Decision { id, time: Wall(time), slot: slot.to_owned(), account, record })
        }
        Err(error) => {
            let is_still = Box::new(move |transaction: &ReadTransaction| {
                let row = transaction.open_table(DECISIONS)?.get(id)?;
                Ok(row.is_some_and(|row| row.value().2.parse::<AccountName>().is_err()))
            });
            view.unreadable.note("decisions", id.to_string(), error.to_string(), is_still);
            None
        }
    }
}

/// Reads every decision, in parts.
pub(crate) fn look_at_all(store: &Store) -> Result<(), Error> {
    let mut next = Some(0);
    while let Some(first) = next {
        next = store.get(|view| {
            for (seen, row) in view.open_table(DECISIONS)?.range(first..)?.enumerate() {
                let (id, row) = row?;
                if seen >= LIST_ENTRIES {
                    return Ok(Some(id.value()));
                }
                let (time, slot, account, _) = row.value();
                // What cannot be read is remembered.
                let _decision = decision(view, id.value(), (time, slot, account, &[]));
            }
            Ok(None)
        })?;
    }
    Ok(())
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
