//! Accounts: the owner's to manage.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mail::AccountName;

use super::run;
use crate::dto::{Account, Credentials, NewAccount, NewPassword};
use crate::extract::{JsonBody, OptionalJsonBody, Segment};
use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::problem::Refused;

pub async fn list(State(management): State<Arc<dyn Management>>) -> Result<Json<Vec<Account>>, Refused> {
    run(REQUEST_TIME, async move { management.accounts().await }).await.map(Json)
}

pub async fn add(
    State(management): State<Arc<dyn Management>>,
    JsonBody(account): JsonBody<NewAccount>,
) -> Result<(StatusCode, Json<Credentials>), Refused> {
    let added = run(REQUEST_TIME, async move { management.add_account(account).await }).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

pub async fn set_password(
    State(management): State<Arc<dyn Management>>,
    Segment(name): Segment<AccountName>,
    OptionalJsonBody(NewPassword { password }): OptionalJsonBody<NewPassword>,
) -> Result<Json<Credentials>, Refused> {
    run(REQUEST_TIME, async move { management.set_password(&name, password).await }).await.map(Json)
}
