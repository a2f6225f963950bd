//! What components may use of the gateway. The daemon plugs the real things in; all of it is called on the threads
//! of the slots, where blocking holds up nobody else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mail::{AccountName, Address, PublicKey, ToxId};
use serde::{Deserialize, Serialize};

use crate::record::DecisionRecord;

/// Everything a [`Sandbox`](crate::Sandbox) offers its components, each slot only its part.
#[derive(Clone)]
pub struct Capabilities {
    /// What components keep between calls.
    pub state: Arc<dyn State>,
    /// DNS.
    pub dns: Arc<dyn Dns>,
    /// Contacts and accounts.
    pub contacts: Arc<dyn Contacts>,
    /// Where records of decisions go.
    pub recorder: Arc<dyn Recorder>,
}

impl std::fmt::Debug for Capabilities {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Capabilities")
    }
}

/// Durable keys and values, a space of their own for each pair of entry of the policy set (`slot/entry`, at most 79 bytes) and
/// account.
pub trait State: Send + Sync {
    /// The value of a key.
    ///
    /// # Errors
    /// [`StateError::Unavailable`].
    fn get(&self, entry: &str, account: &AccountName, key: &str) -> Result<Option<Vec<u8>>, StateError>;

    /// Sets a key. `quota` bounds keys and values of this space together, in bytes.
    ///
    /// # Errors
    /// [`StateError::QuotaExceeded`] (nothing was changed) or [`StateError::Unavailable`].
    fn set(
        &self,
        entry: &str,
        account: &AccountName,
        key: &str,
        value: &[u8],
        quota: u64,
    ) -> Result<(), StateError>;

    /// Removes a key; nothing happens if it is not there.
    ///
    /// # Errors
    /// [`StateError::Unavailable`].
    fn delete(&self, entry: &str, account: &AccountName, key: &str) -> Result<(), StateError>;

    /// Keys that start with `prefix` and come after `after`, in byte order, at most `max`.
    ///
    /// # Errors
    /// [`StateError::Unavailable`].
    fn keys(
        &self,
        entry: &str,
        account: &AccountName,
        prefix: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<String>, StateError>;

    /// All keys and values of a space as of one moment: what a shadow or a replay starts from.
    ///
    /// # Errors
    /// [`StateError::Unavailable`].
    fn snapshot(&self, entry: &str, account: &AccountName) -> Result<BTreeMap<String, Vec<u8>>, StateError>;
}

/// Why the state could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The space would grow over its quota (bytes).
    #[error("the state would be larger than its quota of {0} bytes")]
    QuotaExceeded(u64),
    /// Storage failed.
    #[error("the state could not be used: {0}")]
    Unavailable(String),
}

/// DNS, as the gateway is set up to ask it.
pub trait Dns: Send + Sync {
    /// TXT records of `name`, each one's strings joined. Returns within `time`, with [`DnsError::Unavailable`] if need be.
    ///
    /// # Errors
    /// See [`DnsError`].
    fn lookup_txt(&self, name: &str, time: Duration) -> Result<TxtAnswer, DnsError>;
}

/// TXT records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxtAnswer {
    /// One text a record.
    pub records: Vec<String>,
    /// Whether DNSSEC vouches for them.
    pub secure: bool,
}

/// Why DNS gave no records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum DnsError {
    /// The name or the record does not exist.
    #[error("there is no such record")]
    NoRecord,
    /// No answer; why.
    #[error("DNS does not answer: {0}")]
    Unavailable(String),
    /// DNSSEC found the answer forged.
    #[error("the answer fails DNSSEC")]
    Bogus,
    /// No name of DNS.
    #[error("not a name that DNS knows")]
    InvalidName,
}

/// Contacts of an account, and the accounts of the gateway. An error ends the call.
pub trait Contacts: Send + Sync {
    /// The contact with this alias.
    ///
    /// # Errors
    /// One line that says why the store failed; the same for the others.
    fn by_alias(&self, account: &AccountName, alias: &str) -> Result<Option<Contact>, String>;

    /// The contact with this key.
    ///
    /// # Errors
    /// As [`Contacts::by_alias`].
    fn by_key(&self, account: &AccountName, key: PublicKey) -> Result<Option<Contact>, String>;

    /// The contact whose gateway told this address.
    ///
    /// # Errors
    /// As [`Contacts::by_alias`].
    fn by_address(&self, account: &AccountName, address: &Address) -> Result<Option<Contact>, String>;

    /// The account of this gateway the address belongs to.
    ///
    /// # Errors
    /// As [`Contacts::by_alias`].
    fn account_of(&self, address: &Address) -> Result<Option<AccountName>, String>;
}

/// A contact as components see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The name the user gave.
    pub alias: String,
    /// Who it is.
    pub key: PublicKey,
    /// The full Tox ID, if known.
    pub tox_id: Option<ToxId>,
    /// Addresses the contact's gateway told.
    pub addresses: Vec<Address>,
    /// Whether both sides agreed.
    pub confirmed: bool,
}

/// A mail's bytes by range.
pub trait MessageSource: Send + Sync {
    /// All bytes, headers included.
    fn size(&self) -> u64;

    /// Bytes from `offset`, at most `max` and possibly fewer; empty only at the end. Blocks.
    ///
    /// # Errors
    /// One line that says why storage failed.
    fn read(&self, offset: u64, max: usize) -> Result<Bytes, String>;
}

/// Takes records of decisions. Called on the slot's thread after the answer is on its way; it may block
/// shortly and must bound what it keeps.
pub trait Recorder: Send + Sync {
    /// Takes one.
    fn record(&self, record: DecisionRecord);
}
