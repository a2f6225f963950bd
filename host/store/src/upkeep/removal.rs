//! Removing an account with everything that is its.

use mail::AccountName;
use mail::record::Outcome;
use mail::storage::{Outbox as _, Quarantine as _, Reception as _, StorageError};
use redb::ReadableTable;

use crate::Store;
use crate::engine::codec;
use crate::engine::context::{Context, row_key};
use crate::engine::tables::{ARRIVALS, DECISIONS, DOCUMENTS};
use crate::error::Error;
use crate::limits::{LIST_ENTRIES, REMOVED_MAILS_AT_A_TIME, REMOVED_ROWS_AT_A_TIME};
use crate::records::decisions;
use crate::records::outcomes::Ended;
use crate::records::reception::arrival_key;
use crate::records::standings;

/// The key of a document: kind, owner, key.
type DocumentKey = (String, String, Vec<u8>);

impl Store {
    /// Removes an account with everything that is kept under its name: its mails, what waits of it in the outbox (recorded as
    /// cancelled until the account itself goes), contacts, identity, password, component state, decisions, documents, and what is
    /// remembered of arrivals. In steps, the password and all logins first and the record of the account last, which keeps the name
    /// from being given again: after a crash in between the account is there with what is left, nobody can log in, and this can
    /// be called again.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such account; [`StorageError::Failed`] for the owner.
    pub async fn remove_account(&self, name: &AccountName) -> Result<(), StorageError> {
        let account = self.account(name).await?.ok_or(Error::NotFound)?;
        if account.owner {
            return Err(Error::Invalid("the owner's account cannot be removed".to_owned()).into());
        }
        let locked = name.clone();
        self.remove(move |context| {
            context.t.credentials.write()?.remove(locked.as_str())?;
            context.t.disabled.write()?.insert(locked.as_str(), ())?;
            standings::renew(context, locked.as_str())
        })
        .await?;
        self.remove_mails(name).await?;
        self.remove_leftovers(name).await?;
        let name = name.clone();
        Ok(self.remove(move |context| remove_records(context, name.as_str())).await?)
    }

    /// Removes rows that may be there under a name without an account: work under way for a removed
    /// account may have written them after its end, and the next account must not find them.
    pub(crate) async fn remove_leftovers(&self, name: &AccountName) -> Result<(), StorageError> {
        self.remove_arrivals(name).await?;
        self.remove_state(name).await?;
        self.remove_documents(name).await?;
        Ok(self.remove_decisions(name).await?)
    }

    async fn remove_mails(&self, name: &AccountName) -> Result<(), StorageError> {
        self.remove_outbox(name).await?;
        let numbers: Vec<u64> = self.mailbox_list(name).await?.iter().map(|item| item.number).collect();
        for some in numbers.chunks(REMOVED_MAILS_AT_A_TIME) {
            self.mailbox_delete(name, some.to_vec()).await?;
        }
        for entry in self.quarantine(name).await? {
            match self.delete_quarantined(name, entry.mail.uidl).await {
                Ok(()) | Err(StorageError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn remove_outbox(&self, name: &AccountName) -> Result<(), StorageError> {
        let mut page = self.outbox_page(None, REMOVED_MAILS_AT_A_TIME).await?;
        while let Some(last) = page.last().map(|entry| entry.id) {
            for entry in page.into_iter().filter(|entry| entry.account == *name) {
                match self.finish_outbox(entry.id, Outcome::Cancelled, Vec::new()).await {
                    // It ended by itself meanwhile.
                    Ok(()) | Err(StorageError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
            page = self.outbox_page(Some(last), REMOVED_MAILS_AT_A_TIME).await?;
        }
        Ok(())
    }

    async fn remove_state(&self, name: &AccountName) -> Result<(), Error> {
        let (store, name) = (self.clone(), name.clone());
        self.off_async(move || {
            // What is counted in memory, for what was set just now is not in the file yet.
            let entries = store.inner.shared.state().entries_of(name.as_str());
            for entry in entries {
                loop {
                    let keys = store.state_keys(&entry, &name, &[], None, LIST_ENTRIES)?;
                    if keys.is_empty() {
                        break;
                    }
                    for key in keys {
                        store.state_delete(&entry, &name, &key)?;
                    }
                }
            }
            Ok(())
        })
        .await
    }
}

impl Store {
    /// Mails that are coming in for an account, and mails that came.
    async fn remove_arrivals(&self, name: &AccountName) -> Result<(), StorageError> {
        let partials: Vec<_> =
            self.inner.shared.partials().keys().filter(|key| key.account == *name).cloned().collect();
        for key in &partials {
            self.drop_partial(key).await?;
        }
        let account = name.clone();
        let found = self
            .list(move |transaction| {
                let mut found = Vec::new();
                for row in transaction.open_table(ARRIVALS)?.iter()? {
                    let row = row?;
                    let (sender, owner, mail) = row.0.value();
                    if owner == account.as_str() {
                        found.push(arrival_key((sender, owner, mail))?);
                    }
                }
                Ok(found)
            })
            .await?;
        for some in found.chunks(REMOVED_ROWS_AT_A_TIME) {
            let some = some.to_vec();
            self.remove(move |context| {
                for key in &some {
                    context.t.arrivals.write()?.remove(row_key(key))?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    async fn remove_documents(&self, name: &AccountName) -> Result<(), Error> {
        let owner = name.clone();
        let found = self
            .list(move |transaction| {
                let mut found: Vec<DocumentKey> = Vec::new();
                for row in transaction.open_table(DOCUMENTS)?.iter()? {
                    let row = row?;
                    let (kind, of, key) = row.0.value();
                    if of == owner.as_str() {
                        found.push((kind.to_owned(), of.to_owned(), key.to_vec()));
                    }
                }
                Ok(found)
            })
            .await?;
        for some in found.chunks(REMOVED_ROWS_AT_A_TIME) {
            let some = some.to_vec();
            self.remove(move |context| {
                for (kind, owner, key) in &some {
                    context.t.documents.write()?.remove((kind.as_str(), owner.as_str(), key.as_slice()))?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    async fn remove_decisions(&self, name: &AccountName) -> Result<(), Error> {
        // Those that wait for the disk are written first: then the rows are all there are.
        self.flush().await?;
        let account = name.clone();
        let found = self
            .list(move |transaction| {
                let mut found = Vec::new();
                for row in transaction.open_table(DECISIONS)?.iter()? {
                    let (id, row) = row?;
                    if row.value().2 == account.as_str() {
                        found.push(id.value());
                    }
                }
                Ok(found)
            })
            .await?;
        for some in found.chunks(REMOVED_ROWS_AT_A_TIME) {
            let some = some.to_vec();
            self.remove(move |context| decisions::drop_these(context, &some)).await?;
        }
        Ok(())
    }
}

/// Everything that is left of an account, in one step.
fn remove_records(context: &mut Context<'_, '_>, name: &str) -> Result<(), Error> {
    let stats = context.stats(name)?;
    if stats.mails > 0 {
        // Some came in meanwhile.
        return Err(Error::Invalid(format!("{name} has mails still: try again")));
    }
    forget_outcomes(context, name)?;
    let (first, last) = ([0; 32], [0xFF; 32]);
    context.t.contacts.write()?.retain_in((name, first)..=(name, last), |_, _| false)?;
    context.t.friend_requests.write()?.retain_in((name, first)..=(name, last), |_, _| false)?;
    context.t.declined.write()?.retain_in((name, first)..=(name, last), |_, _| false)?;
    context.t.written.write()?.retain_in((name, first)..=(name, last), |_, _| false)?;
    let pins = text_keys(context.t.pins.read()?, name)?;
    for pin in pins {
        context.t.pins.write()?.remove((name, pin.as_str()))?;
    }
    let aliases = text_keys(context.t.aliases.read()?, name)?;
    for alias in aliases {
        context.t.aliases.write()?.remove((name, alias.as_str()))?;
    }
    context.t.tox_saved.write()?.remove(name)?;
    context.t.disabled.write()?.remove(name)?;
    context.t.quarantine_counts.write()?.remove(name)?;
    context.t.bin.write()?.retain_in((name, 0)..=(name, u64::MAX), |_, _| false)?;
    context.t.stats.write()?.remove(name)?;
    standings::end(context, name)?;
    context.t.accounts.write()?.remove(name)?;
    Ok(())
}

/// Forgets what became of the account's mails.
fn forget_outcomes(context: &mut Context<'_, '_>, name: &str) -> Result<(), Error> {
    let range = (name, 0)..=(name, u64::MAX);
    let (mut ids, mut has_unreadable) = (Vec::new(), false);
    for row in context.t.outcomes.read()?.range(range.clone())? {
        match codec::decode::<Ended>(row?.1.value()) {
            Ok(ended) => ids.push(ended.id.0),
            Err(_) => has_unreadable = true,
        }
    }
    let index = context.t.outcome_ids.write()?;
    if has_unreadable {
        index.retain(|_, (account, _)| account != name)?;
    }
    for id in ids {
        index.remove(id)?;
    }
    context.t.outcomes.write()?.retain_in(range, |_, _| false)?;
    Ok(())
}

/// The second halves of an account's keys.
pub(crate) fn text_keys<V: redb::Value + 'static>(
    table: &impl ReadableTable<(&'static str, &'static str), V>,
    name: &str,
) -> Result<Vec<String>, Error> {
    let mut keys = Vec::new();
    for row in table.range((name, "")..)? {
        let row = row?;
        let (account, key) = row.0.value();
        if account != name {
            break;
        }
        keys.push(key.to_owned());
    }
    Ok(keys)
}
