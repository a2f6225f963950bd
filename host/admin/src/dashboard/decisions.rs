//! Why was this mail treated so: what components were told and what they answered.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use mail::{AccountName, Wall};
use serde::Deserialize;
use serde_json::Value;

use super::frame::Frame;
use super::page::{PageError, html};
use super::text::{Moment, duration, shortened};
use super::visitor::Visitor;
use crate::dto::{self, DecisionQuery, Page, Slot, Timestamp};
use crate::limits::{REQUEST_TIME, ROWS};
use crate::problem::Refused;
use crate::routes::{Shared, run};

/// Where the list starts when the user does not say: an hour ago.
const DEFAULT_MILLISECONDS: u64 = 3_600_000;

#[derive(Template)]
#[template(path = "decisions.html")]
struct Decisions {
    frame: Frame,
    decisions: Vec<Decision>,
    next: Option<String>,
    slots: Vec<SlotChoice>,
    from: String,
    /// All accounts, where the owner asked for them.
    is_all: bool,
}

struct SlotChoice {
    name: &'static str,
    is_chosen: bool,
}

struct Decision {
    time: Moment,
    slot: &'static str,
    function: String,
    account: String,
    component: String,
    summary: String,
    has_failed: bool,
    facts: String,
    answer: String,
    calls: Vec<String>,
    log: Vec<String>,
    duration: String,
}

/// What the form of the page asks for. Fields are empty where nothing was chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    slot: String,
    from: String,
    after: Option<String>,
    all: Option<String>,
    #[serde(rename = "account")]
    _account: Option<AccountName>,
}

/// The page about what happened from `time` on.
pub(super) fn link(visitor: &Visitor, time: Timestamp) -> String {
    // The filter of an incoming mail decides shortly before the mail is kept.
    let from = Timestamp(Wall(time.0.0.saturating_sub(5000)));
    visitor.link(&format!("/decisions?from={}", crate::percent_encoded(&from.to_text())))
}

/// The page.
pub(super) async fn page(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Result<Response, PageError> {
    let (frame, _) = Frame::new(&shared, &visitor, "/decisions").await?;
    let now = shared.clock.wall();
    let is_all = search.all.is_some() && visitor.caller.is_owner();
    let slot: Option<Slot> = optional(&search.slot)?;
    let from = optional::<Timestamp>(&with_zone(&search.from))?
        .unwrap_or(Timestamp(Wall(now.0.saturating_sub(DEFAULT_MILLISECONDS))));
    if search.after.as_ref().is_some_and(|after| after.len() > crate::limits::CURSOR_BYTES) {
        return Err(Refused::bad_request("the link to the next page is damaged").into());
    }
    let query = DecisionQuery { slot, account: (!is_all).then(|| visitor.account.clone()), from: Some(from) };
    let (management, page) = (shared.management.clone(), Page::new(ROWS, search.after));
    let listing = run(REQUEST_TIME, async move { management.decisions(&query, &page).await }).await?;
    let page = Decisions {
        decisions: listing.items.into_iter().map(|decision| shown(decision, now)).collect(),
        next: listing.next.map(|cursor| {
            let slot = slot.map_or("", Slot::as_str);
            let from = crate::percent_encoded(&from.to_text());
            let all = if is_all { "&all=on" } else { "" };
            let cursor = crate::percent_encoded(&cursor);
            visitor.link(&format!("/decisions?slot={slot}&from={from}{all}&after={cursor}"))
        }),
        slots: Slot::ALL
            .into_iter()
            .map(|choice| SlotChoice { name: choice.as_str(), is_chosen: Some(choice) == slot })
            .collect(),
        from: from.to_text().get(..16).unwrap_or_default().to_owned(),
        is_all,
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}

fn optional<T>(text: &str) -> Result<Option<T>, Refused>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: T::Err| Refused::bad_request(error.to_string()))
}

/// What a field for local times sends (`2026-01-31T12:00`), as UTC.
fn with_zone(text: &str) -> String {
    match text.len() {
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    }
}

fn shown(decision: dto::Decision, now: Wall) -> Decision {
    let answer = decision.answer.as_ref().map(pretty);
    let summary = decision.answer.as_ref().map(Value::to_string);
    let summary = decision.failure.clone().or(summary).unwrap_or_default();
    Decision {
        time: Moment::new(decision.time, now),
        slot: decision.slot.as_str(),
        function: decision.function,
        account: decision.account.to_string(),
        component: decision.component.to_string(),
        summary: summary.chars().take(120).collect(),
        has_failed: decision.failure.is_some(),
        facts: pretty(&decision.facts),
        answer: answer.or(decision.failure).unwrap_or_default(),
        calls: decision.calls.iter().take(8).map(|call| shortened(&call.to_string())).collect(),
        log: decision.log.iter().take(8).map(|line| shortened(line)).collect(),
        duration: duration(decision.microseconds),
    }
}

/// JSON for people, not too long.
fn pretty(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    match text.char_indices().nth(1000) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
