//! Accounts: the owner's to manage.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mail::AccountName;

use crate::access::{Caller, Session};
use crate::dto::{Account, Credentials, ImportedAccount, NewAccount, NewPassword, Password};
use crate::extract::{JsonBody, OptionalJsonBody, ProfileBody, Segment};
use crate::limits::{REMOVE_TIME, REQUEST_TIME};
use crate::management::Management;
use crate::openapi::ProfilePassword;
use crate::problem::Refused;
use crate::shared::{OwnerOnly, Shared, run};

/// All accounts; for the owner.
#[utoipa::path(get, path = "/accounts", operation_id = "list_accounts", responses((status = 200, body = Vec<Account>)))]
pub async fn list(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
) -> Result<Json<Vec<Account>>, Refused> {
    run(REQUEST_TIME, async move { management.accounts().await }).await.map(Json)
}

/// Makes an account; for the owner.
#[utoipa::path(post, path = "/accounts", operation_id = "add_account", request_body = NewAccount, responses((status = 201, body = Credentials)))]
pub async fn add(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    JsonBody(account): JsonBody<NewAccount>,
) -> Result<(StatusCode, Json<Credentials>), Refused> {
    let added = run(REQUEST_TIME, async move { management.add_account(account).await }).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// Sets a password: the owner anybody's, a user their own.
#[utoipa::path(put, path = "/accounts/{name}/password", operation_id = "set_password", params(("name" = String, Path)), request_body = Option<NewPassword>, responses((status = 200, body = Credentials)))]
pub async fn set_password(
    caller: Caller,
    State(shared): State<Shared>,
    Segment(name): Segment<AccountName>,
    OptionalJsonBody(NewPassword { password }): OptionalJsonBody<NewPassword>,
) -> Result<Json<Credentials>, Refused> {
    caller.may_manage(&name)?;
    set(&shared, caller.session(), name, password).await.map(Json)
}

/// Makes an account with the identity of another Tox program, its friends as contacts; for the owner. The body is the profile.
#[utoipa::path(post, path = "/accounts/{name}/import", operation_id = "import_profile", params(("name" = String, Path), ProfilePassword), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 201, body = ImportedAccount)))]
pub async fn import(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    Segment(name): Segment<AccountName>,
    ProfileBody { profile, password }: ProfileBody,
) -> Result<(StatusCode, Json<ImportedAccount>), Refused> {
    let made =
        run(REQUEST_TIME, async move { management.import_profile(name, profile, password).await }).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Removes an account with its mail, contacts and identity for good; for the owner.
#[utoipa::path(delete, path = "/accounts/{name}", operation_id = "remove_account", params(("name" = String, Path)), responses((status = 204)))]
pub async fn remove(
    _: OwnerOnly,
    State(shared): State<Shared>,
    Segment(name): Segment<AccountName>,
) -> Result<StatusCode, Refused> {
    let (management, account) = (shared.management.clone(), name.clone());
    run(REMOVE_TIME, async move { management.remove_account(&name).await }).await?;
    shared.access.sessions.end_those_of(&account, None);
    Ok(StatusCode::NO_CONTENT)
}

/// Switches an account on again; for the owner.
#[utoipa::path(post, path = "/accounts/{name}/enable", operation_id = "enable_account", params(("name" = String, Path)), responses((status = 204)))]
pub async fn enable(
    _: OwnerOnly,
    State(shared): State<Shared>,
    Segment(name): Segment<AccountName>,
) -> Result<StatusCode, Refused> {
    switch(&shared, name, true).await
}

/// Switches an account off: nobody can log in, mail to it waits at the senders; for the owner.
#[utoipa::path(post, path = "/accounts/{name}/disable", operation_id = "disable_account", params(("name" = String, Path)), responses((status = 204)))]
pub async fn disable(
    _: OwnerOnly,
    State(shared): State<Shared>,
    Segment(name): Segment<AccountName>,
) -> Result<StatusCode, Refused> {
    switch(&shared, name, false).await
}

async fn switch(shared: &Shared, name: AccountName, enabled: bool) -> Result<StatusCode, Refused> {
    let (management, account) = (shared.management.clone(), name.clone());
    run(REQUEST_TIME, async move { management.set_account_enabled(&name, enabled).await }).await?;
    if !enabled {
        shared.access.sessions.end_those_of(&account, None);
    }
    Ok(StatusCode::NO_CONTENT)
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
    let credentials = run(REQUEST_TIME, verb).await?;
    shared.access.sessions.end_those_of(&account, session);
    Ok(credentials)
}
