//! Data packets of a session: `[2 end of the nonce] secret{[4 ack][4 number][zeros][data]}`.

use super::{Kind, PacketError, id};
use crate::boxes::SharedKey;
use crate::limits;
use crate::nonce::{FreshNonce, Nonce};
use crate::wire::{ParseError, Reader, Writer, within};

/// What a data packet says beside its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The number of the next lossless packet that the sender expects.
    pub ack: u32,
    /// A lossless packet's own number; for all others the one that the sender would use next.
    pub number: u32,
}

/// Appends a packet to `out`. `data` begins with its id, which is not zero.
///
/// # Errors
/// `data` is empty, too long, or begins with zero.
pub fn seal(
    header: Header,
    data: &[u8],
    key: &SharedKey,
    nonce: FreshNonce,
    out: &mut Vec<u8>,
) -> Result<(), ParseError> {
    within("the data", data.len(), &(1..=limits::DATA_BYTES))?;
    if data.first() == Some(&id::PADDING) {
        return Err(ParseError::Value { what: "the id", value: id::PADDING.into() });
    }
    let mut writer = Writer::onto(std::mem::take(out));
    writer.u8(Kind::Data.byte()).u16(nonce.value().tail());
    key.write_box(&nonce, &mut writer, |writer| {
        writer.u32(header.ack).u32(header.number).zeros(padding(data.len())).raw(data);
    });
    *out = writer.into_bytes();
    Ok(())
}

/// Zeros that come before data of this length.
fn padding(length: usize) -> usize {
    (limits::DATA_BYTES - length) % limits::PADDING_BYTES
}

/// A data packet whose box is still closed.
#[derive(Debug)]
pub struct Sealed<'a> {
    nonce_tail: u16,
    sealed: &'a mut [u8],
}

impl<'a> Sealed<'a> {
    /// Reads the outer part.
    ///
    /// # Errors
    /// It is no data packet, or of an impossible length.
    pub fn parse(packet: &'a mut [u8]) -> Result<Self, ParseError> {
        let nonce_tail = Kind::Data.reader(packet)?.u16("the end of the nonce")?;
        Ok(Self { nonce_tail, sealed: packet.get_mut(3..).unwrap_or_default() })
    }

    /// The last two bytes of its nonce: the receiver knows the others.
    #[must_use]
    pub fn nonce_tail(&self) -> u16 {
        self.nonce_tail
    }

    /// Opens it in place; gives the header and the data from its id on.
    ///
    /// # Errors
    /// [`PacketError`], also where nothing but padding is in it.
    pub fn open(self, key: &SharedKey, nonce: &Nonce) -> Result<(Header, &'a [u8]), PacketError> {
        let mut reader = Reader::new(key.open(nonce, self.sealed)?);
        let header = Header { ack: reader.u32("the ack")?, number: reader.u32("the number")? };
        let padded = reader.rest();
        let start = padded.iter().position(|byte| *byte != id::PADDING);
        let data = start.and_then(|start| padded.get(start..)).ok_or(ParseError::Truncated("the data"))?;
        Ok((header, data))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;

    proptest! {
        #[test]
        fn what_was_sealed_is_opened(
            seed: u64, ack: u32, number: u32, id in 1..=255_u8, rest in proptest::collection::vec(any::<u8>(), 0..1373)
        ) {
            let mut random = ChaCha20Rng::seed_from_u64(seed);
            let key = SharedKey::generate(&mut random);
            let nonce = FreshNonce::random(&mut random);
            let value = nonce.value();
            let data = [&[id], &rest[..]].concat();
            let header = Header { ack, number };
            let mut packet = vec![7];
            seal(header, &data, &key, nonce, &mut packet).unwrap();
            prop_assert_eq!(packet.remove(0), 7);
            prop_assert!(packet.len() <= limits::PACKET_BYTES && (limits::PACKET_BYTES - packet.len()).is_multiple_of(8));
            let sealed = Sealed::parse(&mut packet).unwrap();
            prop_assert_eq!(sealed.nonce_tail(), value.tail());
            prop_assert_eq!(sealed.open(&key, &value).unwrap(), (header, &data[..]));
        }

        #[test]
        fn any_bytes_are_refused(mut packet in proptest::collection::vec(any::<u8>(), 0..1500)) {
            let key = SharedKey::generate(&mut ChaCha20Rng::seed_from_u64(1));
            if let Ok(sealed) = Sealed::parse(&mut packet) {
                prop_assert!(sealed.open(&key, &Nonce([0; 24])).is_err());
            }
        }
    }

    #[test]
    fn data_that_could_not_be_read_again_is_not_sent() {
        let mut random = ChaCha20Rng::seed_from_u64(1);
        let key = SharedKey::generate(&mut random);
        for data in [&[][..], &[0, 1], &[1; 1374]] {
            let header = Header { ack: 0, number: 0 };
            let mut out = vec![7];
            assert!(seal(header, data, &key, FreshNonce::random(&mut random), &mut out).is_err());
            assert_eq!(out, [7]);
        }
    }

    #[test]
    fn padding_alone_is_no_data() {
        let mut random = ChaCha20Rng::seed_from_u64(1);
        let key = SharedKey::generate(&mut random);
        let nonce = FreshNonce::random(&mut random);
        let value = nonce.value();
        let mut writer = Writer::new();
        writer.u8(Kind::Data.byte()).u16(value.tail());
        key.write_box(&nonce, &mut writer, |writer| {
            writer.zeros(8 + 5);
        });
        let mut packet = writer.into_bytes();
        let opened = Sealed::parse(&mut packet).unwrap().open(&key, &value);
        assert_eq!(opened, Err(PacketError::Parse(ParseError::Truncated("the data"))));
    }
}
