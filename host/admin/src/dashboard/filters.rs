//! The chain of filters: its order, one more, one less.

use axum::extract::State;
use axum::response::Response;

use super::form::Submitted;
use super::page::PageError;
use crate::dto::{Component, ComponentRef, Slot, SlotEntry};
use crate::limits::{COMPONENT_TIME, REQUEST_TIME};
use crate::problem::Refused;
use crate::shared::{Shared, run};

/// Where a filter goes.
#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

/// Lets a filter change places with the one before or after it.
pub(super) async fn move_filter(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let result = try_move(&shared, &submitted).await;
    Ok(submitted
        .answer("/components", result, |chain| format!("Filters look at mail in this order now: {chain}.")))
}

async fn try_move(shared: &Shared, submitted: &Submitted) -> Result<String, Refused> {
    let entry = submitted.fields.text("entry");
    let direction = match submitted.fields.text("to") {
        "up" => Direction::Up,
        "down" => Direction::Down,
        _ => return Err(Refused::bad_request("`to` must be up or down")),
    };
    let order = moved(chain(shared).await?, entry, direction)?;
    let management = shared.management.clone();
    let entries = run(COMPONENT_TIME, async move { management.order_filters(order).await }).await?;
    Ok(names(&entries).join(", "))
}

/// The names of the filters in their order.
async fn chain(shared: &Shared) -> Result<Vec<String>, Refused> {
    let management = shared.management.clone();
    let entries = run(REQUEST_TIME, async move { management.slots().await }).await?;
    Ok(names(&entries))
}

fn names(entries: &[SlotEntry]) -> Vec<String> {
    let filters = entries.iter().filter(|entry| entry.slot == Slot::MailFilter);
    filters.map(|entry| entry.entry.clone()).collect()
}

/// The chain with a filter one place on. One that is at its end stays there.
fn moved(mut chain: Vec<String>, entry: &str, direction: Direction) -> Result<Vec<String>, Refused> {
    let from = chain
        .iter()
        .position(|name| name == entry)
        .ok_or_else(|| Refused::bad_request("this filter is no longer in the chain: load the page again"))?;
    let to = match direction {
        Direction::Up => from.saturating_sub(1),
        Direction::Down => (from + 1).min(chain.len() - 1),
    };
    chain.swap(from, to);
    Ok(chain)
}

/// Takes a filter out of the chain.
pub(super) async fn remove(
    State(shared): State<Shared>,
    submitted: Submitted,
) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let entry = submitted.fields.text("entry").to_owned();
    let (management, name) = (shared.management.clone(), entry.clone());
    let result = run(COMPONENT_TIME, async move { management.remove_filter(name).await }).await;
    Ok(submitted.answer("/components", result, |_| {
        format!("{entry} no longer looks at mail. Its state is kept for a filter of this name.")
    }))
}

/// Adds a filter at the end of the chain, under the name of its component.
pub(super) async fn add(State(shared): State<Shared>, submitted: Submitted) -> Result<Response, PageError> {
    submitted.visitor.caller.must_be_owner()?;
    let result = try_add(&shared, &submitted).await;
    Ok(submitted.answer("/components", result, |chain| {
        format!("The filter was added. Filters look at mail in this order now: {chain}.")
    }))
}

async fn try_add(shared: &Shared, submitted: &Submitted) -> Result<String, Refused> {
    let component: ComponentRef = submitted.fields.parse("component")?;
    let management = shared.management.clone();
    let components = run(REQUEST_TIME, async move { management.components().await }).await?;
    let entry = free_name(&chain(shared).await?, &name_of(&components, &component));
    let management = shared.management.clone();
    let verb = async move { management.use_component(Slot::MailFilter, component, Some(entry)).await };
    let entries = run(COMPONENT_TIME, verb).await?;
    Ok(names(&entries).join(", "))
}

/// The name of a component; if there is no such component, the text that named it.
fn name_of(components: &[Component], wanted: &ComponentRef) -> String {
    let ComponentRef::Digest(digest) = wanted else { return wanted.to_string() };
    let found = components.iter().find(|component| component.sha256 == *digest);
    found.map_or_else(|| wanted.to_string(), |component| component.name.to_string())
}

/// The name, with a number if an entry has it already.
fn free_name(taken: &[String], name: &str) -> String {
    let numbered = (2_usize..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_filter_moves_one_place_and_stays_at_the_ends() {
        for (entry, direction, order) in [
            ("b", Direction::Up, ["b", "a", "c"]),
            ("b", Direction::Down, ["a", "c", "b"]),
            ("a", Direction::Up, ["a", "b", "c"]),
            ("c", Direction::Down, ["a", "b", "c"]),
        ] {
            assert_eq!(moved(chain(&["a", "b", "c"]), entry, direction).unwrap(), order, "{entry}");
        }
        assert!(moved(chain(&["a"]), "b", Direction::Up).is_err());
        assert!(moved(Vec::new(), "", Direction::Down).is_err());
    }

    #[test]
    fn a_second_filter_of_one_name_gets_a_number() {
        assert_eq!(free_name(&chain(&["mail-filter"]), "strict"), "strict");
        assert_eq!(free_name(&chain(&["strict", "strict-2"]), "strict"), "strict-3");
    }
}
