//! Mails on their way to the peer: which ones, in which order, how much at once.
//!
//! A mail waits in a queue (one for small ones, one for large ones) until a transfer is free; then it is
//! *offered*, its *body* goes out as far as the window allows, and the acknowledgement ends it. A cancel stays
//! open until the peer answers it, since the acknowledgement may be on its way.

use std::collections::{BTreeMap, HashSet, VecDeque};

use bytes::{Buf, Bytes};
use mail::{Acknowledgement, MailId, Monotonic};

use super::effects::Effects;
use crate::error::{BodyError, ProtocolError, TransferError};
use crate::hello::Hello;
use crate::limits::{
    ACKNOWLEDGE_TIMEOUT, ANSWER_TIMEOUT, BLOCK_BYTES, DATA_BYTES, LARGE_TRANSFERS, PACKET_ID, QUEUE,
    SMALL_MAIL_BYTES, STALL_TIMEOUT, TRANSFERS, WINDOW_MOST,
};
use crate::message::{Message, Transfer, data_header};
use crate::offer::Offer;
use crate::session::Action;

/// What the peer's hello allows.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    max_mail: u64,
    transfers: usize,
    /// In flight by one transfer, whatever the others do.
    share: u64,
    /// In flight by all, apart from the shares.
    common: u64,
}

impl Allowance {
    fn new(hello: &Hello) -> Self {
        let transfers = hello.max_transfers.min(TRANSFERS);
        let window = u64::from(hello.window.min(WINDOW_MOST));
        Self {
            max_mail: hello.max_mail,
            transfers: transfers.into(),
            share: window / 4 / u64::from(transfers),
            common: window / 4 * 3,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Outbound {
    /// None before the hello.
    allowance: Option<Allowance>,
    small: VecDeque<Offer>,
    large: VecDeque<Offer>,
    sending: BTreeMap<Transfer, Sending>,
    /// Every mail in a queue or a transfer.
    known: HashSet<MailId>,
    last: u32,
    /// Transfers with a body, the next to send first.
    rotation: VecDeque<Transfer>,
}

#[derive(Debug)]
struct Sending {
    offer: Offer,
    stage: Stage,
    /// When the peer last went on with it.
    since: Monotonic,
}

#[derive(Debug)]
enum Stage {
    Offered,
    Body(Body),
    /// The owner hears this, unless the peer's acknowledgement was faster.
    Cancelling(TransferError),
}

#[derive(Debug)]
struct Body {
    sent: u64,
    /// The peer used all before this.
    used: u64,
    /// Read and not sent.
    blocks: VecDeque<Bytes>,
    held: usize,
    reading: bool,
}

impl Body {
    fn in_flight(&self) -> u64 {
        self.sent - self.used
    }

    /// The next `length` bytes, in front of them `header`, as a packet.
    fn cut(&mut self, transfer: Transfer, length: usize) -> Option<Vec<u8>> {
        let header = data_header(transfer, self.sent);
        let first = self.blocks.front()?;
        let packet = if first.len() >= length {
            frame::single(PACKET_ID, &[&header, first.get(..length)?]).ok()?
        } else {
            let second = self.blocks.get(1)?;
            frame::single(PACKET_ID, &[&header, first, second.get(..length - first.len())?]).ok()?
        };
        self.consume(length);
        Some(packet)
    }

    fn consume(&mut self, length: usize) {
        self.sent += length as u64;
        self.held -= length;
        let mut left = length;
        while let Some(block) = self.blocks.front_mut()
            && left > 0
        {
            let part = block.len().min(left);
            block.advance(part);
            left -= part;
            if block.is_empty() {
                self.blocks.pop_front();
            }
        }
    }

    /// Adds a block; a short one is joined with the one before, so that two always fill a packet.
    fn add(&mut self, bytes: Bytes) {
        self.held += bytes.len();
        match self.blocks.back_mut() {
            Some(last) if last.len() < DATA_BYTES || bytes.len() < DATA_BYTES => {
                *last = [&last[..], &bytes[..]].concat().into();
            }
            _ => self.blocks.push_back(bytes),
        }
    }
}

impl Outbound {
    /// Whether the peer owes anything.
    pub(super) fn is_active(&self) -> bool {
        !self.sending.is_empty()
    }

    /// Body bytes held in memory.
    pub(super) fn held(&self) -> usize {
        self.sending
            .values()
            .map(|sending| if let Stage::Body(body) = &sending.stage { body.held } else { 0 })
            .sum()
    }

    /// Body bytes on their way to the peer.
    pub(super) fn in_flight(&self) -> u64 {
        self.sending
            .values()
            .map(|sending| if let Stage::Body(body) = &sending.stage { body.in_flight() } else { 0 })
            .sum()
    }

    pub(super) fn offer(&mut self, offer: Offer, effects: &mut Effects) -> Result<(), TransferError> {
        if self.small.len() + self.large.len() >= QUEUE {
            return Err(TransferError::QueueFull);
        }
        if let Some(Allowance { max_mail, .. }) = self.allowance
            && offer.size > max_mail
        {
            return Err(TransferError::TooLarge { max: max_mail });
        }
        if !self.known.insert(offer.mail) {
            return Err(TransferError::AlreadyOffered);
        }
        self.queue_of(&offer).push_back(offer);
        self.start(effects);
        Ok(())
    }

    fn queue_of(&mut self, offer: &Offer) -> &mut VecDeque<Offer> {
        if offer.size <= SMALL_MAIL_BYTES { &mut self.small } else { &mut self.large }
    }

    /// The peer said hello: what waited can go.
    pub(super) fn open(&mut self, hello: &Hello, effects: &mut Effects) {
        let allowance = Allowance::new(hello);
        self.allowance = Some(allowance);
        let waiting = self.small.iter().chain(&self.large);
        let too_large: Vec<MailId> =
            waiting.filter(|offer| offer.size > allowance.max_mail).map(|offer| offer.mail).collect();
        for mail in too_large {
            self.forget_queued(mail);
            self.settle(mail, Err(TransferError::TooLarge { max: allowance.max_mail }), effects);
        }
        self.start(effects);
    }

    /// Puts what is under way back in front of the queues, to wait for a new hello.
    pub(super) fn restart(&mut self, effects: &mut Effects) {
        self.allowance = None;
        self.rotation.clear();
        for (_, sending) in std::mem::take(&mut self.sending).into_iter().rev() {
            match sending.stage {
                Stage::Cancelling(error) => self.settle(sending.offer.mail, Err(error), effects),
                Stage::Offered | Stage::Body(_) => self.queue_of(&sending.offer).push_front(sending.offer),
            }
        }
    }

    /// Offers what may be offered. Neither small nor large mails can take all transfers while the others wait.
    fn start(&mut self, effects: &mut Effects) {
        let Some(allowance) = self.allowance else { return };
        while self.sending.len() < allowance.transfers {
            let large = self.sending.values().filter(|sending| sending.offer.size > SMALL_MAIL_BYTES).count();
            let small = self.sending.len() - large;
            let small_may = small < allowance.transfers - 1 || self.large.is_empty();
            let large_may = large < LARGE_TRANSFERS.min(allowance.transfers - 2);
            let next = if small_may && !self.small.is_empty() {
                self.small.pop_front()
            } else if large_may {
                self.large.pop_front()
            } else {
                None
            };
            let (Some(offer), Some(number)) = (next, self.last.checked_add(1)) else { return };
            self.last = number;
            let transfer = Transfer(number);
            effects.say(&Message::Offer { transfer, offer: Box::new(offer.clone()) });
            self.sending.insert(transfer, Sending { offer, stage: Stage::Offered, since: effects.now });
        }
    }

    fn get(&mut self, what: &'static str, transfer: Transfer) -> Result<&mut Sending, ProtocolError> {
        self.sending.get_mut(&transfer).ok_or(ProtocolError::Unexpected { what, transfer })
    }

    pub(super) fn accept(
        &mut self,
        transfer: Transfer,
        offset: u64,
        effects: &mut Effects,
    ) -> Result<(), ProtocolError> {
        let sending = self.get("accept", transfer)?;
        match sending.stage {
            Stage::Offered if offset <= sending.offer.size => {}
            Stage::Offered => return Err(ProtocolError::Offset { what: "accept", transfer, offset }),
            Stage::Body(_) => return Err(ProtocolError::Unexpected { what: "accept", transfer }),
            Stage::Cancelling(_) => return Ok(()),
        }
        let body = Body { sent: offset, used: offset, blocks: VecDeque::new(), held: 0, reading: false };
        sending.stage = Stage::Body(body);
        sending.since = effects.now;
        if offset == sending.offer.size {
            effects.act(Action::SentWhole { mail: sending.offer.mail });
        }
        self.rotation.push_back(transfer);
        self.read_ahead(transfer, effects);
        Ok(())
    }

    pub(super) fn progress(
        &mut self,
        transfer: Transfer,
        offset: u64,
        effects: &mut Effects,
    ) -> Result<(), ProtocolError> {
        let sending = self.get("progress", transfer)?;
        match &mut sending.stage {
            Stage::Body(body) if offset > body.used && offset <= body.sent => body.used = offset,
            Stage::Body(_) => return Err(ProtocolError::Offset { what: "progress", transfer, offset }),
            Stage::Offered => return Err(ProtocolError::Unexpected { what: "progress", transfer }),
            Stage::Cancelling(_) => return Ok(()),
        }
        sending.since = effects.now;
        Ok(())
    }

    pub(super) fn acknowledge(
        &mut self,
        transfer: Transfer,
        acknowledgement: Acknowledgement,
        effects: &mut Effects,
    ) -> Result<(), ProtocolError> {
        let sending = self.get("acknowledgement", transfer)?;
        let mail = sending.offer.mail;
        if let Stage::Body(body) = &sending.stage
            && body.sent < sending.offer.size
        {
            if acknowledgement == Acknowledgement::Delivered {
                return Err(ProtocolError::DeliveredEarly(transfer));
            }
            // The peer keeps the transfer open until it knows that no more data comes.
            effects.say(&Message::Cancel(transfer));
        }
        self.end(transfer);
        self.settle(mail, Ok(acknowledgement), effects);
        self.start(effects);
        Ok(())
    }

    pub(super) fn cancelled(
        &mut self,
        transfer: Transfer,
        effects: &mut Effects,
    ) -> Result<(), ProtocolError> {
        let sending = self.get("cancelled", transfer)?;
        let Stage::Cancelling(error) = &sending.stage else {
            return Err(ProtocolError::Unexpected { what: "cancelled", transfer });
        };
        let (mail, error) = (sending.offer.mail, error.clone());
        self.end(transfer);
        self.settle(mail, Err(error), effects);
        self.start(effects);
        Ok(())
    }

    fn end(&mut self, transfer: Transfer) {
        self.sending.remove(&transfer);
        self.rotation.retain(|other| *other != transfer);
    }

    fn settle(
        &mut self,
        mail: MailId,
        result: Result<Acknowledgement, TransferError>,
        effects: &mut Effects,
    ) {
        self.known.remove(&mail);
        effects.act(Action::Outcome { mail, result });
    }

    fn forget_queued(&mut self, mail: MailId) -> bool {
        let before = self.small.len() + self.large.len();
        self.small.retain(|offer| offer.mail != mail);
        self.large.retain(|offer| offer.mail != mail);
        before > self.small.len() + self.large.len()
    }

    /// The owner wants a mail back.
    pub(super) fn cancel(&mut self, mail: MailId, effects: &mut Effects) {
        if self.forget_queued(mail) {
            return self.settle(mail, Err(TransferError::Cancelled), effects);
        }
        let transfer = self.sending.iter().find(|(_, sending)| sending.offer.mail == mail);
        if let Some((&transfer, _)) = transfer {
            self.give_up(transfer, TransferError::Cancelled, effects);
        }
    }

    fn give_up(&mut self, transfer: Transfer, error: TransferError, effects: &mut Effects) {
        let Some(sending) = self.sending.get_mut(&transfer) else { return };
        if matches!(sending.stage, Stage::Cancelling(_)) {
            return;
        }
        sending.stage = Stage::Cancelling(error);
        sending.since = effects.now;
        self.rotation.retain(|other| *other != transfer);
        effects.say(&Message::Cancel(transfer));
    }

    /// Asks for the next block once less than half of one is left.
    fn read_ahead(&mut self, transfer: Transfer, effects: &mut Effects) {
        let Some(Sending { offer, stage: Stage::Body(body), .. }) = self.sending.get_mut(&transfer) else {
            return;
        };
        let offset = body.sent + body.held as u64;
        if body.reading || body.held >= BLOCK_BYTES / 2 || offset >= offer.size {
            return;
        }
        body.reading = true;
        let max = usize::try_from(offer.size - offset).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES));
        effects.act(Action::Read { transfer, mail: offer.mail, offset, max });
    }

    /// The bytes asked for.
    pub(super) fn body(&mut self, transfer: Transfer, mut bytes: Bytes, effects: &mut Effects) {
        let Some(Sending { offer, stage: Stage::Body(body), .. }) = self.sending.get_mut(&transfer) else {
            return;
        };
        if !std::mem::take(&mut body.reading) {
            return;
        }
        if bytes.is_empty() {
            return self.body_failed(transfer, BodyError::Short, effects);
        }
        let left = offer.size - body.sent - body.held as u64;
        bytes.truncate(usize::try_from(left).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES)));
        body.add(bytes);
        self.read_ahead(transfer, effects);
    }

    pub(super) fn body_failed(&mut self, transfer: Transfer, error: BodyError, effects: &mut Effects) {
        self.give_up(transfer, TransferError::Body(error), effects);
    }

    /// The next data packet: the transfers take turns, one packet each.
    pub(super) fn next_packet(&mut self, effects: &mut Effects) -> Option<Vec<u8>> {
        for _ in 0..self.rotation.len() {
            let transfer = self.rotation.pop_front()?;
            let packet = self.packet_of(transfer, effects.now);
            if !self.is_all_sent(transfer) {
                self.rotation.push_back(transfer);
            } else if packet.is_some()
                && let Some(sending) = self.sending.get(&transfer)
            {
                effects.act(Action::SentWhole { mail: sending.offer.mail });
            }
            if packet.is_some() {
                self.read_ahead(transfer, effects);
                return packet;
            }
        }
        None
    }

    fn is_all_sent(&self, transfer: Transfer) -> bool {
        match self.sending.get(&transfer) {
            Some(Sending { offer, stage: Stage::Body(body), .. }) => body.sent == offer.size,
            _ => true,
        }
    }

    fn packet_of(&mut self, transfer: Transfer, now: Monotonic) -> Option<Vec<u8>> {
        let in_flight = self.in_flight();
        let allowance = self.allowance?;
        let Sending { offer, stage: Stage::Body(body), since } = self.sending.get_mut(&transfer)? else {
            return None;
        };
        let left = offer.size - body.sent;
        let length = left.min(DATA_BYTES as u64);
        let whole = body.held as u64 >= length;
        let room = body.in_flight() + length <= allowance.share || in_flight + length <= allowance.common;
        if length == 0 || !whole || !room {
            return None;
        }
        if body.in_flight() == 0 {
            // Until now the peer had nothing to go on with.
            *since = now;
        }
        body.cut(transfer, usize::try_from(length).ok()?)
    }

    /// Gives up what the peer does not go on with.
    pub(super) fn tick(&mut self, effects: &mut Effects) -> Result<(), ProtocolError> {
        let mut stalled = Vec::new();
        for (&transfer, sending) in &self.sending {
            let waited = effects.now.since(sending.since);
            match &sending.stage {
                Stage::Offered if waited >= ANSWER_TIMEOUT => stalled.push(transfer),
                Stage::Body(body) if body.sent == sending.offer.size && waited >= ACKNOWLEDGE_TIMEOUT => {
                    stalled.push(transfer);
                }
                Stage::Body(body)
                    if body.in_flight() > 0 && body.sent < sending.offer.size && waited >= STALL_TIMEOUT =>
                {
                    stalled.push(transfer);
                }
                Stage::Cancelling(_) if waited >= ACKNOWLEDGE_TIMEOUT => {
                    return Err(ProtocolError::CancelUnanswered(transfer));
                }
                _ => {}
            }
        }
        for transfer in stalled {
            self.give_up(transfer, TransferError::Stalled, effects);
        }
        Ok(())
    }

    /// Ends every transfer and empties the queues.
    pub(super) fn fail_all(&mut self, error: &TransferError, effects: &mut Effects) {
        self.rotation.clear();
        let sending = std::mem::take(&mut self.sending).into_values().map(|sending| sending.offer);
        let queued = self.small.drain(..).chain(self.large.drain(..));
        let mails: Vec<MailId> = sending.chain(queued).map(|offer| offer.mail).collect();
        for mail in mails {
            self.settle(mail, Err(error.clone()), effects);
        }
    }
}
