//! What went wrong below, as the web API says it.

use admin::management::ManagementError;
use gateway::ContactError;
use mail::storage::StorageError;
use sandbox::{LibraryError, SwapError};

use crate::accounts::AccountError;

pub fn storage(error: impl Into<StorageError>) -> ManagementError {
    let error = error.into();
    let text = error.to_string();
    match error {
        StorageError::NotFound => ManagementError::NotFound(text),
        StorageError::Exists(_) => ManagementError::Conflict(text),
        StorageError::LimitReached(_) => ManagementError::TooLarge(text),
        StorageError::Full => ManagementError::Unavailable(text),
        StorageError::Failed(_) => ManagementError::Internal(text),
    }
}

pub fn contact_error(error: ContactError) -> ManagementError {
    let text = error.to_string();
    match error {
        ContactError::NoAccount(_)
        | ContactError::NoContact
        | ContactError::NoRequest
        | ContactError::NotTold(_) => ManagementError::NotFound(text),
        ContactError::ImpossibleKey => ManagementError::Unprocessable(text),
        ContactError::Storage(error) => storage(error),
        _ => ManagementError::Conflict(text),
    }
}

pub fn account_error(error: AccountError) -> ManagementError {
    let text = error.to_string();
    match error {
        AccountError::Store(error) => storage(error),
        AccountError::Password(_) | AccountError::Profile(_) => ManagementError::Unprocessable(text),
        AccountError::KnownIdentity(_) | AccountError::Owner => ManagementError::Conflict(text),
        AccountError::Tox { .. } => ManagementError::Unavailable(text),
        _ => ManagementError::Internal(text),
    }
}

pub fn library_error(error: LibraryError) -> ManagementError {
    let text = error.to_string();
    match error {
        LibraryError::Unknown(_) => ManagementError::NotFound(text),
        LibraryError::Full => ManagementError::TooLarge(text),
        LibraryError::Directory { .. } => ManagementError::Internal(text),
        LibraryError::Stopped => ManagementError::Unavailable(text),
        _ => ManagementError::Unprocessable(text),
    }
}

pub fn swap_error(error: SwapError) -> ManagementError {
    let text = error.to_string();
    match error {
        SwapError::Library(error) => library_error(error),
        SwapError::NoEntry { .. } => ManagementError::NotFound(text),
        SwapError::NothingToRollBack(_) | SwapError::WhichEntry(_) | SwapError::InUse { .. } => {
            ManagementError::Conflict(text)
        }
        SwapError::Invalid(_) | SwapError::Tuning(_) | SwapError::TooLarge { .. } => {
            ManagementError::Unprocessable(text)
        }
        SwapError::Keeper(_) | SwapError::State(_) | SwapError::Replay(_) => ManagementError::Internal(text),
    }
}
