//! Who is connected to the board: Tox friends that come with a request and are deleted when their session ends.

use std::collections::HashMap;
use std::sync::Arc;

use drops::board::SessionId;
use drops::message::packet_id;
use mail::{Clock, Monotonic, PublicKey};
use tokio::sync::mpsc;
use tox::{Connection, Tox};

use super::engine::{self, Answers, Client, Event};
use super::identity::Identity;
use crate::limits::{
    EARLY_PACKETS, FRIEND_TIME, FRIEND_TIME_SURE, GOODBYE_TIME, LEAVING_TIME, SESSION_ANSWERS, TICK,
    WAITING_FRIENDS,
};
use crate::link::{self, Incoming, REQUEST_TEXT};

/// A friend of the board.
enum Guest {
    /// Accepted, not yet there; packets may come a moment before Tox says that it is.
    Waiting { since: Monotonic, early: Vec<Vec<u8>> },
    /// In a session.
    Inside { session: SessionId, incoming: Incoming },
    /// Offline, to be deleted when Tox has nothing under way for it.
    Leaving { since: Monotonic },
}

struct Guests {
    tox: Tox,
    engine: mpsc::Sender<Event>,
    clock: Arc<dyn Clock>,
    guests: HashMap<PublicKey, Guest>,
    /// The keys of guests whose last answer has left.
    left: mpsc::UnboundedSender<PublicKey>,
}

/// Hands the events of Tox to the engine, until either stops.
pub(super) async fn listen(identity: Identity, engine: mpsc::WeakSender<Event>, clock: Arc<dyn Clock>) {
    let Some(mut events) = identity.take_events() else { return };
    let (left, mut leaving) = mpsc::unbounded_channel();
    let Some(engine) = engine.upgrade() else { return };
    let mut guests =
        Guests { tox: identity.tox, engine, clock: Arc::clone(&clock), guests: HashMap::new(), left };
    let mut looked = clock.monotonic();
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(event) => guests.tox_tells(event).await,
                None => return,
            },
            Some(key) = leaving.recv() => guests.throw_out(key).await,
            () = clock.sleep(TICK) => {}
        }
        if guests.engine.is_closed() {
            return;
        }
        let now = clock.monotonic();
        if now.since(looked) >= TICK {
            looked = now;
            guests.forget_late(now).await;
        }
    }
}

impl Guests {
    async fn tox_tells(&mut self, event: tox::Event) {
        match event {
            tox::Event::FriendRequest { key, message } => self.asked(key, &message).await,
            tox::Event::FriendConnection { key, connection: Connection::None } => self.end(key).await,
            tox::Event::FriendConnection { key, .. } => self.came(key).await,
            tox::Event::Packet { key, bytes } => self.packet(key, bytes).await,
            // Faster than it may be, or not what a client does.
            tox::Event::Overflow { key } => self.throw_out(key).await,
            _ => {}
        }
    }

    async fn asked(&mut self, key: PublicKey, message: &str) {
        if message != REQUEST_TEXT || !self.has_place().await {
            return;
        }
        if self.tox.accept_friend(key).await.is_ok() {
            self.guests.insert(key, Guest::Waiting { since: self.clock.monotonic(), early: vec![] });
        }
    }

    /// Whether one more may be waited for. Where as many wait as may, the longest waiting goes, unless it has just come.
    async fn has_place(&mut self) -> bool {
        let now = self.clock.monotonic();
        let waiting: Vec<(Monotonic, PublicKey)> = self
            .guests
            .iter()
            .filter_map(|(key, guest)| match guest {
                Guest::Waiting { since, .. } => Some((*since, *key)),
                Guest::Inside { .. } | Guest::Leaving { .. } => None,
            })
            .collect();
        if waiting.len() < WAITING_FRIENDS {
            return true;
        }
        let longest = waiting.into_iter().min().filter(|(since, _)| now.since(*since) >= FRIEND_TIME_SURE);
        let Some((_, key)) = longest else { return false };
        self.delete(key).await;
        true
    }

    async fn came(&mut self, key: PublicKey) {
        let early = match self.guests.get_mut(&key) {
            Some(Guest::Waiting { early, .. }) => std::mem::take(early),
            // Now over UDP instead of a relay, say. Or back too late: the session is over.
            Some(Guest::Inside { .. } | Guest::Leaving { .. }) | None => return,
        };
        let (out, answers) = mpsc::channel(SESSION_ANSWERS);
        let Ok(session) = engine::connect(&self.engine, Client::Guest, out).await else { return };
        self.guests.insert(key, Guest::Inside { session, incoming: Incoming::default() });
        let writer = Writer { tox: self.tox.clone(), key, session, engine: self.engine.downgrade() };
        let (clock, left) = (Arc::clone(&self.clock), self.left.clone());
        supervisor::job("board-answers", async move {
            writer.write(answers).await;
            clock.sleep(GOODBYE_TIME).await;
            // The listener is gone: so is the instance.
            let _ = left.send(key);
        });
        for packet in early {
            self.packet(key, packet).await;
        }
    }

    async fn packet(&mut self, key: PublicKey, bytes: Vec<u8>) {
        if bytes.first() != Some(&packet_id().get()) {
            return;
        }
        match self.guests.get_mut(&key) {
            Some(Guest::Waiting { early, .. }) if early.len() < EARLY_PACKETS => early.push(bytes),
            Some(Guest::Inside { session, incoming }) => match incoming.packet(bytes) {
                Ok(None) => {}
                Ok(Some(message)) => {
                    let event = Event::Message(*session, message);
                    // The engine has stopped: the listener ends with this turn.
                    let _ = self.engine.send(event).await;
                }
                Err(_) => self.throw_out(key).await,
            },
            _ => {}
        }
    }

    /// Ends the session of a guest who has one, because it broke a rule, was told all, or went offline: a session does not outlive its connection.
    async fn end(&mut self, key: PublicKey) {
        if let Some(guest) = self.guests.get_mut(&key)
            && let Guest::Inside { session, .. } = guest
        {
            let session = *session;
            *guest = Guest::Leaving { since: self.clock.monotonic() };
            // The engine has stopped: the listener ends with this turn.
            let _ = self.engine.send(Event::Disconnected(session)).await;
        }
    }

    /// Deletes a guest who is there. Whoever has left is deleted with the late ones.
    async fn throw_out(&mut self, key: PublicKey) {
        if !matches!(self.guests.get(&key), Some(Guest::Leaving { .. })) {
            self.end(key).await;
            self.delete(key).await;
        }
    }

    async fn delete(&mut self, key: PublicKey) {
        if self.guests.remove(&key).is_some() {
            // Its events that still wait find no guest. Gone: the instance has stopped.
            let _ = self.tox.delete_friend(key).await;
        }
    }

    /// Deletes those who were accepted and did not come, and those who left.
    async fn forget_late(&mut self, now: Monotonic) {
        let is_late = |guest: &Guest| match guest {
            Guest::Waiting { since, .. } => now.since(*since) >= FRIEND_TIME,
            Guest::Leaving { since } => now.since(*since) >= LEAVING_TIME,
            Guest::Inside { .. } => false,
        };
        let late: Vec<PublicKey> =
            self.guests.iter().filter(|(_, guest)| is_late(guest)).map(|(key, _)| *key).collect();
        for key in late {
            self.delete(key).await;
        }
    }
}

/// Sends a session's answers.
struct Writer {
    tox: Tox,
    key: PublicKey,
    session: SessionId,
    engine: mpsc::WeakSender<Event>,
}

impl Writer {
    /// Returns when the engine has ended the session or the connection broke.
    async fn write(&self, mut answers: Answers) {
        while let Some(answer) = answers.recv().await {
            if link::send(&self.tox, &self.key, &answer).await.is_err() {
                return;
            }
            let Some(engine) = self.engine.upgrade() else { return };
            if engine.send(Event::Ready(self.session)).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(number: usize) -> PublicKey {
        let mut key = [1; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        PublicKey(key)
    }

    #[tokio::test]
    async fn requests_that_never_connect_keep_no_newcomer_out() {
        let (tox, _events) = Tox::start(tox::Options::default()).await.unwrap();
        let (engine, _inbox) = mpsc::channel(1);
        let (left, _leaving) = mpsc::unbounded_channel();
        let clock = Arc::new(clock::ManualClock::default());
        let mut guests = Guests { tox, engine, clock: clock.clone(), guests: HashMap::new(), left };
        for number in 0..WAITING_FRIENDS {
            clock.advance(Duration::from_millis(1));
            guests.asked(key(number), REQUEST_TEXT).await;
        }
        guests.asked(key(1000), REQUEST_TEXT).await;
        assert!(!guests.guests.contains_key(&key(1000)), "those who have just come have their time");
        clock.advance(FRIEND_TIME_SURE);
        guests.asked(key(1000), REQUEST_TEXT).await;
        assert!(guests.guests.contains_key(&key(1000)));
        assert!(!guests.guests.contains_key(&key(0)), "the longest waiting goes");
        assert_eq!(guests.guests.len(), WAITING_FRIENDS);
        assert_eq!(guests.tox.friends().await.unwrap().len(), WAITING_FRIENDS);
        guests.asked(key(1001), "another text").await;
        assert!(!guests.guests.contains_key(&key(1001)));
        guests.tox.shutdown().await;
    }
}
