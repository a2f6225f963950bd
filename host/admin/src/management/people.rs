//! Whom an account writes to: a part of [`Management`](super::Management).

use async_trait::async_trait;
use mail::{AccountName, Address, PublicKey};

use super::Result;
use crate::dto::{Contact, ContactRequest, Listing, NewContact, Page, Pin, ToldName};

/// Contacts, friend requests, and names pinned to keys.
#[async_trait]
pub trait People: Send + Sync + 'static {
    /// Contacts in the order of their alias; the cursor is the last alias seen.
    async fn contacts(&self, account: &AccountName, page: &Page) -> Result<Listing<Contact>>;
    /// Adds a contact and sends a friend request. An address in DNS is looked up first.
    async fn add_contact(&self, account: &AccountName, contact: NewContact) -> Result<Contact>;
    /// Gives a contact another alias.
    async fn rename_contact(
        &self,
        account: &AccountName,
        alias: &AccountName,
        new: AccountName,
    ) -> Result<Contact>;
    /// Removes a contact; on Tox the friendship ends. Later friend requests of one that is blocked
    /// are ignored.
    async fn remove_contact(&self, account: &AccountName, alias: &AccountName, block: bool) -> Result<()>;
    /// The names that a contact's gateway claims, and what they are worth (a bounded number by
    /// nature).
    async fn told_names(&self, account: &AccountName, alias: &AccountName) -> Result<Vec<ToldName>>;
    /// Pins a name that a contact claims to their key, because the user says that it is theirs.
    async fn confirm_name(
        &self,
        account: &AccountName,
        alias: &AccountName,
        address: &Address,
    ) -> Result<ToldName>;
    /// Friend requests that wait for the user (a bounded number by nature).
    async fn contact_requests(&self, account: &AccountName) -> Result<Vec<ContactRequest>>;
    /// Accepts a waiting friend request. Without an alias the gateway picks a free one.
    async fn accept_contact(
        &self,
        account: &AccountName,
        key: PublicKey,
        alias: Option<AccountName>,
    ) -> Result<Contact>;
    /// Declines a waiting friend request; later ones of that key are ignored.
    async fn decline_contact(&self, account: &AccountName, key: PublicKey) -> Result<()>;
    /// Names that lead to another key than the pinned one, or whose pin cannot be read: mail to them waits for the user.
    async fn changed_pins(&self, account: &AccountName) -> Result<Vec<Pin>>;
    /// Pins a name to the key it changed to; waiting mail goes there.
    async fn accept_pin(&self, account: &AccountName, address: &Address) -> Result<Pin>;
}
