//! Components that run beside the live ones: their figures, and where they answer differently.

use axum::extract::State;
use axum::response::Response;
use mail::Wall;

use super::form::Submitted;
use super::names::Names;
use super::page::PageError;
use super::text::{Moment, plural, shortened};
use super::words;
use crate::dto::{self, Answer, BeginShadow, Difference, Slot};
use crate::limits::{COMPONENT_TIME, REQUEST_TIME, SHOWN_DIFFERENCES};
use crate::management::ManagementError;
use crate::problem::Refused;
use crate::shared::{Shared, run};

/// A shadow, as the page of components shows it.
pub(super) struct Shadow {
    pub(super) slot: &'static str,
    pub(super) name: String,
    pub(super) sha256: String,
    pub(super) since: Moment,
    /// Calls, failures and what was left out, in a sentence.
    pub(super) figures: String,
    pub(super) same: u64,
    pub(super) different: u64,
    /// Newest first.
    pub(super) differences: Vec<ShownDifference>,
}

/// One question and two answers.
pub(super) struct ShownDifference {
    pub(super) time: Moment,
    pub(super) function: String,
    pub(super) about: String,
    pub(super) account: String,
    pub(super) facts: String,
    pub(super) live: String,
    pub(super) other: String,
}

/// The shadows of all slots.
pub(super) async fn all(shared: &Shared, names: &Names, now: Wall) -> Result<Vec<Shadow>, Refused> {
    let management = shared.management.clone();
    let verbs = async move {
        let mut shadows = Vec::new();
        for slot in Slot::ALL {
            match management.shadow(slot).await {
                Ok(shadow) => shadows.push(shadow),
                Err(ManagementError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(shadows)
    };
    let shadows = run(REQUEST_TIME, verbs).await?;
    Ok(shadows.into_iter().map(|shadow| shown(shadow, names, now)).collect())
}

fn shown(shadow: dto::Shadow, names: &Names, now: Wall) -> Shadow {
    let mut figures = format!("{}, {} failed", plural(shadow.calls, "call"), shadow.failures);
    if shadow.dropped > 0 {
        figures.push_str(&format!("; {} not asked because it is too slow for the traffic", shadow.dropped));
    }
    if shadow.not_compared > 0 {
        let why = shadow.not_compared_why.as_deref().map(shortened).unwrap_or_default();
        figures.push_str(&format!("; {} not compared: {why}", shadow.not_compared));
    }
    let newest = shadow.differences.into_iter().rev().take(SHOWN_DIFFERENCES);
    Shadow {
        slot: shadow.slot.as_str(),
        name: shadow.name.to_string(),
        sha256: shadow.sha256.to_string(),
        since: Moment::new(shadow.since, now),
        figures,
        same: shadow.same,
        different: shadow.different,
        differences: newest.map(|difference| shown_difference(difference, names, now)).collect(),
    }
}

fn shown_difference(difference: Difference, names: &Names, now: Wall) -> ShownDifference {
    ShownDifference {
        time: Moment::new(difference.time, now),
        about: words::question(&difference.function, &difference.facts, names),
        account: difference.account.to_string(),
        facts: shortened(&difference.facts.to_string()),
        live: answer(&difference.function, difference.live, names),
        other: answer(&difference.function, difference.other, names),
        function: difference.function,
    }
}

fn answer(function: &str, answer: Answer, names: &Names) -> String {
    let failure = answer.failure.map(|why| format!("failed: {why}"));
    let said = answer.answer.as_ref().map(|answer| words::answer(function, answer, names));
    shortened(&failure.or(said).unwrap_or_default())
}

/// Lets a component run beside the live one.
pub(super) async fn begin(State(shared): State<Shared>, submitted: Submitted) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let result = try_begin(&shared, &submitted).await;
    Ok(submitted.answer("/components", result, |shadow| {
        format!(
            "{} runs beside the live component of slot {}: its answers are compared and not used.",
            shadow.name, shadow.slot
        )
    }))
}

async fn try_begin(shared: &Shared, submitted: &Submitted) -> Result<dto::Shadow, Refused> {
    let slot: Slot = submitted.fields.parse("slot")?;
    let component = submitted.fields.parse("component")?;
    let entry = submitted.fields.optional("entry")?;
    let management = shared.management.clone();
    let verb = async move { management.begin_shadow(slot, BeginShadow { component, entry }).await };
    run(COMPONENT_TIME, verb).await
}

/// Ends a shadow.
pub(super) async fn end(State(shared): State<Shared>, submitted: Submitted) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let result = try_end(&shared, &submitted).await;
    Ok(submitted.answer("/components", result, |shadow| {
        format!(
            "The shadow {} of slot {} was ended: {} like the live component, {} different.",
            shadow.name, shadow.slot, shadow.same, shadow.different
        )
    }))
}

async fn try_end(shared: &Shared, submitted: &Submitted) -> Result<dto::Shadow, Refused> {
    let slot: Slot = submitted.fields.parse("slot")?;
    let management = shared.management.clone();
    run(REQUEST_TIME, async move { management.end_shadow(slot).await }).await
}
