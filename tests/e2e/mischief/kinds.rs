//! What a component can do in each function of each slot, and what has to come of it.

use serde_json::Value;

/// One kind of mischief.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The setting `do` of the guest.
    pub what: &'static str,
    pub comes: Outcome,
}

/// What comes of a call.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// It ends without an answer, and the record gives a reason with these words.
    Ends(&'static str),
    /// The answer counts; the record tells what there was too much of.
    IsCut,
}

/// What every function can do that ends its call.
const ENDS: [(&str, &str); 6] = [
    ("spin", "ran longer than its limit of 300 ms"),
    ("allocate", "of memory"),
    ("recurse", "it "),
    ("trap", "trapped"),
    ("call-loop", "called the gateway more than 2000 times"),
    ("state-loop", "called the gateway more than 2000 times"),
];

/// A component is not stopped for these: it is only given no more.
pub const FLOODS: [Kind; 2] =
    [Kind { what: "log-flood", comes: Outcome::IsCut }, Kind { what: "state-flood", comes: Outcome::IsCut }];

const UNREADABLE: &str = "could not be read";
const NONSENSE: &str = "makes no sense";

/// Answers that do not count: too large, out of range, not what they say they are. What is answered to `accept-friend` is one of three
/// words, and to `learn` nothing.
fn answers(function: &str) -> &'static [(&'static str, &'static str)] {
    match function {
        "allow-submission" => {
            &[("huge", UNREADABLE), ("nonsense", "goodbye"), ("wrong-class", "class 2"), ("no-text", "empty")]
        }
        "next-attempt" => &[("huge", UNREADABLE), ("nonsense", "class 4")],
        "allow-deposit" => &[("huge", UNREADABLE), ("nonsense", "empty")],
        "resolve" => &[
            ("huge", UNREADABLE),
            ("nonsense", "Tox ID"),
            ("no-account", "account"),
            ("many-attributes", "attributes"),
            ("contact-loop", "called the gateway more than 2000 times"),
        ],
        "select" => &[
            ("huge", UNREADABLE),
            ("nonsense", NONSENSE),
            ("many-relays", NONSENSE),
            ("same-relay", NONSENSE),
            ("own-identity", NONSENSE),
            ("other-relay", NONSENSE),
        ],
        "filter" => &[
            ("huge", UNREADABLE),
            ("nonsense", NONSENSE),
            ("bad-header", "one line"),
            ("reserved-header", "from"),
            ("many-headers", "1000"),
            ("read-loop", "called the gateway more than 2000 times"),
        ],
        _ => &[],
    }
}

/// All that `function` can do.
pub fn kinds(function: &str) -> impl Iterator<Item = Kind> {
    let ends = ENDS.iter().chain(answers(function));
    ends.map(|(what, why)| Kind { what, comes: Outcome::Ends(why) }).chain(FLOODS)
}

impl Kind {
    /// How often it may call the gateway: loops end soon, a flood is not taken for one.
    pub fn capability_calls(self) -> u32 {
        match self.comes {
            Outcome::Ends(_) => 2000,
            Outcome::IsCut => 10_000,
        }
    }

    /// Whether this is what a decision's record says.
    pub fn is_recorded_in(self, decision: &Value) -> bool {
        let count = |field: &str| decision[field].as_array().map_or(0, |list| list.len() as u64);
        match (self.comes, self.what) {
            (Outcome::Ends(reason), _) => {
                let why = decision["failure"].as_str();
                decision["answer"].is_null() && why.is_some_and(|failure| failure.contains(reason))
            }
            (Outcome::IsCut, _) if !decision["failure"].is_null() => false,
            // 5000 lines, of which the default limit keeps 100.
            (Outcome::IsCut, "log-flood") => {
                (count("log"), decision["log_lines_dropped"].as_u64()) == (100, Some(4900))
            }
            // 10 KB and 128 bytes each: 103 keys fit the default quota of 1 MiB; after the one that does not there is at most what `learn` keeps.
            (Outcome::IsCut, _) => {
                (104..=105).contains(&(count("calls") + decision["calls_dropped"].as_u64().unwrap_or(0)))
            }
        }
    }
}
