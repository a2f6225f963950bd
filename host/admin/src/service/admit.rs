//! Who may ask an endpoint, and about which account.

use std::future::Future;

use api::{Anybody, OfAccount, Owner, OwnerForAccount, Who};
use mail::AccountName;

use crate::access::Caller;
use crate::problem::Refused;
use crate::shared::Shared;

/// Lets callers pass.
pub(crate) trait Admit: Who {
    /// The account a request is about; `()` where it is about none.
    type Account: Send + 'static;

    /// Passes for callers who may ask at all, before anything else of the request is looked at.
    ///
    /// # Errors
    /// 403 for everybody else.
    fn check(caller: &Caller) -> Result<(), Refused>;

    /// The account that a request is about; `named` is the one in its query.
    ///
    /// # Errors
    /// 403 where it is not the caller's.
    fn account(
        shared: &Shared,
        caller: &Caller,
        named: Option<&AccountName>,
    ) -> impl Future<Output = Result<Self::Account, Refused>> + Send;
}

impl Admit for Owner {
    type Account = ();

    fn check(caller: &Caller) -> Result<(), Refused> {
        caller.must_be_owner()
    }

    async fn account(_: &Shared, _: &Caller, _: Option<&AccountName>) -> Result<(), Refused> {
        Ok(())
    }
}

impl Admit for OwnerForAccount {
    type Account = AccountName;

    fn check(caller: &Caller) -> Result<(), Refused> {
        caller.must_be_owner()
    }

    async fn account(
        shared: &Shared,
        caller: &Caller,
        named: Option<&AccountName>,
    ) -> Result<AccountName, Refused> {
        OfAccount::account(shared, caller, named).await
    }
}

impl Admit for OfAccount {
    type Account = AccountName;

    fn check(_caller: &Caller) -> Result<(), Refused> {
        Ok(())
    }

    async fn account(
        shared: &Shared,
        caller: &Caller,
        named: Option<&AccountName>,
    ) -> Result<AccountName, Refused> {
        match (named, caller.own_account()) {
            (Some(account), _) => {
                caller.may_manage(account)?;
                Ok(account.clone())
            }
            (None, Some(own)) => Ok(own.clone()),
            (None, None) => Ok(shared.management.owner().await?),
        }
    }
}

impl Admit for Anybody {
    type Account = ();

    fn check(_caller: &Caller) -> Result<(), Refused> {
        Ok(())
    }

    async fn account(_: &Shared, _: &Caller, _: Option<&AccountName>) -> Result<(), Refused> {
        Ok(())
    }
}
