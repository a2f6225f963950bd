//! Blind tokens: RFC 9497 VOPRF over ristretto255, mode 0x01.
//!
//! A member blinds random inputs, the board evaluates them with the period's issuing key and proves that it used that
//! key, the member unblinds. A token shown later cannot be told from any other of the period. The board has **one** key
//! per 7-day period for everybody; members use it only after two throwaways saw the same key on different days
//! ([`Sightings`]), so a board cannot mark its members by keys.

use std::collections::BTreeMap;
use std::fmt;

use rand_core::{CryptoRng, RngCore};
use subtle::ConstantTimeEq;
use voprf::{BlindedElement, EvaluationElement, Group, Proof, Ristretto255, VoprfClient, VoprfServer};
use zeroize::Zeroizing;

use crate::cell::BoardKey;
use crate::hash::hash;
use crate::limits::ISSUE_TOKENS;
use crate::mailbox::Period;

const LABEL: &[u8] = b"toxmail token 1";
const ISSUER_LABEL: &[u8] = b"toxmail issuer 1";

/// An element of the group, encoded (RFC 9496 section 4.3.2).
pub type Element = [u8; 32];

/// A proof that all elements were evaluated with the published key (RFC 9497 section 2.2.1).
pub type ProofBytes = [u8; 64];

/// A token: shows membership among its holders, once.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The issuing key's period.
    pub period: Period,
    /// What makes the input unique.
    pub random: [u8; 32],
    /// The output of the function.
    pub output: [u8; 64],
}

/// The mark of a spent token: its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpentMark {
    /// The token's period: marks are erased with its key.
    pub period: Period,
    /// The token's input.
    pub input: [u8; 32],
}

/// What goes wrong with tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not an element of the group, or the identity.
    #[error("the token request is damaged")]
    Element,
    /// None or too many at once.
    #[error("a token request has 1 to 32 elements")]
    Count,
    /// The answer has another number of elements than the request.
    #[error("the board answered with another number of tokens than asked for")]
    Number,
    /// The proof does not fit the published key: the board may be marking its members.
    #[error("the board did not use its published key; do not use its tokens")]
    Proof,
    /// The key is damaged.
    #[error("the board's issuing key is damaged")]
    Key,
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Token({:?})", self.period)
    }
}

impl Token {
    /// Bytes of a token.
    pub const BYTES: usize = 4 + 32 + 64;

    /// `period, random, output`.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..4].copy_from_slice(&self.period.0.to_le_bytes());
        bytes[4..36].copy_from_slice(&self.random);
        bytes[36..].copy_from_slice(&self.output);
        bytes
    }

    /// Reads a token; whether it is good only its board can say.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (mut period, mut random, mut output) = ([0; 4], [0; 32], [0; 64]);
        period.copy_from_slice(&bytes[..4]);
        random.copy_from_slice(&bytes[4..36]);
        output.copy_from_slice(&bytes[36..]);
        Self { period: Period(u32::from_le_bytes(period)), random, output }
    }

    /// The mark that spending it leaves.
    #[must_use]
    pub fn mark(&self, board: &BoardKey) -> SpentMark {
        SpentMark { period: self.period, input: input(board, self.period, &self.random) }
    }
}

/// The input of the function: BLAKE2b-256 of label, R, period, random.
fn input(board: &BoardKey, period: Period, random: &[u8; 32]) -> [u8; 32] {
    hash(&[LABEL, &board.0, &period.0.to_le_bytes(), random])
}

/// A board's issuing key of one period.
pub struct IssuingKey {
    period: Period,
    server: VoprfServer<Ristretto255>,
}

impl fmt::Debug for IssuingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "IssuingKey({:?})", self.period)
    }
}

/// What a board's issuing keys are derived from. It comes from the board's identity: a board that
/// loses its store keeps its keys, else its readers would take it for one that marks its members.
#[derive(Clone)]
pub struct Issuer(Zeroizing<[u8; 32]>);

impl fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Issuer")
    }
}

impl Issuer {
    /// The issuer of the board with this secret key.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(Zeroizing::new(hash(&[ISSUER_LABEL, secret])))
    }

    /// The key of a period.
    ///
    /// # Errors
    /// [`TokenError::Key`], which happens for one seed in 2^252 at most.
    pub fn key(&self, period: Period) -> Result<IssuingKey, TokenError> {
        let seed = Zeroizing::new(hash(&[ISSUER_LABEL, self.0.as_slice(), &period.0.to_le_bytes()]));
        IssuingKey::from_seed(period, &seed)
    }
}

impl IssuingKey {
    /// The key derived from a seed (RFC 9497 section 3.2.1, info empty).
    ///
    /// # Errors
    /// [`TokenError::Key`].
    pub fn from_seed(period: Period, seed: &[u8; 32]) -> Result<Self, TokenError> {
        let server = VoprfServer::new_from_seed(seed, b"").map_err(|_| TokenError::Key)?;
        Ok(Self { period, server })
    }

    /// The secret scalar, to be kept.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        let mut bytes = Zeroizing::new([0; 32]);
        // The serialised server is the scalar followed by its public element.
        bytes.copy_from_slice(&self.server.serialize()[..32]);
        bytes
    }

    /// The key with this secret scalar.
    ///
    /// # Errors
    /// [`TokenError::Key`].
    pub fn from_bytes(period: Period, bytes: &[u8; 32]) -> Result<Self, TokenError> {
        let server = VoprfServer::new_with_key(bytes).map_err(|_| TokenError::Key)?;
        Ok(Self { period, server })
    }

    /// Its period.
    #[must_use]
    pub fn period(&self) -> Period {
        self.period
    }

    /// The public key that `info` publishes.
    #[must_use]
    pub fn public(&self) -> Element {
        <Ristretto255 as Group>::serialize_elem(self.server.get_public_key()).into()
    }

    /// Evaluates a request.
    ///
    /// # Errors
    /// [`TokenError::Count`], [`TokenError::Element`].
    pub fn issue<R: RngCore + CryptoRng>(
        &self,
        rng: &mut R,
        blinded: &[Element],
    ) -> Result<(Vec<Element>, ProofBytes), TokenError> {
        if !(1..=ISSUE_TOKENS).contains(&blinded.len()) {
            return Err(TokenError::Count);
        }
        let blinded = blinded
            .iter()
            .map(|element| BlindedElement::<Ristretto255>::deserialize(element))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| TokenError::Element)?;
        let issued = self.server.batch_blind_evaluate(rng, &blinded).map_err(|_| TokenError::Element)?;
        let mut proof = [0; 64];
        proof.copy_from_slice(&issued.proof.serialize());
        Ok((issued.messages.iter().map(|element| element.serialize().into()).collect(), proof))
    }

    /// Whether `token` was issued with this key for `board`.
    #[must_use]
    pub fn verify(&self, board: &BoardKey, token: &Token) -> bool {
        token.period == self.period
            && self
                .server
                .evaluate(&input(board, token.period, &token.random))
                .is_ok_and(|output| bool::from(output.as_slice().ct_eq(&token.output)))
    }
}

/// A member's token request under way.
pub struct TokenRequest {
    period: Period,
    inputs: Vec<[u8; 32]>,
    randoms: Vec<[u8; 32]>,
    clients: Vec<VoprfClient<Ristretto255>>,
    blinded: Vec<Element>,
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TokenRequest({} for {:?})", self.inputs.len(), self.period)
    }
}

impl TokenRequest {
    /// Blinds `count` fresh inputs.
    ///
    /// # Errors
    /// [`TokenError::Count`].
    pub fn new<R: RngCore + CryptoRng>(
        board: &BoardKey,
        period: Period,
        count: usize,
        rng: &mut R,
    ) -> Result<Self, TokenError> {
        if !(1..=ISSUE_TOKENS).contains(&count) {
            return Err(TokenError::Count);
        }
        let mut request = Self { period, inputs: vec![], randoms: vec![], clients: vec![], blinded: vec![] };
        for _ in 0..count {
            let mut random = [0; 32];
            rng.fill_bytes(&mut random);
            let input = input(board, period, &random);
            let blind = VoprfClient::<Ristretto255>::blind(&input, rng).map_err(|_| TokenError::Element)?;
            request.inputs.push(input);
            request.randoms.push(random);
            request.clients.push(blind.state);
            request.blinded.push(blind.message.serialize().into());
        }
        Ok(request)
    }

    /// What the board is sent.
    #[must_use]
    pub fn blinded(&self) -> &[Element] {
        &self.blinded
    }

    /// The issuing key's period.
    #[must_use]
    pub fn period(&self) -> Period {
        self.period
    }

    /// Unblinds the board's answer after checking its proof against `key`, which must have come from [`Sightings`].
    ///
    /// # Errors
    /// [`TokenError`]; the answer is of no use then.
    pub fn finish(
        self,
        evaluated: &[Element],
        proof: &ProofBytes,
        key: &Element,
    ) -> Result<Vec<Token>, TokenError> {
        if evaluated.len() != self.inputs.len() {
            return Err(TokenError::Number);
        }
        let evaluated = evaluated
            .iter()
            .map(|element| EvaluationElement::<Ristretto255>::deserialize(element))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| TokenError::Element)?;
        let proof = Proof::<Ristretto255>::deserialize(proof).map_err(|_| TokenError::Proof)?;
        let key = <Ristretto255 as Group>::deserialize_elem(key).map_err(|_| TokenError::Key)?;
        let outputs = VoprfClient::batch_finalize(&self.inputs, &self.clients, &evaluated, &proof, key)
            .map_err(|_| TokenError::Proof)?;
        let tokens = outputs.zip(&self.randoms).map(|(output, random)| {
            let output = output.map_err(|_| TokenError::Element)?;
            Ok(Token { period: self.period, random: *random, output: output.into() })
        });
        tokens.collect()
    }
}

/// The issuing keys that a board was seen to publish, by throwaway and day.
#[derive(Clone, Debug, Default)]
pub struct Sightings {
    seen: BTreeMap<Period, Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    key: Element,
    day: u64,
    /// None: a throwaway of an earlier run of the program, so any other is another one.
    throwaway: Option<u64>,
    confirmed: bool,
}

/// The version of what [`Sightings::to_bytes`] writes.
const SIGHTINGS: u8 = 1;
/// Periods that are remembered.
const PERIODS: usize = 4;

/// A board published different keys for one period: it marks its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the board shows different issuing keys to different readers; its tokens must not be used")]
pub struct KeyDiffers;

impl Sightings {
    /// `throwaway` (any number that is another for each throwaway) saw `key` on `day`.
    ///
    /// # Errors
    /// [`KeyDiffers`]; the key of that period stays unconfirmed for good.
    pub fn saw(&mut self, period: Period, key: Element, day: u64, throwaway: u64) -> Result<(), KeyDiffers> {
        while self.seen.len() >= PERIODS && !self.seen.contains_key(&period) {
            self.seen.pop_first();
        }
        let first = Seen { key, day, throwaway: Some(throwaway), confirmed: false };
        let seen = self.seen.entry(period).or_insert(first);
        if seen.key != key {
            seen.confirmed = false;
            seen.key = [0; 32];
            return Err(KeyDiffers);
        }
        seen.confirmed |= seen.day != day && seen.throwaway != Some(throwaway);
        Ok(())
    }

    /// What to keep over a restart: `version, count`, then each `period (4), key (32), day (8), confirmed (1)`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = frame::Writer::new();
        writer.u8(SIGHTINGS).count(self.seen.len());
        for (period, seen) in &self.seen {
            writer.u32(period.0).raw(&seen.key).u64(seen.day).u8(u8::from(seen.confirmed));
        }
        // A count of four fits everywhere.
        writer.finish().unwrap_or_default()
    }

    /// What was kept. None where it is damaged or of a later version: then all keys have to be seen again.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = frame::Reader::new(bytes);
        if reader.u8("version").ok()? != SIGHTINGS {
            return None;
        }
        let mut seen = BTreeMap::new();
        for _ in 0..reader.count("keys", PERIODS).ok()? {
            let period = Period(reader.u32("period").ok()?);
            let (key, day) = (reader.array("key").ok()?, reader.u64("day").ok()?);
            let confirmed = reader.u8("confirmed").ok()? == 1;
            seen.insert(period, Seen { key, day, throwaway: None, confirmed });
        }
        reader.finish().ok()?;
        Some(Self { seen })
    }

    /// The key of `period`, once two throwaways saw it on different days.
    #[must_use]
    pub fn trusted(&self, period: Period) -> Option<Element> {
        self.seen.get(&period).filter(|seen| seen.confirmed).map(|seen| seen.key)
    }
}

#[cfg(test)]
mod tests;
