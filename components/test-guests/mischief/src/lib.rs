//! Mischief that fits every slot. The setting `do` names it; `at` names the one function that shall do it, otherwise all do.

use std::hint::black_box;

/// What a function does that `at` does not name: its duty.
pub const DUTY: &str = "duty";

/// Bytes of a text that is larger than any answer may be.
const HUGE: usize = 8 << 20;

/// What of the gateway every slot grants.
pub trait Gateway {
    /// Writes a log line.
    fn log(text: &str);
    /// Sets a key of the state, and tells whether that was possible.
    fn set(key: &str, value: &[u8]) -> bool;
}

/// What the settings want of `function`.
pub fn wanted<'a>(settings: &'a [(String, String)], function: &str) -> &'a str {
    let setting = |wanted: &str| settings.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    match setting("at") {
        Some(at) if at != function => DUTY,
        _ => setting("do").map_or("", String::as_str),
    }
}

/// Misbehaves if `what` names mischief of every slot; returns otherwise.
pub fn act<G: Gateway>(what: &str) {
    match what {
        "spin" => spin(),
        "allocate" => allocate(),
        "recurse" => {
            black_box(recurse(1));
        }
        "trap" => panic!("as asked"),
        "call-loop" => loop {
            G::log("again");
        },
        "state-loop" => loop {
            G::set("again", b"and again");
        },
        "log-flood" => {
            for number in 0..5000 {
                G::log(&format!("line {number}\r\nand more"));
            }
        }
        "state-flood" => {
            black_box((0..1000).all(|number| G::set(&format!("key-{number}"), &[0; 10_000])));
        }
        _ => {}
    }
}

/// A text that is too large for an answer.
pub fn huge() -> String {
    "x".repeat(HUGE)
}

fn spin() {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

fn allocate() {
    let mut pieces = Vec::new();
    loop {
        pieces.push(black_box(vec![1_u8; 1 << 20]));
    }
}

#[allow(unconditional_recursion, reason = "that is the mischief")]
fn recurse(depth: u64) -> u64 {
    let here = black_box([depth; 64]);
    here[0] + recurse(black_box(depth + 1))
}
