//! The side that makes a path.
//!
//! `[24 nonce][32 key] box{[19 B][32 PK1] box{[19 C][32 PK2] box{[19 D][data]}}}`, one nonce for
//! all layers. A, B and C are the nodes of the path, D is where the data goes. PK1 and PK2 are new
//! with each path.

use std::ops::RangeInclusive;

use rand_core::CryptoRngCore;

use crate::address::{Address, UdpNode};
use crate::boxes::{LowOrderKey, SharedKey};
use crate::key::{KeyPair, PublicKey};
use crate::limits;
use crate::nonce::FreshNonce;
use crate::packet::Kind;
use crate::wire::{ParseError, Writer, within};

/// A path over three DHT nodes. The first one learns our DHT key and address.
#[derive(Debug)]
pub struct Path {
    sender: PublicKey,
    first: Address,
    first_key: SharedKey,
    rest: Rest,
}

/// A path whose first node is a TCP relay, which already knows who we are.
#[derive(Debug)]
pub struct RelayPath(Rest);

/// What the second and the third node peel.
#[derive(Debug)]
struct Rest {
    addresses: [Address; 2],
    publics: [PublicKey; 2],
    keys: [SharedKey; 2],
}

/// How long the data may be.
const DATA: RangeInclusive<usize> = 1..=limits::ONION_DATA_BYTES;

impl Path {
    /// A path over `nodes`, in this order. `own` is the pair of our DHT key.
    ///
    /// # Errors
    /// The key of a node is of low order.
    pub fn new(
        own: &KeyPair,
        nodes: [UdpNode; 3],
        random: &mut impl CryptoRngCore,
    ) -> Result<Self, LowOrderKey> {
        let [first, second, third] = nodes;
        Ok(Self {
            sender: own.public(),
            first: first.address,
            first_key: own.secret().shared_with(&first.key)?,
            rest: Rest::new([second, third], random)?,
        })
    }

    /// Where its packets are sent.
    #[must_use]
    pub fn first(&self) -> Address {
        self.first
    }

    /// Builds the packet that brings `data` to `to`.
    ///
    /// # Errors
    /// The data is empty or too long.
    pub fn seal(&self, to: &Address, data: &[u8], nonce: FreshNonce) -> Result<Vec<u8>, ParseError> {
        within("the data", data.len(), &DATA)?;
        let mut writer = Writer::new();
        writer.u8(Kind::OnionInitial.byte()).value(&nonce.value()).value(&self.sender);
        self.first_key.write_box(&nonce, &mut writer, |writer| self.rest.write(to, data, &nonce, writer));
        Ok(writer.into_bytes())
    }
}

impl RelayPath {
    /// A path over a relay and `nodes`, in this order.
    ///
    /// # Errors
    /// The key of a node is of low order.
    pub fn new(nodes: [UdpNode; 2], random: &mut impl CryptoRngCore) -> Result<Self, LowOrderKey> {
        Rest::new(nodes, random).map(Self)
    }

    /// Builds the content of an onion packet to the relay.
    ///
    /// # Errors
    /// The data is empty or too long.
    pub fn seal(&self, to: &Address, data: &[u8], nonce: FreshNonce) -> Result<Vec<u8>, ParseError> {
        within("the data", data.len(), &DATA)?;
        let mut writer = Writer::new();
        writer.value(&nonce.value());
        self.0.write(to, data, &nonce, &mut writer);
        Ok(writer.into_bytes())
    }
}

impl Rest {
    fn new(nodes: [UdpNode; 2], random: &mut impl CryptoRngCore) -> Result<Self, LowOrderKey> {
        let pairs = [KeyPair::generate(random), KeyPair::generate(random)];
        let [second, third] = &nodes;
        let [one, two] = &pairs;
        Ok(Self {
            addresses: [second.address, third.address],
            publics: [one.public(), two.public()],
            keys: [one.secret().shared_with(&second.key)?, two.secret().shared_with(&third.key)?],
        })
    }

    /// Every layer has a key of its own, so one nonce does for all of them.
    fn write(&self, to: &Address, data: &[u8], nonce: &FreshNonce, writer: &mut Writer) {
        let [second, third] = &self.addresses;
        let [one, two] = &self.publics;
        let [second_key, third_key] = &self.keys;
        second.write_padded(writer);
        writer.value(one);
        second_key.write_box(nonce, writer, |writer| {
            third.write_padded(writer);
            writer.value(two);
            third_key.write_box(nonce, writer, |writer| {
                to.write_padded(writer);
                writer.raw(data);
            });
        });
    }
}
