//! Mails that wait, and mails that were set aside.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::MailId;

use super::{Account, run};
use crate::dto::OutboxEntry;
use crate::extract::{PageParameters, Segment};
use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::problem::Refused;

pub async fn outbox(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    parameters: PageParameters,
) -> Result<Response, Refused> {
    let page = parameters.page.clone();
    let listing = run(REQUEST_TIME, async move { management.outbox(&account, &page).await }).await?;
    Ok(parameters.answer(listing))
}

pub async fn outbox_entry(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(id): Segment<MailId>,
) -> Result<Json<OutboxEntry>, Refused> {
    run(REQUEST_TIME, async move { management.outbox_entry(&account, id).await }).await.map(Json)
}

pub async fn retry(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(id): Segment<MailId>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.retry(&account, id).await }).await?;
    Ok(StatusCode::ACCEPTED)
}

pub async fn cancel(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(id): Segment<MailId>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.cancel(&account, id).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn quarantine(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    parameters: PageParameters,
) -> Result<Response, Refused> {
    let page = parameters.page.clone();
    let listing = run(REQUEST_TIME, async move { management.quarantine(&account, &page).await }).await?;
    Ok(parameters.answer(listing))
}

pub async fn release(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(id): Segment<MailId>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.release(&account, id).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn delete_quarantined(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(id): Segment<MailId>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.delete_quarantined(&account, id).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
