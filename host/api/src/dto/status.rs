//! The state of an account and its gateway.

use mail::{AccountName, Address, ToxId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SlotEntry;

/// The answer of `status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The gateway's version.
    pub version: String,
    /// The account this is about.
    #[schema(value_type = String)]
    pub account: AccountName,
    /// Its place on the Tox network.
    pub tox: ToxStatus,
    /// Its contacts, in the order of their alias.
    pub contacts: Vec<ContactStatus>,
    /// Its outbox.
    pub outbox: OutboxStatus,
    /// Its mailbox.
    #[serde(default)]
    pub mailbox: MailboxStatus,
    /// What waits for the account's user.
    pub attention: Attention,
    /// The live components, a row for each.
    pub slots: Vec<SlotEntry>,
    /// Stored rows that cannot be read, of all accounts; only for the owner.
    #[serde(default)]
    pub unreadable: Unreadable,
    /// What the gateway runs without, one line each; only for the owner.
    #[serde(default)]
    pub faults: Vec<String>,
    /// The parts of the gateway that run beside each other.
    #[serde(default)]
    pub tasks: Vec<TaskStatus>,
}

/// Rows of the store that cannot be read. They are kept unchanged; everything else works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unreadable {
    /// How many there are, 1 000 at most.
    pub rows: u64,
    /// The first of them.
    pub first: Vec<UnreadableRow>,
}

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnreadableRow {
    /// Its table.
    pub table: String,
    /// Its key.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
}

/// A part of the gateway that runs beside the others: all tasks and threads of one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskStatus {
    /// Its name.
    pub name: String,
    /// What a fault in it leads to: `kept` starts again, `vital` ends the gateway, `job` is one
    /// piece of work.
    pub kind: String,
    /// How many run now.
    pub running: u64,
    /// How many should run and do not: they are about to start again, or the gateway is about to
    /// end.
    pub down: u64,
    /// Faults since the gateway was started.
    pub panics: u64,
    /// The last fault; only for the owner.
    pub problem: Option<String>,
}

impl TaskStatus {
    /// One line about a part that failed; None if it never failed.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let times = if self.panics == 1 { "once".to_owned() } else { format!("{} times", self.panics) };
        let now = if self.down > 0 { "and is down" } else { "and goes on" };
        let why = self.problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default();
        (self.panics > 0)
            .then(|| format!("the part `{}` failed {times} since the start {now}{why}", self.name))
    }
}

/// An account on the Tox network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToxStatus {
    /// Whether it is connected.
    pub online: bool,
    /// How it is connected.
    pub connection: Connection,
    /// Bootstrap nodes it can start from; without any it reaches nobody.
    pub nodes: u64,
}

/// How a Tox instance is connected (`TOX_CONNECTION` of c-toxcore).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Connection {
    /// Not connected.
    None,
    /// Connected through Tox TCP relays.
    Tcp,
    /// Connected directly.
    Udp,
}

/// A contact in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContactStatus {
    /// The name the user gave.
    #[schema(value_type = String)]
    pub alias: AccountName,
    /// What to write in a mail program: `alias@tox`.
    pub address: String,
    /// Whether their gateway is connected now.
    pub online: bool,
}

/// An outbox in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutboxStatus {
    /// Mails that wait.
    pub queued: u64,
}

/// A mailbox in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailboxStatus {
    /// Mails that wait for the mail program.
    pub mails: u64,
    /// Size of these mails in bytes.
    pub bytes: u64,
}

/// What waits for the user of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attention {
    /// Friend requests to accept.
    pub contact_requests: u64,
    /// Mails in quarantine that wait for the user to decide.
    pub quarantined: u64,
    /// Mails that filters threw away and that can still be restored. They are in the quarantine
    /// list too.
    #[serde(default)]
    pub discarded: u64,
    /// DNS names whose key has changed.
    pub changed_pins: u64,
}

/// The answer of `id`: who the account is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    /// The account.
    #[schema(value_type = String)]
    pub account: AccountName,
    /// Its full Tox ID: what to give to others.
    #[schema(value_type = String)]
    pub tox_id: ToxId,
    /// Every address that leads to it.
    #[schema(value_type = Vec<String>)]
    pub addresses: Vec<Address>,
}

impl Identity {
    /// The address that mail programs put into `From`: a name in DNS if there is one, else the full
    /// Tox ID, which works for everybody.
    #[must_use]
    pub fn sender_address(&self) -> Address {
        let named = self.addresses.iter().find(|address| !address.is_tox());
        named.cloned().unwrap_or_else(|| self.tox_id.address())
    }

    /// What other Tox programs and phones open to add this account.
    #[must_use]
    pub fn link(&self) -> String {
        format!("tox:{}", self.tox_id)
    }

    /// A vCard with Tox ID and the address that works for everybody.
    #[must_use]
    pub fn vcard(&self) -> String {
        mail::vcard::write(self.account.as_str(), self.tox_id, &[self.sender_address()])
    }
}
