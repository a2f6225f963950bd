//! The kinds of records that are rows of their own, and a look at all of them.

use mail::record::{
    Account, Arrival, Contact, FriendRequest, MailboxEntry, OutboxEntry, Partial, Pin, QuarantineEntry,
};
use mail::{MailId, PublicKey};
use redb::{Key, ReadTransaction, TableDefinition, Value};

use crate::Store;
use crate::engine::codec::{self, BadRecord, Stored};
use crate::engine::context;
use crate::engine::tables::{
    ACCOUNTS, ARRIVALS, ArrivalRowKey, CONTACTS, FRIEND_REQUESTS, MAILS, OUTBOX, OUTCOMES, PARTIALS, PINS,
    QUARANTINE,
};
use crate::error::Error;
use crate::limits::LIST_ENTRIES;
use crate::records::decisions;
use crate::records::mailbox;
use crate::records::outcomes::Ended;
use crate::records::reception::arrival_key;
use crate::upkeep::unreadable::View;

/// A record that is the value of a row.
pub(crate) trait Row: Stored + 'static {
    /// The key of the row.
    type Key: Key + 'static;
    /// The table.
    const ROWS: TableDefinition<'static, Self::Key, &'static [u8]>;

    /// The key, readable.
    fn describe(key: &<Self::Key as Value>::SelfType<'_>) -> String;

    /// Reads a row. Never panics, whatever the bytes.
    fn parse(key: &<Self::Key as Value>::SelfType<'_>, bytes: &[u8]) -> Result<Self, BadRecord>;
}

macro_rules! row {
    ($record:ty, $table:ident: $key:ty, $decode:path, |$name:ident| $describe:expr) => {
        impl Row for $record {
            type Key = $key;
            const ROWS: TableDefinition<'static, $key, &'static [u8]> = $table;

            fn describe($name: &<$key as Value>::SelfType<'_>) -> String {
                $describe
            }

            fn parse(_key: &<$key as Value>::SelfType<'_>, bytes: &[u8]) -> Result<Self, BadRecord> {
                $decode(bytes)
            }
        }
    };
}

row!(Account, ACCOUNTS: &'static str, codec::decode, |key| (*key).to_owned());
row!(Contact, CONTACTS: (&'static str, [u8; 32]), codec::decode, |key| format!("{} of {}", PublicKey(key.1), key.0));
row!(FriendRequest, FRIEND_REQUESTS: (&'static str, [u8; 32]), codec::decode, |key| format!(
    "{} of {}",
    PublicKey(key.1),
    key.0
));
row!(Pin, PINS: (&'static str, &'static str), codec::decode, |key| format!("{} of {}", key.1, key.0));
row!(OutboxEntry, OUTBOX: [u8; 16], codec::decode_prefixed, |key| MailId(*key).to_string());
row!(MailboxEntry, MAILS: (&'static str, u64), codec::decode_prefixed, |key| mailbox::describe(key.0, key.1));
row!(QuarantineEntry, QUARANTINE: (&'static str, u64), codec::decode, |key| mailbox::describe(key.0, key.1));
row!(Ended, OUTCOMES: (&'static str, u64), codec::decode, |key| mailbox::describe(key.0, key.1));

macro_rules! arriving {
    ($record:ty, $table:ident) => {
        impl Row for $record {
            type Key = ArrivalRowKey;
            const ROWS: TableDefinition<'static, ArrivalRowKey, &'static [u8]> = $table;

            fn describe(key: &<ArrivalRowKey as Value>::SelfType<'_>) -> String {
                match arrival_key(*key) {
                    Ok(key) => context::describe(&key),
                    Err(_) => format!("{} from {} for {:?}", MailId(key.2), PublicKey(key.0), key.1),
                }
            }

            fn parse(key: &<ArrivalRowKey as Value>::SelfType<'_>, bytes: &[u8]) -> Result<Self, BadRecord> {
                arrival_key(*key).map_err(|_| BadRecord::Content)?;
                codec::decode(bytes)
            }
        }
    };
}

arriving!(Arrival, ARRIVALS);
arriving!(Partial, PARTIALS);

/// Whether there is a row under this key, as redb writes it, that cannot be read.
pub(crate) fn is_unreadable<T: Row>(transaction: &ReadTransaction, key: &[u8]) -> Result<bool, Error> {
    let table = transaction.open_table(T::ROWS)?;
    let key = <T::Key as Value>::from_bytes(key);
    let row = table.get(&key)?;
    Ok(row.is_some_and(|row| T::parse(&key, row.value()).is_err()))
}

/// Reads every record, in parts, so that no read transaction is open for long.
pub(crate) fn look_at_all(store: &Store) -> Result<(), Error> {
    look_at::<Account>(store)?;
    look_at::<Contact>(store)?;
    look_at::<FriendRequest>(store)?;
    look_at::<Pin>(store)?;
    look_at::<OutboxEntry>(store)?;
    look_at::<MailboxEntry>(store)?;
    look_at::<QuarantineEntry>(store)?;
    look_at::<Ended>(store)?;
    look_at::<Arrival>(store)?;
    look_at::<Partial>(store)?;
    decisions::look_at_all(store)
}

fn look_at<T: Row>(store: &Store) -> Result<(), Error> {
    let mut last: Option<Vec<u8>> = None;
    loop {
        last = match store.get(|view| look_at_some::<T>(view, last.as_deref()))? {
            None => return Ok(()),
            more => more,
        };
    }
}

/// Looks at the rows after a key. Returns the key it ended with; None after the last row.
fn look_at_some<T: Row>(view: &View<'_>, after: Option<&[u8]>) -> Result<Option<Vec<u8>>, Error> {
    use std::ops::Bound::{Excluded, Unbounded};
    let table = view.open_table(T::ROWS)?;
    let start = after.map_or(Unbounded, |key| Excluded(<T::Key as Value>::from_bytes(key)));
    let mut seen = 0;
    for row in table.range::<<T::Key as Value>::SelfType<'_>>((start, Unbounded))? {
        let (key, bytes) = row?;
        let key = key.value();
        // What cannot be read is remembered.
        let _record: Option<T> = view.unreadable.readable(&key, bytes.value());
        seen += 1;
        if seen >= LIST_ENTRIES {
            return Ok(Some(<T::Key as Value>::as_bytes(&key).as_ref().to_vec()));
        }
    }
    Ok(None)
}
