//! What waits to be numbered: two lanes, so that urgent packets never stand behind bulk.

use std::collections::VecDeque;

use crate::limits;

/// How soon a packet should leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// Before everything that is not urgent: control, small messages.
    Urgent,
    /// In its turn: pieces of something large.
    Bulk,
}

/// Packets without a number yet. They get one when they leave.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    urgent: Lane,
    bulk: Lane,
}

#[derive(Debug, Default)]
struct Lane {
    packets: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Lane {
    fn push(&mut self, data: Vec<u8>) {
        self.bytes += data.len();
        self.packets.push_back(data);
    }

    fn pop(&mut self) -> Option<Vec<u8>> {
        let data = self.packets.pop_front()?;
        self.bytes -= data.len();
        Some(data)
    }
}

impl Lanes {
    /// Whether a packet finds room. `room` is what the bulk lane may hold: some milliseconds of the present rate.
    pub(super) fn has_room(&self, urgency: Urgency, room: usize) -> bool {
        match urgency {
            Urgency::Urgent => self.urgent.bytes < limits::URGENT_BYTES,
            Urgency::Bulk => self.bulk.bytes < room,
        }
    }

    /// Puts a packet at the end of its lane.
    pub(super) fn push(&mut self, urgency: Urgency, data: Vec<u8>) {
        match urgency {
            Urgency::Urgent => self.urgent.push(data),
            Urgency::Bulk => self.bulk.push(data),
        }
    }

    /// Puts a packet before all others.
    pub(super) fn push_first(&mut self, data: Vec<u8>) {
        self.urgent.bytes += data.len();
        self.urgent.packets.push_front(data);
    }

    /// The packet to be sent next.
    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        self.urgent.pop().or_else(|| self.bulk.pop())
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.urgent.packets.is_empty() && self.bulk.packets.is_empty()
    }
}
