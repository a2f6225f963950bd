//! Accounts and whom they know.

use async_trait::async_trait;

use super::StorageError;
use crate::record::{Account, Contact, FriendRequest, Pin};
use crate::{AccountName, Address, PublicKey, Wall};

/// Accounts, their contacts, friend requests and pins.
#[async_trait]
pub trait People: Send + Sync {
    /// All accounts; the owner first, then in the order of names. One whose record cannot be read
    /// has no addresses and no time of its making; everything else that is its works.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn accounts(&self) -> Result<Vec<Account>, StorageError>;

    /// The contacts of an account, in the order of keys.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn contacts(&self, account: &AccountName) -> Result<Vec<Contact>, StorageError>;

    /// Adds or replaces a contact (same key). A waiting friend request of that key goes in the same
    /// step, and so does that it was declined.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if the alias belongs to another key; [`StorageError::NotFound`] if
    /// there is no such account; [`StorageError::LimitReached`].
    async fn put_contact(&self, account: &AccountName, contact: Contact) -> Result<(), StorageError>;

    /// Removes a contact; nothing happens where there is none.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such account.
    async fn remove_contact(&self, account: &AccountName, key: PublicKey) -> Result<(), StorageError>;

    /// Friend requests that wait for the user, in the order of keys.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn friend_requests(&self, account: &AccountName) -> Result<Vec<FriendRequest>, StorageError>;

    /// Adds or replaces (same key) a waiting friend request.
    ///
    /// # Errors
    /// [`StorageError::LimitReached`] when too many wait; [`StorageError::NotFound`] if there is no
    /// such account.
    async fn put_friend_request(
        &self,
        account: &AccountName,
        request: FriendRequest,
    ) -> Result<(), StorageError>;

    /// Removes a waiting friend request, if there is one, and remembers that this key is not
    /// wanted, until [`People::put_contact`] makes it a contact. Of more keys than the store keeps,
    /// the one that was declined first is forgotten.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such account.
    async fn decline(&self, account: &AccountName, key: PublicKey, now: Wall) -> Result<(), StorageError>;

    /// Whether [`People::decline`] was called for this key.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn is_declined(&self, account: &AccountName, key: PublicKey) -> Result<bool, StorageError>;

    /// The pins of an account that can be read, in the order of names.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn pins(&self, account: &AccountName) -> Result<Vec<Pin>, StorageError>;

    /// Names whose pin is there and cannot be read: [`People::put_pin`] replaces it.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn unreadable_pins(&self, account: &AccountName) -> Result<Vec<Address>, StorageError>;

    /// Adds or replaces a pin.
    ///
    /// # Errors
    /// [`StorageError::LimitReached`]; [`StorageError::NotFound`] if there is no such account.
    async fn put_pin(&self, account: &AccountName, pin: Pin) -> Result<(), StorageError>;
}
