//! X25519 (RFC 7748) as drops use it: results of low order and points off the curve are refused.

use std::fmt;

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::montgomery::MontgomeryPoint;
use rand_core::{CryptoRng, RngCore};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A public X25519 point: a mailbox key `M`, a Tox public key, or the `E` of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point(pub [u8; 32]);

/// A secret X25519 scalar; erased from memory when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 32]>);

/// A shared secret, never all zero; erased from memory when dropped.
#[derive(Clone)]
pub struct Shared(Zeroizing<[u8; 32]>);

/// The point is of low order or not on the curve: with it everybody would know the shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the public point is of low order or not on the curve, so nothing can be sealed with it")]
pub struct BadPoint;

impl fmt::Debug for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Point(")?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))?;
        formatter.write_str(")")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

impl Secret {
    /// The scalar with these bytes (clamped when used, RFC 7748 section 5).
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A fresh scalar.
    pub fn random<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(bytes.as_mut_slice());
        Self(bytes)
    }

    /// The bytes, to be kept in a file of their own.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public point of this scalar.
    #[must_use]
    pub fn point(&self) -> Point {
        Point(MontgomeryPoint::mul_base_clamped(*self.0).0)
    }

    /// X25519 of this scalar and `point`.
    ///
    /// # Errors
    /// The result is all zero.
    pub fn agree(&self, point: &Point) -> Result<Shared, BadPoint> {
        Shared::new(MontgomeryPoint(point.0).mul_clamped(*self.0))
    }

    /// The same as [`Secret::agree`] for a point that was lifted once for several scalars.
    ///
    /// # Errors
    /// The result is all zero.
    pub fn agree_lifted(&self, point: &Lifted) -> Result<Shared, BadPoint> {
        Shared::new(point.0.mul_clamped(*self.0).to_montgomery())
    }
}

impl Shared {
    fn new(result: MontgomeryPoint) -> Result<Self, BadPoint> {
        let shared = Self(Zeroizing::new(result.0));
        if bool::from(shared.0.ct_eq(&[0; 32])) { Err(BadPoint) } else { Ok(shared) }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A point in the form in which multiplying is fastest: worth it because a recipient tries several keys on each cell.
#[derive(Clone, Debug)]
pub struct Lifted(EdwardsPoint);

impl Lifted {
    /// Lifts `point`. The sign of the Edwards point is free: X25519 knows only `u`.
    ///
    /// # Errors
    /// It lies on the twist, where no honest sender's point is, or is of low order.
    pub fn new(point: &Point) -> Result<Self, BadPoint> {
        let lifted = MontgomeryPoint(point.0).to_edwards(0).ok_or(BadPoint)?;
        if lifted.is_small_order() { Err(BadPoint) } else { Ok(Self(lifted)) }
    }
}

#[cfg(test)]
mod tests;
