//! Contacts, friend requests and pins.

use async_trait::async_trait;
use mail::record::{Account, Contact, FriendRequest, Pin};
use mail::storage::{People, StorageError};
use mail::{AccountName, Address, PublicKey, Wall};
use redb::ReadableTable;

use crate::Store;
use crate::engine::codec;
use crate::engine::context::Context;
use crate::engine::tables::{CONTACTS, DECLINED, FRIEND_REQUESTS};
use crate::error::Error;
use crate::limits::{
    CONTACTS as CONTACTS_LIMIT, DECLINED as DECLINED_LIMIT, FRIEND_REQUESTS as REQUESTS_LIMIT,
    PINS as PINS_LIMIT,
};
use crate::records::{accounts, pins};
use crate::upkeep::removal::text_keys;
use crate::upkeep::unreadable::View;

/// The smallest and the largest key, for ranges over all.
const ALL_KEYS: ([u8; 32], [u8; 32]) = ([0; 32], [0xFF; 32]);

#[async_trait]
impl People for Store {
    async fn contacts(&self, account: &AccountName) -> Result<Vec<Contact>, StorageError> {
        let account = account.clone();
        Ok(self.list(move |transaction| contacts(transaction, account.as_str())).await?)
    }

    async fn put_contact(&self, account: &AccountName, contact: Contact) -> Result<(), StorageError> {
        let account = account.clone();
        Ok(self.put(move |context| put_contact(context, account.as_str(), &contact)).await?)
    }

    async fn remove_contact(&self, account: &AccountName, key: PublicKey) -> Result<(), StorageError> {
        let account = account.clone();
        Ok(self.remove(move |context| remove_contact(context, account.as_str(), key)).await?)
    }

    async fn friend_requests(&self, account: &AccountName) -> Result<Vec<FriendRequest>, StorageError> {
        let account = account.clone();
        Ok(self.list(move |transaction| friend_requests(transaction, account.as_str())).await?)
    }

    async fn put_friend_request(
        &self,
        account: &AccountName,
        request: FriendRequest,
    ) -> Result<(), StorageError> {
        let account = account.clone();
        Ok(self.put(move |context| put_friend_request(context, account.as_str(), &request)).await?)
    }

    async fn decline(&self, account: &AccountName, key: PublicKey, now: Wall) -> Result<(), StorageError> {
        let account = account.clone();
        Ok(self.put(move |context| decline(context, account.as_str(), key, now)).await?)
    }

    async fn is_declined(&self, account: &AccountName, key: PublicKey) -> Result<bool, StorageError> {
        let account = account.clone();
        let is_there = move |transaction: &View<'_>| {
            Ok(transaction.open_table(DECLINED)?.get((account.as_str(), key.0))?.is_some())
        };
        Ok(self.list(is_there).await?)
    }

    async fn put_pin(&self, account: &AccountName, pin: Pin) -> Result<(), StorageError> {
        let account = account.clone();
        Ok(self.put(move |context| put_pin(context, account.as_str(), &pin)).await?)
    }

    async fn pins(&self, account: &AccountName) -> Result<Vec<Pin>, StorageError> {
        let account = account.clone();
        Ok(self.list(move |transaction| Ok(pins::of(transaction, &account)?.0)).await?)
    }

    async fn unreadable_pins(&self, account: &AccountName) -> Result<Vec<Address>, StorageError> {
        let account = account.clone();
        Ok(self.list(move |transaction| Ok(pins::of(transaction, &account)?.1)).await?)
    }

    async fn accounts(&self) -> Result<Vec<Account>, StorageError> {
        Ok(self.list(accounts::all).await?)
    }
}

pub(crate) fn put_contact(
    context: &mut Context<'_, '_>,
    account: &str,
    contact: &Contact,
) -> Result<(), Error> {
    let mut stats = context.stats(account)?;
    let (key, alias) = ((account, contact.key.0), contact.alias.as_str());
    let holder = context.t.aliases.read()?.get((account, alias))?.map(|key| key.value());
    if holder.is_some_and(|holder| holder != contact.key.0) {
        return Err(Error::Exists(alias.to_owned()));
    }
    match load_contact(context, account, contact.key)? {
        Some(old) => remove_alias(context, account, contact.key, old.as_ref())?,
        None if stats.contacts >= CONTACTS_LIMIT => {
            return Err(Error::LimitReached(format!(
                "{account} has {CONTACTS_LIMIT} contacts, the most there can be: remove some"
            )));
        }
        None => {
            stats.contacts += 1;
            context.put_stats(account, stats)?;
        }
    }
    let record = codec::encode(contact)?;
    context.t.contacts.write()?.insert(key, record.as_slice())?;
    context.t.aliases.write()?.insert((account, alias), contact.key.0)?;
    context.t.friend_requests.write()?.remove(key)?;
    context.t.declined.write()?.remove(key)?;
    Ok(())
}

fn remove_contact(context: &mut Context<'_, '_>, account: &str, key: PublicKey) -> Result<(), Error> {
    let mut stats = context.stats(account)?;
    let Some(old) = load_contact(context, account, key)? else { return Ok(()) };
    stats.contacts = stats.contacts.saturating_sub(1);
    context.put_stats(account, stats)?;
    context.t.contacts.write()?.remove((account, key.0))?;
    remove_alias(context, account, key, old.as_ref())
}

/// Removes the alias of a contact; where its record cannot be read, whatever leads to its key.
fn remove_alias(
    context: &mut Context<'_, '_>,
    account: &str,
    key: PublicKey,
    contact: Option<&Contact>,
) -> Result<(), Error> {
    if let Some(contact) = contact {
        context.t.aliases.write()?.remove((account, contact.alias.as_str()))?;
        return Ok(());
    }
    for alias in text_keys(context.t.aliases.read()?, account)? {
        let place = (account, alias.as_str());
        let leads_to = context.t.aliases.read()?.get(place)?.map(|row| row.value());
        if leads_to == Some(key.0) {
            context.t.aliases.write()?.remove(place)?;
        }
    }
    Ok(())
}

/// The contact of a key, which is inside None where its record cannot be read.
fn load_contact(
    context: &mut Context<'_, '_>,
    account: &str,
    key: PublicKey,
) -> Result<Option<Option<Contact>>, Error> {
    let unreadable = &context.shared.unreadable;
    let contacts = context.t.contacts.read()?;
    let record = contacts.get((account, key.0))?;
    Ok(record.map(|bytes| unreadable.readable(&(account, key.0), bytes.value())))
}

fn put_friend_request(
    context: &mut Context<'_, '_>,
    account: &str,
    request: &FriendRequest,
) -> Result<(), Error> {
    context.stats(account)?;
    let key = (account, request.key.0);
    let requests = context.t.friend_requests.read()?;
    if requests.get(key)?.is_none() {
        let (first, last) = ALL_KEYS;
        let waiting = requests.range((account, first)..=(account, last))?.count();
        if waiting >= REQUESTS_LIMIT {
            return Err(Error::LimitReached(format!(
                "{REQUESTS_LIMIT} friend requests wait for {account}: accept or remove some"
            )));
        }
    }
    let record = codec::encode(request)?;
    context.t.friend_requests.write()?.insert(key, record.as_slice())?;
    Ok(())
}

fn decline(context: &mut Context<'_, '_>, account: &str, key: PublicKey, now: Wall) -> Result<(), Error> {
    context.stats(account)?;
    context.t.friend_requests.write()?.remove((account, key.0))?;
    // One that is declined again makes no other one go.
    context.t.declined.write()?.remove((account, key.0))?;
    let (first, last) = ALL_KEYS;
    let mut all: Vec<(u64, [u8; 32])> = Vec::new();
    for row in context.t.declined.read()?.range((account, first)..=(account, last))? {
        let (row, when) = row?;
        all.push((when.value(), row.value().1));
    }
    if let Some((_, oldest)) = all.iter().min().filter(|_| all.len() >= DECLINED_LIMIT) {
        context.t.declined.write()?.remove((account, *oldest))?;
    }
    context.t.declined.write()?.insert((account, key.0), now.0)?;
    Ok(())
}

fn put_pin(context: &mut Context<'_, '_>, account: &str, pin: &Pin) -> Result<(), Error> {
    let mut stats = context.stats(account)?;
    let address = pin.address.to_string();
    let key = (account, address.as_str());
    if context.t.pins.read()?.get(key)?.is_none() {
        if stats.pins >= PINS_LIMIT {
            return Err(Error::LimitReached(format!(
                "{account} has {PINS_LIMIT} pinned names, the most there can be"
            )));
        }
        stats.pins += 1;
        context.put_stats(account, stats)?;
    }
    let record = codec::encode(pin)?;
    context.t.pins.write()?.insert(key, record.as_slice())?;
    Ok(())
}

fn contacts(transaction: &View<'_>, account: &str) -> Result<Vec<Contact>, Error> {
    let table = transaction.open_table(CONTACTS)?;
    let (first, last) = ALL_KEYS;
    transaction.records(table.range((account, first)..=(account, last))?).collect()
}

fn friend_requests(transaction: &View<'_>, account: &str) -> Result<Vec<FriendRequest>, Error> {
    let table = transaction.open_table(FRIEND_REQUESTS)?;
    let (first, last) = ALL_KEYS;
    transaction.records(table.range((account, first)..=(account, last))?).collect()
}
