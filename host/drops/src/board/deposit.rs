//! A deposit's way: admission, policy, commit, receipt.

use mail::Wall;
use mail::decision::policy::DepositAnswer;

use super::shelf::{Held, NewCell, Shelf};
use super::{Board, Now, SessionId};
use crate::admission::{Admission, DepositFacts};
use crate::cell::{Cell, Name};
use crate::limits::{BOARD_WAITING, DAY_SECONDS, SEGMENT_TIME, SESSION_DEPOSITS, STAMP_SEGMENTS};
use crate::mailbox::Period;
use crate::message::{Answer, Receipt, Refusal, RequestId};
use crate::point::Lifted;
use crate::stamp::{self, Challenge, Stamp};
use crate::token::{SpentMark, Token};
use crate::ttl::Ttl;

/// A question to the `policy` component that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// May this cell be deposited? Answered with [`Board::decide`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// To be given back with the answer.
    pub ticket: Ticket,
    /// The facts for the component.
    pub facts: DepositFacts,
}

/// Out of which share of the room a deposit comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// The half open to all.
    Stamps,
    /// All of it.
    Tokens,
}

/// What a client offers.
#[derive(Debug)]
pub(super) struct Offer {
    pub ttl: Ttl,
    pub admission: Admission,
    pub cell: Cell,
}

/// A deposit on its way to the disk.
#[derive(Debug)]
pub(super) struct Waiting {
    pub cell: Cell,
    pub ttl: Ttl,
    pub digest: [u8; 32],
    pub share: Share,
    pub mark: Option<SpentMark>,
    /// The sessions that wait for its receipt. The same deposit may be made twice.
    pub clients: Vec<(SessionId, RequestId)>,
}

/// What the next commit stores.
#[derive(Debug)]
pub(super) enum Job {
    Deposit(Name),
    Enter { client: (SessionId, RequestId), mark: SpentMark },
    Issue { client: (SessionId, RequestId), answer: Box<Answer> },
}

impl Board {
    pub(super) fn deposit(
        &mut self,
        shelf: &impl Shelf,
        client: (SessionId, RequestId),
        offer: Offer,
        now: Now,
    ) -> Result<Option<Answer>, Refusal> {
        let (name, digest) = (offer.cell.name(), offer.cell.digest());
        self.count_deposit(client.0)?;
        if let Some(receipt) = self.known(shelf, &name, &digest, offer.ttl, client)? {
            return Ok(receipt);
        }
        Lifted::new(&offer.cell.point()).map_err(|_| Refusal::Point)?;
        if self.waiting.len() >= BOARD_WAITING {
            return Err(Refusal::Busy(5));
        }
        let share = match offer.admission {
            Admission::Token(_) => Share::Tokens,
            Admission::Stamp(_) => Share::Stamps,
        };
        self.room(share, now.wall).map_err(Refusal::Full)?;
        if !shelf.has_room() {
            return Err(Refusal::Full(now.wall.plus(SEGMENT_TIME)));
        }
        let mark = match &offer.admission {
            Admission::Token(token) => Some(self.check_token(shelf, token, now.wall)?),
            Admission::Stamp(stamp) => {
                self.check_stamp(stamp, &offer, now.wall)?;
                None
            }
        };
        self.ask(name, &offer, now.wall);
        self.marks.extend(mark);
        self.wait(client.0);
        let (cell, ttl) = (offer.cell, offer.ttl);
        self.waiting.insert(name, Waiting { cell, ttl, digest, share, mark, clients: vec![client] });
        Ok(None)
    }

    fn count_deposit(&mut self, session: SessionId) -> Result<(), Refusal> {
        let client = self.sessions.get_mut(&session).ok_or(Refusal::Sessions)?;
        client.deposits += 1;
        if client.deposits > SESSION_DEPOSITS { Err(Refusal::Busy(600)) } else { Ok(()) }
    }

    /// The same deposit again: its receipt, now or when it is durable. Another one with the same name: no.
    /// The outer option says whether the name is known.
    fn known(
        &mut self,
        shelf: &impl Shelf,
        name: &Name,
        digest: &[u8; 32],
        ttl: Ttl,
        client: (SessionId, RequestId),
    ) -> Result<Option<Option<Answer>>, Refusal> {
        if let Some(waiting) = self.waiting.get_mut(name) {
            if waiting.digest != *digest || waiting.ttl != ttl {
                return Err(Refusal::NameTaken);
            }
            waiting.clients.push(client);
            self.wait(client.0);
            return Ok(Some(None));
        }
        match shelf.held(name).map_err(|_| Refusal::Trouble)? {
            None => Ok(None),
            Some(held) if held.digest == *digest && held.ttl == ttl => {
                Ok(Some(Some(Answer::Receipt(receipt(*name, &held)))))
            }
            Some(_) => Err(Refusal::NameTaken),
        }
    }

    /// Whether there is room; if not, until when at least.
    pub(super) fn room(&self, share: Share, now: Wall) -> Result<(), Wall> {
        let (stamps, tokens) = self.today(now);
        let (capacity, day_cells) = (self.quotas.capacity(), self.quotas.day_cells);
        let held = self.totals.cells + self.waiting.len() as u64;
        let (is_day_full, is_space_full) = match share {
            Share::Stamps => (stamps >= day_cells / 2 || stamps + tokens >= day_cells, held >= capacity / 2),
            Share::Tokens => (stamps + tokens >= day_cells, held >= capacity),
        };
        if is_space_full {
            return Err(self.next_expiry(now));
        }
        if is_day_full {
            return Err(Wall((u64::from(stamp::day(now)) + 1) * DAY_SECONDS * 1000));
        }
        Ok(())
    }

    /// When the next cells expire.
    fn next_expiry(&self, now: Wall) -> Wall {
        let ends = self.closed.values().flat_map(|closed| {
            Ttl::ALL.iter().filter_map(move |ttl| {
                let end = closed.closed.plus(ttl.duration());
                let class = usize::from(ttl.class());
                let later = closed.editions.get(class + 1).map_or(0, |facts| facts.count);
                let leaves = closed.editions.get(class).is_some_and(|facts| facts.count > later);
                (leaves && end > now).then_some(end)
            })
        });
        ends.min().unwrap_or_else(|| now.plus(Ttl::Day.duration()))
    }

    /// A token of this board, of this period or the last, unspent.
    pub(super) fn check_token(
        &self,
        shelf: &impl Shelf,
        token: &Token,
        now: Wall,
    ) -> Result<SpentMark, Refusal> {
        let current = Period::at(now);
        let key = self
            .issuing
            .get(&token.period)
            .filter(|key| key.period() == current || key.period() == current.previous())
            .ok_or(Refusal::Token)?;
        let mark = token.mark(&self.key);
        if self.marks.contains(&mark) || shelf.is_spent(&mark).map_err(|_| Refusal::Trouble)? {
            return Err(Refusal::TokenSpent);
        }
        if key.verify(&self.key, token) { Ok(mark) } else { Err(Refusal::Token) }
    }

    fn check_stamp(&self, stamp: &Stamp, offer: &Offer, now: Wall) -> Result<(), Refusal> {
        if stamp.day.abs_diff(stamp::day(now)) > 1 {
            return Err(Refusal::StampDay);
        }
        let last = self.closed.keys().next_back().copied().unwrap_or(0);
        let is_recent = stamp.segment <= last && last - stamp.segment < STAMP_SEGMENTS;
        let hash = match self.closed.get(&stamp.segment) {
            Some(closed) if is_recent => closed.editions[0].hash,
            // Before the first segment closed there is nothing to name.
            None if last == 0 && stamp.segment == 0 => [0; 32],
            _ => return Err(Refusal::StampSegment),
        };
        let challenge = Challenge {
            board: self.key,
            point: offer.cell.point(),
            ttl: offer.ttl,
            day: stamp.day,
            segment: stamp.segment,
            hash,
        };
        let needed = self.quotas.difficulty.bits(self.today(now).0, self.quotas.day_cells / 2, offer.ttl);
        if challenge.bits(stamp.nonce) < needed { Err(Refusal::StampBits(needed)) } else { Ok(()) }
    }

    fn ask(&mut self, name: Name, offer: &Offer, now: Wall) {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        let (stamps, tokens) = self.today(now);
        let facts = DepositFacts {
            admission: offer.admission.name(),
            ttl_days: offer.ttl.days(),
            cells: self.totals.cells,
            capacity: self.quotas.capacity(),
            today: u64::from(stamps + tokens),
        };
        self.asked.insert(ticket, name);
        self.questions.push_back(Question { ticket, facts });
    }

    /// The next deposit that the `policy` component has to decide about.
    pub fn next_question(&mut self) -> Option<Question> {
        self.questions.pop_front()
    }

    /// Takes the component's answer. A component that failed has refused.
    pub fn decide(&mut self, ticket: Ticket, answer: DepositAnswer) {
        let Some(name) = self.asked.remove(&ticket) else { return };
        match answer {
            DepositAnswer::Allow => self.staged.push_back(Job::Deposit(name)),
            DepositAnswer::Refuse(text) => self.give_up(&name, &Refusal::Policy(text)),
        }
    }

    /// Gives up a deposit: its token is not spent, and every session that waits is told.
    pub(super) fn give_up(&mut self, name: &Name, refusal: &Refusal) {
        let Some(waiting) = self.waiting.remove(name) else { return };
        if let Some(mark) = waiting.mark {
            self.marks.remove(&mark);
        }
        for client in waiting.clients {
            self.answer_late(client, Answer::Refused(refusal.clone()));
        }
    }

    /// The row for a deposit that goes into the open segment now.
    pub(super) fn new_cell(&self, name: Name, waiting: &Waiting, now: Wall) -> NewCell {
        let until = Wall(now.plus(waiting.ttl.duration()).seconds() * 1000);
        let held = Held { segment: self.totals.open, digest: waiting.digest, ttl: waiting.ttl, until };
        NewCell { name, held, cell: waiting.cell.clone() }
    }
}

/// When a deposit was taken, by its receipt, to the second.
pub(super) fn taken_at(held: &Held) -> Wall {
    let ttl = u64::try_from(held.ttl.duration().as_millis()).unwrap_or(u64::MAX);
    Wall(held.until.0.saturating_sub(ttl))
}

/// The refusal for the depositor.
pub(super) fn receipt(name: Name, held: &Held) -> Receipt {
    Receipt { name, segment: held.segment, until: held.until }
}
