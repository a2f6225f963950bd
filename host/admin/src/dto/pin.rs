//! DNS names and the keys they are pinned to.

use mail::record;
use mail::{Address, PublicKey, ToxId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// A DNS name and the key it was first seen with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pin {
    /// The name.
    #[schema(value_type = String)]
    pub address: Address,
    /// The key it is pinned to.
    #[schema(value_type = String)]
    pub key: PublicKey,
    /// When it was first seen with that key.
    pub first_seen: Timestamp,
    /// What DNS answers now; present while mail to the name waits for the user.
    #[schema(value_type = Option<String>)]
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
