//! Mails on their way from the peer.
//!
//! A transfer is *deciding* until the owner answered the offer, then takes its *body*, and is *completing*
//! while the owner makes the mail durable. One that was ended in the middle is *stopped* until the
//! sender knows. At any moment at most one call of the owner is under way for each, so the number of transfers
//! bounds them too.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mail::{Acknowledgement, BodyDigest, MailId, Monotonic, Refusal};

use super::effects::Effects;
use crate::error::{ProtocolError, STORE_TROUBLE_WAIT};
use crate::limits::{BLOCK_BYTES, DATA_BYTES_LEAST, DIGESTS, PACKET_ID, STALL_TIMEOUT, WRITE_BYTES_LEAST};
use crate::message::{Message, Transfer};
use crate::offer::Offer;
use crate::session::{Action, Interruption, OfferAnswer, Reception};
use mail::BodyHasher;

#[derive(Debug)]
pub(super) struct Inbound {
    max_mail: u64,
    window: u32,
    max_transfers: u16,
    receiving: BTreeMap<Transfer, Receiving>,
    /// Counts how often the peer started anew.
    run: u32,
    /// The greatest number offered so far.
    last: Option<Transfer>,
    digests: Digests,
    /// Transfers whose progress the peer does not know yet.
    progressed: VecDeque<Transfer>,
}

#[derive(Debug)]
struct Receiving {
    mail: MailId,
    size: u64,
    digest: BodyDigest,
    stage: Stage,
    /// The sender cancelled; it is answered when the owner's call has returned.
    cancelled: bool,
    /// Written by the owner, and how much of that the peer was told.
    written: u64,
    told: u64,
    /// When the last data came.
    since: Monotonic,
}

#[derive(Debug)]
enum Stage {
    Deciding,
    Body(Box<Body>),
    Completing,
    /// Acknowledged before the end; holds how much came, for data may still be under way.
    Stopped(u64),
}

#[derive(Debug)]
struct Body {
    hasher: BodyHasher,
    /// Not handed to the owner yet.
    blocks: VecDeque<Bytes>,
    held: usize,
    /// Bytes of the write under way.
    writing: Option<usize>,
    /// Hand over what there is, however little.
    flush: bool,
}

impl Body {
    /// The next piece to write, if it is worth it.
    fn next_write(&mut self, size: u64, least: usize) -> Option<Bytes> {
        let complete = self.hasher.length() == size;
        if self.writing.is_some() || self.held == 0 || !(complete || self.flush || self.held >= least) {
            return None;
        }
        self.flush = false;
        let bytes = self.take_block()?;
        self.held -= bytes.len();
        self.writing = Some(bytes.len());
        Some(bytes)
    }

    fn take_block(&mut self) -> Option<Bytes> {
        if self.blocks.len() == 1 {
            return self.blocks.pop_front();
        }
        let mut block = BytesMut::with_capacity(self.held.min(BLOCK_BYTES));
        while let Some(next) = self.blocks.pop_front_if(|next| block.len() + next.len() <= BLOCK_BYTES) {
            block.extend_from_slice(&next);
        }
        Some(block.freeze())
    }
}

impl Receiving {
    /// Bytes received and not written.
    fn waiting(&self) -> u64 {
        match &self.stage {
            Stage::Body(body) => body.hasher.length() - self.written,
            _ => 0,
        }
    }

    fn has_call_under_way(&self) -> bool {
        match &self.stage {
            Stage::Deciding | Stage::Completing => true,
            Stage::Body(body) => body.writing.is_some(),
            Stage::Stopped(_) => false,
        }
    }
}

impl Inbound {
    pub(super) fn new(max_mail: u64, window: u32, max_transfers: u16) -> Self {
        Self {
            max_mail,
            window,
            max_transfers,
            receiving: BTreeMap::new(),
            run: 0,
            last: None,
            digests: Digests::default(),
            progressed: VecDeque::new(),
        }
    }

    /// Whether a transfer is open.
    pub(super) fn is_active(&self) -> bool {
        !self.receiving.is_empty()
    }

    /// Bytes received and not yet written by the owner: at most the window.
    pub(super) fn waiting(&self) -> u64 {
        self.receiving.values().map(Receiving::waiting).sum()
    }

    /// The open transfer, unless the peer started anew since.
    fn open(&mut self, reception: Reception) -> Option<(Transfer, &mut Receiving)> {
        if reception.run != self.run {
            return None;
        }
        self.receiving.get_mut(&reception.transfer).map(|receiving| (reception.transfer, receiving))
    }

    pub(super) fn offer(
        &mut self,
        transfer: Transfer,
        offer: Box<Offer>,
        effects: &mut Effects,
    ) -> Result<(), ProtocolError> {
        if self.last.is_some_and(|last| transfer <= last) {
            return Err(ProtocolError::NumberNotGrowing(transfer));
        }
        self.last = Some(transfer);
        if self.receiving.len() >= usize::from(self.max_transfers) {
            return Err(ProtocolError::TooManyTransfers(self.max_transfers));
        }
        if self.receiving.values().any(|open| open.mail == offer.mail) {
            return Err(ProtocolError::OfferedTwice(offer.mail));
        }
        if !self.digests.is_the_same(offer.mail, offer.digest) {
            return Err(ProtocolError::OtherDigest(offer.mail));
        }
        if offer.size > self.max_mail {
            acknowledge(transfer, too_large(self.max_mail), effects);
            return Ok(());
        }
        let receiving = Receiving {
            mail: offer.mail,
            size: offer.size,
            digest: offer.digest,
            stage: Stage::Deciding,
            cancelled: false,
            written: 0,
            told: 0,
            since: effects.now,
        };
        self.receiving.insert(transfer, receiving);
        let reception = Reception { run: self.run, transfer };
        effects.act(Action::Offered { reception, offer });
        Ok(())
    }

    /// The owner's answer. False if the transfer is gone: then nothing was accepted.
    pub(super) fn answer(
        &mut self,
        reception: Reception,
        answer: OfferAnswer,
        effects: &mut Effects,
    ) -> Result<bool, ProtocolError> {
        let Some((transfer, receiving)) = self.open(reception) else { return Ok(false) };
        if !matches!(receiving.stage, Stage::Deciding) {
            return Ok(false);
        }
        let hasher = match answer {
            OfferAnswer::Accept(hasher) => hasher,
            OfferAnswer::Acknowledge(word) => {
                self.receiving.remove(&transfer);
                acknowledge(transfer, word, effects);
                return Ok(true);
            }
            OfferAnswer::OtherDigest => return Err(ProtocolError::OtherDigest(receiving.mail)),
        };
        if receiving.cancelled {
            self.interrupt(transfer, Interruption::Cancelled, effects);
            effects.say(&Message::Cancelled(transfer));
            return Ok(true);
        }
        let offset = hasher.length();
        if offset > receiving.size {
            self.interrupt(transfer, Interruption::Corrupt, effects);
            acknowledge(transfer, corrupt(), effects);
            return Ok(true);
        }
        (receiving.written, receiving.told, receiving.since) = (offset, offset, effects.now);
        let body = Body { hasher, blocks: VecDeque::new(), held: 0, writing: None, flush: false };
        receiving.stage = Stage::Body(Box::new(body));
        effects.say(&Message::Accept { transfer, offset });
        self.check_complete(transfer, effects);
        Ok(true)
    }

    pub(super) fn data(
        &mut self,
        transfer: Transfer,
        offset: u64,
        bytes: Bytes,
        now: Monotonic,
    ) -> Result<(), ProtocolError> {
        let waiting = self.waiting();
        let unexpected = ProtocolError::Unexpected { what: "data", transfer };
        let Some(receiving) = self.receiving.get_mut(&transfer) else { return Err(unexpected) };
        let length = bytes.len() as u64;
        let (so_far, body) = match &mut receiving.stage {
            Stage::Body(body) => (body.hasher.length(), Some(body)),
            Stage::Stopped(received) => (*received, None),
            Stage::Deciding | Stage::Completing => return Err(unexpected),
        };
        let end = so_far + length;
        if offset != so_far || end > receiving.size {
            return Err(ProtocolError::Offset { what: "data", transfer, offset });
        }
        if bytes.len() < DATA_BYTES_LEAST && end < receiving.size {
            return Err(ProtocolError::TinyData(bytes.len()));
        }
        let Some(body) = body else {
            if end == receiving.size {
                self.receiving.remove(&transfer);
            } else {
                receiving.stage = Stage::Stopped(end);
            }
            return Ok(());
        };
        if waiting + length > u64::from(self.window) {
            return Err(ProtocolError::WindowExceeded(self.window));
        }
        if receiving.cancelled {
            return Err(unexpected);
        }
        receiving.since = now;
        body.hasher.update(&bytes);
        body.held += bytes.len();
        body.blocks.push_back(bytes);
        Ok(())
    }

    /// Writes that are due.
    pub(super) fn start_writes(&mut self, effects: &mut Effects) {
        // Never more than half of a transfer's guaranteed share, or it would wait for itself.
        let share = self.window / 4 / u32::from(self.max_transfers);
        let least = usize::try_from(share / 2).map_or(WRITE_BYTES_LEAST, |half| half.min(WRITE_BYTES_LEAST));
        let run = self.run;
        for (&transfer, receiving) in &mut self.receiving {
            if let Stage::Body(body) = &mut receiving.stage
                && !receiving.cancelled
                && let Some(bytes) = body.next_write(receiving.size, least)
            {
                let (reception, mail) = (Reception { run, transfer }, receiving.mail);
                effects.act(Action::Write { reception, mail, offset: receiving.written, bytes });
            }
        }
    }

    /// The write under way succeeded.
    pub(super) fn written(&mut self, reception: Reception, effects: &mut Effects) {
        let Some((transfer, receiving)) = self.open(reception) else { return };
        let Stage::Body(body) = &mut receiving.stage else { return };
        let Some(length) = body.writing.take() else { return };
        receiving.written += length as u64;
        if receiving.cancelled {
            self.interrupt(transfer, Interruption::Cancelled, effects);
            effects.say(&Message::Cancelled(transfer));
            return;
        }
        if !self.progressed.contains(&transfer) {
            self.progressed.push_back(transfer);
        }
        self.check_complete(transfer, effects);
    }

    /// The write under way failed.
    pub(super) fn write_failed(&mut self, reception: Reception, effects: &mut Effects) {
        let Some((transfer, receiving)) = self.open(reception) else { return };
        let Stage::Body(body) = &mut receiving.stage else { return };
        if body.writing.take().is_none() {
            return;
        }
        if receiving.cancelled {
            self.interrupt(transfer, Interruption::WriteFailed, effects);
            effects.say(&Message::Cancelled(transfer));
        } else {
            self.stop(transfer, Interruption::WriteFailed, store_trouble(), effects);
        }
    }

    /// When all is written: checks the digest and hands the mail over.
    fn check_complete(&mut self, transfer: Transfer, effects: &mut Effects) {
        let Some(receiving) = self.receiving.get_mut(&transfer) else { return };
        let Stage::Body(body) = &receiving.stage else { return };
        if receiving.written < receiving.size {
            return;
        }
        if body.hasher.clone().finish() == receiving.digest {
            receiving.stage = Stage::Completing;
            let reception = Reception { run: self.run, transfer };
            effects.act(Action::Complete { reception, mail: receiving.mail });
        } else {
            self.stop(transfer, Interruption::Corrupt, corrupt(), effects);
        }
    }

    /// The owner's word about a complete mail.
    pub(super) fn completed(&mut self, reception: Reception, word: Acknowledgement, effects: &mut Effects) {
        if let Some((transfer, Receiving { stage: Stage::Completing, .. })) = self.open(reception) {
            self.receiving.remove(&transfer);
            acknowledge(transfer, word, effects);
        }
    }

    /// The sender cancels. One that ended already is no error: the acknowledgement was on its way.
    pub(super) fn cancel(&mut self, transfer: Transfer, effects: &mut Effects) -> Result<(), ProtocolError> {
        let Some(receiving) = self.receiving.get_mut(&transfer) else {
            let was_offered = self.last.is_some_and(|last| transfer <= last);
            let unexpected = ProtocolError::Unexpected { what: "cancel", transfer };
            return if was_offered { Ok(()) } else { Err(unexpected) };
        };
        if receiving.cancelled {
            return Err(ProtocolError::Unexpected { what: "cancel", transfer });
        }
        if matches!(receiving.stage, Stage::Stopped(_)) {
            self.receiving.remove(&transfer);
        } else if receiving.has_call_under_way() {
            receiving.cancelled = true;
        } else {
            self.interrupt(transfer, Interruption::Cancelled, effects);
            effects.say(&Message::Cancelled(transfer));
        }
        Ok(())
    }

    fn interrupt(&mut self, transfer: Transfer, why: Interruption, effects: &mut Effects) {
        if let Some(receiving) = self.receiving.remove(&transfer) {
            effects.act(Action::Interrupted { mail: receiving.mail, why });
        }
    }

    /// Ends an accepted transfer with a word; stays stopped while data may still come.
    fn stop(&mut self, transfer: Transfer, why: Interruption, word: Acknowledgement, effects: &mut Effects) {
        let Some(receiving) = self.receiving.get_mut(&transfer) else { return };
        let Stage::Body(body) = &receiving.stage else { return };
        let received = body.hasher.length();
        effects.act(Action::Interrupted { mail: receiving.mail, why });
        acknowledge(transfer, word, effects);
        if received == receiving.size {
            self.receiving.remove(&transfer);
        } else {
            receiving.stage = Stage::Stopped(received);
        }
    }

    /// The next progress message; each transfer has at most one waiting, with the newest offset.
    pub(super) fn next_progress(&mut self) -> Option<Vec<u8>> {
        while let Some(transfer) = self.progressed.pop_front() {
            let Some(receiving) = self.receiving.get_mut(&transfer) else { continue };
            let is_open = matches!(receiving.stage, Stage::Body(_) | Stage::Completing);
            if is_open && receiving.written > receiving.told {
                receiving.told = receiving.written;
                let message = Message::Progress { transfer, offset: receiving.written };
                return frame::single(PACKET_ID, &[&message.encode().ok()?]).ok();
            }
        }
        None
    }

    /// Hands over what waits for more, and ends transfers whose sender does not go on.
    pub(super) fn tick(&mut self, effects: &mut Effects) {
        let mut stalled = Vec::new();
        for (&transfer, receiving) in &mut self.receiving {
            let waited = effects.now.since(receiving.since);
            if let Stage::Body(body) = &mut receiving.stage {
                body.flush = body.held > 0;
                let is_idle = body.held == 0 && body.writing.is_none();
                if !is_idle {
                    receiving.since = effects.now;
                } else if waited >= STALL_TIMEOUT {
                    stalled.push(transfer);
                }
            }
        }
        for transfer in stalled {
            self.stop(transfer, Interruption::Stalled, stalled_word(), effects);
        }
    }

    /// Forgets all transfers: the session ended or the peer started anew.
    pub(super) fn reset(&mut self, effects: &mut Effects) {
        self.progressed.clear();
        self.last = None;
        self.run = self.run.wrapping_add(1);
        for receiving in std::mem::take(&mut self.receiving).into_values() {
            if matches!(receiving.stage, Stage::Body(_)) {
                effects.act(Action::Interrupted { mail: receiving.mail, why: Interruption::Disconnected });
            }
        }
    }
}

fn acknowledge(transfer: Transfer, acknowledgement: Acknowledgement, effects: &mut Effects) {
    effects.say(&Message::Acknowledge { transfer, acknowledgement });
}

fn too_large(max: u64) -> Acknowledgement {
    let text = format!("this mail is larger than the {max} bytes the recipient's gateway takes");
    Acknowledgement::Refused(Refusal::permanent(3, 4, &text))
}

fn corrupt() -> Acknowledgement {
    let text = "the mail does not have the digest it was offered with; it will be sent anew from its start";
    Acknowledgement::TryLater { reason: Refusal::transient(6, 0, text), after: Duration::from_secs(60) }
}

fn store_trouble() -> Acknowledgement {
    let text = "the recipient's gateway could not store the mail";
    Acknowledgement::TryLater { reason: Refusal::transient(3, 0, text), after: STORE_TROUBLE_WAIT }
}

fn stalled_word() -> Acknowledgement {
    let text = "the sending gateway stopped sending in the middle of the mail";
    Acknowledgement::TryLater { reason: Refusal::transient(4, 2, text), after: Duration::from_secs(60) }
}

/// The digests of the last mails offered in this session.
#[derive(Debug, Default)]
struct Digests {
    of: HashMap<MailId, BodyDigest>,
    order: VecDeque<MailId>,
}

impl Digests {
    /// Remembers the digest, unless another one is known.
    fn is_the_same(&mut self, mail: MailId, digest: BodyDigest) -> bool {
        if let Some(known) = self.of.get(&mail) {
            return *known == digest;
        }
        if self.order.len() >= DIGESTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.of.remove(&oldest);
        }
        self.order.push_back(mail);
        self.of.insert(mail, digest);
        true
    }
}
