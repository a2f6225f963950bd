//! The files of vectors, and what the tests share.

use std::collections::BTreeMap;

use rand_core::{CryptoRng, RngCore};
use toxnet::wire::Codec;
use toxnet::{FreshNonce, KeyPair, PublicKey, SecretKey, SharedKey};
use zeroize::Zeroizing;

/// The vectors of a file, by name.
pub struct Page(BTreeMap<String, Vector>);

/// The fields of a vector, by name, as text.
#[derive(Default)]
pub struct Vector(BTreeMap<String, String>);

impl Page {
    pub fn read(text: &str) -> Self {
        let mut vectors = BTreeMap::<String, Vector>::new();
        let mut name = String::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(title) = line.strip_prefix('[') {
                name = title.trim_end_matches(']').to_owned();
            } else {
                let (field, value) = line.split_once(" =").expect("a field");
                let fields = &mut vectors.entry(name.clone()).or_default().0;
                fields.insert(field.to_owned(), value.trim().to_owned());
            }
        }
        Self(vectors)
    }

    pub fn vector(&self, name: &str) -> &Vector {
        self.0.get(name).unwrap_or_else(|| panic!("no vector {name}"))
    }

    /// Those whose names begin so.
    pub fn starting(&self, prefix: &str) -> impl Iterator<Item = (&str, &Vector)> {
        let found: Vec<(&str, &Vector)> =
            self.0.iter().filter_map(|(name, vector)| Some((name.strip_prefix(prefix)?, vector))).collect();
        assert!(!found.is_empty(), "no vectors {prefix}");
        found.into_iter()
    }
}

impl Vector {
    pub fn bytes(&self, field: &str) -> Vec<u8> {
        hex::decode(self.0.get(field).unwrap_or_else(|| panic!("no field {field}"))).expect("hex")
    }

    pub fn array<const N: usize>(&self, field: &str) -> [u8; N] {
        self.bytes(field).try_into().expect("its length")
    }

    pub fn number(&self, field: &str) -> u64 {
        self.bytes(field).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    pub fn public(&self, field: &str) -> PublicKey {
        PublicKey(self.array(field))
    }

    pub fn pair(&self, field: &str) -> KeyPair {
        KeyPair::from_secret(SecretKey::from_bytes(Zeroizing::new(self.array(field))))
    }

    pub fn shared(&self, secret: &str, public: &str) -> SharedKey {
        self.pair(secret).secret().shared_with(&self.public(public)).expect("a good key")
    }

    pub fn symmetric(&self, field: &str) -> SharedKey {
        SharedKey::from_bytes(Zeroizing::new(self.array(field)))
    }

    /// The nonce that was used, to seal with.
    pub fn nonce(&self, field: &str) -> FreshNonce {
        FreshNonce::random(&mut Fixed(self.bytes(field)))
    }

    pub fn value<T: Codec>(&self, field: &str) -> T {
        T::parse(&self.bytes(field)).expect("a value")
    }

    /// The packet is refused when it is a byte shorter or longer, and when any bit of its MAC is
    /// another.
    pub fn is_refused_when_broken(&self, opens: impl Fn(&mut [u8]) -> bool) {
        let packet = self.bytes("packet");
        assert!(opens(&mut packet.clone()), "the packet itself");
        assert!(!opens(&mut packet[..packet.len() - 1].to_vec()), "a byte shorter");
        assert!(!opens(&mut [&packet[..], &[0]].concat()), "a byte longer");
        let mac: usize = self.0.get("mac").expect("where the MAC is").parse().expect("a number");
        for bit in mac * 8..(mac + toxnet::MAC_BYTES) * 8 {
            let mut changed = packet.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!opens(&mut changed), "bit {bit}");
        }
    }
}

/// A source of randomness that gives these bytes and then ends.
pub struct Fixed(pub Vec<u8>);

impl RngCore for Fixed {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0.drain(..bytes.len()).collect::<Vec<u8>>());
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Fixed {}
