//! The account that has a name now, and whether an earlier check still holds.
//!
//! A name can be given again after its account is removed; the number of an account never is. A
//! session or cache that remembers an account remembers its [`Standing`] and compares.

use mail::{AccountName, Standing};
use redb::{ReadTransaction, ReadableTable};

use crate::Store;
use crate::engine::context::Context;
use crate::engine::tables::{ACCOUNTS, DISABLED, STANDINGS, SYSTEM, Tables};
use crate::error::Error;

/// The number that the next account or state of access gets, in the `system` table.
const NEXT_KEY: &str = "next standing";

/// The mails of account number n have numbers from n times this one on: no two accounts that ever had one name share the
/// number of a mail, so a session of the one never reads or deletes a mail of the other.
const MAILS_OF_AN_ACCOUNT: u64 = 1 << 32;

impl Store {
    /// The account that has this name now, and the state of its access. None if there is none, or if it is switched off or being
    /// removed. Takes microseconds.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn standing(&self, name: &AccountName) -> Result<Option<Standing>, Error> {
        self.get(|transaction| {
            if transaction.open_table(DISABLED)?.get(name.as_str())?.is_some() {
                return Ok(None);
            }
            read(transaction, name.as_str())
        })
    }
}

/// The standing of an account, switched on or off.
pub(crate) fn read(transaction: &ReadTransaction, name: &str) -> Result<Option<Standing>, Error> {
    let row = transaction.open_table(STANDINGS)?.get(name)?;
    Ok(row.map(|row| row.value()).map(|(id, generation)| Standing { id, generation }))
}

/// Gives a new account its number.
pub(crate) fn begin(context: &mut Context<'_, '_>, name: &str) -> Result<u64, Error> {
    give(context.t, name)
}

/// Ends every login of an account: its access is another from now on.
pub(crate) fn renew(context: &mut Context<'_, '_>, name: &str) -> Result<(), Error> {
    let found = context.t.standings.read()?.get(name)?.map(|row| row.value());
    let (id, _) = found.ok_or(Error::NotFound)?;
    let generation = next(context.t)?;
    context.t.standings.write()?.insert(name, (id, generation))?;
    Ok(())
}

/// The account is gone; its number is never given again.
pub(crate) fn end(context: &mut Context<'_, '_>, name: &str) -> Result<(), Error> {
    context.t.standings.write()?.remove(name)?;
    Ok(())
}

/// The number of the first mail of an account.
pub(crate) const fn first_mail(id: u64) -> u64 {
    id.saturating_sub(1).saturating_mul(MAILS_OF_AN_ACCOUNT).saturating_add(1)
}

/// Gives numbers to the accounts of a store of an older format.
pub(crate) fn number_all(tables: &mut Tables<'_>) -> Result<(), Error> {
    let mut names = Vec::new();
    for row in tables.accounts.read()?.iter()? {
        names.push(row?.0.value().to_owned());
    }
    for name in names {
        if tables.standings.read()?.get(name.as_str())?.is_none() {
            give(tables, &name)?;
        }
    }
    Ok(())
}

fn give(tables: &mut Tables<'_>, name: &str) -> Result<u64, Error> {
    let id = next(tables)?;
    tables.standings.write()?.insert(name, (id, id))?;
    Ok(id)
}

fn next(tables: &mut Tables<'_>) -> Result<u64, Error> {
    let number = tables.system.read()?.get(NEXT_KEY)?.map_or(1, |number| number.value());
    tables.system.write()?.insert(NEXT_KEY, number.saturating_add(1))?;
    Ok(number)
}

/// Accounts without a standing, for [`Store::verify`].
pub(crate) fn missing(transaction: &ReadTransaction) -> Result<Vec<String>, Error> {
    let standings = transaction.open_table(STANDINGS)?;
    let mut missing = Vec::new();
    for row in transaction.open_table(ACCOUNTS)?.iter()? {
        let name = row?.0;
        if standings.get(name.value())?.is_none() {
            missing.push(name.value().to_owned());
        }
    }
    // Read so that a store whose counter is behind shows it.
    let next = transaction.open_table(SYSTEM)?.get(NEXT_KEY)?.map_or(1, |number| number.value());
    for row in standings.iter()? {
        let (name, row) = row?;
        let (id, generation) = row.value();
        if id >= next || generation >= next {
            missing.push(format!("{} (a number that is to be given again)", name.value()));
        }
    }
    Ok(missing)
}
