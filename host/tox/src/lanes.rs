//! From the handles to the owning thread: commands, and one lane of outgoing packets per friend.
//!
//! A lane has [`limits::LANE_PACKETS`] places, given out in order of asking. A friend's session (from coming to
//! going) has places of its own: when it ends, whoever waits for one learns that the friend is gone, and nothing
//! meant for one session is sent in the next.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mail::PublicKey;
use tokio::sync::{Semaphore, oneshot};

use crate::error::{Gone, SendError};
use crate::event::{Connection, MessageId};
use crate::limits;
use crate::owner::Owner;

/// Something the owning thread does between two turns of the engine.
pub type Command = Box<dyn FnOnce(&mut Owner) + Send>;

/// What is sent to a friend.
#[derive(Debug)]
pub enum Outgoing {
    /// A custom lossless packet.
    Packet(Vec<u8>),
    /// A text message, and who wants to know its id.
    Message(String, oneshot::Sender<MessageId>),
}

/// The places of a lane in one session. Closed when the session ends.
pub type Room = Arc<Semaphore>;

/// How the owning thread waits for the next turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Packets are flowing: a short wait, that further packets do not cut shorter.
    Busy(Duration),
    /// Nothing is flowing: wait so long at most, and wake up for a packet.
    Idle(Duration),
}

impl Pace {
    /// The longest wait.
    pub fn interval(self) -> Duration {
        match self {
            Self::Busy(interval) | Self::Idle(interval) => interval,
        }
    }
}

/// Both ends of the way to the owning thread.
#[derive(Default)]
pub struct Lanes {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    commands: VecDeque<Command>,
    friends: HashMap<PublicKey, Lane>,
    /// Whose lanes have packets.
    loaded: Vec<PublicKey>,
    own: OwnConnection,
    /// The owning thread waits, and a packet is to wake it.
    idle: bool,
    /// The owning thread is to end.
    stopping: bool,
    /// The owning thread has ended.
    closed: bool,
}

struct OwnConnection(Connection);

impl Default for OwnConnection {
    fn default() -> Self {
        Self(Connection::None)
    }
}

struct Lane {
    connection: Connection,
    room: Room,
    waiting: VecDeque<Outgoing>,
}

/// A lane of a friend who is not there: nobody gets a place.
fn no_room() -> Room {
    let room = Semaphore::new(0);
    room.close();
    Arc::new(room)
}

impl Lanes {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the state whole: each change is made in one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // What handles do.

    /// Has the owning thread run a command.
    pub fn command(&self, command: Command) -> Result<(), Gone> {
        let mut state = self.state();
        if state.closed || state.stopping {
            return Err(Gone);
        }
        state.commands.push_back(command);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Waits for a place in a friend's lane and fills it. Cancelled before it returns, nothing is sent.
    pub async fn send(&self, key: &PublicKey, outgoing: Outgoing) -> Result<(), SendError> {
        let room = self.room(key)?;
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            // The session ended; this says in what way.
            self.room(key)?;
            return Err(SendError::NotConnected);
        };
        let mut state = self.state();
        let state = &mut *state;
        let lane = state.friends.get_mut(key).ok_or(SendError::NotAFriend)?;
        if !Arc::ptr_eq(&lane.room, &room) {
            return Err(SendError::NotConnected);
        }
        // The owning thread gives the place back when the engine has taken the packet.
        place.forget();
        if lane.waiting.is_empty() {
            state.loaded.push(*key);
        }
        lane.waiting.push_back(outgoing);
        if mem::take(&mut state.idle) {
            self.wake.notify_one();
        }
        Ok(())
    }

    fn room(&self, key: &PublicKey) -> Result<Room, SendError> {
        let state = self.state();
        if state.closed || state.stopping {
            return Err(Gone.into());
        }
        let lane = state.friends.get(key).ok_or(SendError::NotAFriend)?;
        match lane.connection {
            Connection::None => Err(SendError::NotConnected),
            Connection::Tcp | Connection::Udp => Ok(Arc::clone(&lane.room)),
        }
    }

    /// How a friend is reached; `None` if they are no friend.
    pub fn connection(&self, key: &PublicKey) -> Option<Connection> {
        self.state().friends.get(key).map(|lane| lane.connection)
    }

    /// How the network is.
    pub fn own_connection(&self) -> Connection {
        self.state().own.0
    }

    /// Has the owning thread end.
    pub fn stop(&self) {
        self.state().stopping = true;
        self.wake.notify_one();
    }

    // What the owning thread does.

    /// A friend was added.
    pub fn add_friend(&self, key: PublicKey) {
        let lane = Lane { connection: Connection::None, room: no_room(), waiting: VecDeque::new() };
        self.state().friends.entry(key).or_insert(lane);
    }

    /// A friend was deleted.
    pub fn remove_friend(&self, key: &PublicKey) {
        let removed = self.state().friends.remove(key);
        if let Some(lane) = removed {
            lane.room.close();
        }
    }

    /// The own connection changed.
    pub fn set_own_connection(&self, connection: Connection) {
        self.state().own.0 = connection;
    }

    /// A friend's connection changed; returns the places of the session that it is in now.
    pub fn set_connection(&self, key: &PublicKey, connection: Connection) -> Room {
        let mut state = self.state();
        let Some(lane) = state.friends.get_mut(key) else {
            return no_room();
        };
        let before = mem::replace(&mut lane.connection, connection);
        let ended = if connection == Connection::None {
            lane.room.close();
            mem::take(&mut lane.waiting)
        } else {
            if before == Connection::None {
                lane.room = Arc::new(Semaphore::new(limits::LANE_PACKETS));
            }
            VecDeque::new()
        };
        let room = Arc::clone(&lane.room);
        drop(state);
        drop(ended);
        room
    }

    /// Takes the next command; `Err` when the owning thread is to end.
    pub fn next_command(&self) -> Result<Option<Command>, Gone> {
        let mut state = self.state();
        if state.stopping { Err(Gone) } else { Ok(state.commands.pop_front()) }
    }

    /// Hands what waits in the lanes to `take`, lane by lane; `take` empties the queue it gets.
    pub fn unload(&self, mut take: impl FnMut(&PublicKey, &mut VecDeque<Outgoing>)) {
        let mut state = self.state();
        for key in mem::take(&mut state.loaded) {
            if let Some(lane) = state.friends.get_mut(&key) {
                take(&key, &mut lane.waiting);
            }
        }
    }

    /// Waits for the next turn, or for something to do before it.
    pub fn wait(&self, pace: Pace) {
        let mut state = self.state();
        let (most, idle) = match pace {
            Pace::Busy(most) => (most, false),
            Pace::Idle(most) => (most, true),
        };
        if state.stopping || !state.commands.is_empty() || (idle && !state.loaded.is_empty()) {
            return;
        }
        state.idle = idle;
        // Waking up early, for whatever reason, costs one turn.
        let (mut state, _) = self.wake.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner);
        state.idle = false;
    }

    /// The owning thread ends: whoever waits learns it.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.own = OwnConnection::default();
        let commands = mem::take(&mut state.commands);
        let friends = mem::take(&mut state.friends);
        drop(state);
        for lane in friends.values() {
            lane.room.close();
        }
        drop((commands, friends));
    }
}
