//! Names and the keys they are pinned to.

use mail::record;
use mail::{Address, PublicKey, ToxId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// A name and the key it was first seen with. Mail to it waits for the user while it leads to another key, and while its pin
/// cannot be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pin {
    /// The name.
    #[schema(value_type = String)]
    pub address: Address,
    /// The key it is pinned to; absent where the pin cannot be read.
    #[schema(value_type = Option<String>)]
    pub key: Option<PublicKey>,
    /// When it was first seen with that key.
    pub first_seen: Option<Timestamp>,
    /// The key that DNS answers now; present while mail to the name waits because this key is
    /// different.
    #[schema(value_type = Option<String>)]
    pub changed_to: Option<ToxId>,
    /// The key that is pinned when the user accepts. For a pin that cannot be read it is absent
    /// until a mail to the name was submitted.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub leads_to: Option<PublicKey>,
}

impl Pin {
    /// A name whose pin cannot be read, and the key it leads to, if that is known.
    #[must_use]
    pub fn unreadable(address: Address, leads_to: Option<PublicKey>) -> Self {
        Self { address, key: None, first_seen: None, changed_to: None, leads_to }
    }
}

impl From<&record::Pin> for Pin {
    fn from(pin: &record::Pin) -> Self {
        Self {
            address: pin.address.clone(),
            key: Some(pin.key),
            first_seen: Some(pin.first_seen.into()),
            changed_to: pin.changed_to,
            leads_to: pin.changed_to.map(|id| id.key),
        }
    }
}
