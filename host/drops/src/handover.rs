//! Handing a mail over to boards: which cell goes where in which session and when, which receipts came, and whether it is enough.
//!
//! The outbox keeps the mail all the while: a handover lost in a crash is planned again with fresh
//! keys, and late copies fall to dedupe.

use std::time::Duration;

use mail::Monotonic;
use rand_core::{CryptoRng, RngCore};

use crate::cell::{BoardKey, Cell, SealError, Sealer};
use crate::depositor::Deposit;
use crate::limits::{DEPOSIT_TRIES, HANDOVER_BOARDS, SESSION_CELLS};
use crate::message::Receipt;
use crate::parcel::Parts;
use crate::point::{Point, Secret};
use crate::random::{below, duration_between, shuffle};
use crate::ttl::Ttl;

/// Least and most time to the next try of cells that were not taken.
const RETRY: (Duration, Duration) = (Duration::from_secs(10 * 60), Duration::from_secs(2 * 3600));

/// A board chosen for a mail by the `relay-selector`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The board.
    pub board: BoardKey,
    /// Deposit at random times within this.
    pub within: Duration,
}

/// A deposit session to be held: under a fresh throwaway, at its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSession {
    /// When the session starts.
    pub at: Monotonic,
    /// The board it visits.
    pub board: BoardKey,
    /// The numbers of the mail's cells.
    pub cells: Vec<u8>,
}

/// How far a handover is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandoverStatus {
    /// Boards that have receipts for all cells.
    pub complete: usize,
    /// Boards that still may get there.
    pub pending: usize,
    /// Boards that make it handed over.
    pub enough: usize,
}

impl HandoverStatus {
    /// Enough boards have the whole mail.
    #[must_use]
    pub fn is_handed_over(&self) -> bool {
        self.complete >= self.enough
    }

    /// Enough receipts can no longer come: choose other boards, or wait for the direct way.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.complete + self.pending < self.enough
    }
}

#[derive(Debug, Default)]
struct Copy {
    /// Sealed at the first try and kept until its receipt: a retry must be the same deposit.
    cell: Option<Cell>,
    receipt: Option<Receipt>,
    tries: u8,
}

#[derive(Debug)]
struct Replica {
    board: BoardKey,
    copies: Vec<Copy>,
    has_failed: bool,
}

/// A mail on its way to boards.
#[derive(Debug)]
pub struct Handover {
    parts: Parts,
    mailbox: Point,
    ttl: Ttl,
    enough: usize,
    replicas: Vec<Replica>,
    sessions: Vec<PlannedSession>,
}

impl Handover {
    /// Plans the deposits of `parts`, sealed to `mailbox`, on at most 5 of the boards chosen.
    pub fn plan<R: RngCore + CryptoRng>(
        parts: Parts,
        mailbox: Point,
        ttl: Ttl,
        choices: &[Choice],
        enough: usize,
        now: Monotonic,
        rng: &mut R,
    ) -> Self {
        let mut handover =
            Self { parts, mailbox, ttl, enough: enough.max(1), replicas: vec![], sessions: vec![] };
        for choice in choices.iter().take(HANDOVER_BOARDS) {
            handover.add(choice, now, rng);
        }
        handover
    }

    /// Adds a board, with all cells sealed again: for reposting cells that went missing elsewhere.
    pub fn add<R: RngCore + CryptoRng>(&mut self, choice: &Choice, now: Monotonic, rng: &mut R) {
        if self.replicas.iter().any(|replica| replica.board == choice.board) {
            return;
        }
        let cells = self.parts.cells();
        let copies = std::iter::repeat_with(Copy::default).take(cells).collect();
        self.replicas.push(Replica { board: choice.board, copies, has_failed: false });
        let mut order: Vec<u8> = (0..cells).filter_map(|index| u8::try_from(index).ok()).collect();
        shuffle(&mut order, rng);
        while !order.is_empty() {
            let size = (1 + below(SESSION_CELLS as u64, rng) as usize).min(order.len());
            let cells = order.split_off(order.len() - size);
            let at = Monotonic(now.0 + duration_between(Duration::ZERO, choice.within, rng));
            self.sessions.push(PlannedSession { at, board: choice.board, cells });
        }
    }

    /// Cells the mail takes on each board.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.parts.cells()
    }

    /// When the next session is due.
    #[must_use]
    pub fn next_session_at(&self) -> Option<Monotonic> {
        self.sessions.iter().map(|session| session.at).min()
    }

    /// Takes a session that is due.
    pub fn due_session(&mut self, now: Monotonic) -> Option<PlannedSession> {
        let at = self.sessions.iter().position(|session| session.at <= now)?;
        Some(self.sessions.swap_remove(at))
    }

    /// The deposits of a session; their tags are the cells' numbers. Add tokens to them where there are some.
    ///
    /// # Errors
    /// [`SealError`]: the recipient's key is of no use.
    pub fn deposits<R: RngCore + CryptoRng>(
        &mut self,
        session: &PlannedSession,
        sender: &Secret,
        rng: &mut R,
    ) -> Result<Vec<Deposit>, SealError> {
        let sealer = Sealer { sender, mailbox: &self.mailbox, board: &session.board };
        let Some(replica) = self.replicas.iter_mut().find(|replica| replica.board == session.board) else {
            return Ok(vec![]);
        };
        let mut deposits = vec![];
        for index in &session.cells {
            let Some(copy) = replica.copies.get_mut(usize::from(*index)) else { continue };
            if copy.receipt.is_some() {
                continue;
            }
            let cell = match &copy.cell {
                Some(cell) => cell.clone(),
                None => self.parts.seal(rng, &sealer, usize::from(*index))?,
            };
            copy.cell = Some(cell.clone());
            copy.tries += 1;
            deposits.push(Deposit { tag: u32::from(*index), cell, ttl: self.ttl, token: None });
        }
        Ok(deposits)
    }

    /// A receipt came.
    pub fn receipted(&mut self, board: &BoardKey, tag: u32, receipt: Receipt) {
        if let Some(copy) = self.copy(board, tag) {
            copy.receipt = Some(receipt);
            copy.cell = None;
        }
    }

    /// A cell was not taken: it is tried again later, or the board counts as failed. With `reseal` the next try is another cell.
    pub fn not_taken<R: RngCore + CryptoRng>(
        &mut self,
        board: &BoardKey,
        tag: u32,
        reseal: bool,
        now: Monotonic,
        rng: &mut R,
    ) {
        let Some(copy) = self.copy(board, tag) else { return };
        if copy.receipt.is_some() {
            return;
        }
        if reseal {
            copy.cell = None;
        }
        if copy.tries >= DEPOSIT_TRIES {
            self.fail(board);
            return;
        }
        let Ok(index) = u8::try_from(tag) else { return };
        let at = Monotonic(now.0 + duration_between(RETRY.0, RETRY.1, rng));
        // What failed together is tried together: no more sessions than before.
        match self.sessions.iter_mut().find(|session| {
            session.board == *board && session.at > now && session.cells.len() < SESSION_CELLS
        }) {
            Some(session) => session.cells.push(index),
            None => self.sessions.push(PlannedSession { at, board: *board, cells: vec![index] }),
        }
    }

    /// The board broke the rules or failed too often: no more tries there.
    pub fn fail(&mut self, board: &BoardKey) {
        self.sessions.retain(|session| session.board != *board);
        if let Some(replica) = self.replicas.iter_mut().find(|replica| replica.board == *board) {
            replica.has_failed = true;
        }
    }

    /// An audit found a cell missing: its receipt is worth nothing, nor is the board for this mail.
    pub fn missing(&mut self, board: &BoardKey) {
        self.fail(board);
        if let Some(replica) = self.replicas.iter_mut().find(|replica| replica.board == *board) {
            for copy in &mut replica.copies {
                copy.receipt = None;
            }
        }
    }

    /// Receipts held, by board: for the audits and the outbox page.
    pub fn receipts(&self) -> impl Iterator<Item = (BoardKey, Receipt)> {
        self.replicas.iter().flat_map(|replica| {
            replica.copies.iter().filter_map(|copy| copy.receipt).map(|receipt| (replica.board, receipt))
        })
    }

    /// The progress of the handover.
    #[must_use]
    pub fn status(&self) -> HandoverStatus {
        let is_complete = |replica: &&Replica| replica.copies.iter().all(|copy| copy.receipt.is_some());
        let complete = self.replicas.iter().filter(is_complete).count();
        let failed = self.replicas.iter().filter(|replica| replica.has_failed && !is_complete(replica));
        let pending = self.replicas.len() - complete - failed.count();
        HandoverStatus { complete, pending, enough: self.enough }
    }

    fn copy(&mut self, board: &BoardKey, tag: u32) -> Option<&mut Copy> {
        let replica = self.replicas.iter_mut().find(|replica| replica.board == *board)?;
        replica.copies.get_mut(usize::try_from(tag).ok()?)
    }
}

#[cfg(test)]
mod tests;
