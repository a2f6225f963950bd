//! An account goes: nothing that is under way for it may reach the next account of its name.

use mail::record::Route;
use mail::storage::StorageError;
use mail::{AccountName, Refusal};

use crate::Gateway;
use crate::limits;

impl Gateway {
    /// An account is being removed: it is nobody's from now on. What it sent is taken back, what others here sent to it bounces, and
    /// what works for it at this moment writes nothing more. The store still has its record, which keeps the name.
    ///
    /// # Errors
    /// When the store fails: call it again.
    pub async fn forget_account(&self, account: &AccountName) -> Result<(), StorageError> {
        self.people.forget(account);
        self.requests.forget_account(account);
        self.receptions.forget_account(account);
        let mut after = None;
        loop {
            let page = self.storage.outbox_page(after, limits::LIST_ENTRIES).await?;
            let Some(last) = page.last().map(|entry| entry.id) else { return Ok(()) };
            for entry in page {
                if entry.account == *account {
                    self.cancel(account, entry.id).await?;
                } else if matches!(&entry.route, Route::Local(to) if to == account) {
                    self.bounce_now(entry.id, removed(account)).await?;
                }
            }
            after = Some(last);
        }
    }
}

/// The refusal for the sender of a mail to an account of this gateway that was removed.
pub(crate) fn removed(account: &AccountName) -> Refusal {
    let text = format!("the account {account} of this gateway was removed; check the address");
    Refusal::permanent(1, 1, &text)
}

#[cfg(test)]
mod tests;
