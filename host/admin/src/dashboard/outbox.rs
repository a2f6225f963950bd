//! Mails that wait, each with its story.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::MailId;

use super::form::Submitted;
use super::frame::Frame;
use super::page::{PageError, html};
use super::text::{Moment, bytes, plural};
use super::visitor::Visitor;
use crate::dto::Page;
use crate::extract::CursorParameter;
use crate::limits::{REQUEST_TIME, ROWS};
use crate::problem::Refused;
use crate::routes::{Shared, run};

#[derive(Template)]
#[template(path = "outbox.html")]
struct Outbox {
    frame: Frame,
    queued: u64,
    mails: Vec<Mail>,
    next: Option<String>,
}

struct Mail {
    id: String,
    sender: Option<String>,
    recipient: String,
    size: String,
    created: Moment,
    expires: Moment,
    attempts: String,
    next_attempt: Option<Moment>,
    problem: Option<String>,
    delay_reported: bool,
    decisions: String,
}

/// The page.
pub(super) async fn page(
    State(shared): State<Shared>,
    visitor: Visitor,
    CursorParameter(after): CursorParameter,
) -> Result<Response, PageError> {
    let (frame, status) = Frame::new(&shared, &visitor, "/outbox").await?;
    let (management, account, now) =
        (shared.management.clone(), visitor.account.clone(), shared.clock.wall());
    let verb = async move { management.outbox(&account, &Page::new(ROWS, after)).await };
    let listing = run(REQUEST_TIME, verb).await?;
    let mails = listing.items.into_iter().map(|entry| Mail {
        id: entry.id.to_string(),
        sender: entry.sender.map(|sender| sender.to_string()),
        recipient: entry.recipient.to_string(),
        size: bytes(entry.size),
        created: Moment::new(entry.created, now),
        expires: Moment::new(entry.expires, now),
        attempts: plural(u64::from(entry.attempts), "failed attempt"),
        next_attempt: entry.next_attempt.map(|time| Moment::new(time, now)),
        problem: entry.last_problem.map(|refusal| format!("{} ({})", refusal.text(), refusal.status)),
        delay_reported: entry.delay_reported,
        decisions: super::decisions::link(&visitor, entry.created),
    });
    let page = Outbox {
        queued: status.outbox.queued,
        mails: mails.collect(),
        next: listing
            .next
            .map(|cursor| visitor.link(&format!("/outbox?after={}", crate::percent_encoded(&cursor)))),
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}

/// Tries a mail now.
pub(super) async fn retry(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_retry(&shared, &submitted).await;
    submitted.answer("/outbox", result, |()| {
        "The mail is being tried now. It leaves this list once the recipient has it.".to_owned()
    })
}

async fn try_retry(shared: &Shared, submitted: &Submitted) -> Result<(), Refused> {
    let id: MailId = submitted.fields.parse("id")?;
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    run(REQUEST_TIME, async move { management.retry(&account, id).await }).await
}

/// Takes a mail back.
pub(super) async fn cancel(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_cancel(&shared, &submitted).await;
    submitted.answer("/outbox", result, |()| "The mail was taken back and will not be sent.".to_owned())
}

async fn try_cancel(shared: &Shared, submitted: &Submitted) -> Result<(), Refused> {
    let id: MailId = submitted.fields.parse("id")?;
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    run(REQUEST_TIME, async move { management.cancel(&account, id).await }).await
}
