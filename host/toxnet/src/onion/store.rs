//! The announcements that a node keeps for others.

use std::time::Duration;

use rand_core::CryptoRngCore;
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::address::Address;
use crate::dht::compare;
use crate::key::PublicKey;
use crate::limits;
use crate::packet::onion::announce::{AnnounceRequest, Stored};
use crate::wire::Writer;

/// Somebody who is announced here.
#[derive(Debug)]
struct Announcement {
    key: PublicKey,
    data_key: PublicKey,
    /// The last node of the path it came over, and the way back from there.
    from: Address,
    returned: Vec<u8>,
    at: Duration,
}

/// The announcements. When there are too many, those farthest from our DHT key go.
#[derive(Debug)]
pub(crate) struct Store {
    own: PublicKey,
    /// Makes ping ids.
    secret: Zeroizing<[u8; 32]>,
    /// The nearest to our key first.
    announcements: Vec<Announcement>,
}

impl Store {
    pub(crate) fn new(own: PublicKey, random: &mut impl CryptoRngCore) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        random.fill_bytes(secret.as_mut_slice());
        Self { own, secret, announcements: Vec::new() }
    }

    /// Takes a request whose box `sender` sealed; gives what to answer. It announces its sender if
    /// its ping id proves that an answer of ours came back to the same place lately.
    pub(crate) fn request(
        &mut self,
        now: Duration,
        (from, returned): (Address, &[u8]),
        sender: PublicKey,
        request: &AnnounceRequest,
    ) -> Stored {
        self.announcements.retain(|known| now.saturating_sub(known.at) < limits::ANNOUNCEMENT_TIME);
        let asked = if self.is_ping_id(now, from, &sender, &request.ping_id) {
            let (key, data_key) = (sender, request.data_key);
            self.put(Announcement { key, data_key, from, returned: returned.to_vec(), at: now });
            &sender
        } else {
            &request.searched
        };
        match self.announcements.iter().find(|known| known.key == *asked) {
            Some(known) if known.key != sender => Stored::Other(known.data_key),
            Some(known) if known.data_key == request.data_key => {
                Stored::Own(self.ping_id(window(now), from, &sender))
            }
            _ => Stored::No(self.ping_id(window(now), from, &sender)),
        }
    }

    /// The way to whoever is announced with this key.
    pub(crate) fn way_to(&self, now: Duration, key: &PublicKey) -> Option<(Address, &[u8])> {
        let fresh = |known: &&Announcement| now.saturating_sub(known.at) < limits::ANNOUNCEMENT_TIME;
        let known = self.announcements.iter().filter(fresh).find(|known| known.key == *key)?;
        Some((known.from, &known.returned))
    }

    fn put(&mut self, announcement: Announcement) {
        self.announcements.retain(|known| known.key != announcement.key);
        let own = self.own;
        let at =
            self.announcements.partition_point(|known| compare(&own, &known.key, &announcement.key).is_lt());
        self.announcements.insert(at, announcement);
        self.announcements.truncate(limits::ANNOUNCEMENTS);
    }

    fn is_ping_id(&self, now: Duration, from: Address, key: &PublicKey, ping_id: &[u8; 32]) -> bool {
        let window = window(now);
        let windows = [Some(window), window.checked_sub(1)];
        windows.into_iter().flatten().any(|window| self.ping_id(window, from, key).ct_eq(ping_id).into())
    }

    /// Only we read it: a hash over what it is good for.
    fn ping_id(&self, window: u64, from: Address, key: &PublicKey) -> [u8; 32] {
        let mut content = Writer::new();
        content.u64(window).value(key);
        from.write_padded(&mut content);
        let hash = Sha512::new().chain_update(self.secret.as_slice()).chain_update(content.into_bytes());
        let mut id = [0; 32];
        id.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        id
    }
}

/// A ping id is good in the window it was made in, and in the next.
fn window(now: Duration) -> u64 {
    now.as_secs() / limits::PING_ID_TIME.as_secs()
}

#[cfg(test)]
mod tests;
