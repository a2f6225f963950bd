//! A relay selector: two relays that the recipient reads, the emptiest first.

#[allow(warnings, reason = "generated from wit/")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "relay-selector" });
}

use bindings::exports::toxmail::gateway::relay_selector_decisions::*;

struct RelaySelector;

impl Guest for RelaySelector {
    fn select(_context: Context, _mail: WaitingMail, relays: Vec<Relay>) -> Plan {
        let mut usable: Vec<Relay> = relays.into_iter().filter(|relay| relay.read_by_recipient).collect();
        usable.sort_by_key(|relay| relay.fill);
        usable.truncate(2);
        let enough = usable.len().min(1) as u32;
        let choose = |relay: Relay| Choice { key: relay.key, identity: Identity::Throwaway, within: 300 };
        Plan { choices: usable.into_iter().map(choose).collect(), enough, ttl_days: 7 }
    }
}

bindings::export!(RelaySelector with_types_in bindings);
