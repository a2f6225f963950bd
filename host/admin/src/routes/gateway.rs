//! The gateway as a whole.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{Account, run};
use crate::dto::{Identity, Status};
use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::metrics;
use crate::problem::Refused;

pub async fn health() -> StatusCode {
    StatusCode::NO_CONTENT
}

pub async fn metrics(State(management): State<Arc<dyn Management>>) -> Result<Response, Refused> {
    let metrics = run(REQUEST_TIME, async move { Ok(management.metrics().await) }).await?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::to_text(&metrics)).into_response())
}

pub async fn status(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
) -> Result<Json<Status>, Refused> {
    run(REQUEST_TIME, async move { management.status(&account).await }).await.map(Json)
}

pub async fn identity(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
) -> Result<Json<Identity>, Refused> {
    run(REQUEST_TIME, async move { management.identity(&account).await }).await.map(Json)
}
