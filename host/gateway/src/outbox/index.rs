//! The compact index of the outbox: what is due, what is ready, what is running. Pure: time is handed in.
//!
//! About 250 bytes an entry. Entries are grouped in queues, one for each (account, peer), and one for each account's
//! local mail.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use mail::{AccountName, MailId, PublicKey, Wall};

use crate::limits;
use crate::moment::{Moment, millis};

/// The account of a mail, and the peer it goes to; None for local mail.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub account: AccountName,
    pub peer: Option<PublicKey>,
}

/// An entry as it comes into the index. Times are monotonic milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub id: MailId,
    pub owner: Owner,
    /// Whether the peer is online now.
    pub online: bool,
    pub size: u64,
    pub created: Wall,
    pub try_at: u64,
    /// When the sender is told about the delay; `u64::MAX` for never.
    pub delay_at: u64,
    /// When it is given up.
    pub deadline: u64,
}

/// What a task is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Transfer it: the peer is online.
    Transfer(MailId),
    /// Look what is due: local delivery, an attempt that fails, a notice.
    Visit(MailId),
    /// Give it up.
    GiveUp(MailId),
    /// Tell the sender that it takes long.
    TellDelay(MailId),
}

impl Job {
    pub const fn id(self) -> MailId {
        match self {
            Self::Transfer(id) | Self::Visit(id) | Self::GiveUp(id) | Self::TellDelay(id) => id,
        }
    }
}

/// What happens after a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is no longer in the outbox.
    Gone,
    /// Try at `try_at`, or when the peer comes online, but not before `not_before` (monotonic milliseconds).
    Wait { try_at: u64, not_before: u64 },
    /// The delay notice was given: wait as before.
    Told,
    /// It is given up at another moment: wait as before.
    Extended(u64),
    /// The store failed: do nothing about the entry before this moment.
    Later(u64),
}

impl Next {
    /// Try again after `wait`, or when the peer comes online.
    pub(super) fn after(now: Moment, wait: Duration) -> Self {
        Self::Wait { try_at: now.mono.saturating_add(millis(wait)), not_before: 0 }
    }

    /// The store failed.
    pub(crate) fn later(now: Moment) -> Self {
        Self::Later(now.after(limits::STORE_RETRY))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In `due`, at this moment.
    Waiting(u64),
    /// In the queue's `ready`.
    Ready,
    /// A task has it, as a transfer or otherwise.
    Running { transfer: bool },
}

#[derive(Debug)]
struct Slot {
    queue: u32,
    state: State,
    size: u64,
    created: Wall,
    try_at: u64,
    not_before: u64,
    delay_at: u64,
    deadline: u64,
}

#[derive(Debug)]
struct Queue {
    owner: Owner,
    online: bool,
    /// All entries, the smallest first.
    members: BTreeSet<(u64, MailId)>,
    /// The mails that could be transferred now.
    ready: BTreeSet<(u64, MailId)>,
    /// Whether it is in [`Index::turn`].
    in_turn: bool,
    in_flight: usize,
    large_in_flight: usize,
}

/// The index.
#[derive(Debug, Default)]
pub(super) struct Index {
    slots: HashMap<MailId, Slot>,
    queues: Vec<Queue>,
    queue_of: HashMap<Owner, u32>,
    due: BTreeSet<(u64, MailId)>,
    /// Queues that have something ready, in turn.
    turn: VecDeque<u32>,
    in_flight: usize,
    visits: usize,
    clocks: Clocks,
}

/// Watches the two clocks.
#[derive(Debug, Default)]
struct Clocks {
    last: Option<Moment>,
    /// Monotonic milliseconds since which they agree.
    steady_since: u64,
}

impl Clocks {
    /// Milliseconds the wall clock jumped ahead since the last reading.
    fn observe(&mut self, now: Moment) -> u64 {
        let Some(last) = self.last.replace(now) else {
            self.steady_since = now.mono;
            return 0;
        };
        let expected = last.wall.0.saturating_add(now.mono.saturating_sub(last.mono));
        let tolerance = millis(limits::CLOCK_JUMP);
        if now.wall.0.abs_diff(expected) > tolerance {
            self.steady_since = now.mono;
        }
        let ahead = now.wall.0.saturating_sub(expected);
        if ahead > tolerance { ahead } else { 0 }
    }

    fn steady_from(&self) -> u64 {
        self.steady_since.saturating_add(millis(limits::CLOCK_STEADY))
    }
}

impl Index {
    /// Compares the clocks; after a jump ahead every wait is shorter by it.
    pub fn observe(&mut self, now: Moment) {
        let ahead = self.clocks.observe(now);
        if ahead == 0 {
            return;
        }
        for slot in self.slots.values_mut() {
            for time in [&mut slot.try_at, &mut slot.not_before, &mut slot.deadline] {
                *time = time.saturating_sub(ahead);
            }
            if slot.delay_at != u64::MAX {
                slot.delay_at = slot.delay_at.saturating_sub(ahead);
            }
        }
        let ids: Vec<MailId> = self.due.iter().map(|(_, id)| *id).collect();
        for id in ids {
            self.wait(id);
        }
    }

    /// Whether the clocks have agreed for [`limits::CLOCK_STEADY`].
    pub fn is_steady(&self, now: Moment) -> bool {
        now.mono >= self.clocks.steady_from()
    }

    pub fn insert(&mut self, waiting: Waiting) {
        let Waiting { id, owner, online, size, created, try_at, delay_at, deadline } = waiting;
        if self.slots.contains_key(&id) {
            return;
        }
        let number = self.queue_number(owner, online);
        if let Some(queue) = self.queues.get_mut(number as usize) {
            queue.members.insert((size, id));
            queue.online |= online;
        }
        let state = State::Waiting(try_at);
        let slot = Slot { queue: number, state, size, created, try_at, not_before: 0, delay_at, deadline };
        self.slots.insert(id, slot);
        self.wait(id);
        if self.queues.get(number as usize).is_some_and(|queue| queue.online) {
            self.make_ready(id, 0);
        }
    }

    pub fn queued(&self, account: &AccountName) -> u64 {
        let own = self.queues.iter().filter(|queue| queue.owner.account == *account);
        own.map(|queue| queue.members.len() as u64).sum()
    }

    /// The ids of an account in the order of submission, after `after`.
    pub fn page(&self, account: &AccountName, after: Option<MailId>, limit: usize) -> Vec<MailId> {
        let own = self.queues.iter().filter(|queue| queue.owner.account == *account);
        let mut ids: Vec<(Wall, MailId)> = own
            .flat_map(|queue| queue.members.iter())
            .filter_map(|(_, id)| self.slots.get(id).map(|slot| (slot.created, *id)))
            .collect();
        ids.sort_unstable();
        let after = after.and_then(|id| self.slots.get(&id).map(|slot| (slot.created, id)));
        let later = ids.into_iter().filter(|entry| after.is_none_or(|after| *entry > after));
        later.map(|(_, id)| id).take(limit).collect()
    }

    pub fn peer_online(&mut self, account: &AccountName, key: PublicKey, now: Moment) {
        let Some(queue) = self.queue(account, key).and_then(|number| self.queues.get_mut(number as usize))
        else {
            return;
        };
        queue.online = true;
        let ids: Vec<MailId> = queue.members.iter().map(|(_, id)| *id).collect();
        for id in ids {
            self.make_ready(id, now.mono);
        }
    }

    pub fn peer_offline(&mut self, account: &AccountName, key: PublicKey, now: Moment) {
        let Some(queue) = self.queue(account, key).and_then(|number| self.queues.get_mut(number as usize))
        else {
            return;
        };
        queue.online = false;
        for (_, id) in std::mem::take(&mut queue.ready) {
            if let Some(slot) = self.slots.get_mut(&id) {
                slot.state = State::Waiting(now.mono);
            }
            self.wait(id);
        }
    }

    pub fn retry_now(&mut self, id: MailId, now: Moment) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.try_at = now.mono;
            slot.not_before = 0;
            self.wait(id);
        }
    }

    /// When an entry is tried next and when it is given up, as both clocks are now. The times in the store are those of the wall clock
    /// as it was when they were written.
    pub fn schedule(&self, id: MailId, now: Moment) -> Option<(Wall, Wall)> {
        let slot = self.slots.get(&id)?;
        let deadline = slot.deadline.max(self.clocks.steady_from());
        let wall = |mono: u64| now.wall.plus(Duration::from_millis(mono.saturating_sub(now.mono)));
        Some((wall(slot.try_at.max(slot.not_before)), wall(deadline)))
    }

    pub fn is_running(&self, id: MailId) -> bool {
        self.slots.get(&id).is_some_and(|slot| matches!(slot.state, State::Running { .. }))
    }

    /// Takes an entry that no task has; as a visit in the count of tasks.
    pub fn claim(&mut self, id: MailId) -> bool {
        let free = self.slots.contains_key(&id) && !self.is_running(id);
        if free {
            self.start(id, false);
        }
        free
    }

    /// Gives the jobs that are due now. They count as running until [`Self::finish`].
    pub fn take(&mut self, now: Moment) -> Vec<Job> {
        let mut jobs = Vec::new();
        while self.visits < limits::VISITS {
            let Some((time, id)) = self.due.first().copied() else { break };
            if time > now.mono {
                break;
            }
            jobs.extend(self.due_job(id, now));
        }
        self.take_transfers(&mut jobs);
        jobs
    }

    /// The next moment when something becomes due by itself.
    pub fn next_due(&self) -> Option<u64> {
        if self.visits >= limits::VISITS { None } else { self.due.first().map(|(time, _)| *time) }
    }

    /// A task is done with an entry.
    pub fn finish(&mut self, id: MailId, next: Next, now: Moment) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let (number, size) = (slot.queue, slot.size);
        let State::Running { transfer } = slot.state else { return };
        slot.state = State::Waiting(now.mono);
        self.release(number, size, transfer);
        match next {
            Next::Gone => self.remove(id),
            Next::Wait { try_at, not_before } => {
                if let Some(slot) = self.slots.get_mut(&id) {
                    (slot.try_at, slot.not_before) = (try_at, not_before);
                }
                self.wait(id);
            }
            Next::Later(at) => {
                if let Some(slot) = self.slots.get_mut(&id) {
                    for time in
                        [&mut slot.try_at, &mut slot.not_before, &mut slot.delay_at, &mut slot.deadline]
                    {
                        *time = at.max(*time);
                    }
                }
                self.wait(id);
            }
            Next::Extended(deadline) => {
                if let Some(slot) = self.slots.get_mut(&id) {
                    slot.deadline = deadline;
                }
                self.wait(id);
            }
            Next::Told => {
                if let Some(slot) = self.slots.get_mut(&id) {
                    slot.delay_at = u64::MAX;
                }
                self.wait(id);
            }
        }
    }

    fn release(&mut self, number: u32, size: u64, transfer: bool) {
        if !transfer {
            self.visits = self.visits.saturating_sub(1);
            return;
        }
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(queue) = self.queues.get_mut(number as usize) else { return };
        queue.in_flight = queue.in_flight.saturating_sub(1);
        if size >= limits::LARGE_BYTES {
            queue.large_in_flight = queue.large_in_flight.saturating_sub(1);
        }
        if !queue.ready.is_empty() && !std::mem::replace(&mut queue.in_turn, true) {
            self.turn.push_back(number);
        }
    }

    fn remove(&mut self, id: MailId) {
        if let Some(slot) = self.slots.remove(&id) {
            if let State::Waiting(time) = slot.state {
                self.due.remove(&(time, id));
            }
            if let Some(queue) = self.queues.get_mut(slot.queue as usize) {
                queue.members.remove(&(slot.size, id));
                queue.ready.remove(&(slot.size, id));
            }
        }
    }

    fn queue(&self, account: &AccountName, key: PublicKey) -> Option<u32> {
        let owner = Owner { account: account.clone(), peer: Some(key) };
        self.queue_of.get(&owner).copied()
    }

    fn queue_number(&mut self, owner: Owner, online: bool) -> u32 {
        if let Some(number) = self.queue_of.get(&owner) {
            return *number;
        }
        let number = u32::try_from(self.queues.len()).unwrap_or(u32::MAX);
        self.queue_of.insert(owner.clone(), number);
        let (members, ready) = (BTreeSet::new(), BTreeSet::new());
        let in_turn = false;
        self.queues.push(Queue { owner, online, members, ready, in_turn, in_flight: 0, large_in_flight: 0 });
        number
    }

    /// Puts an entry that no task has where it waits until it is due.
    fn wait(&mut self, id: MailId) {
        let steady_from = self.clocks.steady_from();
        let Some(slot) = self.slots.get_mut(&id) else { return };
        if let State::Waiting(time) = slot.state {
            self.due.remove(&(time, id));
            let deadline = slot.deadline.max(steady_from);
            let time = slot.try_at.max(slot.not_before).min(slot.delay_at).min(deadline);
            slot.state = State::Waiting(time);
            self.due.insert((time, id));
        }
    }

    /// Puts a waiting entry among those that can be transferred, unless it must not be tried before a later moment.
    fn make_ready(&mut self, id: MailId, now: u64) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let State::Waiting(time) = slot.state else { return };
        if slot.not_before > now {
            return;
        }
        self.due.remove(&(time, id));
        slot.state = State::Ready;
        let (number, size) = (slot.queue, slot.size);
        if let Some(queue) = self.queues.get_mut(number as usize) {
            queue.ready.insert((size, id));
            if !std::mem::replace(&mut queue.in_turn, true) {
                self.turn.push_back(number);
            }
        }
    }

    /// The job for an entry that is due; None if the entry became ready for its turn.
    fn due_job(&mut self, id: MailId, now: Moment) -> Option<Job> {
        let steady_from = self.clocks.steady_from();
        let slot = self.slots.get(&id)?;
        if now.mono >= slot.deadline.max(steady_from) {
            self.start(id, false);
            return Some(Job::GiveUp(id));
        }
        if now.mono >= slot.delay_at {
            self.start(id, false);
            return Some(Job::TellDelay(id));
        }
        if now.mono < slot.try_at.max(slot.not_before) {
            // Placed here for a deadline that a jump of the clock has moved since.
            self.wait(id);
            return None;
        }
        let queue = self.queues.get(slot.queue as usize)?;
        if queue.owner.peer.is_some() && queue.online {
            self.make_ready(id, now.mono);
            return None;
        }
        self.start(id, false);
        Some(Job::Visit(id))
    }

    fn start(&mut self, id: MailId, transfer: bool) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        if let State::Waiting(time) = slot.state {
            self.due.remove(&(time, id));
        }
        slot.state = State::Running { transfer };
        let (number, size) = (slot.queue, slot.size);
        let Some(queue) = self.queues.get_mut(number as usize) else { return };
        queue.ready.remove(&(size, id));
        if transfer {
            self.in_flight += 1;
            queue.in_flight += 1;
            queue.large_in_flight += usize::from(size >= limits::LARGE_BYTES);
        } else {
            self.visits += 1;
        }
    }

    /// One transfer after the other from each queue in turn, until a bound is reached.
    fn take_transfers(&mut self, jobs: &mut Vec<Job>) {
        while self.in_flight < limits::IN_FLIGHT {
            let Some(number) = self.turn.pop_front() else { break };
            let Some(queue) = self.queues.get_mut(number as usize) else { continue };
            let picked = queue.pick();
            queue.in_turn = picked.is_some();
            let Some(id) = picked else { continue };
            self.start(id, true);
            jobs.push(Job::Transfer(id));
            self.turn.push_back(number);
        }
    }
}

impl Queue {
    /// The next entry to transfer: the smallest, but large ones get a part of the places, and one at least.
    fn pick(&self) -> Option<MailId> {
        if self.in_flight >= limits::IN_FLIGHT_PER_PEER {
            return None;
        }
        let is_large = |entry: &&(u64, MailId)| entry.0 >= limits::LARGE_BYTES;
        let last_place = self.in_flight + 1 == limits::IN_FLIGHT_PER_PEER;
        if last_place && self.large_in_flight == 0 {
            return self.ready.last().map(|(_, id)| *id);
        }
        let first = self.ready.first()?;
        if is_large(&first) && self.large_in_flight >= limits::LARGE_IN_FLIGHT_PER_PEER {
            return None;
        }
        Some(first.1)
    }
}

#[cfg(test)]
mod tests;
