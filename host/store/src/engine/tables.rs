//! The tables, and how a write transaction holds them.

use std::cell::Cell;
use std::rc::Rc;

use redb::{
    Key, ReadTransaction, ReadableTable, ReadableTableMetadata, Table, TableDefinition, TableError, Value,
    WriteTransaction,
};

use crate::error::Error;

/// A table of a write transaction, opened when first used: most jobs touch few of the many.
pub(crate) struct Lazy<'t, K: Key + 'static, V: Value + 'static> {
    transaction: &'t WriteTransaction,
    definition: TableDefinition<'static, K, V>,
    table: Option<Table<'t, K, V>>,
    writes: Rc<Cell<u64>>,
}

impl<'t, K: Key + 'static, V: Value + 'static> Lazy<'t, K, V> {
    /// The table, for reading.
    pub(crate) fn read(&mut self) -> Result<&Table<'t, K, V>, Error> {
        self.open().map(|table| &*table)
    }

    /// The table, for changing it. Counted: a job that fails after it has changed something spoils its transaction.
    pub(crate) fn write(&mut self) -> Result<&mut Table<'t, K, V>, Error> {
        self.writes.set(self.writes.get() + 1);
        self.open()
    }

    fn open(&mut self) -> Result<&mut Table<'t, K, V>, Error> {
        let table = match self.table.take() {
            Some(table) => table,
            None => self.transaction.open_table(self.definition)?,
        };
        Ok(self.table.insert(table))
    }
}

macro_rules! tables {
    ($($(#[$doc:meta])* $field:ident $constant:ident: $key:ty => $value:ty;)*) => {
        $($(#[$doc])* pub(crate) const $constant: TableDefinition<'static, $key, $value> =
            TableDefinition::new(stringify!($field));)*

        /// The tables of one write transaction.
        pub(crate) struct Tables<'t> {
            writes: Rc<Cell<u64>>,
            $($(#[$doc])* pub(crate) $field: Lazy<'t, $key, $value>,)*
        }

        impl<'t> Tables<'t> {
            /// The tables of `transaction`; none is opened yet.
            pub(crate) fn new(transaction: &'t WriteTransaction) -> Self {
                let writes = Rc::new(Cell::new(0));
                Self {
                    $($field: Lazy { transaction, definition: $constant, table: None, writes: Rc::clone(&writes) },)*
                    writes,
                }
            }

            /// Makes every table, so that readers find them.
            pub(crate) fn create_all(&mut self) -> Result<(), Error> {
                $(self.$field.write()?;)*
                Ok(())
            }
        }

        /// How many rows all tables have together.
        pub(crate) fn count_rows(from: &ReadTransaction) -> Result<u64, Error> {
            let mut rows = 0;
            $(rows += count_table(from, $constant)?;)*
            Ok(rows)
        }

        /// Copies every row of every table. `step` is called after each row and ends the copying with false.
        pub(crate) fn copy_rows(
            from: &ReadTransaction,
            to: &WriteTransaction,
            step: &mut dyn FnMut() -> bool,
        ) -> Result<(), Error> {
            $(copy_table(from, to, $constant, step)?;)*
            Ok(())
        }
    };
}

/// A table for reading; None in a store of an older format that has none of this name.
fn open_existing<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    definition: TableDefinition<'static, K, V>,
) -> Result<Option<redb::ReadOnlyTable<K, V>>, Error> {
    match from.open_table(definition) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn count_table<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    definition: TableDefinition<'static, K, V>,
) -> Result<u64, Error> {
    open_existing(from, definition)?.map_or(Ok(0), |table| Ok(table.len()?))
}

fn copy_table<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    definition: TableDefinition<'static, K, V>,
    step: &mut dyn FnMut() -> bool,
) -> Result<(), Error> {
    let Some(source) = open_existing(from, definition)? else { return Ok(()) };
    let mut target = to.open_table(definition)?;
    for row in source.iter()? {
        let (key, value) = row?;
        target.insert(key.value(), value.value())?;
        if !step() {
            return Err(Error::Stopped);
        }
    }
    Ok(())
}

impl Tables<'_> {
    /// How often something was about to be changed so far.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.get()
    }
}

/// A body: its bytes and how many records refer to it.
pub(crate) type BodyRow = (u64, u32);
/// What POP3 needs of a mail: UIDL, size, body, length of the prefix.
pub(crate) type MailRow = ([u8; 16], u64, u64, u32);
/// Sender, account, mail id.
pub(crate) type ArrivalRowKey = ([u8; 32], &'static str, [u8; 16]);
/// Of an account: next mail number, mails, bytes of mails, next outcome, contacts, pins.
pub(crate) type StatsRow = (u64, u64, u64, u64, u64, u64);

/// Time, slot, account, record.
pub(crate) type DecisionRow = (u64, &'static str, &'static str, &'static [u8]);

tables! {
    /// Numbers the store keeps about itself.
    system SYSTEM: &'static str => u64;
    /// Small documents of others: kind, owner, key.
    documents DOCUMENTS: (&'static str, &'static str, &'static [u8]) => &'static [u8];
    /// Settings of others.
    meta META: &'static str => &'static [u8];
    /// Bodies by id.
    bodies BODIES: u64 => BodyRow;
    /// Pieces of bodies: (body, offset of the first byte) to bytes.
    rows ROWS: (u64, u64) => &'static [u8];
    /// Bodies that no record refers to yet: removed at the next start.
    staged STAGED: u64 => ();
    /// Bodies no longer referred to, whose rows are still to be removed.
    garbage GARBAGE: u64 => ();
    /// Accounts by name.
    accounts ACCOUNTS: &'static str => &'static [u8];
    /// Counters by account.
    stats STATS: &'static str => StatsRow;
    /// Password hashes by account.
    credentials CREDENTIALS: &'static str => &'static str;
    /// Number of an account and of the state of its access, by name (since format 5).
    standings STANDINGS: &'static str => (u64, u64);
    /// Accounts that are switched off (since format 2).
    disabled DISABLED: &'static str => ();
    /// Saved data of Tox instances by account.
    tox_saved TOX_SAVED: &'static str => &'static [u8];
    /// Contacts by account and key.
    contacts CONTACTS: (&'static str, [u8; 32]) => &'static [u8];
    /// Keys of contacts by account and alias.
    aliases ALIASES: (&'static str, &'static str) => [u8; 32];
    /// Waiting friend requests by account and key.
    friend_requests FRIEND_REQUESTS: (&'static str, [u8; 32]) => &'static [u8];
    /// When a key was declined (milliseconds since 1970), by account and key (since format 6).
    declined DECLINED: (&'static str, [u8; 32]) => u64;
    /// Pins by account and address.
    pins PINS: (&'static str, &'static str) => &'static [u8];
    /// Whom an account has sent to, and when first.
    written WRITTEN: (&'static str, [u8; 32]) => u64;
    /// The outbox by mail id.
    outbox OUTBOX: [u8; 16] => &'static [u8];
    /// Mailboxes: what POP3 needs, by account and number.
    mailbox MAILBOX: (&'static str, u64) => MailRow;
    /// Mailboxes: whole records, by account and number.
    mails MAILS: (&'static str, u64) => &'static [u8];
    /// Quarantined mails by account and number.
    quarantine QUARANTINE: (&'static str, u64) => &'static [u8];
    /// Where a quarantined mail is, by UIDL.
    quarantine_ids QUARANTINE_IDS: [u8; 16] => (&'static str, u64);
    /// How many mails of an account are in quarantine; no row where the count was never kept.
    quarantine_counts QUARANTINE_COUNTS: &'static str => u64;
    /// Quarantined mails that a filter threw away, by account and number: when each is deleted for good (milliseconds since 1970),
    /// and its size (since format 5).
    bin BIN: (&'static str, u64) => (u64, u64);
    /// Mails that came, for dedupe.
    arrivals ARRIVALS: ArrivalRowKey => &'static [u8];
    /// Mails that are coming in.
    partials PARTIALS: ArrivalRowKey => &'static [u8];
    /// Ended outbox entries by account and order.
    outcomes OUTCOMES: (&'static str, u64) => &'static [u8];
    /// Where an ended entry is, by mail id.
    outcome_ids OUTCOME_IDS: [u8; 16] => (&'static str, u64);
    /// State of components: entry of the policy set, account, key.
    state STATE: (&'static str, &'static str, &'static [u8]) => &'static [u8];
    /// Bytes of state by entry and account.
    state_usage STATE_USAGE: (&'static str, &'static str) => u64;
    /// Decisions: time, slot, account, record.
    decisions DECISIONS: u64 => DecisionRow;
    /// Times of decisions by slot and id.
    decision_slots DECISION_SLOTS: (&'static str, u64) => u64;
    /// Decisions about a mail: mail id, decision (since format 3).
    mail_decisions MAIL_DECISIONS: ([u8; 16], u64) => ();
    /// The mail a decision is about (since format 3).
    decision_mails DECISION_MAILS: u64 => [u8; 16];
    /// The component that made a decision (since format 6).
    decision_components DECISION_COMPONENTS: u64 => [u8; 32];
    /// What each decision counts, by slot, component and id (since format 6).
    decision_costs DECISION_COSTS: (&'static str, [u8; 32], u64) => u64;
    /// What all decisions of a component in a slot count (since format 6).
    decision_usage DECISION_USAGE: (&'static str, [u8; 32]) => u64;
}
