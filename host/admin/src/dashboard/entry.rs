//! One component in its slot: how it is doing, its settings and limits, what it answers on the test bench, and its log.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use mail::Wall;
use serde::Deserialize;

use super::components::{Choice, Live, choice, shown_entry, task};
use super::form::{Fields, Submitted};
use super::frame::Frame;
use super::page::{PageError, html};
use super::text::{Moment, bytes, duration, shortened};
use super::visitor::Visitor;
use crate::access::Notice;
use crate::dto::{ComponentRef, Decision, DecisionQuery, Page, SearchText, Slot, Tested, Tune, Tuned};
use crate::limits::{LOGGED, PAGE_LARGEST, REQUEST_TIME};
use crate::problem::Refused;
use crate::routes::test_component;
use crate::shared::{Shared, run};

/// Rows for settings that are not there yet.
const NEW_SETTINGS: usize = 2;

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage {
    frame: Frame,
    slot: &'static str,
    task: &'static str,
    live: Live,
    settings: Vec<SettingRow>,
    limits: Vec<LimitRow>,
    policy_set: Option<String>,
    choices: Vec<Choice>,
    test: Test,
    log: Vec<Logged>,
}

/// A setting as it is in the form.
#[derive(Clone, Debug, Default)]
struct SettingRow {
    name: String,
    value: String,
    error: Option<String>,
}

/// A limit as it is in the form.
struct LimitRow {
    name: String,
    about: String,
    value: String,
    range: String,
    error: Option<String>,
}

/// The input of the test bench, and its result.
#[derive(Default)]
struct Test {
    case: String,
    error: Option<String>,
    tested: Option<ShownTest>,
}

struct ShownTest {
    about: String,
    verdict: String,
    is_right: bool,
    calls: Vec<ShownCall>,
}

struct ShownCall {
    function: String,
    is_right: bool,
    answer: String,
    unexpected: Option<String>,
    cost: String,
    log: Vec<String>,
}

/// A decision with what the component logged meanwhile.
struct Logged {
    time: Moment,
    function: String,
    account: String,
    failure: Option<String>,
    lines: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    slot: Slot,
    entry: String,
}

/// The page.
pub(super) async fn page(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    show(&shared, &visitor, StatusCode::OK, &asked, Typed::default()).await
}

/// What somebody typed that could not be done, or asked of the bench: shown again.
#[derive(Default)]
struct Typed {
    settings: Option<Vec<SettingRow>>,
    limits: BTreeMap<String, (String, Option<String>)>,
    test: Test,
}

async fn show(
    shared: &Shared,
    visitor: &Visitor,
    status: StatusCode,
    asked: &Asked,
    mut typed: Typed,
) -> Result<Response, PageError> {
    visitor.caller.must_be_owner()?;
    let tuned = tuned(shared, asked).await?;
    let (frame, gateway) = Frame::new(shared, visitor, "/components").await?;
    let now = shared.clock.wall();
    let live = gateway.slots.iter().find(|entry| entry.slot == tuned.slot && entry.entry == tuned.entry);
    let live = live.ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, format!("slot {} has no entry {}", tuned.slot, tuned.entry))
    })?;
    let management = shared.management.clone();
    let components = run(REQUEST_TIME, async move { management.components().await }).await?;
    let mut choices: Vec<Choice> =
        components.iter().filter(|component| component.slots.contains(&tuned.slot)).map(choice).collect();
    // The live one first: it is what is chosen unless somebody chooses.
    choices.sort_by_key(|choice| choice.sha256 != live.sha256.to_string());
    let logged = logged(shared, tuned.slot, &tuned.entry, &live.sha256.to_string()).await?;
    let page = EntryPage {
        slot: tuned.slot.as_str(),
        task: task(tuned.slot),
        live: shown_entry(visitor, live),
        settings: typed.settings.unwrap_or_else(|| setting_rows(&tuned)),
        limits: limit_rows(&tuned, &mut typed.limits),
        policy_set: tuned.policy_set,
        choices,
        test: typed.test,
        log: logged.into_iter().map(|decision| shown_log(decision, now)).collect(),
        frame,
    };
    Ok(html(status, &page))
}

async fn tuned(shared: &Shared, asked: &Asked) -> Result<Tuned, Refused> {
    let (management, slot, entry) = (shared.management.clone(), asked.slot, asked.entry.clone());
    run(REQUEST_TIME, async move { management.tuned(slot, Some(entry)).await }).await
}

fn setting_rows(tuned: &Tuned) -> Vec<SettingRow> {
    let known = tuned.settings.iter().map(|(name, value)| SettingRow {
        name: name.clone(),
        value: value.clone(),
        error: None,
    });
    known.chain(vec![SettingRow::default(); NEW_SETTINGS]).collect()
}

fn limit_rows(tuned: &Tuned, typed: &mut BTreeMap<String, (String, Option<String>)>) -> Vec<LimitRow> {
    let row = |limit: &crate::dto::Limit| {
        let (value, error) = typed.remove(&limit.name).unwrap_or_else(|| (limit.value.to_string(), None));
        LimitRow {
            name: limit.name.clone(),
            about: limit.about.clone(),
            value,
            range: format!("{} to {}; by default {}", limit.least, limit.most, limit.default),
            error,
        }
    };
    tuned.limits.iter().map(row).collect()
}

/// The newest decisions of the entry in which something was logged or failed.
async fn logged(shared: &Shared, slot: Slot, entry: &str, sha256: &str) -> Result<Vec<Decision>, Refused> {
    let text: Option<SearchText> = sha256.parse().ok();
    let query = DecisionQuery { slot: Some(slot), text, ..DecisionQuery::default() };
    let management = shared.management.clone();
    let page = Page::new(PAGE_LARGEST, None);
    let listing = run(REQUEST_TIME, async move { management.decisions(&query, &page).await }).await?;
    let is_shown = |decision: &Decision| {
        decision.entry == entry && (decision.failure.is_some() || !decision.log.is_empty())
    };
    Ok(listing.items.into_iter().filter(is_shown).take(LOGGED).collect())
}

fn shown_log(decision: Decision, now: Wall) -> Logged {
    Logged {
        time: Moment::new(decision.time, now),
        function: decision.function,
        account: decision.account.to_string(),
        failure: decision.failure.as_deref().map(shortened),
        lines: decision.log.iter().take(8).map(|line| shortened(line)).collect(),
    }
}

/// Changes settings and limits. If something is wrong, the text is beside its field, and nothing is
/// changed.
pub(super) async fn change(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let asked = asked(&submitted.fields)?;
    let before = tuned(&shared, &asked).await?;
    let mut rows = typed_rows(&submitted.fields);
    let (limits, mut typed_limits) = typed_limits(&before, &submitted.fields);
    let settings = changed_settings(&before, &mut rows);
    let has_error =
        rows.iter().any(|row| row.error.is_some()) || typed_limits.values().any(|(_, error)| error.is_some());
    if !has_error {
        let management = shared.management.clone();
        let (slot, entry) = (asked.slot, asked.entry.clone());
        let tune = Tune { settings, limits };
        let result = run(REQUEST_TIME, async move { management.tune(slot, Some(entry), tune).await }).await;
        let Err(refused) = result else {
            let path =
                format!("/components/entry?slot={slot}&entry={}", crate::percent_encoded(&asked.entry));
            let done = "The settings and limits apply from the next call on.";
            return Ok(submitted.answer(&path, result, |_| done.to_owned()));
        };
        place_error(refused.detail(), &mut rows, &mut typed_limits, &submitted);
    }
    if rows.iter().filter(|row| row.name.is_empty() && row.value.is_empty()).count() == 0 {
        rows.push(SettingRow::default());
    }
    let typed = Typed { settings: Some(rows), limits: typed_limits, test: Test::default() };
    show(&shared, &submitted.visitor, StatusCode::UNPROCESSABLE_ENTITY, &asked, typed).await
}

fn asked(fields: &Fields) -> Result<Asked, Refused> {
    Ok(Asked { slot: fields.parse("slot")?, entry: fields.text("entry").to_owned() })
}

/// The rows of settings as they were typed, the empty ones left out.
fn typed_rows(fields: &Fields) -> Vec<SettingRow> {
    let row = |number: usize| SettingRow {
        name: fields.text(&format!("name-{number}")).to_owned(),
        value: fields.text(&format!("value-{number}")).to_owned(),
        error: None,
    };
    let is_used = |row: &SettingRow| !row.name.is_empty() || !row.value.is_empty();
    (0..crate::limits::SETTING_ROWS).map(row).filter(is_used).collect()
}

/// The changes in the rows. A row with a mistake gets its error text.
fn changed_settings(before: &Tuned, rows: &mut [SettingRow]) -> BTreeMap<String, Option<String>> {
    let mut named = BTreeSet::new();
    let mut changed: BTreeMap<String, Option<String>> =
        before.settings.keys().map(|name| (name.clone(), None)).collect();
    for row in rows {
        if row.name.is_empty() {
            row.error = Some("Give this setting a name.".to_owned());
        } else if !named.insert(row.name.clone()) {
            row.error = Some("This name is there twice.".to_owned());
        } else {
            changed.insert(row.name.clone(), Some(row.value.clone()));
        }
    }
    changed
}

/// The limits that were typed, those that are right as numbers.
#[allow(clippy::type_complexity, reason = "two maps with the same keys")]
fn typed_limits(
    before: &Tuned,
    fields: &Fields,
) -> (BTreeMap<String, Option<u64>>, BTreeMap<String, (String, Option<String>)>) {
    let (mut right, mut typed) = (BTreeMap::new(), BTreeMap::new());
    for limit in &before.limits {
        let text = fields.text(&format!("limit-{}", limit.name)).to_owned();
        let error = match text.parse::<u64>() {
            _ if text.is_empty() => {
                right.insert(limit.name.clone(), None);
                None
            }
            Ok(value) if (limit.least..=limit.most).contains(&value) => {
                right.insert(limit.name.clone(), Some(value));
                None
            }
            _ => Some(format!("Enter a whole number from {} to {}.", limit.least, limit.most)),
        };
        typed.insert(limit.name.clone(), (text, error));
    }
    (right, typed)
}

/// Puts what the gateway says beside the field it names, else above the page.
fn place_error(
    detail: &str,
    rows: &mut [SettingRow],
    limits: &mut BTreeMap<String, (String, Option<String>)>,
    submitted: &Submitted,
) {
    let named = |name: &str| detail.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', ' ']));
    if let Some(row) = rows.iter_mut().find(|row| named(&row.name)) {
        row.error = Some(detail.to_owned());
    } else if let Some((_, (_, error))) = limits.iter_mut().find(|(name, _)| named(name)) {
        *error = Some(detail.to_owned());
    } else {
        let notice = Notice { is_success: false, text: detail.to_owned() };
        submitted.visitor.session.set_notice(notice);
    }
}

/// Asks a component on the test bench.
pub(super) async fn test(State(shared): State<Shared>, submitted: Submitted) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let asked = asked(&submitted.fields)?;
    let component: ComponentRef = submitted.fields.parse("component")?;
    let case = submitted.fields.raw("case").replace("\r\n", "\n");
    let wanted = (!case.trim().is_empty()).then(|| case.clone());
    let result = test_component(&shared, asked.slot, component, wanted).await;
    let (status, error, tested) = match result {
        Ok(tested) => (StatusCode::OK, None, Some(shown_test(tested))),
        Err(refused) => (refused.status(), Some(refused.detail().to_owned()), None),
    };
    let typed = Typed { test: Test { case, error, tested }, ..Typed::default() };
    show(&shared, &submitted.visitor, status, &asked, typed).await
}

fn shown_test(tested: Tested) -> ShownTest {
    let right = tested.calls.iter().filter(|call| call.unexpected.is_none()).count();
    let mut verdict = format!("{right} of {} calls answered as expected", tested.calls.len());
    if tested.not_asked > 0 {
        verdict
            .push_str(&format!("; {} more were not asked because the test took too long", tested.not_asked));
    }
    let call = |call: crate::dto::TestedCall| ShownCall {
        is_right: call.unexpected.is_none(),
        answer: shortened(&call.failure.or(call.answer.map(|answer| answer.to_string())).unwrap_or_default()),
        unexpected: call.unexpected.as_deref().map(shortened),
        cost: format!("{}, {}", duration(call.microseconds), bytes(call.memory_bytes)),
        log: call.log.iter().take(8).map(|line| shortened(line)).collect(),
        function: call.function,
    };
    ShownTest {
        about: shortened(&tested.case),
        verdict,
        is_right: tested.as_expected,
        calls: tested.calls.into_iter().take(LOGGED).map(call).collect(),
    }
}
