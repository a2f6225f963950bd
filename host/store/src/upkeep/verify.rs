//! Checks that everything in the file fits together. For tests, and for a user in doubt.

use std::collections::{HashMap, HashSet};

use mail::MailId;
use mail::record::{BodyId, MailboxEntry, OutboxEntry, Partial, QuarantineEntry};
use redb::{ReadableTable, ReadableTableMetadata, Value};

use crate::Store;
use crate::engine::context::Stats;
use crate::engine::tables::{
    ALIASES, ARRIVALS, BIN, BODIES, CONTACTS, DECISION_COMPONENTS, DECISION_COSTS, DECISION_MAILS,
    DECISION_SLOTS, DECISION_USAGE, DECISIONS, DecisionRow, GARBAGE, MAIL_DECISIONS, MAILBOX, MAILS, OUTBOX,
    OUTCOME_IDS, OUTCOMES, PARTIALS, PINS, QUARANTINE, QUARANTINE_COUNTS, QUARANTINE_IDS, ROWS, STAGED,
    STATE, STATE_USAGE, STATS,
};
use crate::error::Error;
use crate::records::decisions::cost_in_file;
use crate::records::mailbox::describe;
use crate::records::outcomes::Ended;
use crate::records::standings;
use crate::upkeep::rows::Row;
use crate::upkeep::unreadable::{UnreadableRow, View};

/// What [`Store::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries in the outbox.
    pub outbox: u64,
    /// Mails in mailboxes.
    pub mailbox: u64,
    /// Mails in quarantine.
    pub quarantine: u64,
    /// Outbox entries that ended and are remembered.
    pub ended: u64,
    /// Mails coming in.
    pub partials: u64,
    /// Bodies that records refer to, and staged ones.
    pub bodies: u64,
    /// Deleted bodies whose rows are still to be removed.
    pub garbage: u64,
    /// Rows that cannot be read. They are counted above, and keep nothing else from working.
    pub unreadable: Vec<UnreadableRow>,
    /// What does not fit, readable. Empty if all is well.
    pub problems: Vec<String>,
}

impl Store {
    /// Reads everything and checks it: every body is whole and referred to as often as it counts, every mail is in exactly one of outbox, mailbox,
    /// quarantine and ended, every counter and index is right. Takes as long as reading the whole file.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn verify(&self) -> Result<Report, Error> {
        let unreadable = self.look_for_unreadable().await?;
        self.list(move |transaction| {
            let report = Report { unreadable: unreadable.clone(), ..Report::default() };
            let mut check = Check { transaction, report, references: HashMap::new(), unknown_references: 0 };
            check.mailboxes()?;
            check.outbox()?;
            check.arrivals()?;
            check.bodies()?;
            check.rows()?;
            check.people()?;
            check.sums()?;
            Ok(check.report)
        })
        .await
    }
}

struct Check<'t> {
    transaction: &'t View<'t>,
    report: Report,
    references: HashMap<u64, u32>,
    /// Records that refer to a body and cannot be read: nobody knows which.
    unknown_references: u32,
}

impl Check<'_> {
    fn expect(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.report.problems.push(problem());
        }
    }

    /// A record; None where it cannot be read.
    fn readable<T: Row>(&self, key: <T::Key as Value>::SelfType<'_>, bytes: &[u8]) -> Option<T> {
        self.transaction.unreadable.readable(&key, bytes)
    }

    fn refer(&mut self, body: BodyId) {
        *self.references.entry(body.0).or_default() += 1;
    }

    fn mailboxes(&mut self) -> Result<(), Error> {
        let (mailbox, mails) = (self.transaction.open_table(MAILBOX)?, self.transaction.open_table(MAILS)?);
        let mut sums: HashMap<String, (u64, u64)> = HashMap::new();
        let mut uidls = HashSet::new();
        for row in mails.iter()? {
            let (key, bytes) = row?;
            let (account, number) = key.value();
            let found = mailbox.get((account, number))?.map(|row| row.value());
            self.report.mailbox += 1;
            let Some(mail) = self.readable::<MailboxEntry>((account, number), bytes.value()) else {
                // Its summary says what POP3 needs.
                let (_, size, body, _) = found.unwrap_or_default();
                self.refer(BodyId(body));
                let sum = sums.entry(account.to_owned()).or_default();
                *sum = (sum.0 + 1, sum.1 + size);
                continue;
            };
            let expected =
                (mail.uidl.0, mail.size, mail.body.0, u32::try_from(mail.prefix.len()).unwrap_or(u32::MAX));
            self.expect(found == Some(expected) && mail.number == number, || {
                format!("mail {} and its summary differ", describe(account, number))
            });
            self.expect(uidls.insert(mail.uidl), || format!("the UIDL {} is there twice", mail.uidl));
            self.refer(mail.body);
            let sum = sums.entry(account.to_owned()).or_default();
            *sum = (sum.0 + 1, sum.1 + mail.size);
        }
        let summaries = mailbox.len()?;
        self.expect(summaries == self.report.mailbox, || format!("{summaries} summaries of mails"));
        self.quarantine(&mut uidls)?;
        for row in self.transaction.open_table(STATS)?.iter()? {
            let (account, stats) = row?;
            let stats = Stats::from_row(stats.value());
            let sum = sums.remove(account.value()).unwrap_or_default();
            let said = (stats.mails, stats.bytes);
            self.expect(said == sum, || {
                format!("{} has {sum:?} mails and bytes, not {said:?}", account.value())
            });
        }
        self.expect(sums.is_empty(), || "there are mails of nobody".to_owned());
        Ok(())
    }

    fn quarantine(&mut self, uidls: &mut HashSet<MailId>) -> Result<(), Error> {
        let ids = self.transaction.open_table(QUARANTINE_IDS)?;
        let bin = self.transaction.open_table(BIN)?;
        let mut held: HashMap<String, u64> = HashMap::new();
        for row in self.transaction.open_table(QUARANTINE)?.iter()? {
            let (key, bytes) = row?;
            let (account, number) = key.value();
            if bin.get((account, number))?.is_none() {
                *held.entry(account.to_owned()).or_default() += 1;
            }
            self.report.quarantine += 1;
            let Some(entry) = self.readable::<QuarantineEntry>((account, number), bytes.value()) else {
                self.unknown_references += 1;
                continue;
            };
            let place = ids.get(entry.mail.uidl.0)?;
            self.expect(place.is_some_and(|place| place.value() == (account, number)), || {
                format!("quarantined mail {} is not found by its UIDL", describe(account, number))
            });
            let is_new = uidls.insert(entry.mail.uidl);
            self.expect(is_new, || format!("the UIDL {} is there twice", entry.mail.uidl));
            self.refer(entry.mail.body);
        }
        for row in self.transaction.open_table(QUARANTINE_COUNTS)?.iter()? {
            let (account, count) = row?;
            let found = held.remove(account.value()).unwrap_or_default();
            self.expect(count.value() == found, || {
                format!("{} has {found} mails in quarantine, not {}", account.value(), count.value())
            });
        }
        let indexed = ids.len()?;
        self.expect(indexed == self.report.quarantine, || format!("{indexed} UIDLs of quarantined mails"));
        Ok(())
    }

    fn outbox(&mut self) -> Result<(), Error> {
        let mut ids = HashSet::new();
        for row in self.transaction.open_table(OUTBOX)?.iter()? {
            let (id, bytes) = row?;
            self.report.outbox += 1;
            let Some(entry) = self.readable::<OutboxEntry>(id.value(), bytes.value()) else {
                self.unknown_references += 1;
                continue;
            };
            self.expect(entry.id.0 == id.value(), || format!("the outbox has {} under another id", entry.id));
            ids.insert(entry.id);
            self.refer(entry.body);
        }
        for row in self.transaction.open_table(QUARANTINE)?.iter()? {
            let (key, bytes) = row?;
            let entry = self.readable::<QuarantineEntry>(key.value(), bytes.value());
            if let Some(outgoing) = entry.and_then(|entry| entry.outgoing) {
                self.expect(ids.insert(outgoing.id), || {
                    format!("{} is in quarantine and elsewhere", outgoing.id)
                });
            }
        }
        let index = self.transaction.open_table(OUTCOME_IDS)?;
        for row in self.transaction.open_table(OUTCOMES)?.iter()? {
            let (key, bytes) = row?;
            let (account, number) = key.value();
            self.report.ended += 1;
            let Some(ended) = self.readable::<Ended>((account, number), bytes.value()) else { continue };
            self.expect(ids.insert(ended.id), || format!("{} ended and is still here", ended.id));
            let place = index.get(ended.id.0)?;
            self.expect(place.is_some_and(|place| place.value() == (account, number)), || {
                format!("the outcome of {} is not found by its id", ended.id)
            });
        }
        let indexed = index.len()?;
        self.expect(indexed == self.report.ended, || format!("{indexed} ids of outcomes"));
        Ok(())
    }

    fn arrivals(&mut self) -> Result<(), Error> {
        let arrivals = self.transaction.open_table(ARRIVALS)?;
        let bodies = self.transaction.open_table(BODIES)?;
        for row in self.transaction.open_table(PARTIALS)?.iter()? {
            let (key, bytes) = row?;
            self.report.partials += 1;
            let Some(partial) = self.readable::<Partial>(key.value(), bytes.value()) else {
                self.unknown_references += 1;
                continue;
            };
            let name = Partial::describe(&key.value());
            let size = bodies.get(partial.body.0)?.map(|row| row.value().0);
            self.expect(size == Some(partial.durable), || {
                format!("{name} has {size:?} bytes, not {}", partial.durable)
            });
            let has_arrived = arrivals.get(key.value())?.is_some();
            self.expect(!has_arrived, || format!("{name} has arrived and is still coming"));
            self.refer(partial.body);
        }
        Ok(())
    }

    fn bodies(&mut self) -> Result<(), Error> {
        let staged = self.transaction.open_table(STAGED)?;
        for row in self.transaction.open_table(BODIES)?.iter()? {
            let (body, value) = row?;
            let (body, (_, said)) = (body.value(), value.value());
            let found = self.references.remove(&body).unwrap_or(0);
            let unknown = said.saturating_sub(found).min(self.unknown_references);
            self.unknown_references -= unknown;
            self.expect(said == found + unknown, || {
                format!("body {body} counts {said} references and has {found}")
            });
            let is_staged = staged.get(body)?.is_some();
            self.expect(is_staged == (said == 0), || format!("body {body} is staged and taken, or neither"));
            self.report.bodies += 1;
        }
        let missing = std::mem::take(&mut self.references);
        self.expect(missing.is_empty(), || format!("bodies are missing: {:?}", missing.keys()));
        Ok(())
    }

    /// Every body's rows follow each other without gaps, and no row belongs to nobody.
    fn rows(&mut self) -> Result<(), Error> {
        let bodies = self.transaction.open_table(BODIES)?;
        let garbage = self.transaction.open_table(GARBAGE)?;
        self.report.garbage = garbage.len()?;
        let mut lengths: HashMap<u64, u64> = HashMap::new();
        for row in self.transaction.open_table(ROWS)?.iter()? {
            let (key, bytes) = row?;
            let (body, offset) = key.value();
            if garbage.get(body)?.is_some() {
                continue;
            }
            let length = lengths.entry(body).or_default();
            let expected = *length;
            *length = offset + bytes.value().len() as u64;
            self.expect(offset == expected, || {
                format!("body {body} has a row at {offset} instead of {expected}")
            });
        }
        for row in bodies.iter()? {
            let (body, value) = row?;
            let (body, size) = (body.value(), value.value().0);
            let length = lengths.remove(&body).unwrap_or(0);
            self.expect(length == size, || format!("body {body} has {length} bytes, not {size}"));
            let is_garbage = garbage.get(body)?.is_some();
            self.expect(!is_garbage, || format!("body {body} is deleted and there"));
        }
        self.expect(lengths.is_empty(), || format!("rows of no body: {:?}", lengths.keys()));
        Ok(())
    }

    fn people(&mut self) -> Result<(), Error> {
        let (contacts, pins) = (self.transaction.open_table(CONTACTS)?, self.transaction.open_table(PINS)?);
        let mut said = (0, 0);
        for row in self.transaction.open_table(STATS)?.iter()? {
            let stats = Stats::from_row(row?.1.value());
            said = (said.0 + stats.contacts, said.1 + stats.pins);
        }
        let found = (contacts.len()?, pins.len()?);
        self.expect(said == found, || format!("{found:?} contacts and pins, not {said:?}"));
        let unnumbered = standings::missing(self.transaction)?;
        self.expect(unnumbered.is_empty(), || format!("accounts without a number: {unnumbered:?}"));
        let aliases = self.transaction.open_table(ALIASES)?;
        let count = aliases.len()?;
        self.expect(count == found.0, || format!("{count} aliases"));
        for row in aliases.iter()? {
            let (place, key) = row?;
            let (account, alias) = place.value();
            let is_there = contacts.get((account, key.value()))?.is_some();
            self.expect(is_there, || format!("the alias {alias} of {account} leads nowhere"));
        }
        Ok(())
    }

    fn sums(&mut self) -> Result<(), Error> {
        let mut state: HashMap<(String, String), u64> = HashMap::new();
        for row in self.transaction.open_table(STATE)?.iter()? {
            let (key, value) = row?;
            let (entry, account, key) = key.value();
            *state.entry((entry.to_owned(), account.to_owned())).or_default() +=
                (key.len() + value.value().len()) as u64;
        }
        for row in self.transaction.open_table(STATE_USAGE)?.iter()? {
            let (key, bytes) = row?;
            let (entry, account) = key.value();
            let found = state.remove(&(entry.to_owned(), account.to_owned())).unwrap_or(0);
            let said = bytes.value();
            self.expect(found == said, || {
                format!("state of {entry} for {account}: {found} bytes, not {said}")
            });
        }
        state.retain(|_, bytes| *bytes > 0);
        self.expect(state.is_empty(), || "there is state nobody accounts for".to_owned());
        let decisions = self.transaction.open_table(DECISIONS)?;
        self.decision_costs(&decisions)?;
        let counts = (decisions.len()?, self.transaction.open_table(DECISION_SLOTS)?.len()?);
        self.expect(counts.0 == counts.1, || format!("decisions and their index: {counts:?}"));
        let mails = self.transaction.open_table(DECISION_MAILS)?;
        let by_mail = self.transaction.open_table(MAIL_DECISIONS)?;
        for row in by_mail.iter()? {
            let (mail, id) = row?.0.value();
            let known = mails.get(id)?.is_some_and(|known| known.value() == mail);
            let kept = decisions.get(id)?.is_some();
            self.expect(known && kept, || format!("decision {id} of a mail: not as in its row"));
        }
        let counts = (mails.len()?, by_mail.len()?);
        self.expect(counts.0 == counts.1, || format!("decisions of mails and their index: {counts:?}"));
        Ok(())
    }

    /// Every decision counts what it takes up, for the component that made it.
    fn decision_costs(&mut self, decisions: &impl ReadableTable<u64, DecisionRow>) -> Result<(), Error> {
        let components = self.transaction.open_table(DECISION_COMPONENTS)?;
        let costs = self.transaction.open_table(DECISION_COSTS)?;
        let mut sums: HashMap<(String, [u8; 32]), u64> = HashMap::new();
        let mut count = 0;
        for row in decisions.iter()? {
            let (id, row) = row?;
            let (id, (_, slot, _, record)) = (id.value(), row.value());
            count += 1;
            let component = components.get(id)?.map(|component| component.value()).unwrap_or_default();
            let cost = costs.get((slot, component, id))?.map(|cost| cost.value());
            self.expect(cost == Some(cost_in_file(record.len())), || {
                format!("decision {id} counts {cost:?}")
            });
            *sums.entry((slot.to_owned(), component)).or_default() += cost.unwrap_or_default();
        }
        let counts = (count, components.len()?, costs.len()?);
        self.expect(counts == (count, count, count), || format!("decisions and what they count: {counts:?}"));
        for row in self.transaction.open_table(DECISION_USAGE)?.iter()? {
            let (key, said) = row?;
            let ((slot, component), said) = (key.value(), said.value());
            let found = sums.remove(&(slot.to_owned(), component)).unwrap_or_default();
            self.expect(found == said, || format!("decisions of slot {slot} count {found}, not {said}"));
        }
        self.expect(sums.is_empty(), || "there are decisions that nobody counts".to_owned());
        Ok(())
    }
}
