//! Reading: closed segments whole, the open one as it grows. The same bytes for everybody.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use mail::Wall;

use super::session::{Following, Reading, Session};
use super::shelf::Shelf;
use super::{Board, Now, SessionId};
use crate::cell::Name;
use crate::limits::{SEGMENTS_HELD, SESSION_SEGMENTS};
use crate::message::{Answer, Edition, Refusal, RequestId};
use crate::segment::{ClosedSegment, Entry};

/// The cells of a segment in the order in which they came.
#[derive(Debug)]
pub(super) struct Arrivals {
    pub segment: u32,
    pub names: Vec<Name>,
    /// Its hash, once closed.
    pub hash: Option<[u8; 32]>,
}

impl Board {
    /// The oldest segment that still has cells to read, of the last 700: a closing while the clock was ahead holds one for longer, and
    /// a board that says it has more than that is left by its readers.
    pub(super) fn oldest(&self, now: Wall) -> u32 {
        let held = self.closed.values().find(|closed| closed.edition(now) < 4);
        let oldest = held.map_or(self.totals.open, |closed| closed.number);
        oldest.max(self.totals.open.saturating_sub(SEGMENTS_HELD as u32))
    }

    pub(super) fn read(
        &mut self,
        shelf: &impl Shelf,
        session: SessionId,
        id: RequestId,
        segment: u32,
        now: Wall,
    ) -> Result<(), Refusal> {
        if segment >= self.totals.open {
            return Err(Refusal::SegmentFuture(self.totals.open.saturating_sub(1)));
        }
        let gone = Refusal::SegmentGone(self.oldest(now));
        let closed = *self.closed.get(&segment).ok_or(gone.clone())?;
        let client = self.sessions.get_mut(&session).ok_or(Refusal::Sessions)?;
        client.segments += 1;
        if client.segments > SESSION_SEGMENTS {
            return Err(Refusal::Busy(3600));
        }
        let entries = shelf.entries(segment).map_err(|_| Refusal::Trouble)?;
        let (edition, hash, names) = edition_held(&closed, &entries, now).ok_or(gone)?;
        client.reads.push_back(Reading { id, segment, edition, hash, names, next: 0, begun: false });
        Ok(())
    }

    pub(super) fn follow(&mut self, session: SessionId, id: RequestId) -> Result<(), Refusal> {
        let open = self.totals.open;
        let client = self.sessions.get_mut(&session).ok_or(Refusal::Sessions)?;
        if client.following.is_some() {
            return Err(Refusal::Busy(3600));
        }
        client.following = Some(Following { id, segment: open, next: 0, begun: false });
        Ok(())
    }

    /// The next message for this client, when its connection takes one. One cell at most is read for it.
    pub fn next_answer(&mut self, shelf: &impl Shelf, session: SessionId, now: Now) -> Option<Bytes> {
        let client = self.sessions.get_mut(&session)?;
        let (id, answer) = match client.out.pop_front() {
            Some(answer) => answer,
            None if !client.reads.is_empty() => next_of_reading(client, shelf)?,
            None => next_of_following(client, shelf, &self.arrivals)?,
        };
        client.touched = now.monotonic;
        Some(Bytes::from(answer.encode(id)))
    }
}

/// The edition to read now: the one of the present time, or a later one if cells were erased before
/// the clock went back.
fn edition_held(
    closed: &ClosedSegment,
    entries: &[Entry],
    now: Wall,
) -> Option<(Edition, [u8; 32], Arc<[Name]>)> {
    (closed.edition(now)..4).find_map(|edition| {
        let facts = closed.facts(edition)?;
        let left = entries.iter().filter(|entry| entry.ttl.class() >= edition).map(|entry| entry.name);
        let names: Arc<[Name]> = left.collect();
        (names.len() == usize::from(facts.count)).then_some((edition, facts.hash, names))
    })
}

fn next_of_reading(client: &mut Session, shelf: &impl Shelf) -> Option<(RequestId, Answer)> {
    let reading = client.reads.front_mut()?;
    let (id, segment) = (reading.id, reading.segment);
    if !reading.begun {
        reading.begun = true;
        let count = u16::try_from(reading.names.len()).ok();
        return Some((id, Answer::Begin { segment, edition: reading.edition, count }));
    }
    let Some(name) = reading.names.get(reading.next) else {
        let hash = reading.hash;
        client.reads.pop_front();
        return Some((id, Answer::End { segment, hash }));
    };
    reading.next += 1;
    match shelf.cell(segment, name) {
        Ok(Some((ttl, cell))) => Some((id, Answer::Cell { ttl, cell })),
        // Erased under a reader that took hours, or a disk that fails: the rest is of no use.
        Ok(None) | Err(_) => {
            client.reads.pop_front();
            Some((id, Answer::Refused(Refusal::Trouble)))
        }
    }
}

fn next_of_following(
    client: &mut Session,
    shelf: &impl Shelf,
    arrivals: &VecDeque<Arrivals>,
) -> Option<(RequestId, Answer)> {
    let following = client.following.as_mut()?;
    let (id, segment) = (following.id, following.segment);
    let Some(known) = arrivals.iter().find(|known| known.segment == segment) else {
        client.following = None;
        return Some((id, Answer::Refused(Refusal::TooSlow)));
    };
    if !following.begun {
        following.begun = true;
        return Some((id, Answer::Begin { segment, edition: 0, count: None }));
    }
    if let Some(name) = known.names.get(following.next) {
        following.next += 1;
        return match shelf.cell(segment, name) {
            Ok(Some((ttl, cell))) => Some((id, Answer::Cell { ttl, cell })),
            Ok(None) | Err(_) => {
                client.following = None;
                Some((id, Answer::Refused(Refusal::Trouble)))
            }
        };
    }
    let hash = known.hash?;
    (following.segment, following.next, following.begun) = (segment + 1, 0, false);
    Some((id, Answer::End { segment, hash }))
}
