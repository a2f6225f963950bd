//! A friend who is away: the search, and what is sent to where the friend is announced.

use std::time::Duration;

use rand_core::CryptoRngCore;

use super::line::{Asker, Line, Wait};
use super::lookup::Lookup;
use super::paths::Paths;
use super::requests::{For, Request};
use super::schedule::Schedule;
use crate::boxes::{LowOrderKey, SharedKey};
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::nonce::FreshNonce;
use crate::packet::dht_request::{DhtRequest, SealedDhtKey};
use crate::packet::onion::announce::{AnnounceResponse, Stored};
use crate::packet::onion::data::{self, Sender};
use crate::packet::onion::{DhtKey, FriendRequest, Payload};

/// A friend.
#[derive(Debug)]
pub(super) struct Friend {
    key: PublicKey,
    /// Shared by the two real keys.
    pub(super) shared: SharedKey,
    /// What the search is encrypted with: nobody can tell who searches.
    temporary: KeyPair,
    lookup: Lookup,
    /// There is a session: nothing is to be done.
    pub(super) online: bool,
    /// When something is to be done.
    pub(super) next: Duration,
    /// When the search began.
    since: Duration,
    /// The friend is announced with this data key.
    data_key: Option<PublicKey>,
    /// When our DHT key goes through the onion, and over DHT nodes.
    through_onion: Schedule,
    over_dht: Schedule,
    /// The friend's DHT key.
    pub(super) dht: Option<PublicKey>,
    /// The number of the friend's last DHT key, and when it came.
    last: Option<(u64, Duration)>,
    /// A request that the friend has not accepted yet.
    request: Option<(FriendRequest, Schedule)>,
}

impl Friend {
    pub(super) fn new(
        now: Duration,
        real: &KeyPair,
        key: PublicKey,
        random: &mut impl CryptoRngCore,
    ) -> Result<Self, LowOrderKey> {
        Ok(Self {
            key,
            shared: real.secret().shared_with(&key)?,
            temporary: KeyPair::generate(random),
            lookup: Lookup::new(now, key, limits::SEARCHED_AT),
            online: false,
            next: now,
            since: now,
            data_key: None,
            through_onion: onion_schedule(now),
            over_dht: dht_schedule(now),
            dht: None,
            last: None,
            request: None,
        })
    }

    /// A request goes to the friend until there is a sign of it.
    pub(super) fn ask(&mut self, now: Duration, request: FriendRequest) {
        self.request = Some((request, request_schedule(now)));
        self.next = now;
    }

    /// The search begins anew: the friend is likely to be back.
    pub(super) fn begin(&mut self, now: Duration) {
        (self.since, self.next) = (now, now);
        self.lookup.begin = now;
        self.lookup.nodes.iter_mut().for_each(|found| found.due = found.due.min(now));
        self.through_onion = onion_schedule(now);
        self.over_dht = dht_schedule(now);
    }

    /// A DHT key of the friend came. Whether it is newer than the last one, or that is forgotten.
    pub(super) fn is_new(&mut self, now: Duration, content: &DhtKey) -> bool {
        let remembered = |at: Duration| now.saturating_sub(at) < limits::REPLAY_MEMORY;
        if self.last.is_some_and(|(last, at)| content.no_replay <= last && remembered(at)) {
            return false;
        }
        let silent = self.last.is_none_or(|(_, at)| now.saturating_sub(at) >= limits::DHT_KEY_ONION * 2);
        self.last = Some((content.no_replay, now));
        // A sign of the friend: it has us as a friend too.
        self.request = None;
        if !self.online && (silent || self.dht != Some(content.key)) {
            self.begin(now);
        }
        true
    }

    /// A quarter of the time that the search has taken.
    fn interval(&self, now: Duration) -> Duration {
        let quarter = now.saturating_sub(self.since) / 4;
        quarter.clamp(limits::SEARCH_LEAST, limits::SEARCH_MOST)
    }

    /// A node answered.
    pub(super) fn answer(
        &mut self,
        now: Duration,
        request: Request,
        (origin, response): (u64, &AnnounceResponse),
        asked: impl Fn(&PublicKey) -> bool,
    ) {
        // Nobody but the friend is announced with the friend's key.
        if matches!(response.stored, Stored::Own(_)) {
            return;
        }
        self.lookup.named(&request.node, origin, &response.nodes, asked);
        let due = now + self.interval(now);
        let answer = (response.stored, request.path);
        if let Some(found) = self.lookup.answered(now, request.node, request.key, answer) {
            found.due = due;
        }
        self.next = now;
    }

    /// Sends what is due. `told` is our DHT key as friends are told.
    pub(super) fn work<R: CryptoRngCore>(
        &mut self,
        line: &mut Line<'_, R>,
        paths: &mut Paths,
        real: &KeyPair,
        told: &DhtKey,
    ) {
        if self.online {
            self.next = Duration::MAX;
            return;
        }
        let lookup = For::Friend(self.key);
        let data_key = PublicKey([0; 32]);
        let asker = Asker { lookup, pair: &self.temporary, searched: self.key, data_key };
        let mut next = line.work(&mut self.lookup, paths, asker);
        self.agree(line, &mut next);
        if let Err(Wait(until)) = self.send_all(line, paths, real, told) {
            next = next.min(until);
        } else if self.data_key.is_some() {
            next = next.min(self.through_onion.next());
            next = self.request.as_ref().map_or(next, |(_, schedule)| next.min(schedule.next()));
        }
        if let Some(dht) = self.dht {
            self.tell_over_dht(line, real, told, &dht);
            next = next.min(self.over_dht.next());
        }
        self.next = next;
    }

    /// Whether nodes agree on a data key; a new one means that the friend was just found.
    fn agree<R>(&mut self, line: &Line<'_, R>, next: &mut Duration) {
        let open_until = line.requests.open_until(For::Friend(self.key)).filter(|until| *until > line.now);
        match self.lookup.agreed_data_key(open_until.is_some()) {
            None => {
                let lost = self.data_key.is_some_and(|key| self.lookup.naming(key).next().is_none());
                if lost {
                    self.data_key = None;
                }
            }
            Some(agreed) if self.data_key != Some(agreed) => {
                self.data_key = Some(agreed);
                self.through_onion = onion_schedule(line.now);
                if let Some((_, schedule)) = &mut self.request {
                    *schedule = request_schedule(line.now);
                }
            }
            Some(_) => {}
        }
        if self.data_key.is_none()
            && let Some(until) = open_until
        {
            *next = (*next).min(until);
        }
    }

    fn send_all<R: CryptoRngCore>(
        &mut self,
        line: &mut Line<'_, R>,
        paths: &mut Paths,
        real: &KeyPair,
        told: &DhtKey,
    ) -> Result<(), Wait> {
        let Some(data_key) = self.data_key else { return Ok(()) };
        if let Some((request, schedule)) = &self.request
            && schedule.next() <= line.now
        {
            let payload = Payload::FriendRequest(request.clone());
            self.send(line, paths, real, (&payload, &data_key, limits::REQUEST_COPIES))?;
            if let Some((_, schedule)) = &mut self.request {
                schedule.done(line.now);
            }
        }
        if self.through_onion.next() <= line.now {
            let payload = Payload::DhtKey(told.clone());
            self.send(line, paths, real, (&payload, &data_key, limits::DHT_KEY_COPIES))?;
            self.through_onion.done(line.now);
        }
        Ok(())
    }

    /// Sends data to some of the nodes that agree; at least to one, or says when to try again.
    fn send<R: CryptoRngCore>(
        &self,
        line: &mut Line<'_, R>,
        paths: &mut Paths,
        real: &KeyPair,
        (payload, data_key, copies): (&Payload, &PublicKey, usize),
    ) -> Result<(), Wait> {
        for (index, node) in self.lookup.naming(*data_key).take(copies).enumerate() {
            let pair = KeyPair::generate(&mut line.dht.random);
            // A data key of low order is nobody's.
            let Ok(temporary_key) = pair.secret().shared_with(data_key) else { return Ok(()) };
            let sender = Sender {
                temporary: pair.public(),
                temporary_key: &temporary_key,
                real: real.public(),
                real_key: &self.shared,
            };
            let nonce = FreshNonce::random(&mut line.dht.random);
            // What we send is never too long.
            let Ok(packet) = data::seal(payload, &self.key, &sender, nonce) else { return Ok(()) };
            match line.send(paths, &node, None, &packet) {
                Err(wait) if index == 0 => return Err(wait),
                Err(_) => break,
                Ok(_) => {}
            }
        }
        Ok(())
    }

    fn tell_over_dht<R: CryptoRngCore>(
        &mut self,
        line: &mut Line<'_, R>,
        real: &KeyPair,
        told: &DhtKey,
        dht: &PublicKey,
    ) {
        if self.over_dht.next() <= line.now {
            let nonce = FreshNonce::random(&mut line.dht.random);
            let sealed = SealedDhtKey::seal(told, real.public(), &self.shared, nonce);
            line.dht.send_request(line.now, dht, &DhtRequest::DhtKey(sealed));
            self.over_dht.done(line.now);
        }
    }
}

fn onion_schedule(now: Duration) -> Schedule {
    Schedule::new(now, &limits::DHT_KEY_TIMES, limits::DHT_KEY_ONION)
}

fn dht_schedule(now: Duration) -> Schedule {
    Schedule::new(now, &limits::DHT_KEY_TIMES, limits::DHT_KEY_DHT)
}

fn request_schedule(now: Duration) -> Schedule {
    Schedule::new(now, &limits::REQUEST_TIMES, limits::REQUEST_AGAIN)
}

#[cfg(test)]
mod tests;
