//! The default relay selector: copies of a mail wait on three boards that fail independently.
//!
//! Only boards that the recipient reads are of use; at first contact, while nobody knows which these are, those the user chose
//! are tried. Among them, boards of different owners come first, then those
//! with the better record; a board that failed rests for a while. A mail that nothing was heard of gets one board more.
//!
//! | setting | value |
//! | --- | --- |
//! | `boards` | how many boards hold a copy: 1 to 8, default 3 |
//! | `spread-seconds` | deposits are made at random times within this time: default 300 |

mod choose;
mod time_to_live;

#[allow(missing_docs, reason = "generated; the WIT files document it")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "relay-selector" });
}

use bindings::exports::toxmail::gateway::relay_selector_decisions::{
    Choice, Context, Guest, Identity, Plan, Relay, WaitingMail,
};
use bindings::toxmail::gateway::log::{Level, write};

/// Boards a mail waits on by default.
const BOARDS: u32 = 3;

/// Seconds within which the deposits are made by default.
const SPREAD_SECONDS: u32 = 300;

/// A larger mail waits for the direct way.
const CELLS_MOST: u32 = 64;

struct RelaySelector;

impl Guest for RelaySelector {
    fn select(context: Context, mail: WaitingMail, relays: Vec<Relay>) -> Plan {
        let boards = number(&context, "boards", 1..=8, BOARDS) + u32::from(mail.reposted);
        let within = number(&context, "spread-seconds", 1..=86_400, SPREAD_SECONDS);
        plan(&mail, &relays, boards, within)
    }
}

/// Where copies of `mail` wait: on up to `boards` of `relays`.
fn plan(mail: &WaitingMail, relays: &[Relay], boards: u32, within: u32) -> Plan {
    let nothing = Plan { choices: Vec::new(), enough: 0, ttl_days: 1 };
    let Some(ttl_days) = time_to_live::class(mail.remaining) else { return nothing };
    if mail.cells > CELLS_MOST {
        return nothing;
    }
    let chosen = choose::best(relays, knows_reader(mail), boards as usize);
    // Most of the boards have to say that they hold it.
    let enough = if chosen.is_empty() { 0 } else { chosen.len() as u32 / 2 + 1 };
    let choices = chosen
        .into_iter()
        .map(|relay| Choice { key: relay.key.clone(), identity: identity(relay), within })
        .collect();
    Plan { choices, enough, ttl_days }
}

/// On a relay of one's own there is nobody to hide from.
fn identity(relay: &Relay) -> Identity {
    if relay.served_here { Identity::Account } else { Identity::Throwaway }
}

/// Whether the recipient's mailbox record has come, which says what they read.
fn knows_reader(mail: &WaitingMail) -> bool {
    mail.attributes.iter().all(|(name, value)| name != "mailbox-record" || value != "none")
}

/// A number from the settings; the default where it is missing or makes no sense.
fn number(context: &Context, name: &str, range: std::ops::RangeInclusive<u32>, default: u32) -> u32 {
    let Some((_, text)) = context.settings.iter().find(|(known, _)| known == name) else { return default };
    match text.parse() {
        Ok(number) if range.contains(&number) => number,
        _ => {
            let (least, most) = (range.start(), range.end());
            write(
                Level::Warn,
                &format!("{name} is `{text}`; it can be {least} to {most}. {default} is used."),
            );
            default
        }
    }
}

bindings::export!(RelaySelector with_types_in bindings);

#[cfg(test)]
mod tests;
