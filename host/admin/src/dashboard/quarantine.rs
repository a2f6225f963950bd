//! Mails that a filter set aside.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::MailId;

use super::form::Submitted;
use super::frame::Frame;
use super::page::{PageError, html};
use super::text::{Moment, bytes, shortened};
use super::visitor::Visitor;
use crate::dto::{Direction, Page};
use crate::extract::CursorParameter;
use crate::limits::{REQUEST_TIME, ROWS};
use crate::problem::Refused;
use crate::routes::{Shared, run};

#[derive(Template)]
#[template(path = "quarantine.html")]
struct Quarantine {
    frame: Frame,
    mails: Vec<Mail>,
    next: Option<String>,
}

struct Mail {
    id: String,
    is_incoming: bool,
    sender: Option<String>,
    recipient: String,
    key: Option<String>,
    size: String,
    received: Moment,
    reason: String,
    decisions: String,
}

/// The page.
pub(super) async fn page(
    State(shared): State<Shared>,
    visitor: Visitor,
    CursorParameter(after): CursorParameter,
) -> Result<Response, PageError> {
    let (frame, _) = Frame::new(&shared, &visitor, "/quarantine").await?;
    let (management, account, now) =
        (shared.management.clone(), visitor.account.clone(), shared.clock.wall());
    let verb = async move { management.quarantine(&account, &Page::new(ROWS, after)).await };
    let listing = run(REQUEST_TIME, verb).await?;
    let mails = listing.items.into_iter().map(|entry| Mail {
        id: entry.id.to_string(),
        is_incoming: entry.direction == Direction::Incoming,
        sender: entry.sender.map(|sender| sender.to_string()),
        recipient: entry.recipient.to_string(),
        key: entry.key.map(|key| key.to_string()),
        size: bytes(entry.size),
        received: Moment::new(entry.received, now),
        reason: shortened(&entry.reason),
        decisions: super::decisions::link(&visitor, entry.received),
    });
    let page = Quarantine {
        mails: mails.collect(),
        next: listing
            .next
            .map(|cursor| visitor.link(&format!("/quarantine?after={}", crate::percent_encoded(&cursor)))),
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}

/// Lets a mail go on.
pub(super) async fn release(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_release(&shared, &submitted).await;
    submitted.answer("/quarantine", result, |()| "The mail goes where it was going.".to_owned())
}

async fn try_release(shared: &Shared, submitted: &Submitted) -> Result<(), Refused> {
    let id: MailId = submitted.fields.parse("id")?;
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    run(REQUEST_TIME, async move { management.release(&account, id).await }).await
}

/// Deletes a mail.
pub(super) async fn delete(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_delete(&shared, &submitted).await;
    submitted.answer("/quarantine", result, |()| "The mail was deleted.".to_owned())
}

async fn try_delete(shared: &Shared, submitted: &Submitted) -> Result<(), Refused> {
    let id: MailId = submitted.fields.parse("id")?;
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    run(REQUEST_TIME, async move { management.delete_quarantined(&account, id).await }).await
}
