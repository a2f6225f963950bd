//! Names and the keys they are pinned to.

use mail::record::Pin;
use mail::{AccountName, Address};

use crate::Store;
use crate::engine::tables::PINS;
use crate::error::Error;
use crate::upkeep::unreadable::View;

impl Store {
    /// The pins of an account, in the order of names.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub async fn pins(&self, account: &AccountName) -> Result<Vec<Pin>, Error> {
        let account = account.clone();
        self.list(move |transaction| Ok(pins(transaction, &account)?.0)).await
    }

    /// The names of an account that have a pin which cannot be read.
    ///
    /// # Errors
    /// As [`Store::pins`].
    pub async fn unreadable_pins(&self, account: &AccountName) -> Result<Vec<Address>, Error> {
        let account = account.clone();
        self.list(move |transaction| Ok(pins(transaction, &account)?.1)).await
    }
}

/// The pins of an account, and the names whose pins cannot be read.
fn pins(transaction: &View<'_>, account: &AccountName) -> Result<(Vec<Pin>, Vec<Address>), Error> {
    let (mut pins, mut unreadable) = (Vec::new(), Vec::new());
    for row in transaction.open_table(PINS)?.range((account.as_str(), "")..)? {
        let row = row?;
        let (owner, address) = row.0.value();
        if owner != account.as_str() {
            break;
        }
        match transaction.unreadable.readable::<Pin>(&(owner, address), row.1.value()) {
            Some(pin) => pins.push(pin),
            // A key that is no address is no name that mail could go to.
            None => unreadable.extend(address.parse::<Address>()),
        }
    }
    Ok((pins, unreadable))
}
