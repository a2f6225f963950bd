//! What both directions of a session produce: packets and actions, at a time.

use std::collections::VecDeque;

use mail::Monotonic;

use crate::limits::PACKET_ID;
use crate::message::Message;
use crate::session::Action;

/// Output of a session, and its idea of now.
#[derive(Debug)]
pub(super) struct Effects {
    /// The last time handed in.
    pub(super) now: Monotonic,
    /// Control packets not yet taken: they go before any data.
    pub(super) control: VecDeque<Vec<u8>>,
    /// Actions not yet taken.
    pub(super) actions: VecDeque<Action>,
}

impl Effects {
    pub(super) fn new(now: Monotonic) -> Self {
        Self { now, control: VecDeque::new(), actions: VecDeque::new() }
    }

    /// Queues a control message. What may be too long was tried when it was handed in.
    pub(super) fn say(&mut self, message: &Message) {
        match message.encode() {
            Ok(bytes) => self.control.extend(frame::split(PACKET_ID, &bytes)),
            Err(error) => debug_assert!(false, "an unchecked message: {error}"),
        }
    }

    pub(super) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }
}
