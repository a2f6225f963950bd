//! The page of decisions: what components were told and what they answered.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use mail::{AccountName, MailId, Wall};
use serde::Deserialize;
use serde_json::Value;

use super::frame::Frame;
use super::names::Names;
use super::page::{PageError, html};
use super::text::{Moment, duration, shortened};
use super::visitor::Visitor;
use super::words;
use crate::dto::{self, DecisionQuery, Page, SearchText, Slot, Timestamp};
use crate::limits::{REQUEST_TIME, ROWS};
use crate::problem::Refused;
use crate::shared::{Shared, run};

#[derive(Template)]
#[template(path = "decisions.html")]
struct Decisions {
    frame: Frame,
    decisions: Vec<Decision>,
    next: Option<String>,
    slots: Vec<SlotChoice>,
    from: String,
    until: String,
    text: String,
    /// The mail they are about, where the page is about one.
    mail: Option<String>,
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
    about: String,
    account: String,
    component: String,
    summary: String,
    has_failed: bool,
    facts: String,
    answer: String,
    calls: Vec<String>,
    /// How many more there are than are shown.
    more_calls: u64,
    log: Vec<String>,
    /// How many more there are than are shown.
    more_log: u64,
    /// Whether the component's words are not there.
    words_left_out: bool,
    is_cut: bool,
    duration: String,
}

/// What the form of the page asks for. Fields are empty where nothing was chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    slot: String,
    from: String,
    until: String,
    text: String,
    mail: Option<MailId>,
    after: Option<String>,
    all: Option<String>,
    #[serde(rename = "account")]
    _account: Option<AccountName>,
}

/// Decisions about a mail are found this long before and after what is known of it: a filter decides shortly before the mail is kept.
const AROUND: u64 = 5000;

/// Calls and log lines shown of each decision.
const SHOWN: usize = 8;

/// The page about one mail.
pub(super) fn link_to_mail(visitor: &Visitor, mail: MailId) -> String {
    visitor.link(&format!("/decisions?mail={mail}"))
}

/// The page about a mail of which no id is known: what was decided from `from` on, until `until` if it is over, with `text` in it.
pub(super) fn link(visitor: &Visitor, from: Timestamp, until: Option<Timestamp>, text: &str) -> String {
    let from = Some(Timestamp(Wall(from.0.0.saturating_sub(AROUND))));
    let until = until.map(|until| Timestamp(Wall(until.0.0.saturating_add(AROUND))));
    visitor.link(&format!("/decisions?{}", search(None, None, from, until, text)))
}

/// The query of a search.
fn search(
    slot: Option<Slot>,
    mail: Option<MailId>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    text: &str,
) -> String {
    let mail = mail.map_or_else(String::new, |mail| format!("mail={mail}&"));
    let time = |time: Option<Timestamp>| {
        time.map_or_else(String::new, |time| crate::percent_encoded(&time.to_text()))
    };
    let (slot, text) = (slot.map_or("", Slot::as_str), crate::percent_encoded(text));
    format!("{mail}slot={slot}&from={}&until={}&text={text}", time(from), time(until))
}

/// The page.
pub(super) async fn page(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(asked): Query<Search>,
) -> Result<Response, PageError> {
    let (frame, _) = Frame::new(&shared, &visitor, "/decisions").await?;
    let now = shared.clock.wall();
    let is_all = asked.all.is_some() && visitor.caller.is_owner();
    let slot: Option<Slot> = optional(&asked.slot)?;
    let (from, until) = (optional(&with_zone(&asked.from))?, optional(&with_zone(&asked.until))?);
    let text: Option<SearchText> = optional(asked.text.trim())?;
    if asked.after.as_ref().is_some_and(|after| after.len() > crate::limits::CURSOR_BYTES) {
        return Err(Refused::bad_request("the link to the next page is damaged").into());
    }
    let account = (!is_all).then(|| visitor.account.clone());
    let mail = asked.mail;
    let query = DecisionQuery { slot, mail, account, from, until, text };
    let (management, page) = (shared.management.clone(), Page::new(ROWS, asked.after));
    let listing = run(REQUEST_TIME, async move { management.decisions(&query, &page).await }).await?;
    let names = Names::of(&shared, &visitor.account).await?;
    let page = Decisions {
        decisions: listing.items.into_iter().map(|decision| shown(decision, &names, now)).collect(),
        next: listing.next.map(|cursor| {
            let search = search(slot, mail, from, until, asked.text.trim());
            let all = if is_all { "&all=on" } else { "" };
            visitor.link(&format!("/decisions?{search}{all}&after={}", crate::percent_encoded(&cursor)))
        }),
        slots: Slot::ALL
            .into_iter()
            .map(|choice| SlotChoice { name: choice.as_str(), is_chosen: Some(choice) == slot })
            .collect(),
        from: local(from),
        until: local(until),
        text: asked.text,
        mail: mail.map(|mail| mail.to_string()),
        is_all,
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}

/// As a field for local times shows it; to the second, so that what was linked stays as it was.
fn local(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| time.to_text().get(..19).unwrap_or_default().to_owned())
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

/// How many of `all` are more than a page shows.
fn hidden(all: usize) -> u64 {
    all.saturating_sub(SHOWN) as u64
}

fn shown(decision: dto::Decision, names: &Names, now: Wall) -> Decision {
    let answer = decision.answer.as_ref().map(pretty);
    let summary = decision.answer.as_ref().map(|answer| words::answer(&decision.function, answer, names));
    let summary = decision.failure.clone().or(summary).unwrap_or_default();
    Decision {
        time: Moment::new(decision.time, now),
        slot: decision.slot.as_str(),
        about: words::question(&decision.function, &decision.facts, names),
        function: decision.function,
        account: decision.account.to_string(),
        component: decision.component.to_string(),
        summary: summary.chars().take(120).collect(),
        has_failed: decision.failure.is_some(),
        facts: pretty(&decision.facts),
        answer: answer.or(decision.failure).unwrap_or_default(),
        calls: decision.calls.iter().take(SHOWN).map(|call| shortened(&call.to_string())).collect(),
        more_calls: hidden(decision.calls.len()).saturating_add(decision.calls_dropped),
        log: decision.log.iter().take(SHOWN).map(|line| shortened(line)).collect(),
        more_log: hidden(decision.log.len()).saturating_add(decision.log_lines_dropped),
        words_left_out: decision.words_left_out,
        is_cut: decision.cut,
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
