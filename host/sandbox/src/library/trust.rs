//! Signatures of components: Ed25519 (RFC 8032) over the bytes of the file, with keys the user trusts.

use ed25519_dalek::{Signature, VerifyingKey};

use crate::library::check::Refused;

/// The keys whose components are trusted, and whether other components are accepted too.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    keys: Vec<VerifyingKey>,
    required: bool,
}

/// Bytes that are not a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an Ed25519 public key")]
pub struct InvalidKey(String);

impl Trust {
    /// Trusts `keys`. With `required`, only components with a signature of one of them are taken and used, beside the built-in ones.
    ///
    /// # Errors
    /// [`InvalidKey`] for bytes that are not a point of the curve, or are a weak one.
    pub fn new(keys: &[[u8; 32]], required: bool) -> Result<Self, InvalidKey> {
        let key = |bytes: &[u8; 32]| match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(key),
            _ => Err(InvalidKey(hex::encode(bytes))),
        };
        Ok(Self { keys: keys.iter().map(key).collect::<Result<_, _>>()?, required })
    }

    /// The key that signed the file, as hex digits; None if there is no signature and none is
    /// needed.
    ///
    /// # Errors
    /// [`Refused::Unsigned`] or [`Refused::Signature`].
    pub fn check(&self, file: &[u8], signature: Option<&[u8; 64]>) -> Result<Option<String>, Refused> {
        let Some(signature) = signature else {
            return if self.required { Err(Refused::Unsigned) } else { Ok(None) };
        };
        if self.keys.is_empty() {
            return Err(Refused::Signature(
                "no key is trusted here: name it in the configuration, `[components] trusted_keys`".into(),
            ));
        }
        let signature = Signature::from_bytes(signature);
        // Strict: no key and no signature in two forms.
        let signer = self.keys.iter().find(|key| key.verify_strict(file, &signature).is_ok());
        signer.map(|key| Some(hex::encode(key.as_bytes()))).ok_or_else(|| {
            Refused::Signature("it was made with another key than the trusted ones, or for another file: sign this very file, or add the key to `[components] trusted_keys`".into())
        })
    }

    /// Whether a component whose signature was made with this key (hex digits) may be used.
    #[must_use]
    pub fn admits(&self, signed_by: Option<&str>) -> bool {
        !self.required
            || signed_by
                .is_some_and(|signer| self.keys.iter().any(|key| hex::encode(key.as_bytes()) == signer))
    }
}
