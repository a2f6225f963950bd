//! Accounts: the owner's to manage.

use std::sync::Arc;

use api::verbs::{
    AddAccount, DisableAccount, EnableAccount, ImportProfile, ListAccounts, RemoveAccount, SetPassword,
};
use mail::AccountName;

use crate::access::Session;
use crate::dto::{Credentials, Password};
use crate::limits::{REMOVE_TIME, REQUEST_TIME};
use crate::problem::Refused;
use crate::service::Routes;
use crate::shared::{Shared, run};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .verb(ListAccounts, |management, _| async move { management.accounts().await })
        .verb(AddAccount, |management, call| async move { management.add_account(call.body).await })
        .handler(SetPassword, |call| async move {
            call.caller.may_manage(&call.path)?;
            set(&call.shared, call.caller.session(), call.path, call.body.password).await
        })
        .verb(ImportProfile, |management, call| async move {
            management.import_profile(call.path, call.body.bytes, call.body.password).await
        })
        .handler(RemoveAccount, |call| async move { remove(&call.shared, call.path).await })
        .handler(EnableAccount, |call| async move { switch(&call.shared, call.path, true).await })
        .handler(DisableAccount, |call| async move { switch(&call.shared, call.path, false).await })
}

async fn remove(shared: &Shared, name: AccountName) -> Result<(), Refused> {
    let management = shared.management.clone();
    let removed = run(REMOVE_TIME, async move { management.remove_account(&name).await }).await;
    // Also where it takes longer or failed half-way: nobody is logged in from its first step on.
    shared.access.end_those_over();
    removed
}

async fn switch(shared: &Shared, name: AccountName, enabled: bool) -> Result<(), Refused> {
    let management = shared.management.clone();
    let switched =
        run(REQUEST_TIME, async move { management.set_account_enabled(&name, enabled).await }).await;
    shared.access.end_those_over();
    switched
}

/// Sets a password, and logs out every browser that knew the old one, but the one that asked.
pub(crate) async fn set(
    shared: &Shared,
    session: Option<&Arc<Session>>,
    name: AccountName,
    password: Option<Password>,
) -> Result<Credentials, Refused> {
    let (management, account) = (shared.management.clone(), name.clone());
    let verb = async move { management.set_password(&name, password).await };
    let set = run(REQUEST_TIME, verb).await;
    if let Some(session) = session.filter(|session| set.is_ok() && session.account == account)
        && let Some(login) = shared.access.login.current(&account)
    {
        session.renew(login);
    }
    shared.access.end_those_over();
    set
}
