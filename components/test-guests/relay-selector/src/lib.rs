//! A relay selector that misbehaves as the setting `do` says. Without it no relay is chosen.

#[allow(missing_docs, reason = "generated; the WIT files document it")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "relay-selector" });
}

use bindings::exports::toxmail::gateway::relay_selector_decisions::{
    Choice, Context, Guest, Identity, Plan, Relay, WaitingMail,
};
use bindings::toxmail::gateway::log::{Level, write};
use bindings::toxmail::gateway::state;

struct Evil;

impl mischief::Gateway for Evil {
    fn log(text: &str) {
        write(Level::Info, text);
    }

    fn set(key: &str, value: &[u8]) -> bool {
        state::set(key, value).is_ok()
    }
}

impl Guest for Evil {
    fn select(context: Context, _mail: WaitingMail, relays: Vec<Relay>) -> Plan {
        let what = mischief::wanted(&context.settings, "select");
        mischief::act::<Self>(what);
        let key = relays.first().map_or_else(|| "00".repeat(32), |relay| relay.key.clone());
        match what {
            "huge" => plan(vec![choice(mischief::huge(), Identity::Throwaway)]),
            "many-relays" => plan((0..1000).map(|_| choice(key.clone(), Identity::Throwaway)).collect()),
            "same-relay" => {
                plan(vec![choice(key.clone(), Identity::Throwaway), choice(key, Identity::Throwaway)])
            }
            "own-identity" => plan(vec![choice(key, Identity::Account)]),
            "first-relay" => plan(vec![choice(key, Identity::Throwaway)]),
            "other-relay" => plan(vec![choice("22".repeat(32), Identity::Throwaway)]),
            "nonsense" => Plan { ttl_days: 1000, ..plan(vec![]) },
            _ => plan(vec![]),
        }
    }
}

fn plan(choices: Vec<Choice>) -> Plan {
    Plan { enough: u32::from(!choices.is_empty()), choices, ttl_days: 7 }
}

fn choice(key: String, identity: Identity) -> Choice {
    Choice { key, identity, within: 0 }
}

bindings::export!(Evil with_types_in bindings);
