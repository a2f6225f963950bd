//! What becomes durable when: shared commits, closing segments, erasing what is over, issuing keys.

use std::collections::HashMap;
use std::collections::btree_map::Entry;

use mail::{Monotonic, Wall};

use super::deposit::{Job, Waiting, receipt, taken_at};
use super::reading::Arrivals;
use super::session::Standing;
use super::shelf::{Batch, Shelf, ShelfError};
use super::{Board, BoardError, Now};
use crate::cell::Name;
use crate::limits::{
    ARRIVALS_KEPT, CLOCK_JUMP, COMMIT_DEPOSITS, ERASE_DELAY, SEGMENT_CELLS, SEGMENT_TIME, SWEEP_CELLS,
    SWEEP_PATIENCE,
};
use crate::mailbox::Period;
use crate::message::{Answer, Refusal};
use crate::segment::ClosedSegment;
use crate::stamp;

/// A batch handed out and not yet reported back.
#[derive(Debug)]
pub(super) struct InFlight {
    jobs: Vec<Job>,
    batch: Batch,
}

/// Whether the wall clock runs evenly: nothing is erased by a clock that just jumped.
#[derive(Debug)]
pub(super) struct Pace {
    last: Now,
    even_since: Monotonic,
}

impl Pace {
    pub fn new(now: Now) -> Self {
        Self { last: now, even_since: now.monotonic }
    }

    pub fn tick(&mut self, now: Now) {
        let wall = i128::from(now.wall.0) - i128::from(self.last.wall.0);
        let monotonic = now.monotonic.since(self.last.monotonic).as_millis();
        let off = (wall - i128::try_from(monotonic).unwrap_or(i128::MAX)).unsigned_abs();
        if off > CLOCK_JUMP.as_millis() {
            self.even_since = now.monotonic;
        }
        self.last = now;
    }

    fn is_even(&self, now: Now) -> bool {
        now.monotonic.since(self.even_since) >= SWEEP_PATIENCE
    }
}

/// The progress of erasing.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Up to which edition each segment was erased.
    done: HashMap<u32, u8>,
    /// Deposits and erasing take turns.
    was_last: bool,
}

impl Board {
    /// What should become durable now, if anything; one batch at a time. Commit it to the shelf, in whatever thread, and
    /// report with [`Board::committed`].
    ///
    /// # Errors
    /// [`BoardError`]: reading failed; try again later.
    pub fn next_batch(&mut self, shelf: &impl Shelf, now: Now) -> Result<Option<Batch>, BoardError> {
        self.pace.tick(now);
        if self.in_flight.is_some() {
            return Ok(None);
        }
        let mut batch = Batch { totals: self.totals, ..Batch::default() };
        let today = stamp::day(now.wall);
        if batch.totals.day != today {
            (batch.totals.day, batch.totals.today_stamps, batch.totals.today_tokens) = (today, 0, 0);
        }
        let mut jobs = vec![];
        if self.is_segment_over(now) {
            self.close_segment(shelf, now, &mut batch)?;
        } else if self.has_jobs() && !self.is_sweep_next(now) {
            jobs = self.fill(now.wall, &mut batch);
        } else if !self.fill_erasing(shelf, now, &mut batch)? {
            self.renew_keys(now.wall, &mut batch)?;
            if batch.keys.is_empty() && batch.keys_before.is_none() {
                return Ok(None);
            }
        }
        self.in_flight = Some(InFlight { jobs, batch: batch.clone() });
        Ok(Some(batch))
    }

    fn has_jobs(&self) -> bool {
        !self.staged.is_empty() || !self.invitation_changes.is_empty()
    }

    fn is_segment_over(&self, now: Now) -> bool {
        now.monotonic.since(self.opened) >= SEGMENT_TIME || self.totals.open_cells as usize >= SEGMENT_CELLS
    }

    /// Moves jobs into the batch, in order.
    fn fill(&mut self, now: Wall, batch: &mut Batch) -> Vec<Job> {
        let room = SEGMENT_CELLS.saturating_sub(batch.totals.open_cells as usize).min(COMMIT_DEPOSITS);
        let mut jobs = vec![];
        while jobs.len() < room
            && let Some(job) = self.staged.pop_front()
        {
            match &job {
                Job::Deposit(name) => {
                    let Some(waiting) = self.waiting.get(name) else { continue };
                    batch.cells.push(self.new_cell(*name, waiting, now));
                    batch.marks.extend(waiting.mark);
                    batch.totals.cells += 1;
                    batch.totals.open_cells += 1;
                    match waiting.mark {
                        Some(_) => batch.totals.today_tokens += 1,
                        None => batch.totals.today_stamps += 1,
                    }
                }
                Job::Enter { mark, .. } => batch.marks.push(*mark),
                Job::Issue { .. } => {}
            }
            jobs.push(job);
        }
        for (name, invitation) in self.invitation_changes.drain(..) {
            batch.invitations.retain(|(other, _)| *other != name);
            batch.uninvited.retain(|other| *other != name);
            match invitation {
                Some(invitation) => batch.invitations.push((name, invitation)),
                None => batch.uninvited.push(name),
            }
        }
        jobs
    }

    fn close_segment(&self, shelf: &impl Shelf, now: Now, batch: &mut Batch) -> Result<(), BoardError> {
        let number = batch.totals.open;
        let entries = shelf.entries(number)?;
        // The wall clock may have gone back since its last deposit: the receipts stay true. And no further: what closes while the clock
        // is ahead makes nothing else last longer.
        let closed = now.wall.max(self.latest);
        batch.closed = Some(ClosedSegment::new(&self.key, number, closed, &entries));
        (batch.totals.open, batch.totals.opened, batch.totals.open_cells) = (number + 1, now.wall, 0);
        Ok(())
    }

    fn is_sweep_next(&mut self, now: Now) -> bool {
        let is_next = !self.sweep.was_last && self.erasable(now).is_some();
        self.sweep.was_last = is_next;
        is_next
    }

    /// A segment with cells whose time is over, and the edition it should be in.
    fn erasable(&self, now: Now) -> Option<(u32, u8)> {
        if !self.pace.is_even(now) {
            return None;
        }
        let before =
            Wall(now.wall.0.saturating_sub(u64::try_from(ERASE_DELAY.as_millis()).unwrap_or(u64::MAX)));
        self.closed.values().find_map(|closed| {
            let edition = closed.edition(before);
            let done = self.sweep.done.get(&closed.number).copied().unwrap_or(0);
            (edition > done).then_some((closed.number, edition))
        })
    }

    fn fill_erasing(&mut self, shelf: &impl Shelf, now: Now, batch: &mut Batch) -> Result<bool, BoardError> {
        while let Some((segment, edition)) = self.erasable(now) {
            let over: Vec<Name> = shelf
                .entries(segment)?
                .iter()
                .filter(|entry| entry.ttl.class() < edition)
                .map(|entry| entry.name)
                .collect();
            if over.len() <= SWEEP_CELLS {
                self.sweep.done.insert(segment, edition);
                batch.gone.extend((edition == 4).then_some(segment));
            }
            batch.erased = over.into_iter().take(SWEEP_CELLS).map(|name| (segment, name)).collect();
            batch.totals.cells = batch.totals.cells.saturating_sub(batch.erased.len() as u64);
            // After a start most segments have nothing to erase: those cost no commit.
            if !batch.erased.is_empty() || !batch.gone.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Keys for the periods before, now and two ahead: the next one is known long before its time.
    pub(super) fn renew_keys(&mut self, now: Wall, batch: &mut Batch) -> Result<(), BoardError> {
        let current = Period::at(now);
        for period in [current, current.next(), current.next().next()] {
            if let Entry::Vacant(vacant) = self.issuing.entry(period) {
                let key = self.issuer.key(period)?;
                batch.keys.push((period, *key.to_bytes()));
                vacant.insert(key);
            }
        }
        let oldest = current.previous();
        if self.issuing.keys().next().is_some_and(|period| *period < oldest) && self.sweep_clock_is_even() {
            self.issuing.retain(|period, _| *period >= oldest);
            batch.keys_before = Some(oldest);
        }
        Ok(())
    }

    fn sweep_clock_is_even(&self) -> bool {
        self.pace.is_even(self.pace.last)
    }

    /// The batch handed out last is durable, or it is not: receipts go out, or refusals.
    pub fn committed(&mut self, result: Result<(), ShelfError>, now: Now) {
        let Some(InFlight { jobs, batch }) = self.in_flight.take() else { return };
        if result.is_err() {
            self.failed(jobs, batch);
            return;
        }
        let was_open = self.totals.open;
        self.totals = batch.totals;
        let taken = batch.cells.iter().map(|new| taken_at(&new.held)).max();
        self.latest = self.latest.max(taken.unwrap_or_default());
        for new in &batch.cells {
            if let Some(waiting) = self.waiting.remove(&new.name) {
                self.hand_out(new.name, waiting, &batch);
            }
        }
        if let Some(open) = self.arrivals.iter_mut().find(|arrivals| arrivals.segment == was_open) {
            open.names.extend(batch.cells.iter().map(|new| new.name));
            open.hash = batch.closed.map(|closed| closed.editions[0].hash);
        }
        for job in jobs {
            match job {
                Job::Deposit(_) => {}
                Job::Enter { client, mark } => {
                    self.marks.remove(&mark);
                    if let Some(session) = self.sessions.get_mut(&client.0) {
                        session.standing = Standing::Member;
                    }
                    self.answer_late(client, Answer::Entered);
                }
                Job::Issue { client, answer } => self.answer_late(client, *answer),
            }
        }
        for segment in &batch.gone {
            self.closed.remove(segment);
            self.sweep.done.remove(segment);
        }
        if let Some(closed) = batch.closed {
            self.closed.insert(closed.number, closed);
            self.opened = now.monotonic;
            self.latest = Wall(0);
            self.arrivals.push_back(Arrivals { segment: batch.totals.open, names: vec![], hash: None });
            while self.arrivals.len() > ARRIVALS_KEPT {
                self.arrivals.pop_front();
            }
        }
    }

    fn hand_out(&mut self, name: Name, waiting: Waiting, batch: &Batch) {
        if let Some(mark) = waiting.mark {
            self.marks.remove(&mark);
        }
        let Some(new) = batch.cells.iter().find(|new| new.name == name) else { return };
        for client in waiting.clients {
            self.answer_late(client, Answer::Receipt(receipt(name, &new.held)));
        }
    }

    /// Nothing of the batch is stored: no receipt, no token spent, and what can wait is tried again.
    fn failed(&mut self, jobs: Vec<Job>, batch: Batch) {
        for job in jobs {
            match job {
                Job::Deposit(name) => self.give_up(&name, &Refusal::Trouble),
                Job::Enter { client, mark } => {
                    self.marks.remove(&mark);
                    self.answer_late(client, Answer::Refused(Refusal::Trouble));
                }
                Job::Issue { client, .. } => {
                    self.answer_late(client, Answer::Refused(Refusal::Trouble));
                }
            }
        }
        for segment in batch.erased.iter().map(|(segment, _)| segment).chain(&batch.gone) {
            self.sweep.done.remove(segment);
        }
        for (period, _) in &batch.keys {
            self.issuing.remove(period);
        }
        let again = batch.invitations.into_iter().map(|(name, invitation)| (name, Some(invitation)));
        self.invitation_changes.extend(again);
        self.invitation_changes.extend(batch.uninvited.into_iter().map(|name| (name, None)));
    }
}
