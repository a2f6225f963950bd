//! A board that means harm: an identity that takes guests as a board does, and answers them as none may.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use drops::board::board_nospam;
use drops::cell::{BoardKey, Cell, Place, Sealer};
use drops::limits::{MESSAGE_BYTES, SEGMENT_CELLS, SEGMENTS_HELD, VERSION};
use drops::mailbox::Period;
use drops::message::{Answer, BoardInfo, Receipt, Refusal, Request, RequestId, packet_id};
use drops::point::{Point, Secret};
use drops::segment::{Entry, segment_hash};
use drops::stamp;
use drops::token::IssuingKey;
use drops::ttl::Ttl;
use frame::Assembler;
use mail::{MailId, PublicKey, Wall};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use tokio::sync::mpsc;
use tox::{Event, Events, Options, Tox};

use super::Den;

/// What it does to whoever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Shows as many cells as a window may have: each the first part of another mail to the victim that never becomes whole.
    Unfinished,
    /// Begins a segment and sends a cell every ten seconds.
    Slow,
    /// Says nothing.
    Silent,
    /// Lives eight days ahead, and gives receipts for then.
    Ahead,
    /// Refuses everything, each time for another reason.
    Refuses,
    /// Empty segments without end, in the window and to those who follow.
    Endless,
    /// Messages that are none, and packets that make no message.
    Garbage,
    /// Gives a receipt for everything, and has nothing of it when it is read.
    Forgets,
    /// Other cells in a segment to each guest, each time under the right hash.
    Differs,
    /// All cells of a segment under a wrong hash.
    Lies,
}

impl Behaviour {
    /// Each of them.
    pub const ALL: [Self; 10] = [
        Self::Unfinished,
        Self::Slow,
        Self::Silent,
        Self::Ahead,
        Self::Refuses,
        Self::Endless,
        Self::Garbage,
        Self::Forgets,
        Self::Differs,
        Self::Lies,
    ];
}

/// Segments of unfinished mails.
const SEGMENTS: u32 = 40;

/// Starts one in the den that behaves in another of these ways to each guest, in turn; its key.
///
/// # Panics
/// If it cannot be started, or there is no way to behave.
pub fn serve(den: &mut Den, nodes: &[String], behaviours: Vec<Behaviour>, victim: PublicKey) -> BoardKey {
    let options = Options { ipv6: false, hole_punching: false, ..Options::default() };
    let (tox, events) = den.now(Tox::start(options)).expect("it starts");
    let key = tox.public_key();
    den.now(async {
        tox.set_nospam(board_nospam(&key)).await.expect("it runs");
        for node in nodes {
            tox.add_node(&node.parse().expect("a node")).await.expect("a node on loopback");
        }
    });
    let behaviour = *behaviours.first().expect("one at least");
    let board = Board { tox, key, behaviours, behaviour, victim: Point(victim.0) };
    den.spawn(board.listen(events));
    key
}

#[derive(Clone)]
struct Board {
    tox: Tox,
    key: BoardKey,
    /// To one guest after the other.
    behaviours: Vec<Behaviour>,
    /// To this one.
    behaviour: Behaviour,
    /// What cells are sealed to: the victim's Tox key.
    victim: Point,
}

struct Guest {
    incoming: Assembler,
    requests: mpsc::UnboundedSender<Bytes>,
}

impl Board {
    async fn listen(self, mut events: Events) {
        let mut guests: HashMap<PublicKey, Guest> = HashMap::new();
        let mut came = 0;
        while let Some(event) = events.next().await {
            match event {
                Event::FriendRequest { key, .. } => {
                    if self.tox.accept_friend(key).await.is_err() {
                        continue;
                    }
                    let (requests, asked) = mpsc::unbounded_channel();
                    let incoming = Assembler::new(packet_id(), MESSAGE_BYTES);
                    guests.insert(key, Guest { incoming, requests });
                    let behaviour = self.behaviours[came % self.behaviours.len()];
                    came += 1;
                    tokio::spawn(Self { behaviour, ..self.clone() }.answer(key, asked));
                }
                Event::Packet { key, bytes } => {
                    let Some(guest) = guests.get_mut(&key) else { continue };
                    if let Some(message) =
                        guest.incoming.push(Bytes::from(bytes)).expect("packets of a gateway")
                    {
                        // It went meanwhile.
                        let _ = guest.requests.send(message);
                    }
                }
                Event::FriendConnection { key, connection: tox::Connection::None } => {
                    drop(guests.remove(&key))
                }
                _ => {}
            }
        }
    }

    /// Answers one guest until it goes.
    async fn answer(self, guest: PublicKey, mut asked: mpsc::UnboundedReceiver<Bytes>) {
        while let Some(message) = asked.recv().await {
            let (id, request) = Request::decode(&message);
            let request = request.expect("a request of a gateway");
            if self.misbehave(&guest, id, request).await.is_none() {
                return;
            }
        }
    }

    /// None: the guest is gone.
    async fn misbehave(&self, guest: &PublicKey, id: RequestId, request: Request) -> Option<()> {
        match (self.behaviour, request) {
            (Behaviour::Silent, _) => Some(()),
            (Behaviour::Garbage, _) => self.garbage(guest, id).await,
            (Behaviour::Refuses, _) => {
                let refusals = [
                    Refusal::Malformed("no\r\n\u{202e}\u{7}".repeat(9)),
                    Refusal::Version(9),
                    Refusal::Busy(u32::MAX),
                    Refusal::Full(Wall(u64::MAX)),
                    Refusal::SegmentGone(u32::MAX),
                    Refusal::SegmentFuture(u32::MAX),
                    Refusal::TooSlow,
                    Refusal::Policy("x".repeat(200)),
                    Refusal::Trouble,
                    Refusal::Sessions,
                ];
                let which = (guest.0[0] as usize + id as usize) % refusals.len();
                self.say(guest, id, Answer::Refused(refusals[which].clone())).await
            }
            (_, Request::Info) => self.say(guest, id, Answer::Info(Box::new(self.info()))).await,
            (Behaviour::Endless, Request::Follow) => self.follow_for_ever(guest, id).await,
            (Behaviour::Endless | Behaviour::Forgets, Request::Read { segment }) => {
                self.show(guest, id, segment, &[], false).await
            }
            (Behaviour::Slow, Request::Read { segment }) => self.slowly(guest, id, segment).await,
            (behaviour, Request::Read { segment }) => {
                let cells = self.cells(guest, segment);
                self.show(guest, id, segment, &cells, behaviour == Behaviour::Lies).await
            }
            (_, Request::Follow) => {
                let segment = self.info().last + 1;
                self.say(guest, id, Answer::Begin { segment, edition: 0, count: None }).await
            }
            (behaviour, Request::Deposit { ttl, cell, .. }) => {
                let ahead = if behaviour == Behaviour::Ahead { 8 * 24 * 3600 } else { 0 };
                let until = now().plus(ttl.duration()).plus(Duration::from_secs(ahead));
                // Nothing is kept.
                let receipt = Receipt { name: cell.name(), segment: self.info().last + 1, until };
                self.say(guest, id, Answer::Receipt(receipt)).await
            }
            (_, Request::Issue { .. } | Request::Enter { .. }) => {
                self.say(guest, id, Answer::Refused(Refusal::Token)).await
            }
        }
    }

    fn info(&self) -> BoardInfo {
        let wall = now();
        let ahead = if self.behaviour == Behaviour::Ahead { 8 } else { 0 };
        let last = match self.behaviour {
            Behaviour::Endless => SEGMENTS_HELD as u32,
            Behaviour::Unfinished => SEGMENTS,
            _ => 2,
        };
        let keys = [Period::at(wall), Period::at(wall).next()].map(|period| {
            let key = IssuingKey::from_seed(period, &self.key.0).expect("a key");
            (period, key.public())
        });
        BoardInfo {
            version: VERSION,
            day: stamp::day(wall) + ahead,
            today: 0,
            day_cells: 4096,
            fill: 255,
            full_until: Wall(0),
            stamp_bits: [1; 4],
            oldest: 1,
            last,
            last_hash: self.key.0,
            keys,
        }
    }

    /// The cells of a segment, in order: the same at each reading, but for who [differs](Behaviour::Differs).
    fn cells(&self, guest: &PublicKey, segment: u32) -> Vec<Cell> {
        let count = if self.behaviour == Behaviour::Unfinished { SEGMENT_CELLS } else { 3 };
        let mut seed = if self.behaviour == Behaviour::Differs { guest.0 } else { self.key.0 };
        seed[..4].copy_from_slice(&segment.to_le_bytes());
        let mut dice = ChaCha20Rng::from_seed(seed);
        let mut cells: Vec<Cell> = (0..count).map(|_| self.cell(&mut dice)).collect();
        cells.sort_by_key(Cell::name);
        cells
    }

    /// The first part of a mail of 64 from somebody new.
    fn cell(&self, dice: &mut ChaCha20Rng) -> Cell {
        let (mut id, mut digest) = ([0; 16], [0; 32]);
        dice.fill_bytes(&mut id);
        dice.fill_bytes(&mut digest);
        let sender = Secret::random(dice);
        let place = Place { mail: MailId(id), index: 0, count: 64, digest };
        let sealer = Sealer { sender: &sender, mailbox: &self.victim, board: &self.key };
        sealer.seal(dice, &place, &[b'x'; drops::limits::CHUNK_BYTES]).expect("a cell")
    }

    async fn show(
        &self,
        guest: &PublicKey,
        id: RequestId,
        segment: u32,
        cells: &[Cell],
        is_wrong: bool,
    ) -> Option<()> {
        let count = u16::try_from(cells.len()).ok();
        self.say(guest, id, Answer::Begin { segment, edition: 0, count }).await?;
        for cell in cells {
            self.say(guest, id, Answer::Cell { ttl: Ttl::ThreeWeeks, cell: cell.clone() }).await?;
        }
        let entry = |cell: &Cell| Entry { name: cell.name(), ttl: Ttl::ThreeWeeks, digest: cell.digest() };
        let entries: Vec<Entry> = cells.iter().map(entry).collect();
        let hash = if is_wrong { [0; 32] } else { segment_hash(&self.key, segment, 0, &entries) };
        self.say(guest, id, Answer::End { segment, hash }).await
    }

    async fn slowly(&self, guest: &PublicKey, id: RequestId, segment: u32) -> Option<()> {
        let count = Some(SEGMENT_CELLS as u16);
        self.say(guest, id, Answer::Begin { segment, edition: 0, count }).await?;
        let mut dice = ChaCha20Rng::from_seed(self.key.0);
        let mut cells: Vec<Cell> = (0..SEGMENT_CELLS).map(|_| self.cell(&mut dice)).collect();
        cells.sort_by_key(Cell::name);
        for cell in cells {
            self.say(guest, id, Answer::Cell { ttl: Ttl::Day, cell }).await?;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        Some(())
    }

    async fn follow_for_ever(&self, guest: &PublicKey, id: RequestId) -> Option<()> {
        for segment in self.info().last + 1.. {
            self.say(guest, id, Answer::Begin { segment, edition: 0, count: None }).await?;
            let hash = segment_hash(&self.key, segment, 0, &[]);
            self.say(guest, id, Answer::End { segment, hash }).await?;
        }
        Some(())
    }

    async fn garbage(&self, guest: &PublicKey, id: RequestId) -> Option<()> {
        let mut dice = ChaCha20Rng::from_seed(guest.0);
        for length in [1, 5, 1371, MESSAGE_BYTES, MESSAGE_BYTES + 1] {
            let mut message = vec![0; length];
            dice.fill_bytes(&mut message);
            if length == 1371 {
                message[..5].copy_from_slice(&Answer::Entered.encode(id)[..5]);
            }
            self.send_all(guest, &message).await?;
        }
        for flags in 0..=255 {
            self.tox.send_packet(guest, vec![packet_id().get(), flags, 1, 2, 3]).await.ok()?;
        }
        Some(())
    }

    async fn say(&self, guest: &PublicKey, id: RequestId, answer: Answer) -> Option<()> {
        self.send_all(guest, &answer.encode(id)).await
    }

    async fn send_all(&self, guest: &PublicKey, message: &[u8]) -> Option<()> {
        for packet in frame::split(packet_id(), message) {
            self.tox.send_packet(guest, packet).await.ok()?;
        }
        Some(())
    }
}

/// The time.
///
/// # Panics
/// Before 1970.
#[must_use]
pub fn now() -> Wall {
    #[allow(clippy::disallowed_methods, reason = "tests run in real time")]
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Wall(u64::try_from(since.as_millis()).expect("before the year 500 million"))
}
