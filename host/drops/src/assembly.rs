//! Unfinished mails: parts that were found on boards, until their mail is whole and done with.
//!
//! This is the one place where parts of unfinished mails are counted and bounded. Whoever also keeps parts on disk is told of each
//! mail that goes ([`Gone`]) and erases what was kept of it at that moment, so memory and disk have the same bound.

use std::collections::BTreeMap;

use mail::{MailId, PublicKey, Wall};

use crate::cell::Opened;
use crate::hash::hash;
use crate::limits::{
    CHUNK_BYTES, MAIL_CELLS, PARTIAL_BYTES, PARTIAL_MAILS_PER_SENDER, PARTIAL_STRANGER_BYTES,
};
use crate::parcel::{Key, Parcel, Progress, Received};

/// The sender of a mail, for the competition for room: strangers never push out a contact's mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A contact of the recipient.
    Contact,
    /// Somebody who is not a contact.
    Stranger,
}

impl Sender {
    /// Parts of unfinished mails held of all such senders together. Each counts as a whole chunk: a short one costs as much.
    const fn parts(self) -> usize {
        match self {
            Self::Contact => PARTIAL_BYTES / CHUNK_BYTES,
            Self::Stranger => PARTIAL_STRANGER_BYTES / CHUNK_BYTES,
        }
    }
}

/// A mail that is no longer held: erase what was kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone<T> {
    /// The account that the mail was for.
    pub to: T,
    /// The sender and the id of the mail.
    pub key: Key,
    /// Numbers of the parts that were kept on disk.
    pub kept: Vec<u8>,
}

/// What became of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taking<T> {
    /// What it led to.
    pub progress: Progress,
    /// Mails that went to make room for it, or the one it showed to be broken.
    pub gone: Vec<Gone<T>>,
}

#[derive(Debug)]
struct Part {
    chunk: Vec<u8>,
    is_kept: bool,
}

#[derive(Debug)]
struct Partial {
    sender: Sender,
    parts: Vec<Option<Part>>,
    /// How many parts are held.
    have: usize,
    touched: Wall,
    /// Order of arrival, so that the oldest can go.
    order: u64,
}

impl Partial {
    fn kept(&self) -> Vec<u8> {
        let kept =
            self.parts.iter().enumerate().filter(|(_, part)| part.as_ref().is_some_and(|part| part.is_kept));
        kept.filter_map(|(index, _)| u8::try_from(index).ok()).collect()
    }

    fn bytes(&self) -> usize {
        self.parts.iter().flatten().map(|part| part.chunk.len()).sum()
    }
}

/// Unfinished mails to all accounts `T` of a gateway.
///
/// Bounds: 8 mails of one sender to one account, 64 MB of all contacts and 16 MB of all strangers; past them the oldest goes. What
/// goes is not lost: the sender's outbox has it, and the cells are read again from their boards or after a repost.
#[derive(Debug)]
pub struct Assembly<T> {
    partial: BTreeMap<(T, Key), Partial>,
    arrivals: u64,
}

impl<T> Default for Assembly<T> {
    fn default() -> Self {
        Self { partial: BTreeMap::new(), arrivals: 0 }
    }
}

impl<T: Ord + Clone> Assembly<T> {
    /// Takes a part found on a board. The part that makes a mail whole is not held on: until the mail is done with
    /// ([`Assembly::remove`]), that part can come again and completes it again.
    pub fn take(&mut self, to: &T, sender: Sender, opened: Opened, now: Wall) -> Taking<T> {
        let mut gone = vec![];
        let progress = match self.put(to, sender, opened, now, false, &mut gone) {
            None => Progress::Nothing,
            Some((place, index)) => self.progress(&place, index, &mut gone),
        };
        Taking { progress, gone }
    }

    /// Puts back a part that was kept on disk, under the same bounds. Parts that are gone
    /// afterwards, perhaps including this one, have to be erased there.
    pub fn restore(&mut self, to: &T, sender: Sender, opened: Opened, now: Wall) -> Vec<Gone<T>> {
        let mut gone = vec![];
        let key = Key { sender: opened.sender, mail: opened.place.mail, digest: opened.place.digest };
        let refused = Gone { to: to.clone(), key, kept: vec![opened.place.index] };
        match self.put(to, sender, opened, now, true, &mut gone) {
            None => gone.push(refused),
            // What completes a mail comes from a board.
            Some((place, index)) if self.is_whole(&place) => {
                self.drop_part(&place, index);
                gone.push(refused);
            }
            Some(_) => {}
        }
        gone
    }

    /// Puts a part in its place, if it has one.
    fn put(
        &mut self,
        to: &T,
        sender: Sender,
        opened: Opened,
        now: Wall,
        is_kept: bool,
        gone: &mut Vec<Gone<T>>,
    ) -> Option<((T, Key), usize)> {
        let Opened { sender: from, place, chunk } = opened;
        let (index, count) = (usize::from(place.index), usize::from(place.count));
        if count > MAIL_CELLS || index >= count || !is_chunk_length_right(index, count, chunk.len()) {
            return None;
        }
        let key = Key { sender: from, mail: place.mail, digest: place.digest };
        let place = (to.clone(), key);
        match self.partial.get_mut(&place) {
            // Another count under the same digest cannot be honest: the digest is over the same bytes.
            Some(partial) if partial.parts.get(index).is_none_or(Option::is_some) => return None,
            Some(partial) if partial.parts.len() != count => return None,
            Some(partial) => partial.sender = sender,
            None => self.make_room_for_mail(to, from, gone),
        }
        self.make_room_for_part(&place, sender, gone);
        self.arrivals += 1;
        let order = self.arrivals;
        let parts = || std::iter::repeat_with(|| None).take(count).collect();
        let fresh = || Partial { sender, parts: parts(), have: 0, touched: now, order };
        let partial = self.partial.entry(place.clone()).or_insert_with(fresh);
        partial.touched = now;
        partial.have += 1;
        if let Some(free) = partial.parts.get_mut(index) {
            *free = Some(Part { chunk, is_kept });
        }
        Some((place, index))
    }

    fn is_whole(&self, place: &(T, Key)) -> bool {
        self.partial.get(place).is_some_and(|partial| partial.have == partial.parts.len())
    }

    /// How far the mail is with part `index`, which came last.
    fn progress(&mut self, place: &(T, Key), index: usize, gone: &mut Vec<Gone<T>>) -> Progress {
        let Some(partial) = self.partial.get(place) else { return Progress::Nothing };
        let (have, count) = (partial.have, partial.parts.len());
        if have < count {
            return Progress::Waiting { have, count };
        }
        let bytes: Vec<u8> = partial.parts.iter().flatten().flat_map(|part| &part.chunk).copied().collect();
        let key = place.1;
        let parcel = Parcel::decode(&bytes).ok().filter(|_| hash(&[&bytes]) == key.digest);
        let Some(parcel) = parcel else {
            gone.extend(self.remove(&place.0, &key));
            return Progress::Broken;
        };
        self.drop_part(place, index);
        Progress::Complete(Box::new(Received { key, parcel }))
    }

    fn drop_part(&mut self, place: &(T, Key), index: usize) {
        let Some(partial) = self.partial.get_mut(place) else { return };
        if let Some(part) = partial.parts.get_mut(index)
            && part.take().is_some()
        {
            partial.have -= 1;
        }
        if partial.have == 0 {
            self.partial.remove(place);
        }
    }

    /// The mail is done with.
    pub fn remove(&mut self, to: &T, key: &Key) -> Option<Gone<T>> {
        let partial = self.partial.remove(&(to.clone(), *key))?;
        Some(Gone { to: to.clone(), key: *key, kept: partial.kept() })
    }

    /// Forgets mails of which nothing came since `before`.
    pub fn expire(&mut self, before: Wall) -> Vec<Gone<T>> {
        let stale = self.partial.iter().filter(|(_, partial)| partial.touched < before);
        let stale: Vec<(T, Key)> = stale.map(|(place, _)| place.clone()).collect();
        stale.iter().filter_map(|(to, key)| self.remove(to, key)).collect()
    }

    /// Forgets all mails to an account that is removed, with what was kept of them.
    pub fn forget(&mut self, to: &T) {
        self.partial.retain(|(of, _), _| of != to);
    }

    /// The parts that are not kept on disk yet.
    #[must_use]
    pub fn unkept(&self) -> Vec<(T, Key, u8)> {
        let parts = self.partial.iter().flat_map(|((to, key), partial)| {
            let held = partial.parts.iter().enumerate();
            let unkept = held.filter(|(_, part)| part.as_ref().is_some_and(|part| !part.is_kept));
            unkept.filter_map(|(index, _)| Some((to.clone(), *key, u8::try_from(index).ok()?)))
        });
        parts.collect()
    }

    /// A part that is held: the number of parts of its mail, and its content.
    #[must_use]
    pub fn part(&self, to: &T, key: &Key, index: u8) -> Option<(u8, &[u8])> {
        let partial = self.partial.get(&(to.clone(), *key))?;
        let part = partial.parts.get(usize::from(index))?.as_ref()?;
        Some((u8::try_from(partial.parts.len()).ok()?, &part.chunk))
    }

    /// Takes note that a part was kept on disk. False if the part is no longer held: erase it
    /// there.
    pub fn kept(&mut self, to: &T, key: &Key, index: u8) -> bool {
        let partial = self.partial.get_mut(&(to.clone(), *key));
        let part = partial.and_then(|partial| partial.parts.get_mut(usize::from(index))?.as_mut());
        part.map(|part| part.is_kept = true).is_some()
    }

    /// Bytes held of unfinished mails.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.partial.values().map(Partial::bytes).sum()
    }

    fn make_room_for_mail(&mut self, to: &T, from: PublicKey, gone: &mut Vec<Gone<T>>) {
        let key = |byte: u8| Key { sender: from, mail: MailId([byte; 16]), digest: [byte; 32] };
        let range = (to.clone(), key(0))..=(to.clone(), key(255));
        loop {
            let of_sender = self.partial.range(range.clone());
            if of_sender.clone().count() < PARTIAL_MAILS_PER_SENDER {
                return;
            }
            let oldest = of_sender.min_by_key(|(_, partial)| partial.order).map(|(place, _)| place.clone());
            gone.extend(oldest.and_then(|(to, key)| self.remove(&to, &key)));
        }
    }

    /// One mail is far below the bound, so others can always make room for it.
    fn make_room_for_part(&mut self, keep: &(T, Key), sender: Sender, gone: &mut Vec<Gone<T>>) {
        loop {
            let of_kind = self.partial.iter().filter(|(_, partial)| partial.sender == sender);
            if of_kind.clone().map(|(_, partial)| partial.have).sum::<usize>() < sender.parts() {
                return;
            }
            let others = of_kind.filter(|(place, _)| *place != keep);
            let oldest = others.min_by_key(|(_, partial)| partial.order).map(|(place, _)| place.clone());
            let Some((to, key)) = oldest else { return };
            gone.extend(self.remove(&to, &key));
        }
    }
}

/// Every part but the last is full.
fn is_chunk_length_right(index: usize, count: usize, length: usize) -> bool {
    if index + 1 < count { length == CHUNK_BYTES } else { length <= CHUNK_BYTES && length > 0 }
}

#[cfg(test)]
mod tests;
