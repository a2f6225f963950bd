//! Names and the keys they are pinned to.

use mail::record::Pin;
use mail::{AccountName, Address};

use crate::engine::tables::PINS;
use crate::error::Error;
use crate::upkeep::unreadable::View;

/// The pins of an account, and the names whose pins cannot be read.
pub(crate) fn of(transaction: &View<'_>, account: &AccountName) -> Result<(Vec<Pin>, Vec<Address>), Error> {
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
