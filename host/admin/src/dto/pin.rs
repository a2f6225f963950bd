//! DNS names and the keys they are pinned to.

use mail::record;
use mail::{Address, PublicKey, ToxId};
use serde::{Deserialize, Serialize};

use super::Timestamp;

/// A DNS name and the key it was first seen with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    /// The name.
    pub address: Address,
    /// The key it is pinned to.
    pub key: PublicKey,
    /// When it was first seen with that key.
    pub first_seen: Timestamp,
    /// What DNS answers now; present while mail to the name waits for the user.
    pub changed_to: Option<ToxId>,
}

impl From<&record::Pin> for Pin {
    fn from(pin: &record::Pin) -> Self {
        Self {
            address: pin.address.clone(),
            key: pin.key,
            first_seen: pin.first_seen.into(),
            changed_to: pin.changed_to,
        }
    }
}
