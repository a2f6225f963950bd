//! What components may use of the gateway. The daemon plugs the real things in; all of it is called on the threads
//! of the slots, where blocking holds up nobody else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mail::{AccountName, Address, Cause, MailId, PublicKey, ToxId};
use serde::{Deserialize, Serialize};

use crate::record::DecisionRecord;
use crate::slots::lines::StateVersion;

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

/// Durable keys and values, a space of their own for each entry of the policy set, version of a component, and account. What is called `entry`
/// here names entry and version: `slot/entry/component/version`, at most 161 bytes.
pub trait State: Send + Sync {
    /// Keeps other calls away from a space until the returned guard is dropped; waits at most
    /// `longest`. A call takes its turn before it first touches its state. The default is for a
    /// single caller and keeps nobody away.
    ///
    /// # Errors
    /// [`StateError::Unavailable`] where the space was not free in time.
    fn turn(&self, entry: &str, account: &AccountName, longest: Duration) -> Result<StateTurn, StateError> {
        let _nobody_else = (entry, account, longest);
        Ok(Box::new(()))
    }

    /// Prepares state for a version that goes live in an entry, as [`Lines`](crate::Lines) says.
    /// Blocks until the state is durable. Does nothing where state is not kept.
    ///
    /// # Errors
    /// [`StateError::Unavailable`].
    fn goes_live(&self, version: &StateVersion) -> Result<(), StateError> {
        let _not_kept = version;
        Ok(())
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`StateError::Unavailable`].
    fn get(&self, entry: &str, account: &AccountName, key: &str) -> Result<Option<Vec<u8>>, StateError>;

    /// Sets a key. `quota` bounds keys and values of this space together, in bytes, with
    /// [`STATE_ROW_BYTES`](mail::limits::STATE_ROW_BYTES) for each key.
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

/// What [`State::turn`] returns.
pub type StateTurn = Box<dyn Send + Sync>;

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

/// The TXT records of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxtAnswer {
    /// One text for each record.
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
    /// The name is not valid in DNS.
    #[error("not a name that DNS knows")]
    InvalidName,
}

/// Contacts of an account, and the accounts of the gateway. An error ends the call.
pub trait Contacts: Send + Sync {
    /// The contact with this alias.
    ///
    /// # Errors
    /// Why the contacts cannot be read; the same for the others.
    fn by_alias(&self, account: &AccountName, alias: &str) -> Result<Option<Contact>, Cause>;

    /// The contact with this key.
    ///
    /// # Errors
    /// As [`Contacts::by_alias`].
    fn by_key(&self, account: &AccountName, key: PublicKey) -> Result<Option<Contact>, Cause>;

    /// The contact an address is known to belong to.
    ///
    /// # Errors
    /// As [`Contacts::by_alias`].
    fn by_address(&self, account: &AccountName, address: &Address) -> Result<Option<Contact>, Cause>;

    /// The account of this gateway the address belongs to.
    ///
    /// # Errors
    /// As [`Contacts::by_alias`].
    fn account_of(&self, address: &Address) -> Result<Option<AccountName>, Cause>;
}

/// A contact as components see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The name the user gave.
    pub alias: String,
    /// The contact's key.
    pub key: PublicKey,
    /// The full Tox ID, if known.
    pub tox_id: Option<ToxId>,
    /// Addresses that the contact's gateway claims and that DNS or the user confirmed.
    pub addresses: Vec<Address>,
    /// Whether both sides agreed.
    pub confirmed: bool,
}

/// Takes records of decisions. Called on the slot's thread after the answer is on its way; it may block
/// shortly and must bound what it keeps.
pub trait Recorder: Send + Sync {
    /// Takes one, and the mail that it is about, if it is about one.
    fn record(&self, record: DecisionRecord, mail: Option<MailId>);
}
