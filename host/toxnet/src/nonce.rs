//! Nonces. Those we seal with are types that cannot be copied: each seals once.

use rand_core::CryptoRngCore;

use crate::wire::{Codec, ParseError, Reader, Writer};

/// A nonce as it stands in a packet: to open with, never to seal with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub [u8; Nonce::BYTES]);

impl Nonce {
    /// Length on the wire.
    pub const BYTES: usize = 24;

    /// The nonce `steps` further. It counts as one number, big-endian, and begins again at zero
    /// after its end.
    #[must_use]
    pub fn advanced(mut self, steps: u32) -> Self {
        let mut carry = u64::from(steps);
        for byte in self.0.iter_mut().rev() {
            let sum = u64::from(*byte) + (carry & 0xff);
            let [low, ..] = sum.to_le_bytes();
            *byte = low;
            carry = (carry >> 8) + (sum >> 8);
        }
        self
    }

    /// The last two bytes: what a data packet carries of its nonce.
    #[must_use]
    pub fn tail(&self) -> u16 {
        let [.., high, low] = self.0;
        u16::from_be_bytes([high, low])
    }
}

impl Codec for Nonce {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        reader.array("a nonce").map(Self)
    }

    fn write(&self, writer: &mut Writer) {
        writer.raw(&self.0);
    }
}

/// A nonce to seal one packet with. It cannot be copied, and sealing takes it.
#[derive(Debug)]
pub struct FreshNonce(Nonce);

impl FreshNonce {
    /// A random one: with 24 bytes it never comes twice.
    pub fn random(random: &mut impl CryptoRngCore) -> Self {
        Self(random_nonce(random))
    }

    /// What it says, to be written into the packet.
    #[must_use]
    pub fn value(&self) -> Nonce {
        self.0
    }
}

/// The nonces of one direction of a session: each is the one before plus one. It cannot be copied,
/// so no nonce is handed out twice.
#[derive(Debug)]
pub struct SendingNonces {
    base: Nonce,
    next: Nonce,
    left: u64,
}

impl SendingNonces {
    /// Begins at a random nonce.
    pub fn random(random: &mut impl CryptoRngCore) -> Self {
        let base = random_nonce(random);
        Self { base, next: base, left: u64::MAX }
    }

    /// Begins at `base`: for tests of the wrap, and only ever once for one key.
    #[must_use]
    pub fn starting_at(base: Nonce) -> Self {
        Self { base, next: base, left: u64::MAX }
    }

    /// The first nonce, which the handshake tells the peer.
    #[must_use]
    pub fn base(&self) -> Nonce {
        self.base
    }

    /// The next nonce; none after 2^64 of them, when the key must be changed.
    pub fn take(&mut self) -> Option<FreshNonce> {
        self.left = self.left.checked_sub(1)?;
        let nonce = self.next;
        self.next = nonce.advanced(1);
        Some(FreshNonce(nonce))
    }
}

fn random_nonce(random: &mut impl CryptoRngCore) -> Nonce {
    let mut bytes = [0; Nonce::BYTES];
    random.fill_bytes(&mut bytes);
    Nonce(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ending_in(tail: [u8; 4]) -> Nonce {
        let mut bytes = [7; Nonce::BYTES];
        bytes[20..].copy_from_slice(&tail);
        Nonce(bytes)
    }

    #[test]
    fn it_counts_big_endian_and_carries() {
        assert_eq!(ending_in([0, 0, 0, 255]).advanced(1), ending_in([0, 0, 1, 0]));
        assert_eq!(ending_in([0, 0, 0xff, 0xff]).advanced(1), ending_in([0, 1, 0, 0]));
        assert_eq!(ending_in([0, 0, 0, 0]).advanced(u32::MAX), ending_in([255, 255, 255, 255]));
        assert_eq!(Nonce([255; Nonce::BYTES]).advanced(1), Nonce([0; Nonce::BYTES]));
        assert_eq!(ending_in([1, 2, 0xab, 0xcd]).tail(), 0xabcd);
    }

    #[test]
    fn no_nonce_comes_twice() {
        let mut nonces = SendingNonces::starting_at(ending_in([0xff, 0xff, 0xff, 0]));
        let taken: std::collections::HashSet<[u8; 24]> =
            (0..1000).map(|_| nonces.take().unwrap().value().0).collect();
        assert_eq!(taken.len(), 1000);
        assert_eq!(nonces.base(), ending_in([0xff, 0xff, 0xff, 0]));
    }

    proptest! {
        #[test]
        fn steps_add_up(bytes: [u8; 24], first: u16, second: u16) {
            let nonce = Nonce(bytes);
            let together = nonce.advanced(u32::from(first) + u32::from(second));
            prop_assert_eq!(nonce.advanced(first.into()).advanced(second.into()), together);
            prop_assert_eq!(together.tail(), nonce.tail().wrapping_add(first).wrapping_add(second));
        }
    }
}
