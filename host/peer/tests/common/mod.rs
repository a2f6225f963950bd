//! Two sessions joined by a simulated lossless link, each with an owner whose calls take as long as chance wants.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use mail::{Acknowledgement, Envelope, MailId, Monotonic, Nospam, PublicKey, ReversePath, ToxId};
use peer::{
    Action, BodyHasher, Hello, Interruption, Message, Nonce, Offer, OfferAnswer, Reception, Session,
    SessionEnd, Transfer, TransferError,
};

/// Small, fast and seeded (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

pub fn key(number: u8) -> PublicKey {
    PublicKey([number; 32])
}

pub fn hello(number: u8, run: u64) -> Hello {
    let tox_id = ToxId { key: key(number), nospam: Nospam([1, 2, 3, 4]) };
    let mut nonce = [number; 16];
    nonce[..8].copy_from_slice(&run.to_le_bytes());
    Hello::new(tox_id, vec![format!("user{number}@tox").parse().unwrap()], Nonce(nonce))
}

pub fn body_of(mail: MailId, size: usize) -> Vec<u8> {
    let mut chance = Chance(u64::from(mail.0[0]) << 8 | u64::from(mail.0[1]));
    (0..size.div_ceil(8)).flat_map(|_| chance.next().to_le_bytes()).take(size).collect()
}

pub fn mail_id(from: u8, number: u8) -> MailId {
    let mut id = [0; 16];
    (id[0], id[1]) = (from, number);
    MailId(id)
}

pub fn offer(mail: MailId, body: &[u8]) -> Offer {
    let envelope = Envelope::new(ReversePath::Null, "user@tox".parse().unwrap());
    Offer::new(mail, envelope, body.len() as u64, BodyHasher::digest(body))
}

pub fn packets(message: &Message) -> Vec<Bytes> {
    frame::split(peer::limits::PACKET_ID, &message.encode().unwrap()).map(Bytes::from).collect()
}

/// A call of a session to its owner that has not returned.
pub enum Call {
    Read { transfer: Transfer, mail: MailId, offset: u64, max: usize },
    Offered { reception: Reception, offer: Box<Offer> },
    Write { reception: Reception, mail: MailId, offset: u64, bytes: Bytes },
    Complete { reception: Reception, mail: MailId },
}

impl Call {
    /// The mail, if it is one that comes.
    pub fn incoming(&self) -> Option<MailId> {
        match self {
            Self::Read { .. } => None,
            Self::Offered { offer, .. } => Some(offer.mail),
            Self::Write { mail, .. } | Self::Complete { mail, .. } => Some(*mail),
        }
    }
}

/// What a gateway has, and its session on the present connection.
pub struct Side {
    pub number: u8,
    pub other: u8,
    pub run: u64,
    pub session: Session,
    pub calls: Vec<Call>,
    pub bodies: BTreeMap<MailId, Vec<u8>>,
    pub to_send: BTreeSet<MailId>,
    pub sending: BTreeSet<MailId>,
    pub outcomes: HashMap<MailId, Acknowledgement>,
    pub errors: Vec<TransferError>,
    /// What came and is durable (or would be, without a crash).
    pub received: HashMap<MailId, Vec<u8>>,
    pub accepted: BTreeSet<MailId>,
    pub completed: HashMap<MailId, usize>,
    pub hellos: usize,
    pub ended: Option<SessionEnd>,
    pub interruptions: Vec<Interruption>,
    pub data_bytes_written: u64,
    pub fail_writes: bool,
}

impl Side {
    pub fn new(number: u8, other: u8) -> Self {
        let session = Session::new(key(other), hello(number, 1), Monotonic::default()).unwrap();
        Self {
            number,
            other,
            run: 1,
            session,
            calls: Vec::new(),
            bodies: BTreeMap::new(),
            to_send: BTreeSet::new(),
            sending: BTreeSet::new(),
            outcomes: HashMap::new(),
            errors: Vec::new(),
            received: HashMap::new(),
            accepted: BTreeSet::new(),
            completed: HashMap::new(),
            hellos: 0,
            ended: None,
            interruptions: Vec::new(),
            data_bytes_written: 0,
            fail_writes: false,
        }
    }

    pub fn queue(&mut self, number: u8, size: usize) -> MailId {
        let mail = mail_id(self.number, number);
        self.bodies.insert(mail, body_of(mail, size));
        self.to_send.insert(mail);
        mail
    }

    /// A new session, as after a new connection or a restart.
    pub fn renew(&mut self, now: Monotonic) {
        self.run += 1;
        self.session.disconnected();
        self.take_actions();
        self.session = Session::new(key(self.other), hello(self.number, self.run), now).unwrap();
        self.ended = None;
        self.calls.clear();
        self.accepted.clear();
        self.sending.clear();
    }

    /// Offers all that is not acknowledged and not offered yet.
    pub fn offer_all(&mut self) {
        for mail in self.to_send.clone() {
            if self.sending.contains(&mail) {
                continue;
            }
            if self.session.offer(offer(mail, &self.bodies[&mail])).is_ok() {
                self.sending.insert(mail);
            }
        }
    }

    pub fn take_actions(&mut self) {
        while let Some(action) = self.session.next_action() {
            assert!(self.ended.is_none(), "{action:?} after the end");
            match action {
                Action::Hello(hello) => {
                    assert_eq!(hello.tox_id.key, key(self.other));
                    self.hellos += 1;
                }
                Action::Record(_) => panic!("none was announced"),
                Action::Read { transfer, mail, offset, max } => {
                    assert!(max > 0 && max <= peer::limits::BLOCK_BYTES);
                    self.calls.push(Call::Read { transfer, mail, offset, max });
                }
                Action::Offered { reception, offer } => {
                    self.calls.push(Call::Offered { reception, offer });
                }
                Action::Write { reception, mail, offset, bytes } => {
                    assert!(!bytes.is_empty() && bytes.len() <= peer::limits::BLOCK_BYTES);
                    self.calls.push(Call::Write { reception, mail, offset, bytes });
                }
                Action::Complete { reception, mail } => {
                    self.calls.push(Call::Complete { reception, mail });
                }
                Action::Interrupted { mail, why } => {
                    assert!(self.accepted.remove(&mail), "interrupted, though not accepted");
                    self.interruptions.push(why);
                    if why == Interruption::Corrupt {
                        self.received.remove(&mail);
                    }
                }
                Action::SentWhole { mail } => assert!(self.sending.contains(&mail), "sent after its end"),
                Action::Outcome { mail, result } => {
                    assert!(self.sending.remove(&mail), "a second outcome");
                    match result {
                        Ok(Acknowledgement::TryLater { .. }) => {}
                        Ok(word) => {
                            assert!(self.to_send.remove(&mail));
                            self.outcomes.insert(mail, word);
                        }
                        Err(error) => self.errors.push(error),
                    }
                }
                Action::Ended(end) => self.ended = Some(end),
            }
        }
    }

    /// Lets the call at this place return.
    /// As a driver does it, the calls for one incoming mail come in their order, so an earlier one may be meant.
    pub fn finish_call(&mut self, at: usize) {
        let mail = self.calls[at].incoming();
        let first = self.calls.iter().position(|call| mail.is_some() && call.incoming() == mail);
        let call = self.calls.remove(first.unwrap_or(at));
        match call {
            Call::Read { transfer, mail, offset, max } => {
                let body = &self.bodies[&mail];
                let from = usize::try_from(offset).unwrap();
                let to = (from + max).min(body.len());
                self.session.body(transfer, Bytes::copy_from_slice(&body[from..to]));
            }
            Call::Offered { reception, offer } => self.decide(reception, &offer),
            Call::Write { reception, mail, offset, bytes } => {
                if self.fail_writes {
                    return self.session.write_failed(reception);
                }
                let received = self.received.entry(mail).or_default();
                assert_eq!(received.len() as u64, offset, "bytes out of order or sent twice");
                received.extend_from_slice(&bytes);
                self.data_bytes_written += bytes.len() as u64;
                self.session.written(reception);
            }
            Call::Complete { reception, mail } => {
                self.accepted.remove(&mail);
                *self.completed.entry(mail).or_default() += 1;
                self.session.completed(reception, Acknowledgement::Delivered);
            }
        }
    }

    fn decide(&mut self, reception: Reception, offer: &Offer) {
        if self.completed.contains_key(&offer.mail) {
            self.session.answer(reception, OfferAnswer::Acknowledge(Acknowledgement::Delivered));
            return;
        }
        let mut hasher = BodyHasher::new();
        hasher.update(self.received.entry(offer.mail).or_default());
        if self.session.answer(reception, OfferAnswer::Accept(hasher)) {
            self.accepted.insert(offer.mail);
        }
        self.take_actions();
    }

    /// Lets all calls return, and those that follow from them.
    pub fn finish_calls(&mut self) {
        while !self.calls.is_empty() {
            self.finish_call(0);
            self.take_actions();
        }
    }
}

/// Both sides and the link.
pub struct World {
    pub chance: Chance,
    pub now: Monotonic,
    pub sides: [Side; 2],
    /// Packets under way to each side.
    pub under_way: [VecDeque<Vec<u8>>; 2],
    /// Most packets a link holds in one direction.
    pub link_packets: usize,
}

impl World {
    pub fn new(seed: u64) -> Self {
        Self {
            chance: Chance(seed),
            now: Monotonic::default(),
            sides: [Side::new(1, 2), Side::new(2, 1)],
            under_way: [VecDeque::new(), VecDeque::new()],
            link_packets: 200,
        }
    }

    pub fn transmit(&mut self, from: usize, max: usize) {
        let to = 1 - from;
        let room = self.link_packets.saturating_sub(self.under_way[to].len());
        let mut packets = Vec::new();
        self.sides[from].session.transmit(max.min(room), &mut packets);
        assert!(packets.iter().all(|packet| packet.len() <= frame::PACKET_BYTES));
        self.under_way[to].extend(packets);
        self.sides[from].take_actions();
    }

    pub fn deliver(&mut self, to: usize, max: usize) {
        for _ in 0..max {
            let Some(packet) = self.under_way[to].pop_front() else { break };
            self.sides[to].session.packet(self.now, packet.into());
        }
        self.sides[to].take_actions();
    }

    pub fn pass(&mut self, time: Duration) {
        self.now = Monotonic(self.now.0 + time);
        for side in &mut self.sides {
            side.session.tick(self.now);
            side.take_actions();
        }
    }

    /// The connection breaks: all under way is lost, both sides begin anew.
    pub fn break_link(&mut self) {
        for side in 0..2 {
            self.under_way[side].clear();
            self.sides[side].renew(self.now);
        }
    }

    /// What must hold always.
    pub fn check(&self) {
        for side in &self.sides {
            assert!(side.session.waiting() <= u64::from(peer::limits::WINDOW));
            assert!(side.session.in_flight() <= u64::from(peer::limits::WINDOW));
            assert!(side.session.memory() < 6 * 1024 * 1024, "{} bytes", side.session.memory());
            assert!(
                !matches!(side.ended, Some(SessionEnd::ProtocolError(_))),
                "{:?} though both keep to the protocol",
                side.ended
            );
        }
    }

    /// Everything happens, in turn, until nothing does.
    pub fn settle(&mut self) {
        self.sides.iter_mut().for_each(|side| side.fail_writes = false);
        for _ in 0..200_000 {
            let mut quiet = true;
            for side in 0..2 {
                self.sides[side].offer_all();
                self.transmit(side, 64);
                quiet &= self.under_way[1 - side].is_empty();
                self.deliver(1 - side, usize::MAX);
                quiet &= self.sides[side].calls.is_empty();
                self.sides[side].finish_calls();
                self.check();
            }
            if quiet {
                return;
            }
        }
        panic!("it does not come to rest");
    }
}
