//! A resolver that misbehaves as the setting `do` says.

#[allow(missing_docs, reason = "generated; the WIT files document it")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "resolver" });
}

use bindings::exports::toxmail::gateway::resolver_decisions::{
    Context, Guest, Resolution, ResolveError, Source, Target, Trust,
};
use bindings::toxmail::gateway::dns::{DnsError, lookup_txt};
use bindings::toxmail::gateway::log::{Level, write};
use bindings::toxmail::gateway::{contacts, state};

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
    fn resolve(context: Context, _address: String) -> Result<Resolution, ResolveError> {
        let what = mischief::wanted(&context.settings, "resolve");
        mischief::act::<Self>(what);
        match what {
            "huge" => Err(ResolveError::NotFound(mischief::huge())),
            "contact-loop" => loop {
                contacts::by_alias("nobody");
            },
            "nonsense" => Ok(found(Target::ToxId("not hexadecimal".into()))),
            "no-account" => Ok(found(Target::Account("../etc".into()))),
            "many-attributes" => {
                let attributes = vec![("name".into(), "value".into()); 1000];
                Ok(Resolution { attributes, ..found(Target::Account("anna".into())) })
            }
            "log-flood" | "state-flood" => Ok(found(Target::Account(context.account))),
            "count" => Err(ResolveError::NotFound(count_across_a_look_up())),
            "dns-loop" => Err(ResolveError::NotFound(format!("{} look-ups", look_up_until_refused()))),
            _ => Err(ResolveError::TryLater("the evil resolver".into())),
        }
    }
}

fn found(target: Target) -> Resolution {
    Resolution {
        target,
        source: Source::Other("mischief".into()),
        trust: Trust::Verified,
        attributes: vec![],
    }
}

fn look_up_until_refused() -> u32 {
    (0..).find(|_| matches!(lookup_txt("example.org"), Err(DnsError::TooMany))).unwrap_or(0)
}

/// Counts calls in the state, and asks DNS between reading and writing.
fn count_across_a_look_up() -> String {
    let count = || state::get("count").ok().flatten().and_then(|value| value.first().copied()).unwrap_or(0);
    let before = count();
    let _ = lookup_txt("example.org");
    if state::set("count", &[before + 1]).is_ok() {
        return "counted".into();
    }
    let now = count();
    state::set("count", &[now + 1]).map_or_else(|error| format!("{error:?}"), |()| "counted again".into())
}

bindings::export!(Evil with_types_in bindings);
