#![no_main]
//! A session with a peer that knows the protocol and keeps to nothing: memory stays bounded, every mail offered gets
//! exactly one outcome, and after the end nothing happens.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use frame::{PACKET_BYTES, split};
use libfuzzer_sys::fuzz_target;
use mail::{
    Acknowledgement, Address, BodyHasher, Envelope, MailId, Monotonic, Nospam, PublicKey, ReversePath, ToxId,
};
use peer::limits::PACKET_ID;
use peer::{Action, BodyError, Hello, Message, Nonce, Offer, OfferAnswer, Session, Transfer};

const WINDOW: u32 = 256 * 1024;

struct Owner {
    session: Session,
    now: Monotonic,
    /// Mails offered to the peer, and the outcomes each had.
    offered: BTreeMap<MailId, usize>,
    ended: bool,
    seen: Nonce,
}

fn tox_id(byte: u8) -> ToxId {
    ToxId { key: PublicKey([byte; 32]), nospam: Nospam([byte; 4]) }
}

fn hello(byte: u8) -> Hello {
    let address: Address = "someone@tox".parse().expect("an address");
    Hello { window: WINDOW, ..Hello::new(tox_id(byte), vec![address], Nonce([byte; 16])) }
}

fn offer(number: u8, size: u64) -> Offer {
    let path: Address = "someone@tox".parse().expect("an address");
    let envelope = Envelope::new(ReversePath::Mailbox(path.clone()), path);
    let body = vec![number; usize::try_from(size).expect("it fits")];
    Offer::new(MailId([number; 16]), envelope, size, BodyHasher::digest(&body))
}

impl Owner {
    fn new() -> Self {
        let now = Monotonic(Duration::ZERO);
        let session = Session::new(PublicKey([2; 32]), hello(1), now).expect("our hello is right");
        Self { session, now, offered: BTreeMap::new(), ended: false, seen: Nonce::default() }
    }

    fn message(&mut self, message: &Message) {
        let Ok(bytes) = message.encode() else { return };
        for packet in split(PACKET_ID, &bytes) {
            self.session.packet(self.now, Bytes::from(packet));
        }
    }

    /// Does what one pair of bytes says, with material from `rest`.
    fn act(&mut self, what: u8, number: u8, rest: &mut &[u8]) {
        let transfer = Transfer(u32::from(number));
        let offset = u64::from(fuzz::byte(rest)) * 64;
        match what % 16 {
            0 => self.session.packet(self.now, Bytes::copy_from_slice(fuzz::run(rest, PACKET_BYTES))),
            1 => {
                let nonce = Nonce([number % 3 + 2; 16]);
                let seen = if number & 4 == 0 { self.seen } else { Nonce([9; 16]) };
                self.message(&Message::Hello(Box::new(Hello { nonce, seen, ..hello(2) })));
            }
            2 => self.message(&Message::Offer { transfer, offer: Box::new(offer(number, offset)) }),
            3 | 4 => {
                let bytes = Bytes::from(vec![number; usize::from(fuzz::byte(rest)) * 5 + 1]);
                self.message(&Message::Data { transfer, offset, bytes });
            }
            5 => self.message(&Message::Accept { transfer, offset }),
            6 => self.message(&Message::Progress { transfer, offset }),
            7 => {
                self.message(&Message::Acknowledge { transfer, acknowledgement: Acknowledgement::Delivered })
            }
            8 => self.message(&Message::Cancel(transfer)),
            9 => self.message(&Message::Cancelled(transfer)),
            10 => self.message(&Message::Ping(offset)),
            11 => {
                let mail = offer(number, offset);
                let id = mail.mail;
                // A mail is offered again only after it had its outcome.
                if self.offered.get(&id).is_none_or(|open| *open == 0) && self.session.offer(mail).is_ok() {
                    *self.offered.entry(id).or_default() += 1;
                }
            }
            12 => self.session.cancel(MailId([number; 16])),
            13 => {
                self.now = Monotonic(self.now.0 + Duration::from_secs(u64::from(number)));
                self.session.tick(self.now);
            }
            14 => self.session.flooded(),
            _ => self.session.disconnected(),
        }
        self.work(what & 16 != 0);
        self.check();
    }

    fn work(&mut self, fails: bool) {
        while let Some(action) = self.session.next_action() {
            assert!(!self.ended, "{action:?} after the end");
            self.answer(action, fails);
        }
        let mut packets = Vec::new();
        self.session.transmit(64, &mut packets);
        for packet in packets {
            assert!((3..=PACKET_BYTES).contains(&packet.len()));
            if packet[1] == 3
                && let Ok(Message::Hello(hello)) = Message::decode(&Bytes::from(packet).slice(2..))
            {
                self.seen = hello.nonce;
            }
        }
    }

    fn answer(&mut self, action: Action, fails: bool) {
        match action {
            Action::Read { transfer, .. } if fails => self.session.body_failed(transfer, BodyError::Gone),
            Action::Read { transfer, mail, max, .. } => {
                self.session.body(transfer, Bytes::from(vec![mail.0[0]; max]));
            }
            Action::Offered { reception, offer } => {
                let answer = if fails {
                    OfferAnswer::Acknowledge(Acknowledgement::Delivered)
                } else {
                    let mut had = BodyHasher::new();
                    had.update(&vec![
                        offer.mail.0[0];
                        usize::try_from(offer.size / 2).unwrap_or(0).min(4096)
                    ]);
                    OfferAnswer::Accept(had)
                };
                self.session.answer(reception, answer);
            }
            Action::Write { reception, bytes, .. } => {
                assert!(!bytes.is_empty());
                if fails { self.session.write_failed(reception) } else { self.session.written(reception) }
            }
            Action::Complete { reception, .. } => {
                self.session.completed(reception, Acknowledgement::Delivered)
            }
            Action::Outcome { mail, .. } => {
                let open = self.offered.get_mut(&mail).expect("an outcome of a mail never offered");
                *open = open.checked_sub(1).expect("a second outcome");
            }
            Action::Ended(_) => self.ended = true,
            Action::Hello(_) | Action::Record(_) | Action::Interrupted { .. } | Action::SentWhole { .. } => {}
        }
    }

    fn check(&self) {
        assert!(self.session.waiting() <= u64::from(WINDOW));
        // The window, the blocks read ahead, and the messages to send.
        assert!(self.session.memory() < 16 * 1024 * 1024, "{} bytes held", self.session.memory());
        assert_eq!(self.ended, self.session.is_over());
        if self.ended {
            assert!(self.offered.values().all(|open| *open == 0), "a mail without outcome");
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut owner = Owner::new();
    owner.work(false);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (what, number) = (fuzz::byte(&mut rest), fuzz::byte(&mut rest));
        owner.act(what, number, &mut rest);
    }
    owner.session.disconnected();
    owner.work(false);
    owner.check();
});
