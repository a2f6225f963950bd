//! One session with one peer, as a pure state machine: packets, decisions, bytes and time in; packets and
//! actions out. It does no I/O and reads no clock.
//!
//! ```text
//!             hello that has seen ours
//! greeting ------------------------------> open
//!   |  ^                                   | |
//!   |  +-----------------------------------+ |
//!   |    hello with another nonce            |
//!   +----------------------------------------+---> ended (disconnected, or protocol error)
//! ```

use bytes::Bytes;
use frame::Assembler;
use mail::{Acknowledgement, MailId, Monotonic, PublicKey, Refusal};

use crate::error::{BodyError, ProtocolError, SessionEnd, TransferError, Unsendable};
use crate::hello::{Hello, Nonce};
use crate::limits::{
    CONTROL_PACKETS, HELLO_PERIOD, HELLO_TIMEOUT, HELLOS, MESSAGE_BYTES, PACKET_ID, PACKETS_BEFORE_HELLO,
    PING_AFTER, SILENCE,
};
use crate::message::{HELLO, Message, Transfer};
use crate::offer::Offer;

mod action;
mod effects;
mod inbound;
mod outbound;
mod records;

pub use action::{Action, Interruption, OfferAnswer, Reception};
use effects::Effects;
use inbound::Inbound;
use outbound::Outbound;
use records::Records;

/// The session with the peer of one friend connection.
#[derive(Debug)]
pub struct Session {
    peer: PublicKey,
    ours: Hello,
    /// The peer's nonce that our last hello named.
    told: Nonce,
    phase: Phase,
    assembler: Assembler,
    inbound: Inbound,
    outbound: Outbound,
    effects: Effects,
    records: Records,
    /// The answer to the peer's last ping.
    pong: Option<u64>,
    life: Life,
}

#[derive(Debug)]
enum Phase {
    /// No hello that has seen ours came yet; `timed_out` once the owner's mails were given back for that.
    Greeting {
        timed_out: bool,
    },
    /// It came, with this nonce.
    Open(Nonce),
    Ended,
}

/// What is counted and timed about the peer as a whole.
#[derive(Debug)]
struct Life {
    began: Monotonic,
    heard: Monotonic,
    pinged: bool,
    before_hello: u32,
    hellos: u32,
    hellos_since: Monotonic,
}

/// The hello handed in is one that a peer would not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this hello cannot be sent: {0}")]
pub struct UnsendableHello(#[source] Unsendable);

impl Session {
    /// A session on a fresh connection to `peer`; says `ours` first.
    ///
    /// # Errors
    /// `ours` has something over the bounds of [`crate::limits`], or the nonce zero.
    pub fn new(peer: PublicKey, ours: Hello, now: Monotonic) -> Result<Self, UnsendableHello> {
        check(&Message::Hello(Box::new(ours.clone()))).map_err(UnsendableHello)?;
        let mut session = Self {
            peer,
            told: Nonce::default(),
            phase: Phase::Greeting { timed_out: false },
            assembler: Assembler::new(PACKET_ID, MESSAGE_BYTES),
            inbound: Inbound::new(ours.max_mail, ours.window, ours.max_transfers),
            outbound: Outbound::default(),
            effects: Effects::new(now),
            records: Records::new(ours.mailbox_record.clone(), now),
            pong: None,
            life: Life {
                began: now,
                heard: now,
                pinged: false,
                before_hello: 0,
                hellos: 0,
                hellos_since: now,
            },
            ours,
        };
        session.say_hello(Nonce::default());
        Ok(session)
    }

    /// Whether the session is over. Packets may be left to send: the last words to the peer.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    /// Whether hellos were exchanged and mails can go.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Body bytes received and not yet written by the owner; never more than our window.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.inbound.waiting()
    }

    /// Body bytes sent whose room in the peer's window was not given back yet.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.outbound.in_flight()
    }

    /// Memory used for bodies and packets, bytes; the fixed bookkeeping per transfer not counted.
    #[must_use]
    pub fn memory(&self) -> usize {
        let control: usize = self.effects.control.iter().map(Vec::len).sum();
        let waiting = usize::try_from(self.inbound.waiting()).unwrap_or(usize::MAX);
        self.outbound.held() + control + waiting + self.assembler.held()
    }

    /// A packet of [`PACKET_ID`] came from the peer.
    pub fn packet(&mut self, now: Monotonic, packet: Bytes) {
        self.effects.now = now;
        if self.is_over() {
            return;
        }
        (self.life.heard, self.life.pinged) = (now, false);
        if let Err(error) = self.take(packet) {
            self.fail(error);
        }
    }

    fn take(&mut self, packet: Bytes) -> Result<(), ProtocolError> {
        if frame::first_byte(&packet) == Some(HELLO) {
            self.assembler.reset();
        } else if matches!(self.phase, Phase::Greeting { .. }) && self.assembler.held() == 0 {
            return self.ignore_early();
        }
        let Some(bytes) = self.assembler.push(packet)? else { return Ok(()) };
        self.message(Message::decode(&bytes)?)?;
        if self.effects.control.len() > CONTROL_PACKETS { Err(ProtocolError::Flood) } else { Ok(()) }
    }

    /// What the peer had under way for a session before this one.
    fn ignore_early(&mut self) -> Result<(), ProtocolError> {
        self.life.before_hello += 1;
        if self.life.before_hello > PACKETS_BEFORE_HELLO { Err(ProtocolError::NoHelloFirst) } else { Ok(()) }
    }

    /// Before the hello, `take` lets nothing else come here.
    fn message(&mut self, message: Message) -> Result<(), ProtocolError> {
        let effects = &mut self.effects;
        match message {
            Message::Hello(hello) => self.hello(*hello),
            Message::Ping(number) => {
                self.pong = Some(number);
                Ok(())
            }
            Message::Pong(_) => Ok(()),
            Message::Record(record) => self.records.take(record, effects),
            Message::Error { code, text } => Err(ProtocolError::Remote { code, text }),
            Message::Offer { transfer, offer } => self.inbound.offer(transfer, offer, effects),
            Message::Data { transfer, offset, bytes } => {
                self.inbound.data(transfer, offset, bytes, effects.now)
            }
            Message::Cancel(transfer) => self.inbound.cancel(transfer, effects),
            Message::Accept { transfer, offset } => self.outbound.accept(transfer, offset, effects),
            Message::Progress { transfer, offset } => self.outbound.progress(transfer, offset, effects),
            Message::Acknowledge { transfer, acknowledgement } => {
                self.outbound.acknowledge(transfer, acknowledgement, effects)
            }
            Message::Cancelled(transfer) => self.outbound.cancelled(transfer, effects),
        }
    }

    /// The session is open once both have seen the other's hello: only then is sure that what follows is meant for
    /// this session and not for one before it.
    fn hello(&mut self, hello: Hello) -> Result<(), ProtocolError> {
        self.count_hello()?;
        if hello.tox_id.key != self.peer {
            return Err(ProtocolError::OtherKey);
        }
        if matches!(self.phase, Phase::Open(nonce) if nonce == hello.nonce) {
            return Ok(());
        }
        if self.is_open() {
            self.start_anew();
        }
        if self.told != hello.nonce {
            self.say_hello(hello.nonce);
        }
        if hello.seen == self.ours.nonce {
            self.phase = Phase::Open(hello.nonce);
            self.life.before_hello = 0;
            self.effects.act(Action::Hello(Box::new(hello.clone())));
            self.records.open(hello.capabilities, &mut self.effects);
            self.outbound.open(&hello, &mut self.effects);
        }
        Ok(())
    }

    /// The peer has a new session: what was under way in the old one is void.
    fn start_anew(&mut self) {
        self.phase = Phase::Greeting { timed_out: false };
        self.records.close();
        self.life.began = self.effects.now;
        self.effects.control.clear();
        self.pong = None;
        self.inbound.reset(&mut self.effects);
        self.outbound.restart(&mut self.effects);
    }

    fn count_hello(&mut self) -> Result<(), ProtocolError> {
        if self.effects.now.since(self.life.hellos_since) >= HELLO_PERIOD {
            (self.life.hellos, self.life.hellos_since) = (0, self.effects.now);
        }
        self.life.hellos += 1;
        if self.life.hellos > HELLOS { Err(ProtocolError::TooManyHellos) } else { Ok(()) }
    }

    fn say_hello(&mut self, seen: Nonce) {
        self.told = seen;
        self.ours.mailbox_record = self.records.said_in_hello();
        self.effects.say(&Message::Hello(Box::new(Hello { seen, ..self.ours.clone() })));
    }

    /// The own mailbox record is another one now: said in this session and in hellos to come.
    ///
    /// # Errors
    /// It is empty or longer than [`crate::limits::MAILBOX_RECORD_BYTES`].
    pub fn record(&mut self, now: Monotonic, record: Vec<u8>) -> Result<(), UnsendableHello> {
        check(&Message::Record(record.clone())).map_err(UnsendableHello)?;
        self.effects.now = now;
        let is_open = self.is_open();
        self.records.renew(record, is_open, &mut self.effects);
        Ok(())
    }

    /// A mail for the peer. Its end comes as [`Action::Outcome`], unless this fails at once.
    ///
    /// # Errors
    /// The mail cannot be sent in this session; no outcome will follow.
    pub fn offer(&mut self, offer: Offer) -> Result<(), TransferError> {
        match self.phase {
            Phase::Ended => return Err(TransferError::Disconnected),
            Phase::Greeting { timed_out: true } => return Err(TransferError::NoHello),
            Phase::Greeting { timed_out: false } | Phase::Open(_) => {}
        }
        let message = Message::Offer { transfer: Transfer(0), offer: Box::new(offer.clone()) };
        check(&message).map_err(TransferError::Unsendable)?;
        self.outbound.offer(offer, &mut self.effects)
    }

    /// Stops the transfer of a mail, if it is waiting or under way; its outcome follows: cancelled, or
    /// the acknowledgement if that was faster.
    pub fn cancel(&mut self, mail: MailId) {
        self.outbound.cancel(mail, &mut self.effects);
    }

    /// The bytes asked for by [`Action::Read`].
    pub fn body(&mut self, transfer: Transfer, bytes: Bytes) {
        self.outbound.body(transfer, bytes, &mut self.effects);
    }

    /// They could not be read: the transfer is cancelled.
    pub fn body_failed(&mut self, transfer: Transfer, error: BodyError) {
        self.outbound.body_failed(transfer, error, &mut self.effects);
    }

    /// The answer to [`Action::Offered`]. False if the transfer is gone meanwhile, so that nothing was accepted.
    pub fn answer(&mut self, reception: Reception, answer: OfferAnswer) -> bool {
        self.inbound.answer(reception, answer, &mut self.effects).unwrap_or_else(|error| {
            self.fail(error);
            true
        })
    }

    /// The bytes of [`Action::Write`] are where they should be.
    pub fn written(&mut self, reception: Reception) {
        self.inbound.written(reception, &mut self.effects);
    }

    /// They are not: the sender is asked to try later.
    pub fn write_failed(&mut self, reception: Reception) {
        self.inbound.write_failed(reception, &mut self.effects);
    }

    /// The owner's word after [`Action::Complete`].
    pub fn completed(&mut self, reception: Reception, word: Acknowledgement) {
        self.inbound.completed(reception, word, &mut self.effects);
    }

    /// To be called about every [`crate::limits::TICK`].
    pub fn tick(&mut self, now: Monotonic) {
        self.effects.now = now;
        match self.phase {
            Phase::Greeting { timed_out: false } if now.since(self.life.began) >= HELLO_TIMEOUT => {
                self.phase = Phase::Greeting { timed_out: true };
                self.outbound.fail_all(&TransferError::NoHello, &mut self.effects);
            }
            Phase::Greeting { .. } | Phase::Ended => {}
            Phase::Open(_) => {
                if let Err(error) = self.tick_open(now) {
                    self.fail(error);
                }
            }
        }
    }

    fn tick_open(&mut self, now: Monotonic) -> Result<(), ProtocolError> {
        if !self.inbound.is_active() && !self.outbound.is_active() {
            self.life.heard = now;
        }
        let silence = now.since(self.life.heard);
        if silence >= SILENCE {
            return Err(ProtocolError::Silent);
        }
        if silence >= PING_AFTER && !self.life.pinged {
            self.life.pinged = true;
            self.effects.say(&Message::Ping(0));
        }
        self.records.tick(&mut self.effects);
        self.inbound.tick(&mut self.effects);
        self.outbound.tick(&mut self.effects)
    }

    /// What the owner has to do next.
    pub fn next_action(&mut self) -> Option<Action> {
        if self.effects.actions.is_empty() {
            self.inbound.start_writes(&mut self.effects);
        }
        self.effects.actions.pop_front()
    }

    /// Adds up to `max` packets to send, in this order, to `packets`: control messages first, then progress, then bodies.
    pub fn transmit(&mut self, max: usize, packets: &mut Vec<Vec<u8>>) {
        for _ in 0..max {
            match self.next_packet() {
                Some(packet) => packets.push(packet),
                None => return,
            }
        }
    }

    fn next_packet(&mut self) -> Option<Vec<u8>> {
        if let Some(packet) = self.effects.control.pop_front() {
            return Some(packet);
        }
        if let Some(number) = self.pong.take() {
            self.effects.say(&Message::Pong(number));
            return self.effects.control.pop_front();
        }
        if let Some(packet) = self.inbound.next_progress() {
            return Some(packet);
        }
        self.outbound.next_packet(&mut self.effects)
    }

    /// The connection is gone, or the owner has enough: every mail gets its outcome, nothing more is sent.
    pub fn disconnected(&mut self) {
        if !self.is_over() {
            self.effects.control.clear();
            self.end(SessionEnd::Disconnected, &TransferError::Disconnected);
        }
    }

    /// Packets of the peer were lost because there were too many.
    pub fn flooded(&mut self) {
        if !self.is_over() {
            self.fail(ProtocolError::Flood);
        }
    }

    fn fail(&mut self, error: ProtocolError) {
        self.effects.control.clear();
        if !matches!(error, ProtocolError::Remote { .. }) {
            // A refusal's text has the same bounds: one line, cut where it is too long.
            let text = Refusal::permanent(5, 0, &error.to_string()).text().to_owned();
            self.effects.say(&Message::Error { code: error.code(), text });
        }
        self.end(SessionEnd::ProtocolError(error.clone()), &TransferError::ProtocolError(error));
    }

    fn end(&mut self, end: SessionEnd, error: &TransferError) {
        self.phase = Phase::Ended;
        self.pong = None;
        self.assembler.reset();
        self.inbound.reset(&mut self.effects);
        self.outbound.fail_all(error, &mut self.effects);
        self.effects.act(Action::Ended(end));
    }
}

/// Encodes a message, and decodes it as the other side would: what that would not take is not sent.
fn check(message: &Message) -> Result<(), Unsendable> {
    let decoded = Message::decode(&message.encode()?.into())?;
    if decoded == *message { Ok(()) } else { Err(Unsendable::Changed) }
}
