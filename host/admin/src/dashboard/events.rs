//! What happened lately; a script reads it again when something happens. For the owner also the end of the gateway's own log.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::frame::Frame;
use super::names::Names;
use super::page::{PageError, html};
use super::text::{Moment, shortened};
use super::visitor::Visitor;
use super::words;
use crate::limits::{REQUEST_TIME, ROWS, SHOWN_LOG_LINES};
use crate::problem::Refused;
use crate::shared::{Shared, run};

#[derive(Template)]
#[template(path = "events.html")]
struct Events {
    frame: Frame,
    events: Vec<Event>,
    /// Newest first; none for those who may not see it.
    log: Option<Vec<String>>,
}

struct Event {
    time: Moment,
    kind: String,
    text: String,
    /// The page of decisions about the mail it is about.
    decisions: Option<String>,
}

/// The page.
pub(super) async fn page(State(shared): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    let (frame, _) = Frame::new(&shared, &visitor, "/events").await?;
    let names = Names::of(&shared, &visitor.account).await?;
    let now = shared.clock.wall();
    let newest = shared
        .events
        .newest(ROWS * 2, |event| event.account.as_ref().is_none_or(|account| *account == visitor.account));
    let events = newest.iter().map(|event| Event {
        time: Moment::new(event.time, now),
        kind: event.kind.clone(),
        text: words::event(&event.kind, &event.data, &names),
        decisions: event.data["id"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .map(|mail| super::decisions::link_to_mail(&visitor, mail)),
    });
    let log = if visitor.caller.is_owner() { Some(log(&shared).await?) } else { None };
    Ok(html(StatusCode::OK, &Events { events: events.collect(), log, frame }))
}

async fn log(shared: &Shared) -> Result<Vec<String>, Refused> {
    let management = shared.management.clone();
    let log = run(REQUEST_TIME, async move { management.log().await }).await?;
    Ok(log.lines.iter().rev().take(SHOWN_LOG_LINES).map(|line| shortened(line)).collect())
}
