//! Identifiers of mails and components.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an identifier of the wanted length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {0} hex digits")]
pub struct InvalidHex(pub usize);

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; $bytes]);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = InvalidHex;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; $bytes];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidHex(2 * $bytes))?;
                Ok(Self(bytes))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidHex;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

hex_id! {
    /// The id of one outbox entry, one per recipient: 16 random bytes. It follows the mail to the
    /// recipient's gateway, which dedupes by (sender key, account, mail id).
    MailId, 16
}

hex_id! {
    /// BLAKE2b-256 over all bytes of a mail as transferred between gateways.
    BodyDigest, 32
}

hex_id! {
    /// SHA-256 over the bytes of a component's file: its version.
    ComponentDigest, 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_accepted_id_is_accepted_from_its_own_text(text in "[0-9a-fA-F]{30,34}|\\PC{0,34}", bytes: [u8; 32]) {
            if let Ok(id) = text.parse::<MailId>() {
                prop_assert_eq!(id.to_string().parse::<MailId>(), Ok(id));
            }
            let digest = BodyDigest(bytes);
            prop_assert_eq!(digest.to_string().parse::<BodyDigest>(), Ok(digest));
            let digest = ComponentDigest(bytes);
            prop_assert_eq!(digest.to_string().parse::<ComponentDigest>(), Ok(digest));
        }
    }
}
