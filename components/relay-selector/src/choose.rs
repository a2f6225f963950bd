//! Which boards: usable ones, the best record first, owners before repetition.

use std::cmp::Reverse;

use crate::bindings::exports::toxmail::gateway::relay_selector_decisions::Relay;

/// A board this full may refuse the cells of one mail.
const FULL_PERCENT: u32 = 98;

/// How long a board rests after a failure: short if it mostly worked, long if it mostly did not.
const REST_AFTER_FAILURE: u64 = 10 * 60;
const REST_OF_A_BAD_BOARD: u64 = 6 * 3600;

/// Up to `boards` of `relays`, best first: one of each owner, and only then a second one of somebody. What the recipient reads
/// is known (`knows_reader`), or it is a first letter: then those the user chose are the best guess.
pub fn best(relays: &[Relay], knows_reader: bool, boards: usize) -> Vec<&Relay> {
    let is_read = |relay: &&Relay| if knows_reader { relay.read_by_recipient } else { relay.chosen_by_user };
    let mut usable: Vec<&Relay> = relays.iter().filter(is_read).filter(|relay| is_usable(relay)).collect();
    usable.sort_by_key(|relay| Reverse(rank(relay)));

    let mut chosen: Vec<&Relay> = Vec::new();
    let mut second_of_an_owner = Vec::new();
    for relay in usable {
        if chosen.iter().any(|other| same_owner(relay, other)) {
            second_of_an_owner.push(relay);
        } else {
            chosen.push(relay);
        }
    }
    chosen.extend(second_of_an_owner);
    chosen.truncate(boards);
    chosen
}

fn is_usable(relay: &Relay) -> bool {
    let rest = if success_percent(relay) < 50 { REST_OF_A_BAD_BOARD } else { REST_AFTER_FAILURE };
    let resting = relay.last_failure.is_some_and(|ago| ago < rest);
    relay.fill < FULL_PERCENT && !resting
}

/// What is better, most important first: its record, that the user chose it, tokens at hand, room.
fn rank(relay: &Relay) -> (u64, bool, bool, u32) {
    (success_percent(relay), relay.chosen_by_user, relay.tokens > 0, 100 - relay.fill.min(100))
}

/// How often deposits worked, in percent. Two made-up tries, one of them a success, put a new board in the middle:
/// behind those that proved themselves, before those that fail.
fn success_percent(relay: &Relay) -> u64 {
    let successes = relay.receipts.saturating_add(1);
    let tries = relay.receipts.saturating_add(relay.failures).saturating_add(2);
    successes.saturating_mul(100) / tries
}

/// Nobody knows whether two boards without a named owner fail together; they count as different.
fn same_owner(one: &Relay, other: &Relay) -> bool {
    one.owner.is_some() && one.owner == other.owner
}
