//! What decides: slots, the components in them, and those that could be.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::AccountName;

use super::form::Submitted;
use super::frame::Frame;
use super::names::Names;
use super::page::{PageError, html};
use super::shadows::Shadow;
use super::text::{Moment, bytes, duration, plural, shortened};
use super::upload::Upload;
use super::visitor::Visitor;
use crate::dto::{
    Component, ComponentName, ComponentRef, Health, InvalidComponentName, Slot, SlotEntry, TimingBucket,
};
use crate::limits::{
    COMPONENT_BODY_TIME, COMPONENT_BYTES, COMPONENT_NAME_BYTES, COMPONENT_TIME, REQUEST_TIME,
};
use crate::problem::Refused;
use crate::routes::add_component;
use crate::shared::{Shared, run};

#[derive(Template)]
#[template(path = "components.html")]
struct Components {
    frame: Frame,
    slots: Vec<ShownSlot>,
    shadows: Vec<Shadow>,
    components: Vec<ShownComponent>,
    state: Vec<ShownState>,
    /// Bytes of the largest component.
    largest: usize,
}

struct ShownSlot {
    name: &'static str,
    task: &'static str,
    live: Vec<Live>,
    /// What could be used instead.
    others: Vec<Choice>,
    /// The entries to choose among, where the slot has several.
    entries: Vec<String>,
    /// Whether it takes several.
    is_chain: bool,
}

pub(super) struct Live {
    /// Of the policy set.
    pub(super) entry: String,
    pub(super) can_roll_back: bool,
    /// What failed before this one took its place, and is not seen yet.
    pub(super) fallback: Option<String>,
    pub(super) not_asked: u64,
    /// The page of its decisions, with what it logged.
    pub(super) decisions: String,
    pub(super) name: String,
    pub(super) sha256: String,
    pub(super) is_healthy: bool,
    pub(super) calls: String,
    pub(super) failures: u64,
    pub(super) last_failure: Option<String>,
    pub(super) timing: Vec<Bar>,
    /// The page of its settings, limits, tests and log.
    link: String,
}

/// One bar of a histogram.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) calls: u64,
    /// Of the highest bar.
    pub(super) percent: u64,
}

pub(super) struct Choice {
    pub(super) sha256: String,
    pub(super) label: String,
}

struct ShownComponent {
    name: String,
    sha256: String,
    size: String,
    slots: String,
    is_built_in: bool,
    added: Option<Moment>,
}

/// What a component remembers of an account.
struct ShownState {
    space: String,
    account: String,
    size: String,
    is_live: bool,
}

/// The page.
pub(super) async fn page(State(shared): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    visitor.caller.must_be_owner()?;
    let (frame, status) = Frame::new(&shared, &visitor, "/components").await?;
    let (management, now) = (shared.management.clone(), shared.clock.wall());
    let components = run(REQUEST_TIME, async move { management.components().await }).await?;
    let names = Names::of(&shared, &visitor.account).await?;
    let shadows = super::shadows::all(&shared, &names, now).await?;
    let slots =
        Slot::ALL.into_iter().map(|slot| shown_slot(&visitor, slot, &status.slots, &components)).collect();
    let components = components.into_iter().map(|component| ShownComponent {
        name: component.name.to_string(),
        sha256: component.sha256.to_string(),
        size: bytes(component.size),
        slots: component.slots.iter().map(|slot| slot.as_str()).collect::<Vec<_>>().join(", "),
        is_built_in: component.built_in,
        added: component.added.map(|time| Moment::new(time, now)),
    });
    let components = components.collect();
    let management = shared.management.clone();
    let state = run(REQUEST_TIME, async move { management.component_state().await }).await?;
    let state = state.into_iter().map(|state| ShownState {
        space: state.space,
        account: state.account.to_string(),
        size: bytes(state.bytes),
        is_live: state.live,
    });
    let state = state.collect();
    let largest = COMPONENT_BYTES;
    Ok(html(StatusCode::OK, &Components { components, state, slots, shadows, frame, largest }))
}

pub(super) const fn task(slot: Slot) -> &'static str {
    match slot {
        Slot::Policy => {
            "Decides whether a mail may be sent, whether a friend request is accepted, and when to try again."
        }
        Slot::Resolver => "Finds out which Tox ID an address means.",
        Slot::RelaySelector => "Picks drop relays for a mail whose recipient is offline.",
        Slot::MailFilter => {
            "Looks at every outgoing and incoming mail: lets it pass, marks it, sets it aside, or refuses it."
        }
    }
}

fn shown_slot(visitor: &Visitor, slot: Slot, entries: &[SlotEntry], components: &[Component]) -> ShownSlot {
    let live: Vec<&SlotEntry> = entries.iter().filter(|entry| entry.slot == slot).collect();
    let others = components.iter().filter(|component| {
        component.slots.contains(&slot) && !live.iter().any(|entry| entry.sha256 == component.sha256)
    });
    ShownSlot {
        name: slot.as_str(),
        task: task(slot),
        is_chain: slot == Slot::MailFilter,
        others: others.map(choice).collect(),
        entries: if live.len() > 1 {
            live.iter().map(|entry| entry.entry.clone()).collect()
        } else {
            Vec::new()
        },
        live: live.into_iter().map(|entry| shown_entry(visitor, entry)).collect(),
    }
}

pub(super) fn shown_entry(visitor: &Visitor, entry: &SlotEntry) -> Live {
    Live {
        entry: entry.entry.clone(),
        can_roll_back: entry.previous.is_some(),
        fallback: entry.fallback.as_ref().map(|fallback| {
            shortened(&format!("{} failed and was replaced by this one: {}", fallback.name, fallback.why))
        }),
        not_asked: entry.not_asked,
        decisions: visitor.link(&format!("/decisions?all=on&slot={}&text={}", entry.slot, entry.sha256)),
        name: entry.name.to_string(),
        sha256: entry.sha256.to_string(),
        is_healthy: entry.health == Health::Ok,
        calls: plural(entry.calls, "call"),
        failures: entry.failures,
        last_failure: entry.last_failure.as_deref().map(shortened),
        timing: bars(&entry.timing),
        link: link(visitor, entry.slot, &entry.entry),
    }
}

/// A component to choose, by name and the beginning of its SHA-256.
pub(super) fn choice(component: &Component) -> Choice {
    let sha256 = component.sha256.to_string();
    let label = format!("{} ({})", component.name, sha256.get(..8).unwrap_or_default());
    Choice { sha256, label }
}

fn bars(buckets: &[TimingBucket]) -> Vec<Bar> {
    let highest = buckets.iter().map(|bucket| bucket.calls).max().unwrap_or(0);
    if highest == 0 {
        return Vec::new();
    }
    let bars = buckets.iter().map(|bucket| Bar {
        label: match bucket.up_to {
            Some(microseconds) => format!("up to {}", duration(microseconds)),
            None => "longer".to_owned(),
        },
        calls: bucket.calls,
        percent: bucket.calls.saturating_mul(100) / highest,
    });
    bars.collect()
}

/// Checks, compiles and keeps a component.
pub(super) async fn add(State(shared): State<Shared>, mut upload: Upload) -> Result<Response, PageError> {
    upload.submitted.visitor.caller.must_be_owner()?;
    let name = match upload.submitted.fields.text("name") {
        "" => upload.name(".wasm", COMPONENT_NAME_BYTES).parse(),
        typed => typed.parse(),
    };
    let name: ComponentName =
        name.map_err(|error: InvalidComponentName| Refused::bad_request(error.to_string()))?;
    // Before the file is read: it is held in memory whole.
    let permit = shared.begin_upload()?;
    let bytes = upload.file(COMPONENT_BYTES, COMPONENT_BODY_TIME).await?;
    let result = add_component(&shared, permit, name, bytes, None).await;
    Ok(upload.submitted.answer("/components", result, |added| {
        let slots: Vec<&str> = added.slots.iter().map(|slot| slot.as_str()).collect();
        format!("{} was added. It fits {}: use it there.", added.name, slots.join(", "))
    }))
}

/// Makes a component live.
pub(super) async fn use_component(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let result = try_use(&shared, &submitted).await;
    Ok(submitted.answer("/components", result, |(slot, name)| {
        format!("{name} decides in slot {slot} from now on. Roll back to return to the one before.")
    }))
}

async fn try_use(shared: &Shared, submitted: &Submitted) -> Result<(Slot, String), Refused> {
    let slot: Slot = submitted.fields.parse("slot")?;
    let component: ComponentRef = submitted.fields.parse("component")?;
    let entry = submitted.fields.optional("entry")?;
    let management = shared.management.clone();
    let verb = async move { management.use_component(slot, component, entry).await };
    let entries = run(COMPONENT_TIME, verb).await?;
    Ok((slot, names(&entries)))
}

fn names(entries: &[SlotEntry]) -> String {
    entries.iter().map(|entry| entry.name.to_string()).collect::<Vec<_>>().join(", ")
}

/// Goes back to what was live before.
pub(super) async fn roll_back(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let result = try_roll_back(&shared, &submitted).await;
    Ok(submitted.answer("/components", result, |(slot, name)| {
        format!("Slot {slot} was rolled back: {name} decides again.")
    }))
}

async fn try_roll_back(shared: &Shared, submitted: &Submitted) -> Result<(Slot, String), Refused> {
    let slot: Slot = submitted.fields.parse("slot")?;
    let entry = submitted.fields.optional("entry")?;
    let management = shared.management.clone();
    let entries = run(COMPONENT_TIME, async move { management.roll_back(slot, entry).await }).await?;
    Ok((slot, names(&entries)))
}

/// The owner has seen that a component was replaced.
pub(super) async fn seen(State(shared): State<Shared>, submitted: Submitted) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let result = try_seen(&shared, &submitted).await;
    Ok(submitted.answer("/components", result, |slot| format!("The notice about slot {slot} is dismissed.")))
}

async fn try_seen(shared: &Shared, submitted: &Submitted) -> Result<Slot, Refused> {
    let slot: Slot = submitted.fields.parse("slot")?;
    let entry = submitted.fields.optional("entry")?;
    let management = shared.management.clone();
    run(REQUEST_TIME, async move { management.fallback_seen(slot, entry).await }).await?;
    Ok(slot)
}

/// Deletes what a component remembers of an account.
pub(super) async fn clear_state(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let space = submitted.fields.text("space").to_owned();
    let result = match submitted.fields.parse::<AccountName>("of") {
        Ok(account) => {
            let (management, name) = (shared.management.clone(), space.clone());
            let verb =
                async move { management.clear_component_state(name, &account).await.map(|()| account) };
            run(COMPONENT_TIME, verb).await
        }
        Err(refused) => Err(refused),
    };
    Ok(submitted
        .answer("/components", result, |account| format!("{space} remembers nothing about {account} now.")))
}

/// The page about an entry.
fn link(visitor: &Visitor, slot: Slot, entry: &str) -> String {
    visitor.link(&format!("/components/entry?slot={slot}&entry={}", crate::percent_encoded(entry)))
}
