//! Mischief that fits every slot. The setting `do` names it.

use std::hint::black_box;

/// The value of the setting `do`.
pub fn wanted(settings: &[(String, String)]) -> &str {
    settings.iter().find(|(name, _)| name == "do").map_or("", |(_, value)| value)
}

/// Misbehaves if `what` names mischief of every slot; returns otherwise.
pub fn act(what: &str) {
    match what {
        "spin" => spin(),
        "allocate" => allocate(),
        "recurse" => {
            black_box(recurse(1));
        }
        "trap" => panic!("as asked"),
        _ => {}
    }
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
