//! The four places in the gateway where a component decides.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A place in the gateway that a component decides for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    /// Submissions, friend requests, retries, deposits.
    Policy,
    /// Addresses to Tox IDs.
    Resolver,
    /// Drop relays for a waiting mail.
    RelaySelector,
    /// A chain that looks at each mail.
    MailFilter,
}

/// A text names no slot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no slot `{0}`: the slots are policy, resolver, relay-selector and mail-filter")]
pub struct UnknownSlot(String);

impl Slot {
    /// All slots.
    pub const ALL: [Self; 4] = [Self::Policy, Self::Resolver, Self::RelaySelector, Self::MailFilter];

    /// The slot's name, which is also its world's in the WIT package.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Resolver => "resolver",
            Self::RelaySelector => "relay-selector",
            Self::MailFilter => "mail-filter",
        }
    }

    /// The slot's place in [`Slot::ALL`].
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Policy => 0,
            Self::Resolver => 1,
            Self::RelaySelector => 2,
            Self::MailFilter => 3,
        }
    }

    /// The interface a component has to export for the slot.
    pub(crate) const fn export(self) -> &'static str {
        match self {
            Self::Policy => "toxmail:gateway/policy-decisions@0.1.0",
            Self::Resolver => "toxmail:gateway/resolver-decisions@0.1.0",
            Self::RelaySelector => "toxmail:gateway/relay-selector-decisions@0.1.0",
            Self::MailFilter => "toxmail:gateway/mail-filter-decisions@0.1.0",
        }
    }

    /// The interfaces of the WIT package a component may import in the slot.
    pub(crate) const fn imports(self) -> &'static [&'static str] {
        match self {
            Self::Policy | Self::RelaySelector => &["types", "log", "state"],
            Self::Resolver => &["types", "log", "state", "dns", "contacts"],
            Self::MailFilter => &["types", "log", "state", "message"],
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Slot {
    type Err = UnknownSlot;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|slot| slot.name() == text);
        found.ok_or_else(|| UnknownSlot(text.chars().take(40).collect()))
    }
}
