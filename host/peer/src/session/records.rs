//! Mailbox records in an open session: a session may last for months, a record a week.

use mail::Monotonic;

use crate::error::ProtocolError;
use crate::hello::Capabilities;
use crate::limits::{RECORD_PAUSE, RECORD_PERIOD, RECORDS};
use crate::message::Message;
use crate::session::Action;
use crate::session::effects::Effects;

/// The own record and what the other side was told of it, and how many records it sent.
#[derive(Debug)]
pub(super) struct Records {
    newest: Option<Vec<u8>>,
    /// What the other side was told last, in a hello or since.
    told: Option<Vec<u8>>,
    /// When the last one was said in this session.
    said: Option<Monotonic>,
    /// Whether the other side takes records.
    takes: bool,
    taken: u32,
    taken_since: Monotonic,
}

impl Records {
    /// With the record of the first hello.
    pub fn new(record: Option<Vec<u8>>, now: Monotonic) -> Self {
        Self { newest: record, told: None, said: None, takes: false, taken: 0, taken_since: now }
    }

    /// The record for a hello that is said now.
    pub fn said_in_hello(&mut self) -> Option<Vec<u8>> {
        self.told.clone_from(&self.newest);
        self.newest.clone()
    }

    /// The session is open.
    pub fn open(&mut self, capabilities: Capabilities, effects: &mut Effects) {
        (self.takes, self.said) = (capabilities.contains(Capabilities::RECORDS), None);
        self.say(effects);
    }

    /// The other side began anew.
    pub fn close(&mut self) {
        self.takes = false;
    }

    /// Another record is the newest.
    pub fn renew(&mut self, record: Vec<u8>, is_open: bool, effects: &mut Effects) {
        self.newest = Some(record);
        if is_open {
            self.say(effects);
        }
    }

    /// To be called now and then while the session is open.
    pub fn tick(&mut self, effects: &mut Effects) {
        self.say(effects);
    }

    fn say(&mut self, effects: &mut Effects) {
        let rests = self.said.is_some_and(|said| effects.now.since(said) < RECORD_PAUSE);
        if !self.takes || rests || self.newest == self.told {
            return;
        }
        let Some(record) = self.newest.clone() else { return };
        effects.say(&Message::Record(record));
        (self.said, self.told) = (Some(effects.now), self.newest.clone());
    }

    /// A record came.
    pub fn take(&mut self, record: Vec<u8>, effects: &mut Effects) -> Result<(), ProtocolError> {
        if effects.now.since(self.taken_since) >= RECORD_PERIOD {
            (self.taken, self.taken_since) = (0, effects.now);
        }
        self.taken += 1;
        if self.taken > RECORDS {
            return Err(ProtocolError::Flood);
        }
        effects.act(Action::Record(record));
        Ok(())
    }
}
