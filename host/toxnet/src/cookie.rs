//! Cookies: what a peer must bring back before anything is remembered of it.
//!
//! Only its maker reads a cookie. Its length is fixed by the protocol, what is in it is not.

use std::time::Duration;

use crate::boxes::{MAC_BYTES, OpenError, SharedKey};
use crate::key::PublicKey;
use crate::limits;
use crate::nonce::{FreshNonce, Nonce};
use crate::packet::PacketError;
use crate::wire::{Codec, ParseError, Reader, Writer};

/// A cookie as others see it: bytes to hand back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie(pub [u8; Cookie::BYTES]);

/// What we write into our cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieContent {
    /// When it was made, in seconds of the clock that is handed in.
    pub made: u64,
    /// The real key of whom it was given to.
    pub real: PublicKey,
    /// Their DHT key.
    pub dht: PublicKey,
}

impl Cookie {
    /// Length on the wire.
    pub const BYTES: usize = Nonce::BYTES + MAC_BYTES + 8 + 2 * PublicKey::BYTES;

    /// Makes one. `key` is known to nobody else, and new at each start.
    #[must_use]
    pub fn seal(content: &CookieContent, key: &SharedKey, nonce: FreshNonce) -> Self {
        let mut writer = Writer::new();
        writer.value(&nonce.value());
        key.write_box(&nonce, &mut writer, |writer| content.write(writer));
        let mut cookie = [0; Self::BYTES];
        for (to, from) in cookie.iter_mut().zip(writer.into_bytes()) {
            *to = from;
        }
        Self(cookie)
    }

    /// Reads one of ours.
    ///
    /// # Errors
    /// It was made with another key, or changed.
    pub fn open(&self, key: &SharedKey) -> Result<CookieContent, PacketError> {
        let mut bytes = self.0;
        let (nonce, sealed) = bytes.split_first_chunk_mut().ok_or(OpenError::TooShort(Self::BYTES))?;
        Ok(CookieContent::parse(key.open(&Nonce(*nonce), sealed)?)?)
    }
}

impl Codec for Cookie {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        reader.array("a cookie").map(Self)
    }

    fn write(&self, writer: &mut Writer) {
        writer.raw(&self.0);
    }
}

impl CookieContent {
    /// Whether it may still be used at `now`, in seconds of the same clock. One from the future may
    /// not.
    #[must_use]
    pub fn is_fresh(&self, now: u64) -> bool {
        now.checked_sub(self.made).is_some_and(|age| Duration::from_secs(age) <= limits::COOKIE_TIME)
    }
}

impl Codec for CookieContent {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            made: reader.u64("the time of a cookie")?,
            real: PublicKey::read(reader)?,
            dht: PublicKey::read(reader)?,
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.u64(self.made).value(&self.real).value(&self.dht);
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;

    #[test]
    fn only_its_maker_reads_a_cookie_and_only_for_15_seconds() {
        let mut random = ChaCha20Rng::seed_from_u64(1);
        let (key, other) = (SharedKey::generate(&mut random), SharedKey::generate(&mut random));
        let content = CookieContent { made: 1000, real: PublicKey([1; 32]), dht: PublicKey([2; 32]) };
        let cookie = Cookie::seal(&content, &key, FreshNonce::random(&mut random));
        assert_eq!(cookie.open(&key).unwrap(), content);
        assert_eq!(cookie.open(&other), Err(PacketError::Open(OpenError::Forged)));
        let fresh: Vec<bool> = [999, 1000, 1015, 1016].map(|now| content.is_fresh(now)).to_vec();
        assert_eq!(fresh, [false, true, true, false]);
    }
}
