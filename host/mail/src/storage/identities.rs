//! What the Tox instances of accounts save.

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::StorageError;
use crate::AccountName;

/// Tox saved data: the secret key and the friends of each account.
#[async_trait]
pub trait Identities: Send + Sync {
    /// The saved data of an account's Tox instance. It holds the secret key.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    async fn tox_saved(&self, account: &AccountName) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError>;

    /// Replaces the saved data of an account's Tox instance. Older data may stay readable on the
    /// disk until its place is used again.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such account; [`StorageError::LimitReached`] where
    /// it is too long.
    async fn put_tox_saved(
        &self,
        account: &AccountName,
        saved: Zeroizing<Vec<u8>>,
    ) -> Result<(), StorageError>;
}
