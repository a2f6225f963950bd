//! Numbers and times as people read them.

use mail::Wall;

use crate::dto::Timestamp;
use crate::limits::SHOWN_CHARS;

/// A time: exact for machines, and as distance from now for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// RFC 3339.
    pub(super) iso: String,
    /// `5 minutes ago`, `in 2 hours`.
    pub(super) text: String,
}

impl Moment {
    pub(super) fn new(time: Timestamp, now: Wall) -> Self {
        let Timestamp(at) = time;
        let text = if at >= now { ahead(at.since(now).as_secs()) } else { ago(now.since(at).as_secs()) };
        Self { iso: time.to_text(), text }
    }
}

fn ahead(seconds: u64) -> String {
    // To the nearest unit: what is five days off is not called four.
    let half = match seconds {
        0..60 => 0,
        60..3600 => 30,
        3600..172_800 => 1800,
        _ => 43_200,
    };
    if seconds < 5 { "now".to_owned() } else { format!("in {}", distance(seconds + half)) }
}

fn ago(seconds: u64) -> String {
    if seconds < 5 { "just now".to_owned() } else { format!("{} ago", distance(seconds)) }
}

fn distance(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    plural(number, unit)
}

/// `1 mail`, `2 mails`.
pub(super) fn plural(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Bytes with three digits at most (SI prefixes).
pub(super) fn bytes(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1000 => return plural(bytes, "byte"),
        1000..1_000_000 => (1000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = bytes / (unit / 10);
    if tenths < 100 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", tenths / 10)
    }
}

/// Microseconds with a unit that fits.
pub(super) fn duration(microseconds: u64) -> String {
    match microseconds {
        0..1000 => format!("{microseconds} µs"),
        1000..1_000_000 => format!("{} ms", microseconds / 1000),
        _ => format!("{}.{} s", microseconds / 1_000_000, microseconds / 100_000 % 10),
    }
}

/// A text from outside, cut to [`SHOWN_CHARS`].
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ago, ahead};

    #[test]
    fn what_is_ahead_is_rounded_and_what_was_is_not() {
        for (seconds, later, before) in [
            (4, "now", "just now"),
            (59, "in 59 seconds", "59 seconds ago"),
            (295, "in 5 minutes", "4 minutes ago"),
            (3599, "in 1 hour", "59 minutes ago"),
            (432_000 - 2, "in 5 days", "4 days ago"),
        ] {
            assert_eq!((ahead(seconds).as_str(), ago(seconds).as_str()), (later, before));
        }
    }
}
