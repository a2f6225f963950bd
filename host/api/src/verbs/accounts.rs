//! Accounts: the owner's to manage.

use mail::AccountName;

use crate::dto;
use crate::limits::REMOVE_TIME;
use crate::{Anybody, Created, Empty, Json, List, One, OptionalJson, Owner, ProfileFile};

endpoints! {
    /// All accounts; for the owner.
    ListAccounts: GET "/accounts" as list_accounts for Owner { answer: List<dto::Account> }

    /// Creates an account; for the owner.
    AddAccount: POST "/accounts" as add_account for Owner {
        body: Json<dto::NewAccount>, answer: Created<dto::Credentials>
    }

    /// Sets a password. The owner may set every password, a user only their own.
    SetPassword: PUT "/accounts/{name}/password" as set_password for Anybody {
        path: AccountName, body: OptionalJson<dto::NewPassword>, answer: One<dto::Credentials>
    }

    /// Creates an account from the profile of another Tox program, with its identity and with its
    /// friends as contacts; for the owner. The body is the profile.
    ImportProfile: POST "/accounts/{name}/import" as import_profile for Owner {
        path: AccountName, body: ProfileFile, answer: Created<dto::ImportedAccount>
    }

    /// Removes an account with its mail, contacts and identity for good; for the owner.
    RemoveAccount: DELETE "/accounts/{name}" as remove_account for Owner {
        path: AccountName, answer: Empty, time: REMOVE_TIME
    }

    /// Switches an account on again; for the owner.
    EnableAccount: POST "/accounts/{name}/enable" as enable_account for Owner { path: AccountName, answer: Empty }

    /// Switches an account off; for the owner. Nobody can log in, and mail to it waits at its
    /// senders.
    DisableAccount: POST "/accounts/{name}/disable" as disable_account for Owner { path: AccountName, answer: Empty }
}
