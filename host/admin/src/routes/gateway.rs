//! The gateway as a whole.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::access::Caller;
use crate::dto::{History, Identity, Log, MailSettings, Status};
use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::metrics;
use crate::openapi::AccountQuery;
use crate::problem::Refused;
use crate::shared::{Account, OwnerOnly, run};

pub async fn health() -> StatusCode {
    StatusCode::NO_CONTENT
}

pub async fn metrics(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
) -> Result<Response, Refused> {
    let metrics = run(REQUEST_TIME, async move { Ok(management.metrics().await) }).await?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::to_text(&metrics)).into_response())
}

/// How an account and the gateway are doing.
#[utoipa::path(get, path = "/status", operation_id = "status", params(AccountQuery), responses((status = 200, body = Status)))]
pub async fn status(
    State(management): State<Arc<dyn Management>>,
    caller: Caller,
    Account(account): Account,
) -> Result<Json<Status>, Refused> {
    let mut status = run(REQUEST_TIME, async move { management.status(&account).await }).await?;
    if !caller.is_owner() {
        // It may have happened with the mail of somebody else.
        status.slots.iter_mut().for_each(|entry| entry.last_failure = None);
    }
    Ok(Json(status))
}

/// Figures of the last hour and days; for the owner.
#[utoipa::path(get, path = "/history", operation_id = "history", responses((status = 200, body = History)))]
pub async fn history(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
) -> Result<Json<History>, Refused> {
    run(REQUEST_TIME, async move { management.history().await }).await.map(Json)
}

/// The last lines of the gateway's own log; for the owner.
#[utoipa::path(get, path = "/log", operation_id = "log", responses((status = 200, body = Log)))]
pub async fn log(_: OwnerOnly, State(management): State<Arc<dyn Management>>) -> Result<Json<Log>, Refused> {
    run(REQUEST_TIME, async move { management.log().await }).await.map(Json)
}

/// What to enter in a mail program.
#[utoipa::path(get, path = "/mail-settings", operation_id = "mail_settings", params(AccountQuery), responses((status = 200, body = MailSettings)))]
pub async fn mail_settings(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
) -> Result<Json<MailSettings>, Refused> {
    run(REQUEST_TIME, async move { management.mail_settings(&account).await }).await.map(Json)
}

/// Tox ID and addresses of an account.
#[utoipa::path(get, path = "/identity", operation_id = "identity", params(AccountQuery), responses((status = 200, body = Identity)))]
pub async fn identity(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
) -> Result<Json<Identity>, Refused> {
    run(REQUEST_TIME, async move { management.identity(&account).await }).await.map(Json)
}
