//! Components and the slots they decide for.

use std::fmt;
use std::str::FromStr;

use mail::AccountName;
use mail::ComponentDigest;
use mail::ids::InvalidHex;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;
use crate::limits::COMPONENT_NAME_BYTES;

/// A place in the gateway that a component decides for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    /// Submission, friend requests, retries, deposits.
    Policy,
    /// Address to Tox ID.
    Resolver,
    /// Drop relays for one mail.
    RelaySelector,
    /// Outgoing and incoming mail; a chain.
    MailFilter,
}

/// The slot does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the slots are policy, resolver, relay-selector and mail-filter")]
pub struct UnknownSlot;

impl Slot {
    /// Every slot.
    pub const ALL: [Self; 4] = [Self::Policy, Self::Resolver, Self::RelaySelector, Self::MailFilter];

    /// Its name, as in the WIT package.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Resolver => "resolver",
            Self::RelaySelector => "relay-selector",
            Self::MailFilter => "mail-filter",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Slot {
    type Err = UnknownSlot;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|slot| slot.as_str() == text).ok_or(UnknownSlot)
    }
}

/// The name of a component: 1 to [`COMPONENT_NAME_BYTES`] of `a-z`, `0-9`, `.`, `_`, `-`, starting with a letter
/// or digit, kept in lower case; never 64 hex digits, which would read as a SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ComponentName(String);

/// Why a text is not a component name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a component's name has 1 to 64 letters, digits, dots, dashes or underscores, starts with a letter or digit, \
     and is not 64 hex digits"
)]
pub struct InvalidComponentName;

impl ComponentName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ComponentName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ComponentName {
    type Err = InvalidComponentName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.to_ascii_lowercase();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let is_valid = (1..=COMPONENT_NAME_BYTES).contains(&name.len())
            && name.bytes().all(allowed)
            && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
            && name.parse::<ComponentDigest>().is_err();
        if is_valid { Ok(Self(name)) } else { Err(InvalidComponentName) }
    }
}

impl TryFrom<String> for ComponentName {
    type Error = InvalidComponentName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ComponentName> for String {
    fn from(name: ComponentName) -> Self {
        name.0
    }
}

/// How a component is named in a request: by its name (the newest of that name) or by the SHA-256 of its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ComponentRef {
    /// The newest of this name.
    Name(ComponentName),
    /// Exactly these bytes.
    Digest(ComponentDigest),
}

impl FromStr for ComponentRef {
    type Err = InvalidComponentName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digest: Result<ComponentDigest, InvalidHex> = text.parse();
        digest.map_or_else(|_| text.parse().map(Self::Name), |digest| Ok(Self::Digest(digest)))
    }
}

impl fmt::Display for ComponentRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(formatter, "{name}"),
            Self::Digest(digest) => write!(formatter, "{digest}"),
        }
    }
}

impl TryFrom<String> for ComponentRef {
    type Error = InvalidComponentName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ComponentRef> for String {
    fn from(component: ComponentRef) -> Self {
        component.to_string()
    }
}

/// A component this gateway has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Component {
    /// Its name.
    #[schema(value_type = String)]
    pub name: ComponentName,
    /// SHA-256 of its file: its version.
    #[schema(value_type = String)]
    pub sha256: ComponentDigest,
    /// Bytes of its file.
    pub size: u64,
    /// The slots it fits.
    pub slots: Vec<Slot>,
    /// Whether it came with the gateway.
    pub built_in: bool,
    /// When it was uploaded; absent for one that is built in.
    pub added: Option<Timestamp>,
    /// The trusted key its signature was made with, 64 hex digits; absent for one that came without signature.
    #[serde(default)]
    pub signed_by: Option<String>,
}

/// Whether the calls of a live component succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Its functions answer, or it has not been called yet.
    Ok,
    /// In some function its last call failed, or half of its last calls did; or calls were not made
    /// because no place became free.
    Failing,
}

/// A live component in its slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SlotEntry {
    /// The slot.
    pub slot: Slot,
    /// Its place in the chain, from 0; always 0 in slots with one component.
    pub position: u32,
    /// The entry of the policy set. It tells a filter from the others.
    #[serde(default)]
    pub entry: String,
    /// The component's name.
    #[schema(value_type = String)]
    pub name: ComponentName,
    /// SHA-256 of its file.
    #[schema(value_type = String)]
    pub sha256: ComponentDigest,
    /// Whether its calls succeed.
    pub health: Health,
    /// Calls since it went live in this run of the gateway.
    pub calls: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// The last failure, in one line.
    pub last_failure: Option<String>,
    /// Calls by how long they took, shortest first.
    #[serde(default)]
    pub timing: Vec<TimingBucket>,
    /// The component that `rollback` goes back to; absent if there is none.
    #[schema(value_type = Option<String>)]
    pub previous: Option<ComponentDigest>,
    /// Calls that were not made since it went live: no place became free in time.
    #[serde(default)]
    pub not_asked: u64,
    /// Calls that failed by the gateway's own fault since it went live.
    #[serde(default)]
    pub gateway_failures: u64,
    /// The component that failed and that this one replaced; absent once somebody dismissed it.
    #[serde(default)]
    pub fallback: Option<Fallback>,
}

/// A component that failed and was replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fallback {
    /// The name of the component that failed.
    pub name: String,
    /// SHA-256 of its file.
    #[schema(value_type = String)]
    pub sha256: ComponentDigest,
    /// Its last failure, in one line.
    pub why: String,
    /// When it was replaced; absent if that was at a start.
    pub time: Option<Timestamp>,
}

/// The entry whose fallback was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenFallback {
    /// The entry; needed where the slot has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

/// How many calls took how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimingBucket {
    /// The bucket's upper bound in microseconds; absent in the last bucket.
    pub up_to: Option<u64>,
    /// How many calls.
    pub calls: u64,
}

/// The component to make live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UseComponent {
    /// The component, by name or SHA-256.
    #[schema(value_type = String)]
    pub component: ComponentRef,
    /// The entry; needed where the slot has several. In slot `mail-filter` a new entry is added at
    /// the end of the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

/// The entry that goes back to its component before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    /// The entry; needed where the slot has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

/// The chain of filters, in the order in which they run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterOrder {
    /// Every entry of slot `mail-filter`, once.
    pub entries: Vec<String>,
}

/// The policy set to put to work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsePolicySet {
    /// Its file on the gateway's machine, an absolute path.
    #[schema(value_type = String)]
    pub path: std::path::PathBuf,
}

/// A signature of a component's file (Ed25519, RFC 8032): 128 hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ComponentSignature(pub [u8; 64]);

/// The text is not a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signature has 128 hex digits (64 bytes, Ed25519)")]
pub struct InvalidComponentSignature;

impl FromStr for ComponentSignature {
    type Err = InvalidComponentSignature;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 64];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidComponentSignature)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for ComponentSignature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ComponentSignature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Serialize for ComponentSignature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ComponentSignature {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// State that a component keeps for an account between calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComponentState {
    /// Its name: slot, entry of the policy set, component, and 16 hex digits of the component's SHA-256, with slashes between.
    pub space: String,
    /// The account it is kept for.
    #[schema(value_type = String)]
    pub account: AccountName,
    /// Bytes that count against the quota of the entry.
    pub bytes: u64,
    /// Whether that version is live in that entry. The other versions find their state again when
    /// they come back.
    pub live: bool,
}
