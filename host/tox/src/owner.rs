//! The owning thread: commands, one turn of the engine, outgoing packets, wait. Over and over.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mail::{PublicKey, ToxId};
use tokio::sync::{oneshot, watch};

use crate::engine::{Engine, FriendNumber, Incoming, Sent};
use crate::error::{AddFriendError, NodeError, StartError, TextError};
use crate::event::{Connection, Event};
use crate::lanes::{Lanes, Outgoing, Pace, Room};
use crate::limits;
use crate::options::Options;
use crate::pacer::Pacer;
use crate::queue::Queue;

/// What is known of an instance once it runs.
#[derive(Debug)]
pub struct Identity {
    pub id: ToxId,
    pub dht_key: PublicKey,
    pub udp_port: Option<u16>,
    pub tcp_port: Option<u16>,
}

/// A node whose host name is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedNode {
    pub address: IpAddr,
    pub port: u16,
    pub key: PublicKey,
    pub tcp_port: Option<u16>,
}

/// What the owning thread owns.
pub struct Owner {
    pub engine: Engine,
    friends: Friends,
    nodes: Vec<ResolvedNode>,
    /// Where the time of the pacers counts from.
    begin: Instant,
    /// Time since packets last flowed, counted in waits.
    quiet: Duration,
    /// Time without connection since the last bootstrapping, counted in waits.
    offline: Duration,
}

/// The friends, and what happens with them.
struct Friends {
    by_number: HashMap<FriendNumber, Friend>,
    numbers: HashMap<PublicKey, FriendNumber>,
    /// Who has something to be sent.
    loaded: Vec<FriendNumber>,
    lanes: Arc<Lanes>,
    queue: Arc<Queue>,
    /// Packets came or went in this turn.
    traffic: bool,
    /// The engine refused packets in this turn.
    refused: bool,
}

struct Friend {
    key: PublicKey,
    connected: bool,
    /// Was connected since the instance started.
    met: bool,
    session: Option<Session>,
    outgoing: VecDeque<Outgoing>,
}

/// From a friend's coming to their going.
struct Session {
    room: Room,
    pacer: Pacer,
}

/// Tells everybody who waits that the thread has ended, however it ended.
struct Ending {
    lanes: Arc<Lanes>,
    queue: Arc<Queue>,
    stopped: watch::Sender<bool>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.lanes.close();
        self.queue.end();
        self.stopped.send_replace(true);
    }
}

/// The thread's whole life.
pub fn run(
    options: Options,
    lanes: Arc<Lanes>,
    queue: Arc<Queue>,
    started: oneshot::Sender<Result<Identity, StartError>>,
    stopped: watch::Sender<bool>,
) {
    // Dropped last, when the engine is gone (and with it the ports, and friends know).
    let _ending = Ending { lanes: Arc::clone(&lanes), queue: Arc::clone(&queue), stopped };
    let result = start(options, Arc::clone(&lanes), queue);
    let (answer, owner) = match result {
        Ok((identity, owner)) => (Ok(identity), Some(owner)),
        Err(error) => (Err(error), None),
    };
    if started.send(answer).is_ok()
        && let Some(mut owner) = owner
    {
        owner.work(&lanes);
    }
}

fn start(options: Options, lanes: Arc<Lanes>, queue: Arc<Queue>) -> Result<(Identity, Owner), StartError> {
    let mut engine = Engine::start(&options)?;
    if let Some(name) = &options.name
        && !engine.set_name(name)
    {
        return Err(TextError::TooLong { bytes: name.len(), most: limits::NAME_BYTES }.into());
    }
    let identity = Identity {
        id: engine.id()?,
        dht_key: engine.dht_key(),
        udp_port: engine.udp_port(),
        tcp_port: engine.tcp_port(),
    };
    if options.saved.is_none() || options.name.is_some() {
        queue.push(Event::SavedDataChanged);
        queue.wake();
    }
    let mut friends = Friends {
        by_number: HashMap::new(),
        numbers: HashMap::new(),
        loaded: Vec::new(),
        lanes,
        queue,
        traffic: false,
        refused: false,
    };
    for (number, key) in engine.friends() {
        friends.add(number, key);
    }
    let quiet = limits::BUSY_AFTER_TRAFFIC;
    Ok((identity, Owner { engine, friends, nodes: Vec::new(), begin: now(), quiet, offline: Duration::ZERO }))
}

impl Owner {
    fn work(&mut self, lanes: &Lanes) {
        loop {
            supervisor::checkpoint("tox");
            loop {
                match lanes.next_command() {
                    Ok(Some(command)) => command(self),
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
            self.turn();
            let pace = self.pace();
            lanes.wait(pace);
        }
    }

    /// Receives what came, and sends what the lanes hold as far as congestion control, whose rights a turn of
    /// the engine renews, lets it.
    fn turn(&mut self) {
        let Self { engine, friends, begin, .. } = self;
        let now = now().duration_since(*begin);
        engine.iterate(&mut |incoming| friends.receive(incoming, now));
        friends.unload();
        friends.send(engine, now);
        friends.queue.wake();
    }

    fn pace(&mut self) -> Pace {
        let engine = Duration::from_millis(u64::from(self.engine.interval_ms()));
        let traffic = std::mem::take(&mut self.friends.traffic);
        let busy = traffic || self.quiet < limits::BUSY_AFTER_TRAFFIC;
        let refused = std::mem::take(&mut self.friends.refused);
        let pace = if refused {
            // The engine knows when it renews the rights: a turn before that only counts as congestion.
            Pace::Busy(engine.max(limits::BUSY_INTERVAL))
        } else if busy {
            Pace::Busy(limits::BUSY_INTERVAL)
        } else {
            Pace::Idle(engine)
        };
        self.quiet = if traffic { Duration::ZERO } else { self.quiet.saturating_add(pace.interval()) };
        self.bootstrap_if_offline(pace.interval());
        pace
    }

    fn bootstrap_if_offline(&mut self, waited: Duration) {
        if self.friends.lanes.own_connection() != Connection::None {
            self.offline = Duration::ZERO;
            return;
        }
        self.offline += waited;
        if self.offline >= limits::BOOTSTRAP_AGAIN {
            self.offline = Duration::ZERO;
            for node in self.nodes.clone() {
                self.use_node(&node);
            }
        }
    }

    fn use_node(&mut self, node: &ResolvedNode) -> bool {
        let bootstrapped = self.engine.bootstrap(node.address, node.port, &node.key);
        let relayed =
            node.tcp_port.is_some_and(|port| self.engine.add_tcp_relay(node.address, port, &node.key));
        bootstrapped || relayed
    }

    // What commands do.

    /// Uses the addresses of a node, and again whenever the connection is lost.
    pub fn add_node(&mut self, host: &str, addresses: &[ResolvedNode]) -> Result<(), NodeError> {
        let mut used = false;
        for node in addresses {
            if !self.nodes.contains(node) {
                if self.nodes.len() >= limits::NODES * limits::ADDRESSES_PER_NODE {
                    return Err(NodeError::TooMany);
                }
                self.nodes.push(*node);
            }
            used |= self.use_node(node);
        }
        if used { Ok(()) } else { Err(NodeError::Unusable(host.to_owned())) }
    }

    /// Adds a friend who gets a request.
    pub fn add_friend(&mut self, id: &ToxId, message: &str) -> Result<(), AddFriendError> {
        let number = self.engine.add_friend(id, message)?;
        self.friends.add(number, id.key);
        self.saved_data_changed();
        Ok(())
    }

    /// Adds a friend without a request.
    pub fn accept_friend(&mut self, key: PublicKey) -> Result<(), AddFriendError> {
        let number = self.engine.accept_friend(&key)?;
        self.friends.add(number, key);
        self.saved_data_changed();
        Ok(())
    }

    /// Deletes a friend; `false` if there was none.
    pub fn delete_friend(&mut self, key: &PublicKey) -> bool {
        let Some(number) = self.friends.numbers.get(key).copied() else {
            return false;
        };
        let deleted = self.engine.delete_friend(number);
        self.friends.remove(number);
        self.saved_data_changed();
        deleted
    }

    /// All friends, in no order.
    pub fn friends(&self) -> Vec<PublicKey> {
        self.friends.numbers.keys().copied().collect()
    }

    /// Something that is part of the saved data was changed.
    pub fn saved_data_changed(&self) {
        self.friends.queue.push(Event::SavedDataChanged);
    }
}

impl Friends {
    fn add(&mut self, number: FriendNumber, key: PublicKey) {
        self.lanes.add_friend(key);
        self.numbers.insert(key, number);
        self.by_number.entry(number).or_insert(Friend {
            key,
            connected: false,
            met: false,
            session: None,
            outgoing: VecDeque::new(),
        });
    }

    fn remove(&mut self, number: FriendNumber) {
        let Some(friend) = self.by_number.remove(&number) else {
            return;
        };
        self.numbers.remove(&friend.key);
        self.lanes.remove_friend(&friend.key);
        if friend.connected {
            self.queue.push(Event::FriendConnection { key: friend.key, connection: Connection::None });
        }
        self.queue.resume(&friend.key);
    }

    /// Turns what the engine tells into events.
    fn receive(&mut self, incoming: Incoming<'_>, now: Duration) {
        match incoming {
            Incoming::SelfConnection(connection) => {
                self.lanes.set_own_connection(connection);
                self.queue.push(Event::SelfConnection(connection));
            }
            Incoming::FriendRequest { key, message } => {
                self.queue.push(Event::FriendRequest { key, message: text(message) });
            }
            Incoming::FriendConnection(number, connection) => {
                self.connection_changed(number, connection, now)
            }
            Incoming::Packet(number, bytes) => self.received_packet(number, bytes),
            Incoming::Message(number, bytes) => {
                self.push_of(number, |key| Event::Message { key, text: text(bytes) });
            }
            Incoming::Receipt(number, message) => {
                self.push_of(number, |key| Event::Receipt { key, message });
            }
            Incoming::Name(number, bytes) => {
                self.push_of(number, |key| Event::Name { key, name: text(bytes) })
            }
            Incoming::StatusMessage(number, bytes) => {
                self.push_of(number, |key| Event::StatusMessage { key, text: text(bytes) });
            }
        }
    }

    fn received_packet(&mut self, number: FriendNumber, bytes: &[u8]) {
        // c-toxcore gives packets of calls (id 69) here too.
        if bytes.first().is_some_and(|id| limits::PACKET_IDS.contains(id)) {
            self.traffic = true;
            self.push_of(number, |key| Event::Packet { key, bytes: bytes.to_vec() });
        }
    }

    fn push_of(&self, number: FriendNumber, event: impl FnOnce(PublicKey) -> Event) {
        if let Some(friend) = self.by_number.get(&number) {
            self.queue.push(event(friend.key));
        }
    }

    fn connection_changed(&mut self, number: FriendNumber, connection: Connection, now: Duration) {
        let Some(friend) = self.by_number.get_mut(&number) else {
            return;
        };
        let key = friend.key;
        // First the lane, then the event: whoever hears that a friend is there can send.
        let room = self.lanes.set_connection(&key, connection);
        let was_connected = std::mem::replace(&mut friend.connected, connection != Connection::None);
        if !friend.connected {
            // Of an ended session: never sent in the next. Nobody waits for these places any more.
            friend.outgoing.clear();
            friend.session = None;
        } else if !was_connected {
            friend.session = Some(Session { room, pacer: Pacer::new(now) });
        }
        let first_time = friend.connected && !std::mem::replace(&mut friend.met, true);
        self.traffic |= friend.connected;
        self.queue.push(Event::FriendConnection { key, connection });
        if first_time {
            // The saved data tells an accepted friend from one who was only asked.
            self.queue.push(Event::SavedDataChanged);
        }
    }

    /// Takes what the lanes hold.
    fn unload(&mut self) {
        let Self { by_number, numbers, loaded, lanes, .. } = self;
        lanes.unload(|key, waiting| {
            let Some(number) = numbers.get(key) else {
                return waiting.clear();
            };
            if let Some(friend) = by_number.get_mut(number) {
                if friend.outgoing.is_empty() {
                    loaded.push(*number);
                }
                friend.outgoing.append(waiting);
            }
        });
    }

    /// Gives each friend's packets to the engine, as many as their pacer allows.
    fn send(&mut self, engine: &mut Engine, now: Duration) {
        let Self { by_number, loaded, traffic, refused, .. } = self;
        *traffic |= !loaded.is_empty();
        loaded.retain(|number| {
            let Some(friend) = by_number.get_mut(number) else {
                return false;
            };
            *refused |= friend.send(*number, engine, now);
            !friend.outgoing.is_empty()
        });
    }
}

impl Friend {
    /// Whether the engine refused something.
    fn send(&mut self, number: FriendNumber, engine: &mut Engine, now: Duration) -> bool {
        let Some(Session { room, pacer }) = &mut self.session else {
            return false;
        };
        let allowance = pacer.allowance(now);
        let (mut taken, mut refused) = (0, false);
        while taken < allowance
            && !refused
            && let Some(outgoing) = self.outgoing.pop_front()
        {
            match send(engine, number, outgoing) {
                Ok(()) => taken += 1,
                Err(later) => {
                    self.outgoing.push_front(later);
                    refused = true;
                }
            }
        }
        pacer.sent(taken);
        if refused {
            pacer.refused(now);
        }
        room.add_permits(taken);
        refused
    }
}

/// Gives one thing to the engine; gives it back where its time has not come.
fn send(engine: &mut Engine, number: FriendNumber, outgoing: Outgoing) -> Result<(), Outgoing> {
    match outgoing {
        Outgoing::Packet(packet) => match engine.send_packet(number, &packet) {
            Sent::Later => return Err(Outgoing::Packet(packet)),
            Sent::Refused => tracing::debug!("the engine refused a packet of {} bytes", packet.len()),
            Sent::Done(()) => {}
        },
        Outgoing::Message(text, reply) => match engine.send_message(number, text.as_bytes()) {
            Sent::Later => return Err(Outgoing::Message(text, reply)),
            Sent::Refused => tracing::debug!("the engine refused a message of {} bytes", text.len()),
            // Nobody listens where the caller was cancelled.
            Sent::Done(id) => drop(reply.send(id)),
        },
    }
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The machine's own time, the only one that pacing can go by: the engine below goes by it too.
#[expect(
    clippy::disallowed_methods,
    reason = "c-toxcore runs in real time, whatever clock the gateway is given"
)]
fn now() -> Instant {
    Instant::now()
}
