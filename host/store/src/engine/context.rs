//! What a job sees of the write transaction it runs in, and the rules of bodies: who refers to one, and when
//! it goes.

use std::collections::HashMap;

use mail::record::{ArrivalKey, BodyId, Partial, StagedBody};
use redb::ReadableTable;

use crate::engine::codec;
use crate::engine::growing::{Growing, Owner};
use crate::engine::shared::Shared;
use crate::engine::tables::{StatsRow, Tables};
use crate::error::Error;
use crate::limits::{DELETED_ROWS_PER_COMMIT, ROW_BYTES};

/// Changes to the writer's and the callers' memory once the transaction is committed.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Bytes of growing bodies that are in rows now.
    pub(crate) advanced: HashMap<u64, usize>,
    /// Bodies that are complete or gone: out of memory with them.
    pub(crate) finished: Vec<u64>,
    /// Incoming mails that ended.
    pub(crate) ended: Vec<(ArrivalKey, BodyId)>,
    /// Whether rows of deleted bodies are left to remove.
    pub(crate) garbage: bool,
}

/// See the module.
pub(crate) struct Context<'t, 's> {
    /// The tables.
    pub(crate) t: &'s mut Tables<'t>,
    /// What callers see.
    pub(crate) shared: &'s Shared,
    /// Bodies being written.
    pub(crate) growing: &'s Growing,
    /// For after the commit.
    pub(crate) effects: Effects,
    /// Rows that may still be deleted in this transaction.
    deletable: usize,
}

/// Counters of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stats {
    /// The number the next mail gets.
    pub(crate) next_number: u64,
    /// Mails in the mailbox.
    pub(crate) mails: u64,
    /// Size of the mailbox in bytes.
    pub(crate) bytes: u64,
    /// The number the next outcome gets.
    pub(crate) next_outcome: u64,
    /// Number of contacts.
    pub(crate) contacts: u64,
    /// Number of pins.
    pub(crate) pins: u64,
}

impl Stats {
    pub(crate) const fn from_row(row: StatsRow) -> Self {
        let (next_number, mails, bytes, next_outcome, contacts, pins) = row;
        Self { next_number, mails, bytes, next_outcome, contacts, pins }
    }

    const fn to_row(self) -> StatsRow {
        (self.next_number, self.mails, self.bytes, self.next_outcome, self.contacts, self.pins)
    }
}

impl<'t, 's> Context<'t, 's> {
    pub(crate) fn new(t: &'s mut Tables<'t>, shared: &'s Shared, growing: &'s Growing) -> Self {
        Self { t, shared, growing, effects: Effects::default(), deletable: DELETED_ROWS_PER_COMMIT }
    }

    /// The counters of an account; `NotFound` if there is no such account.
    pub(crate) fn stats(&mut self, account: &str) -> Result<Stats, Error> {
        let row = self.t.stats.read()?.get(account)?.ok_or(Error::NotFound)?;
        Ok(Stats::from_row(row.value()))
    }

    pub(crate) fn put_stats(&mut self, account: &str, stats: Stats) -> Result<(), Error> {
        self.t.stats.write()?.insert(account, stats.to_row())?;
        Ok(())
    }

    /// Gives a staged body to `references` records, writing it now if it is still in memory. `NotFound` if it is not staged
    /// (any more).
    pub(crate) fn take_staged(&mut self, body: StagedBody, references: u32) -> Result<(), Error> {
        let id = body.id.0;
        let in_memory = self.shared.staged().get(id);
        if let Some(bytes) = in_memory {
            if self.t.bodies.read()?.get(id)?.is_some() || bytes.len() as u64 != body.size {
                return Err(Error::NotFound);
            }
            self.write_rows(id, 0, &bytes)?;
            self.effects.finished.push(id);
        } else {
            let found = self.t.bodies.read()?.get(id)?.map(|row| row.value());
            let is_staged = self.t.staged.read()?.get(id)?.is_some();
            if !is_staged || self.growing.get(id).is_some() || found != Some((body.size, 0)) {
                return Err(Error::NotFound);
            }
            self.t.staged.write()?.remove(id)?;
        }
        self.t.bodies.write()?.insert(id, (body.size, references))?;
        Ok(())
    }

    /// Removes a staged body, if it is there.
    pub(crate) fn discard_staged(&mut self, body: u64) -> Result<(), Error> {
        if self.t.staged.read()?.get(body)?.is_none() {
            return Ok(());
        }
        self.t.staged.write()?.remove(body)?;
        let size = self.t.bodies.read()?.get(body)?.map(|row| row.value().0);
        match size {
            Some(size) => self.remove_body(BodyId(body), size),
            // Pieces that nothing tells the number of.
            None => self.leave_as_garbage(body),
        }
    }

    /// The size of a body that records refer to.
    pub(crate) fn body_size(&mut self, body: BodyId) -> Result<u64, Error> {
        self.body_row(body).map(|(size, _)| size)
    }

    /// One record less refers to a body; after the last it goes. A body that is missing keeps no record from going.
    pub(crate) fn release(&mut self, body: BodyId) -> Result<(), Error> {
        let row = self.t.bodies.read()?.get(body.0)?.map(|row| row.value());
        let Some((size, references)) = row else {
            tracing::error!(body = body.0, "a mail goes whose body is missing");
            return Ok(());
        };
        if references > 1 {
            self.t.bodies.write()?.insert(body.0, (size, references - 1))?;
            return Ok(());
        }
        self.remove_body(body, size)
    }

    /// Removes a body and its rows, the rows later where they are many.
    pub(crate) fn remove_body(&mut self, body: BodyId, size: u64) -> Result<(), Error> {
        self.t.bodies.write()?.remove(body.0)?;
        let rows = usize::try_from(size).unwrap_or(usize::MAX) / ROW_BYTES + 1;
        if rows > self.deletable {
            return self.leave_as_garbage(body.0);
        }
        self.deletable -= rows;
        self.t.rows.write()?.retain_in((body.0, 0)..=(body.0, u64::MAX), |_, _| false)?;
        Ok(())
    }

    fn leave_as_garbage(&mut self, body: u64) -> Result<(), Error> {
        self.t.garbage.write()?.insert(body, ())?;
        self.effects.garbage = true;
        Ok(())
    }

    /// Removes rows of deleted bodies, as many as this transaction may.
    pub(crate) fn collect_garbage(&mut self) -> Result<(), Error> {
        while self.deletable > 0 {
            let first = self.t.garbage.read()?.first()?.map(|(body, _)| body.value());
            let Some(body) = first else {
                self.effects.garbage = false;
                return Ok(());
            };
            let rows = self.t.rows.write()?;
            let mut left = self.deletable;
            // Only what is taken from the iterator goes.
            for row in rows.extract_from_if((body, 0)..=(body, u64::MAX), |_, _| true)?.take(left) {
                row?;
                left -= 1;
            }
            if left > 0 {
                self.t.garbage.write()?.remove(body)?;
            }
            self.deletable = left;
        }
        self.effects.garbage = true;
        Ok(())
    }

    /// Writes what is in memory of a growing body, or only what fills rows. Returns its length in rows; None if the
    /// body is not (any more) being written.
    pub(crate) fn write_growing(&mut self, body: u64, everything: bool) -> Result<Option<u64>, Error> {
        let growing = self.growing;
        let Some(grow) = growing.get(body) else { return Ok(None) };
        let record = match &grow.owner {
            Owner::Staged => None,
            Owner::Partial(key) => {
                let progress = self.shared.partials().get(key).filter(|p| p.partial.body.0 == body).cloned();
                match progress {
                    Some(progress) => Some((key, progress.partial)),
                    // Replaced or dropped by now: its end is on the way.
                    None => return Ok(None),
                }
            }
        };
        let before = self.effects.advanced.get(&body).copied().unwrap_or(0);
        let part = if everything { grow.buffer() } else { grow.whole_rows() };
        let pending = part.get(before..).unwrap_or_default();
        let start = grow.written + before as u64;
        let total = start + pending.len() as u64;
        if pending.is_empty() && start > 0 {
            return Ok(Some(total));
        }
        self.write_rows(body, start, pending)?;
        match record {
            None => {
                self.t.staged.write()?.insert(body, ())?;
                self.t.bodies.write()?.insert(body, (total, 0))?;
            }
            Some((key, mut partial)) => {
                partial.durable = total;
                self.t.bodies.write()?.insert(body, (total, 1))?;
                self.remove_partial_record(key, Some(BodyId(body)))?;
                let record = codec::encode(&partial)?;
                self.t.partials.write()?.insert(row_key(key), record.as_slice())?;
            }
        }
        self.effects.advanced.insert(body, before + pending.len());
        Ok(Some(total))
    }

    /// Removes the record of an incoming mail, and its body unless that is `keep`. One that cannot be read makes room: it goes to another key, since
    /// nobody knows which body is its.
    pub(crate) fn remove_partial_record(
        &mut self,
        key: &ArrivalKey,
        keep: Option<BodyId>,
    ) -> Result<(), Error> {
        let Some(found) = self.partial_record(key)? else {
            return self.set_partial_aside(key);
        };
        if keep != Some(found.body) {
            self.release(found.body)?;
        }
        self.t.partials.write()?.remove(row_key(key))?;
        Ok(())
    }

    fn set_partial_aside(&mut self, key: &ArrivalKey) -> Result<(), Error> {
        let row = self.t.partials.read()?.get(row_key(key))?.map(|row| row.value().to_vec());
        let Some(row) = row else { return Ok(()) };
        let place = ArrivalKey { mail: self.shared.random_id()?, ..key.clone() };
        self.t.partials.write()?.remove(row_key(key))?;
        self.t.partials.write()?.insert(row_key(&place), row.as_slice())?;
        Ok(())
    }

    /// The record of an incoming mail, if there is one that can be read.
    pub(crate) fn partial_record(&mut self, key: &ArrivalKey) -> Result<Option<Partial>, Error> {
        let partials = self.t.partials.read()?;
        let record = partials.get(row_key(key))?;
        Ok(record.and_then(|bytes| self.shared.unreadable.readable(&row_key(key), bytes.value())))
    }

    fn write_rows(&mut self, body: u64, start: u64, bytes: &[u8]) -> Result<(), Error> {
        let rows = self.t.rows.write()?;
        let mut offset = start;
        for piece in bytes.chunks(ROW_BYTES) {
            rows.insert((body, offset), piece)?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    fn body_row(&mut self, body: BodyId) -> Result<(u64, u32), Error> {
        let row = self.t.bodies.read()?.get(body.0)?.map(|row| row.value());
        row.ok_or_else(|| missing_body(body))
    }
}

/// A record refers to a body that is not there.
pub(crate) fn missing_body(body: BodyId) -> Error {
    Error::Damaged { table: "bodies", key: body.0.to_string(), why: "it is missing".to_owned() }
}

/// The key of an arrival in its tables.
pub(crate) fn row_key(key: &ArrivalKey) -> ([u8; 32], &str, [u8; 16]) {
    (key.sender.0, key.account.as_str(), key.mail.0)
}

/// An arrival, readable.
pub(crate) fn describe(key: &ArrivalKey) -> String {
    format!("{} from {} for {}", key.mail, key.sender, key.account)
}
