//! Removing an account with everything that is its.

use mail::AccountName;
use mail::record::Outcome;
use redb::ReadableTable;

use crate::Store;
use crate::codec;
use crate::context::Context;
use crate::error::Error;
use crate::limits::LIST_ENTRIES;
use crate::mailbox::describe;
use crate::outcomes::Ended;
use crate::tables::STATE_USAGE;

/// Mails deleted in one step: others come in between.
const MAILS_AT_A_TIME: usize = 1000;

impl Store {
    /// Removes an account: its mails, what waits of it in the outbox (recorded as cancelled until the account itself goes),
    /// contacts, identity, password. In steps, the password first and the record of the account last: after a crash in between the
    /// account is there with what is left, nobody can log in, and this can be called again.
    ///
    /// What is remembered of arrivals for dedupe stays until it is swept.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such account; [`Error::Invalid`] for the owner.
    pub async fn remove_account(&self, name: &AccountName) -> Result<(), Error> {
        let account = self.account(name).await?.ok_or(Error::NotFound)?;
        if account.owner {
            return Err(Error::Invalid("the owner's account cannot be removed".to_owned()));
        }
        let locked = name.clone();
        self.remove(move |context| {
            context.t.credentials.write()?.remove(locked.as_str())?;
            Ok(())
        })
        .await?;
        self.remove_mails(name).await?;
        self.remove_state(name).await?;
        let name = name.clone();
        self.remove(move |context| remove_records(context, name.as_str())).await
    }

    async fn remove_mails(&self, name: &AccountName) -> Result<(), Error> {
        self.remove_outbox(name).await?;
        let numbers: Vec<u64> = self.mailbox_list(name).await?.iter().map(|item| item.number).collect();
        for some in numbers.chunks(MAILS_AT_A_TIME) {
            self.mailbox_delete(name, some.to_vec()).await?;
        }
        for entry in self.quarantine(name).await? {
            match self.delete_quarantined(name, entry.mail.uidl).await {
                Ok(()) | Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn remove_outbox(&self, name: &AccountName) -> Result<(), Error> {
        let mut page = self.outbox_page(None, MAILS_AT_A_TIME).await?;
        while let Some(last) = page.last().map(|entry| entry.id) {
            for entry in page.into_iter().filter(|entry| entry.account == *name) {
                match self.finish_outbox(entry.id, Outcome::Cancelled, Vec::new()).await {
                    // It ended by itself meanwhile.
                    Ok(()) | Err(Error::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
            page = self.outbox_page(Some(last), MAILS_AT_A_TIME).await?;
        }
        Ok(())
    }

    async fn remove_state(&self, name: &AccountName) -> Result<(), Error> {
        let (store, name) = (self.clone(), name.clone());
        self.off_async(move || {
            let entries = store.get(|transaction| {
                let usage = transaction.open_table(STATE_USAGE)?;
                let mut entries = Vec::new();
                for row in usage.iter()? {
                    let row = row?;
                    let (entry, account) = row.0.value();
                    if account == name.as_str() {
                        entries.push(entry.to_owned());
                    }
                }
                Ok(entries)
            })?;
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

/// Everything that is left of an account, in one step.
fn remove_records(context: &mut Context<'_, '_>, name: &str) -> Result<(), Error> {
    let stats = context.stats(name)?;
    if stats.mails > 0 {
        // Some came in meanwhile.
        return Err(Error::Invalid(format!("{name} has mails still: try again")));
    }
    let ids = ended_ids(context, name)?;
    for id in ids {
        context.t.outcome_ids.write()?.remove(id)?;
    }
    let (first, last) = ([0; 32], [0xFF; 32]);
    context.t.outcomes.write()?.retain_in((name, 0)..=(name, u64::MAX), |_, _| false)?;
    context.t.contacts.write()?.retain_in((name, first)..=(name, last), |_, _| false)?;
    context.t.friend_requests.write()?.retain_in((name, first)..=(name, last), |_, _| false)?;
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
    context.t.stats.write()?.remove(name)?;
    context.t.accounts.write()?.remove(name)?;
    Ok(())
}

fn ended_ids(context: &mut Context<'_, '_>, name: &str) -> Result<Vec<[u8; 16]>, Error> {
    let outcomes = context.t.outcomes.read()?;
    let rows = outcomes.range((name, 0)..=(name, u64::MAX))?;
    rows.map(|row| {
        let (key, bytes) = row?;
        codec::read::<Ended>(bytes.value(), || describe(name, key.value().1)).map(|ended| ended.id.0)
    })
    .collect()
}

/// The second halves of an account's keys.
fn text_keys<V: redb::Value + 'static>(
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
