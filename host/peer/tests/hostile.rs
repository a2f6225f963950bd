//! A peer that does not keep to the protocol: each offence has its error, nothing panics, nothing grows.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{body_of, hello, key, mail_id, offer, packets};
use mail::{Acknowledgement, Monotonic, Refusal};
use peer::limits::{self, DATA_BYTES, WINDOW};
use peer::{
    Action, BodyError, BodyHasher, DecodeError, Interruption, Message, Nonce, Offer, OfferAnswer,
    ProtocolError, Reception, Session, SessionEnd, Transfer, TransferError,
};
use proptest::prelude::*;

const ONE: Transfer = Transfer(1);

/// A session of ours with a peer that is played by the test.
struct Bench {
    session: Session,
    now: Monotonic,
    actions: Vec<Action>,
}

impl Bench {
    fn greeting() -> Self {
        let now = Monotonic(Duration::from_secs(1000));
        Self { session: Session::new(key(2), hello(1, 1), now).unwrap(), now, actions: Vec::new() }
    }

    fn open() -> Self {
        let mut bench = Self::greeting();
        bench.say(&their_hello(1));
        assert!(bench.session.is_open());
        bench.sent();
        bench.actions.clear();
        bench
    }

    fn say(&mut self, message: &Message) {
        for packet in packets(message) {
            self.packet(packet);
        }
    }

    fn packet(&mut self, packet: Bytes) {
        self.session.packet(self.now, packet);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(action) = self.session.next_action() {
            self.actions.push(action);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = Monotonic(self.now.0 + time);
        self.session.tick(self.now);
        self.collect();
    }

    /// What our side sends.
    fn sent(&mut self) -> Vec<Message> {
        let mut packets = Vec::new();
        self.session.transmit(100_000, &mut packets);
        self.collect();
        let mut assembler = frame::Assembler::new(limits::PACKET_ID, limits::MESSAGE_BYTES);
        packets
            .into_iter()
            .filter_map(|packet| assembler.push(packet.into()).unwrap())
            .map(|bytes| Message::decode(&bytes).unwrap())
            .collect()
    }

    /// The error the session ended with; and that it told the peer, and does nothing afterwards.
    #[track_caller]
    fn error(mut self) -> ProtocolError {
        let Some(Action::Ended(SessionEnd::ProtocolError(error))) = self.actions.last().cloned() else {
            panic!("the session goes on: {:?}", self.actions);
        };
        assert!(self.session.is_over());
        let told = self.sent();
        if !matches!(error, ProtocolError::Remote { .. }) {
            let [Message::Error { code, text }] = &told[..] else { panic!("not told: {told:?}") };
            assert_eq!((*code, text.is_empty()), (error.code(), false));
        }
        self.actions.clear();
        self.say(&their_hello(9));
        self.say(&their_offer(9, 1, &[1]));
        self.pass(Duration::from_secs(3600));
        assert!(self.actions.is_empty() && self.sent().is_empty());
        assert_eq!(self.session.offer(offer(mail_id(1, 1), b"x")), Err(TransferError::Disconnected));
        assert_eq!(self.session.memory(), 0);
        error
    }

    /// Offers a mail of the peer and lets our side accept it.
    fn receive(&mut self, number: u32, body: &[u8]) -> Reception {
        self.say(&their_offer(number, u8::try_from(number).unwrap(), body));
        let Some(Action::Offered { reception, .. }) = self.actions.pop() else { panic!("no offer") };
        assert!(self.session.answer(reception, OfferAnswer::Accept(BodyHasher::new())));
        self.collect();
        let accepted = Message::Accept { transfer: Transfer(number), offset: 0 };
        assert!(self.sent().contains(&accepted));
        reception
    }

    /// Offers a mail of ours; gives its transfer.
    fn send(&mut self, number: u8, size: usize) -> Transfer {
        let mail = mail_id(1, number);
        self.session.offer(offer(mail, &body_of(mail, size))).unwrap();
        let sent = self.sent();
        let Some(Message::Offer { transfer, .. }) = sent.last() else { panic!("no offer: {sent:?}") };
        *transfer
    }

    /// Answers every read of our side.
    fn read(&mut self, size: usize) {
        while let Some(Action::Read { transfer, mail, offset, max }) = self.actions.pop() {
            let from = usize::try_from(offset).unwrap();
            let body = body_of(mail, size);
            self.session.body(transfer, Bytes::copy_from_slice(&body[from..from + max]));
            self.collect();
        }
    }

    fn outcomes(&self) -> Vec<Result<Acknowledgement, TransferError>> {
        let outcome = |action: &Action| match action {
            Action::Outcome { result, .. } => Some(result.clone()),
            _ => None,
        };
        self.actions.iter().filter_map(outcome).collect()
    }

    fn interruptions(&self) -> Vec<Interruption> {
        let interruption = |action: &Action| match action {
            Action::Interrupted { why, .. } => Some(*why),
            _ => None,
        };
        self.actions.iter().filter_map(interruption).collect()
    }
}

fn their_hello(run: u64) -> Message {
    Message::Hello(Box::new(peer::Hello { seen: hello(1, 1).nonce, ..hello(2, run) }))
}

fn their_offer(transfer: u32, number: u8, body: &[u8]) -> Message {
    Message::Offer { transfer: Transfer(transfer), offer: Box::new(offer(mail_id(2, number), body)) }
}

fn data(transfer: u32, offset: u64, bytes: &[u8]) -> Message {
    Message::Data { transfer: Transfer(transfer), offset, bytes: Bytes::copy_from_slice(bytes) }
}

fn delivered(transfer: Transfer) -> Message {
    Message::Acknowledge { transfer, acknowledgement: Acknowledgement::Delivered }
}

fn later() -> Acknowledgement {
    Acknowledgement::TryLater { reason: Refusal::transient(2, 2, "full"), after: Duration::from_secs(60) }
}

#[track_caller]
fn error_after(messages: &[Message]) -> ProtocolError {
    let mut bench = Bench::open();
    for message in messages {
        bench.say(message);
    }
    bench.error()
}

fn unexpected(what: &'static str, transfer: u32) -> ProtocolError {
    ProtocolError::Unexpected { what, transfer: Transfer(transfer) }
}

#[test]
fn messages_about_transfers_that_are_not() {
    assert_eq!(error_after(&[data(1, 0, b"x")]), unexpected("data", 1));
    assert_eq!(error_after(&[Message::Cancel(ONE)]), unexpected("cancel", 1));
    assert_eq!(error_after(&[Message::Cancelled(ONE)]), unexpected("cancelled", 1));
    assert_eq!(error_after(&[delivered(ONE)]), unexpected("acknowledgement", 1));
    let accept = Message::Accept { transfer: ONE, offset: 0 };
    assert_eq!(error_after(&[accept]), unexpected("accept", 1));
    let progress = Message::Progress { transfer: ONE, offset: 0 };
    assert_eq!(error_after(&[progress]), unexpected("progress", 1));
    let early = data(5, 0, b"x");
    assert_eq!(error_after(&[their_offer(5, 1, b"x"), early]), unexpected("data", 5));
}

#[test]
fn offers_that_contradict_themselves() {
    let again = [their_offer(2, 1, b"x"), their_offer(2, 2, b"y")];
    assert_eq!(error_after(&again), ProtocolError::NumberNotGrowing(Transfer(2)));
    let twice = [their_offer(1, 1, b"x"), their_offer(2, 1, b"x")];
    assert_eq!(error_after(&twice), ProtocolError::OfferedTwice(mail_id(2, 1)));
    let many: Vec<Message> =
        (0..40).map(|number| their_offer(number, u8::try_from(number).unwrap(), b"x")).collect();
    assert_eq!(error_after(&many), ProtocolError::TooManyTransfers(limits::TRANSFERS));
}

#[test]
fn one_id_has_one_digest() {
    let mut bench = Bench::open();
    bench.receive(1, b"first");
    bench.say(&data(1, 0, b"first"));
    let Some(Action::Write { reception, .. }) = bench.actions.pop() else { panic!("no write") };
    bench.session.written(reception);
    bench.collect();
    bench.session.completed(reception, Acknowledgement::Delivered);
    bench.say(&their_offer(2, 1, b"other"));
    assert_eq!(bench.error(), ProtocolError::OtherDigest(mail_id(2, 1)));
    // And when only the owner still knows it.
    let mut bench = Bench::open();
    bench.say(&their_offer(1, 1, b"other"));
    let Some(Action::Offered { reception, .. }) = bench.actions.pop() else { panic!("no offer") };
    assert!(bench.session.answer(reception, OfferAnswer::OtherDigest));
    bench.collect();
    assert_eq!(bench.error(), ProtocolError::OtherDigest(mail_id(2, 1)));
}

#[test]
fn data_at_a_wrong_place_or_in_crumbs() {
    let body = vec![7; 5000];
    let lie = |offset, length: usize| {
        let mut bench = Bench::open();
        bench.receive(1, &body);
        bench.say(&data(1, 0, &body[..DATA_BYTES]));
        bench.say(&data(1, offset, &body[..length]));
        bench.error()
    };
    let at = |offset| ProtocolError::Offset { what: "data", transfer: ONE, offset };
    let next = DATA_BYTES as u64;
    assert_eq!(lie(0, DATA_BYTES), at(0));
    assert_eq!(lie(next + 1, DATA_BYTES), at(next + 1));
    assert_eq!(lie(u64::MAX, DATA_BYTES), at(u64::MAX));
    assert_eq!(lie(next, 1), ProtocolError::TinyData(1));
    let mut bench = Bench::open();
    bench.receive(1, b"short");
    bench.say(&data(1, 0, b"shorter"));
    assert_eq!(bench.error(), at(0));
}

#[test]
fn more_than_the_window_is_refused_at_the_window() {
    let body = vec![7; 4_000_000];
    let mut bench = Bench::open();
    bench.receive(1, &body);
    let mut offset = 0;
    while !bench.session.is_over() {
        assert!(bench.session.waiting() <= u64::from(WINDOW));
        bench.say(&data(1, offset, &body[..DATA_BYTES]));
        offset += DATA_BYTES as u64;
    }
    assert!(offset > u64::from(WINDOW) && offset <= u64::from(WINDOW) + DATA_BYTES as u64);
    assert_eq!(bench.interruptions(), [Interruption::Disconnected]);
    assert_eq!(bench.error(), ProtocolError::WindowExceeded(WINDOW));
}

#[test]
fn lies_about_what_was_received() {
    let size = 10_000;
    let accepted = |offset| {
        let mut bench = Bench::open();
        let transfer = bench.send(1, size);
        bench.say(&Message::Accept { transfer, offset });
        (bench, transfer)
    };
    let (bench, transfer) = accepted(10_001);
    assert_eq!(bench.error(), ProtocolError::Offset { what: "accept", transfer, offset: 10_001 });
    let (mut bench, transfer) = accepted(0);
    bench.say(&Message::Accept { transfer, offset: 0 });
    assert_eq!(bench.error(), unexpected("accept", transfer.0));
    let (mut bench, transfer) = accepted(0);
    bench.say(&Message::Progress { transfer, offset: 1 });
    assert_eq!(bench.error(), ProtocolError::Offset { what: "progress", transfer, offset: 1 });
    let (mut bench, transfer) = accepted(0);
    bench.say(&delivered(transfer));
    let error = ProtocolError::DeliveredEarly(transfer);
    assert_eq!(bench.outcomes(), [Err(TransferError::ProtocolError(error.clone()))]);
    assert_eq!(bench.error(), error);
    let (mut bench, transfer) = accepted(0);
    bench.read(size);
    assert_eq!(bench.sent().len(), size.div_ceil(DATA_BYTES));
    bench.say(&Message::Progress { transfer, offset: 5000 });
    bench.say(&Message::Progress { transfer, offset: 5000 });
    assert_eq!(bench.error(), ProtocolError::Offset { what: "progress", transfer, offset: 5000 });
    let (mut bench, transfer) = accepted(0);
    bench.say(&Message::Cancelled(transfer));
    assert_eq!(bench.error(), unexpected("cancelled", transfer.0));
    let mut bench = Bench::open();
    let transfer = bench.send(1, size);
    bench.say(&Message::Progress { transfer, offset: 1 });
    assert_eq!(bench.error(), unexpected("progress", transfer.0));
}

#[test]
fn an_acknowledgement_comes_once() {
    let mut bench = Bench::open();
    let transfer = bench.send(1, 100);
    bench.say(&Message::Accept { transfer, offset: 0 });
    bench.read(100);
    bench.sent();
    bench.say(&delivered(transfer));
    assert_eq!(bench.outcomes(), [Ok(Acknowledgement::Delivered)]);
    bench.say(&delivered(transfer));
    assert_eq!(bench.error(), unexpected("acknowledgement", transfer.0));
}

#[test]
fn hellos_that_are_wrong() {
    let mut bench = Bench::greeting();
    bench.say(&Message::Hello(Box::new(hello(3, 1))));
    assert_eq!(bench.error(), ProtocolError::OtherKey);
    let mut bench = Bench::greeting();
    bench.packet(Bytes::from_static(&[181, 3, 1, 2, 0, 9, 0]));
    let no_version = DecodeError::NoCommonVersion { lowest: 2, highest: 9 };
    assert!(no_version.to_string().contains("update"));
    assert_eq!(bench.error(), ProtocolError::Message(no_version));
    let mut bench = Bench::open();
    for run in 2..40 {
        bench.say(&their_hello(run));
    }
    assert_eq!(bench.error(), ProtocolError::TooManyHellos);
    for (window, max_transfers) in [(0, 32), (u32::MAX, 0)] {
        let mut bench = Bench::greeting();
        let small = peer::Hello { window, max_transfers, ..hello(2, 1) };
        bench.say(&Message::Hello(Box::new(small)));
        assert!(matches!(bench.error(), ProtocolError::Message(DecodeError::Value(_))));
    }
}

#[test]
fn our_own_hello_is_checked_too() {
    let zero = peer::Hello { nonce: Nonce::default(), ..hello(1, 1) };
    assert!(Session::new(key(2), zero, Monotonic::default()).is_err());
    let record = peer::Hello { mailbox_record: Some(vec![0; 20_000]), ..hello(1, 1) };
    assert!(Session::new(key(2), record, Monotonic::default()).is_err());
}

#[test]
fn before_the_hello_nothing_is_heard_and_not_for_ever() {
    let mut bench = Bench::greeting();
    let before = bench.session.memory();
    bench.say(&their_offer(1, 1, b"x"));
    bench.say(&data(1, 0, b"x"));
    bench.packet(Bytes::from_static(&[181, 0, 9]));
    assert!(bench.actions.is_empty() && bench.session.memory() == before);
    bench.say(&their_hello(1));
    assert!(bench.session.is_open());
    let mut bench = Bench::greeting();
    for _ in 0..=limits::PACKETS_BEFORE_HELLO {
        bench.packet(Bytes::from_static(&[181, 0, 9]));
    }
    assert_eq!(bench.error(), ProtocolError::NoHelloFirst);
}

#[test]
fn broken_packets_and_messages_are_told() {
    let mut bench = Bench::open();
    bench.packet(Bytes::from_static(&[181, 0, 9]));
    assert_eq!(bench.error(), ProtocolError::Frame(frame::FrameError::NotBegun));
    let mut bench = Bench::open();
    bench.packet(Bytes::from_static(&[181, 3, 0x77]));
    assert_eq!(bench.error(), ProtocolError::Message(DecodeError::Type(0x77)));
    let told = Message::Error { code: 6, text: "you\nlie".into() };
    let remote = ProtocolError::Remote { code: 6, text: "you lie".into() };
    assert_eq!(error_after(&[told]), remote);
}

#[test]
fn a_peer_that_talks_and_does_not_listen_is_bounded() {
    let mut bench = Bench::open();
    for number in 0..1_000_000_u32 {
        bench.say(&Message::Ping(number.into()));
        if number > 10_000 {
            break;
        }
    }
    assert_eq!(bench.sent(), [Message::Pong(10_001)]);
    // Mails over our size are refused at once: each refusal waits for the link.
    let mut number = 0;
    while !bench.session.is_over() {
        number += 1;
        let mut large =
            Offer::new(mail_id(2, 1), offer(mail_id(2, 1), b"").envelope, u64::MAX, BodyHasher::digest(b""));
        large.mail.0[2..6].copy_from_slice(&u32::to_le_bytes(number));
        bench.say(&Message::Offer { transfer: Transfer(number), offer: Box::new(large) });
        assert!(bench.session.memory() < 4 * 1024 * 1024);
    }
    assert_eq!(bench.error(), ProtocolError::Flood);
}

#[test]
fn packets_lost_by_a_flood_end_the_session() {
    let mut bench = Bench::open();
    bench.session.flooded();
    bench.collect();
    assert_eq!(bench.error(), ProtocolError::Flood);
}

#[test]
fn a_silent_peer_is_asked_and_then_left() {
    let mut bench = Bench::open();
    bench.pass(Duration::from_secs(3600));
    assert!(bench.sent().is_empty(), "no transfer, no ping");
    bench.send(1, 100);
    bench.pass(limits::PING_AFTER);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.sent(), [Message::Ping(0)]);
    bench.say(&Message::Pong(0));
    bench.pass(limits::SILENCE - Duration::from_secs(1));
    assert!(!bench.session.is_over());
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.outcomes().len(), 1);
    assert_eq!(bench.error(), ProtocolError::Silent);
}

/// Time passes with a peer that is there.
fn pass_with_pongs(bench: &mut Bench, time: Duration) {
    let end = bench.now.0 + time;
    while bench.now.0 < end {
        bench.pass(Duration::from_secs(20));
        bench.say(&Message::Pong(0));
    }
}

#[test]
fn a_peer_that_never_decides_loses_the_offer_and_then_the_session() {
    let mut bench = Bench::open();
    let transfer = bench.send(1, 100);
    pass_with_pongs(&mut bench, limits::ANSWER_TIMEOUT);
    assert_eq!(bench.sent().last(), Some(&Message::Cancel(transfer)));
    assert!(bench.outcomes().is_empty(), "it may have been faster");
    bench.say(&Message::Cancelled(transfer));
    assert_eq!(bench.outcomes(), [Err(TransferError::Stalled)]);
    let transfer = bench.send(2, 100);
    pass_with_pongs(&mut bench, limits::ANSWER_TIMEOUT + limits::ACKNOWLEDGE_TIMEOUT);
    assert_eq!(bench.error(), ProtocolError::CancelUnanswered(transfer));
}

#[test]
fn a_peer_that_takes_bytes_and_never_goes_on_is_given_up() {
    let mut bench = Bench::open();
    let transfer = bench.send(1, 4_000_000);
    bench.say(&Message::Accept { transfer, offset: 0 });
    for _ in 0..100 {
        bench.read(4_000_000);
        bench.sent();
    }
    pass_with_pongs(&mut bench, limits::STALL_TIMEOUT);
    assert_eq!(bench.sent().last(), Some(&Message::Cancel(transfer)));
    // Its acknowledgement may cross our cancel.
    bench.say(&Message::Acknowledge { transfer, acknowledgement: later() });
    assert_eq!(bench.outcomes(), [Ok(later())]);
    assert!(!bench.session.is_over());
}

#[test]
fn a_sender_that_stops_frees_its_place() {
    let body = vec![7; 5000];
    let mut bench = Bench::open();
    bench.receive(1, &body);
    bench.say(&data(1, 0, &body[..DATA_BYTES]));
    bench.pass(Duration::from_secs(1));
    let Some(Action::Write { reception, .. }) = bench.actions.pop() else {
        panic!("a tick writes what is there")
    };
    bench.session.written(reception);
    pass_with_pongs(&mut bench, limits::STALL_TIMEOUT + Duration::from_secs(20));
    assert_eq!(bench.interruptions(), [Interruption::Stalled]);
    let stopped = bench.sent();
    assert!(matches!(
        stopped.last(),
        Some(Message::Acknowledge { acknowledgement: Acknowledgement::TryLater { .. }, .. })
    ));
    // What was under way is swallowed until the sender confirms; then the mail may come again.
    bench.say(&data(1, DATA_BYTES as u64, &body[..DATA_BYTES]));
    bench.say(&Message::Cancel(ONE));
    bench.say(&their_offer(2, 1, &body));
    assert!(matches!(bench.actions.last(), Some(Action::Offered { .. })));
    assert!(!bench.session.is_over());
}

#[test]
fn wrong_bytes_are_never_completed() {
    let mut bench = Bench::open();
    bench.receive(1, b"right");
    bench.say(&data(1, 0, b"wrong"));
    let Some(Action::Write { reception, .. }) = bench.actions.pop() else { panic!("no write") };
    bench.session.written(reception);
    bench.collect();
    assert_eq!(bench.interruptions(), [Interruption::Corrupt]);
    assert!(!bench.actions.iter().any(|action| matches!(action, Action::Complete { .. })));
    assert!(matches!(
        bench.sent().last(),
        Some(Message::Acknowledge { acknowledgement: Acknowledgement::TryLater { .. }, .. })
    ));
}

#[test]
fn an_owner_with_more_bytes_than_the_mail_has_starts_anew() {
    let mut bench = Bench::open();
    bench.say(&their_offer(1, 1, b"short"));
    let Some(Action::Offered { reception, .. }) = bench.actions.pop() else { panic!("no offer") };
    let mut hasher = BodyHasher::new();
    hasher.update(b"longer than that");
    assert!(bench.session.answer(reception, OfferAnswer::Accept(hasher)));
    bench.collect();
    assert_eq!(bench.interruptions(), [Interruption::Corrupt]);
    assert_eq!(bench.sent().len(), 1);
}

#[test]
fn a_cancel_waits_for_the_call_under_way() {
    let mut bench = Bench::open();
    bench.say(&their_offer(1, 1, b"mail"));
    bench.say(&Message::Cancel(ONE));
    assert!(bench.sent().is_empty(), "the owner is still deciding");
    let Some(Action::Offered { reception, .. }) = bench.actions.pop() else { panic!("no offer") };
    assert!(bench.session.answer(reception, OfferAnswer::Accept(BodyHasher::new())));
    bench.collect();
    assert_eq!(bench.interruptions(), [Interruption::Cancelled]);
    assert_eq!(bench.sent(), [Message::Cancelled(ONE)]);

    bench.actions.clear();
    let reception = bench.receive(2, b"mail");
    bench.say(&data(2, 0, b"mail"));
    bench.say(&Message::Cancel(Transfer(2)));
    assert!(bench.interruptions().is_empty() && bench.sent().is_empty(), "a write is under way");
    bench.session.written(reception);
    bench.collect();
    assert_eq!(bench.interruptions(), [Interruption::Cancelled]);
    assert_eq!(bench.sent(), [Message::Cancelled(Transfer(2))]);

    bench.actions.clear();
    let reception = bench.receive(3, b"mail");
    bench.say(&data(3, 0, b"mail"));
    bench.session.written(reception);
    bench.collect();
    bench.say(&Message::Cancel(Transfer(3)));
    bench.sent();
    bench.session.completed(reception, Acknowledgement::Delivered);
    assert_eq!(bench.sent(), [delivered(Transfer(3))], "too late to cancel");
    bench.say(&Message::Cancel(Transfer(3)));
    assert!(!bench.session.is_over(), "it crossed the acknowledgement");
}

#[test]
fn the_owner_cancels() {
    let mut bench = Bench::open();
    let transfer = bench.send(1, 100);
    bench.session.cancel(mail_id(1, 1));
    bench.session.cancel(mail_id(1, 1));
    assert_eq!(bench.sent(), [Message::Cancel(transfer)]);
    bench.say(&Message::Accept { transfer, offset: 0 });
    bench.say(&Message::Cancelled(transfer));
    assert_eq!(bench.outcomes(), [Err(TransferError::Cancelled)]);
    bench.session.cancel(mail_id(1, 9));
    assert!(bench.sent().is_empty(), "one that is not there");
    let mut bench = Bench::greeting();
    bench.session.offer(offer(mail_id(1, 1), b"x")).unwrap();
    bench.session.cancel(mail_id(1, 1));
    bench.collect();
    assert_eq!(bench.outcomes(), [Err(TransferError::Cancelled)]);
}

#[test]
fn trouble_with_our_own_store_is_told_to_both() {
    let mut bench = Bench::open();
    let transfer = bench.send(1, 100);
    bench.say(&Message::Accept { transfer, offset: 0 });
    bench.session.body_failed(transfer, BodyError::Gone);
    assert_eq!(bench.sent(), [Message::Cancel(transfer)]);
    bench.say(&Message::Cancelled(transfer));
    assert_eq!(bench.outcomes(), [Err(TransferError::Body(BodyError::Gone))]);

    bench.actions.clear();
    let transfer = bench.send(2, 100);
    bench.say(&Message::Accept { transfer, offset: 0 });
    bench.session.body(transfer, Bytes::new());
    bench.say(&Message::Cancelled(transfer));
    assert_eq!(bench.outcomes(), [Err(TransferError::Body(BodyError::Short))]);

    let reception = bench.receive(1, &[7; 5000]);
    bench.say(&data(1, 0, &[7; DATA_BYTES]));
    bench.pass(Duration::from_secs(1));
    bench.session.write_failed(reception);
    bench.collect();
    assert_eq!(bench.interruptions(), [Interruption::WriteFailed]);
    assert!(!bench.session.is_over());
}

#[test]
fn what_cannot_be_sent_is_refused_at_once() {
    let mut bench = Bench::open();
    let mut odd = offer(mail_id(1, 1), b"x");
    odd.envelope.envelope_id = Some("x".repeat(101));
    assert!(matches!(bench.session.offer(odd), Err(TransferError::Unsendable(_))));
    let mut large = offer(mail_id(1, 1), b"x");
    large.size = 1 << 40;
    let max = mail::limits::MAIL_BYTES_DEFAULT;
    assert_eq!(bench.session.offer(large.clone()), Err(TransferError::TooLarge { max }));
    bench.session.offer(offer(mail_id(1, 1), b"x")).unwrap();
    assert_eq!(bench.session.offer(offer(mail_id(1, 1), b"x")), Err(TransferError::AlreadyOffered));
    // Before the hello the peer's maximum is not known.
    let mut bench = Bench::greeting();
    bench.session.offer(large).unwrap();
    bench.say(&their_hello(1));
    assert_eq!(bench.outcomes(), [Err(TransferError::TooLarge { max })]);
    let mut queued = 0;
    let full = loop {
        let mut next = offer(mail_id(1, 1), b"x");
        next.mail.0[8..].copy_from_slice(&u64::to_le_bytes(queued));
        match bench.session.offer(next) {
            Ok(()) => queued += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full, TransferError::QueueFull);
    assert_eq!(queued, (limits::QUEUE + usize::from(limits::TRANSFERS)) as u64);
}

#[test]
fn without_a_hello_mails_come_back() {
    let mut bench = Bench::greeting();
    bench.session.offer(offer(mail_id(1, 1), b"x")).unwrap();
    bench.pass(limits::HELLO_TIMEOUT);
    assert_eq!(bench.outcomes(), [Err(TransferError::NoHello)]);
    assert_eq!(bench.session.offer(offer(mail_id(1, 2), b"x")), Err(TransferError::NoHello));
    bench.say(&their_hello(1));
    assert_eq!(bench.session.offer(offer(mail_id(1, 2), b"x")), Ok(()));
}

#[test]
fn a_peer_that_starts_anew_finds_everything_again() {
    let mut bench = Bench::open();
    let first = bench.send(1, 100);
    let old = bench.receive(1, &[7; 5000]);
    bench.say(&data(1, 0, &[7; DATA_BYTES]));
    // Its new session has not seen our hello; it does after our answer.
    let anew = Message::Hello(Box::new(hello(2, 2)));
    bench.say(&anew);
    assert!(!bench.session.is_open());
    assert_eq!(bench.interruptions(), [Interruption::Disconnected]);
    let Some(Message::Hello(answer)) = bench.sent().pop() else { panic!("no answer") };
    assert_eq!(answer.seen, hello(2, 2).nonce);
    bench.say(&their_hello(2));
    assert!(bench.session.is_open());
    let sent = bench.sent();
    let [Message::Offer { transfer, .. }] = &sent[..] else { panic!("not offered again: {sent:?}") };
    assert!(*transfer > first);
    // The same number again is another transfer: late calls for the old one do not touch it.
    bench.actions.clear();
    let new = bench.receive(1, &[7; 5000]);
    assert_ne!(old, new);
    assert!(!bench.session.answer(old, OfferAnswer::Accept(BodyHasher::new())));
    bench.session.written(old);
    bench.session.completed(old, Acknowledgement::Delivered);
    bench.session.write_failed(old);
    bench.collect();
    assert!(bench.sent().is_empty() && bench.actions.is_empty());
}

fn any_message() -> impl Strategy<Value = Message> {
    let transfer = || (0..6_u32).prop_map(Transfer);
    let offset = || prop_oneof![0..6000_u64, Just(u64::MAX), Just(DATA_BYTES as u64)];
    prop_oneof![
        (1..4_u64).prop_map(their_hello),
        (0..9_u32, 0..5_u8, 0..5000_usize).prop_map(|(transfer, number, size)| their_offer(
            transfer,
            number,
            &vec![7; size]
        )),
        (transfer(), offset(), 1..=DATA_BYTES).prop_map(|(transfer, offset, length)| data(
            transfer.0,
            offset,
            &vec![7; length]
        )),
        transfer().prop_map(Message::Cancel),
        transfer().prop_map(Message::Cancelled),
        (transfer(), offset()).prop_map(|(transfer, offset)| Message::Accept { transfer, offset }),
        (transfer(), offset()).prop_map(|(transfer, offset)| Message::Progress { transfer, offset }),
        transfer().prop_map(delivered),
        transfer().prop_map(|transfer| Message::Acknowledge { transfer, acknowledgement: later() }),
        any::<u64>().prop_map(Message::Ping),
    ]
}

/// Does what a session asks for, at once.
fn serve(bench: &mut Bench) {
    for action in std::mem::take(&mut bench.actions) {
        match action {
            Action::Read { transfer, max, .. } => bench.session.body(transfer, vec![7; max].into()),
            Action::Offered { reception, .. } => {
                bench.session.answer(reception, OfferAnswer::Accept(BodyHasher::new()));
            }
            Action::Write { reception, .. } => bench.session.written(reception),
            Action::Complete { reception, .. } => {
                bench.session.completed(reception, Acknowledgement::Delivered)
            }
            ended @ Action::Ended(_) => return bench.actions.push(ended),
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn any_order_of_messages_is_followed_or_refused(messages in proptest::collection::vec(any_message(), 1..60), time in 0..40_u64) {
        let mut bench = Bench::open();
        for number in 0..3 {
            bench.session.offer(offer(mail_id(1, number), &[7; 3000])).unwrap();
        }
        for message in messages {
            bench.say(&message);
            bench.pass(Duration::from_secs(time));
            serve(&mut bench);
            bench.collect();
            prop_assert!(bench.session.memory() < 4 * 1024 * 1024);
            if bench.session.is_over() {
                break;
            }
            bench.sent();
        }
        if bench.session.is_over() {
            bench.error();
        }
    }

    #[test]
    fn any_packets_are_taken_or_refused(packets in proptest::collection::vec(
        (any::<bool>(), 0_u8..4, 0_u8..0x24, proptest::collection::vec(any::<u8>(), 0..1400)), 1..30), opened: bool) {
        let mut bench = if opened { Bench::open() } else { Bench::greeting() };
        for (framed, flags, kind, mut packet) in packets {
            if framed && packet.len() > 3 {
                packet[..3].copy_from_slice(&[181, flags, kind]);
            }
            bench.packet(packet.into());
            serve(&mut bench);
            bench.collect();
            prop_assert!(bench.session.memory() < 4 * 1024 * 1024);
        }
    }
}

#[test]
fn records_are_bounded_and_never_empty() {
    let mut bench = Bench::open();
    for number in 0..limits::RECORDS {
        bench.say(&Message::Record(vec![7; 12_000]));
        assert_eq!(bench.actions.len(), number as usize + 1);
        assert!(matches!(bench.actions.last(), Some(Action::Record(record)) if record.len() == 12_000));
    }
    bench.say(&Message::Record(vec![7]));
    assert_eq!(bench.error(), ProtocolError::Flood);
    let empty = Bytes::from(Message::Record(vec![]).encode().unwrap());
    assert_eq!(Message::decode(&empty), Err(DecodeError::Value("mailbox record")));
    let mut bench = Bench::open();
    assert!(bench.session.record(bench.now, vec![]).is_err());
    assert!(bench.session.record(bench.now, vec![1; limits::MAILBOX_RECORD_BYTES + 1]).is_err());
    assert!(!bench.session.is_over(), "an own mistake harms no mail");
}

#[test]
fn a_record_from_before_the_session_opened_is_in_the_hello_and_not_said_again() {
    let mut bench = Bench::greeting();
    bench.session.record(bench.now, vec![5]).unwrap();
    bench.sent();
    let Message::Hello(theirs) = their_hello(1) else { panic!("a hello") };
    let takes = peer::Hello { capabilities: peer::Capabilities::RECORDS, ..*theirs };
    bench.say(&Message::Hello(Box::new(takes)));
    let said = bench.sent();
    let records: Vec<&Vec<u8>> = said
        .iter()
        .filter_map(|message| match message {
            Message::Hello(hello) => hello.mailbox_record.as_ref(),
            Message::Record(record) => Some(record),
            _ => None,
        })
        .collect();
    assert_eq!(records, [&vec![5]], "{said:?}");
}
