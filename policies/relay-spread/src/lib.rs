//! A relay selector that spreads mail over owners by past success: who kept more of what was deposited gets more of what comes.
//!
//! The best relay of each owner stands for that owner. Owners take turns, and a turn costs the less the better the owner's record is:
//! with records of 90 % and 45 % the first gets twice as many mails. What an owner got is kept in the component's state.
//!
//! | setting | value |
//! | --- | --- |
//! | `copies` | owners that hold a copy of each mail: 1 to 8, default 2 |

#[allow(warnings, reason = "generated from wit/")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "relay-selector" });
}

use std::collections::BTreeMap;

use bindings::exports::toxmail::gateway::relay_selector_decisions::*;
use bindings::toxmail::gateway::log::{self, Level};
use bindings::toxmail::gateway::state;

/// What a turn costs an owner without any failure.
const TURN: u64 = 100;

struct RelaySpread;

impl Guest for RelaySpread {
    fn select(context: Context, mail: WaitingMail, relays: Vec<Relay>) -> Plan {
        let usable = relays.iter().filter(|relay| relay.read_by_recipient && relay.fill < 98);
        let mut owners: Vec<(String, &Relay, u64)> = best_of_each_owner(usable)
            .into_iter()
            .map(|(owner, relay)| (spent_key(&owner), relay))
            .map(|(key, relay)| { let spent = spent(&key); (key, relay, spent) })
            .collect();
        owners.sort_by_key(|(_, relay, spent)| spent + cost(relay));
        owners.truncate(copies(&context) + usize::from(mail.reposted));
        for (key, relay, spent) in &owners {
            spend(key, spent + cost(relay));
        }
        let enough = owners.len().div_ceil(2) as u32;
        let choices = owners.into_iter().map(|(_, relay, _)| Choice {
            key: relay.key.clone(),
            identity: Identity::Throwaway,
            within: 300,
        });
        Plan { choices: choices.collect(), enough, ttl_days: ttl_days(mail.remaining) }
    }
}

/// How often deposits worked, in percent; a new relay stands in the middle.
fn success_percent(relay: &Relay) -> u64 {
    let tries = relay.receipts.saturating_add(relay.failures).saturating_add(2);
    (relay.receipts.saturating_add(1).saturating_mul(100) / tries).max(1)
}

/// A turn costs more where less succeeded.
fn cost(relay: &Relay) -> u64 {
    TURN * 100 / success_percent(relay)
}

/// A relay whose owner is not known is its own owner.
fn best_of_each_owner<'a>(relays: impl Iterator<Item = &'a Relay>) -> BTreeMap<String, &'a Relay> {
    let mut best: BTreeMap<String, &Relay> = BTreeMap::new();
    for relay in relays {
        let owner = relay.owner.clone().unwrap_or_else(|| relay.key.clone());
        let best = best.entry(owner).or_insert(relay);
        if success_percent(relay) > success_percent(best) {
            *best = relay;
        }
    }
    best
}

/// State keys have at most 256 bytes.
fn spent_key(owner: &str) -> String {
    let mut end = owner.len().min(200);
    while !owner.is_char_boundary(end) {
        end -= 1;
    }
    format!("spent/{}", &owner[..end])
}

fn spent(key: &str) -> u64 {
    let bytes = state::get(key).ok().flatten().unwrap_or_default();
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

fn spend(key: &str, total: u64) {
    if let Err(error) = state::set(key, &total.to_le_bytes()) {
        log::write(Level::Warn, &format!("turns are not counted: {error}"));
    }
}

fn copies(context: &Context) -> usize {
    let setting = context.settings.iter().find(|(name, _)| name == "copies");
    setting.and_then(|(_, value)| value.parse().ok()).filter(|copies| (1..=8).contains(copies)).unwrap_or(2)
}

/// The longest time that does not outlive the mail.
fn ttl_days(remaining: u64) -> u32 {
    let days = remaining / (24 * 3600);
    [21, 14, 7].into_iter().find(|ttl| u64::from(*ttl) <= days).unwrap_or(1)
}

bindings::export!(RelaySpread with_types_in bindings);
