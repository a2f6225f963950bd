//! Mails that wait, and mails that were set aside.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::MailId;

use crate::dto::{Arrival, Mark, OutboxEntry, Outcome, QuarantineEntry};
use crate::extract::{PageParameters, Segment};
use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::openapi::{AccountQuery, PageQuery};
use crate::problem::Refused;
use crate::shared::{Account, run};

/// Mails that wait, oldest first.
#[utoipa::path(get, path = "/outbox", operation_id = "outbox", params(AccountQuery, PageQuery), responses((status = 200, body = Vec<OutboxEntry>)))]
pub async fn outbox(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    parameters: PageParameters,
) -> Result<Response, Refused> {
    let page = parameters.page.clone();
    let listing = run(REQUEST_TIME, async move { management.outbox(&account, &page).await }).await?;
    Ok(parameters.answer(listing))
}

/// One mail that waits.
#[utoipa::path(get, path = "/outbox/{id}", operation_id = "outbox_entry", params(AccountQuery, ("id" = String, Path)), responses((status = 200, body = OutboxEntry)))]
pub async fn outbox_entry(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(id): Segment<MailId>,
) -> Result<Json<OutboxEntry>, Refused> {
    run(REQUEST_TIME, async move { management.outbox_entry(&account, id).await }).await.map(Json)
}

/// Tries a mail now.
#[utoipa::path(post, path = "/outbox/{id}/retry", operation_id = "retry", params(AccountQuery, ("id" = String, Path)), responses((status = 202)))]
pub async fn retry(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(id): Segment<MailId>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.retry(&account, id).await }).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Takes a mail back.
#[utoipa::path(post, path = "/outbox/{id}/cancel", operation_id = "cancel", params(AccountQuery, ("id" = String, Path)), responses((status = 204)))]
pub async fn cancel(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(id): Segment<MailId>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.cancel(&account, id).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What became of the mails that left the outbox last, newest first.
#[utoipa::path(get, path = "/outcomes", operation_id = "outcomes", params(AccountQuery, ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Most items; 100 if absent.")), responses((status = 200, body = Vec<Outcome>)))]
pub async fn outcomes(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    parameters: PageParameters,
) -> Result<Json<Vec<Outcome>>, Refused> {
    let most = parameters.page.limit();
    run(REQUEST_TIME, async move { management.outcomes(&account, most).await }).await.map(Json)
}

/// Mails that wait for the mail program, newest first: who, when, how large; never their text.
#[utoipa::path(get, path = "/arrivals", operation_id = "arrivals", params(AccountQuery, PageQuery), responses((status = 200, body = Vec<Arrival>)))]
pub async fn arrivals(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    parameters: PageParameters,
) -> Result<Response, Refused> {
    let page = parameters.page.clone();
    let listing = run(REQUEST_TIME, async move { management.arrivals(&account, &page).await }).await?;
    Ok(parameters.answer(listing))
}

/// Mails that a filter set aside, oldest first.
#[utoipa::path(get, path = "/quarantine", operation_id = "quarantine", params(AccountQuery, PageQuery), responses((status = 200, body = Vec<QuarantineEntry>)))]
pub async fn quarantine(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    parameters: PageParameters,
) -> Result<Response, Refused> {
    let page = parameters.page.clone();
    let listing = run(REQUEST_TIME, async move { management.quarantine(&account, &page).await }).await?;
    Ok(parameters.answer(listing))
}

/// Lets a quarantined mail go where it was going.
#[utoipa::path(post, path = "/quarantine/{id}/release", operation_id = "release", params(AccountQuery, ("id" = String, Path)), responses((status = 204)))]
pub async fn release(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(id): Segment<MailId>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.release(&account, id).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a quarantined mail.
#[utoipa::path(delete, path = "/quarantine/{id}", operation_id = "delete_quarantined", params(AccountQuery, ("id" = String, Path)), responses((status = 204)))]
pub async fn delete_quarantined(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(id): Segment<MailId>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.delete_quarantined(&account, id).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that a mail in the mailbox or in quarantine is spam: filters that learn hear it.
#[utoipa::path(post, path = "/mails/{id}/spam", operation_id = "mark_spam", params(AccountQuery, ("id" = String, Path)), responses((status = 204)))]
pub async fn spam(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(id): Segment<MailId>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.mark(&account, id, Mark::Spam).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that a mail in the mailbox or in quarantine is no spam: filters that learn hear it.
#[utoipa::path(post, path = "/mails/{id}/ham", operation_id = "mark_ham", params(AccountQuery, ("id" = String, Path)), responses((status = 204)))]
pub async fn ham(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(id): Segment<MailId>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.mark(&account, id, Mark::Ham).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
