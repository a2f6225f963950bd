//! DNS names whose key changed.

use mail::AccountName;
use mail::record::Pin;

use crate::Store;
use crate::codec;
use crate::error::Error;
use crate::tables::PINS;

impl Store {
    /// The pins of an account whose name has another key in DNS now, in the order of names. Reads all pins of the account.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub async fn changed_pins(&self, account: &AccountName) -> Result<Vec<Pin>, Error> {
        let account = account.clone();
        self.list(move |transaction| {
            let mut changed = Vec::new();
            for row in transaction.open_table(PINS)?.range((account.as_str(), "")..)? {
                let row = row?;
                let (owner, address) = row.0.value();
                if owner != account.as_str() {
                    break;
                }
                let pin: Pin = codec::read(row.1.value(), || format!("{address} of {owner}"))?;
                if pin.changed_to.is_some() {
                    changed.push(pin);
                }
            }
            Ok(changed)
        })
        .await
    }
}
