//! The encrypted channel of a session: one key, and the nonces of both directions.

use crate::boxes::{LowOrderKey, SharedKey};
use crate::key::{PublicKey, SecretKey};
use crate::limits;
use crate::nonce::{Nonce, SendingNonces};
use crate::packet::PacketError;
use crate::packet::data::{self, Header, Sealed};

/// Seals what goes out and opens what comes in.
#[derive(Debug)]
pub(super) struct Channel {
    key: SharedKey,
    sending: SendingNonces,
    /// The nonce that the two bytes in a packet are counted from.
    receiving: Nonce,
}

impl Channel {
    /// The channel of the two session keys. `sending` begins where our handshake says, `receiving` where the
    /// peer's does.
    pub(super) fn new(
        own: &SecretKey,
        sending: SendingNonces,
        peer: &PublicKey,
        receiving: Nonce,
    ) -> Result<Self, LowOrderKey> {
        Ok(Self { key: own.shared_with(peer)?, sending, receiving })
    }

    /// Appends a data packet to `out`. `false`, and nothing is appended, where `data` cannot be sent at all or
    /// the nonces have come to their end.
    pub(super) fn seal(&mut self, header: Header, data: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(nonce) = self.sending.take() else { return false };
        data::seal(header, data, &self.key, nonce, out).is_ok()
    }

    /// Opens a packet in place. One that does not open is left unchanged.
    pub(super) fn open<'a>(&mut self, packet: &'a mut [u8]) -> Result<(Header, &'a [u8]), PacketError> {
        let sealed = Sealed::parse(packet)?;
        let ahead = sealed.nonce_tail().wrapping_sub(self.receiving.tail());
        let opened = sealed.open(&self.key, &self.receiving.advanced(ahead.into()))?;
        if ahead > limits::NONCE_WINDOW {
            self.receiving = self.receiving.advanced(limits::NONCE_STEP.into());
        }
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;
    use crate::key::KeyPair;

    /// Two ends, the first of which begins at a nonce that ends in `tail`.
    fn ends(tail: u16) -> (Channel, Channel) {
        let mut random = ChaCha20Rng::seed_from_u64(5);
        let (a, b) = (KeyPair::generate(&mut random), KeyPair::generate(&mut random));
        let mut base = [0xff; Nonce::BYTES];
        base[22..].copy_from_slice(&tail.to_be_bytes());
        let forth = SendingNonces::starting_at(Nonce(base));
        let back = SendingNonces::random(&mut random);
        let (from_a, from_b) = (forth.base(), back.base());
        (
            Channel::new(a.secret(), forth, &b.public(), from_b).unwrap(),
            Channel::new(b.secret(), back, &a.public(), from_a).unwrap(),
        )
    }

    fn packet(channel: &mut Channel, number: u32) -> Vec<u8> {
        let mut packet = Vec::new();
        assert!(channel.seal(Header { ack: 0, number }, &[160], &mut packet));
        packet
    }

    #[test]
    fn the_window_follows_round_the_end_of_two_bytes() {
        let (mut a, mut b) = ends(0xfff0);
        for number in 0..200_000 {
            let mut packet = packet(&mut a, number);
            // Every loss but a few, so that the window moves in large steps too.
            if number < 100 || number % 20_000 == 0 || number > 160_000 {
                assert_eq!(b.open(&mut packet).unwrap().0.number, number);
            }
        }
    }

    #[test]
    fn a_packet_that_was_overtaken_by_twenty_thousand_still_opens() {
        let (mut a, mut b) = ends(0);
        let mut late = Vec::new();
        for number in 0..65_000 {
            let mut packet = packet(&mut a, number);
            if number == 44_000 {
                late = packet;
            } else {
                b.open(&mut packet).unwrap();
            }
        }
        assert_eq!(b.open(&mut late).unwrap().0.number, 44_000);
    }
}
