//! Settings and limits as people read them.

use std::fmt::Write as _;

use api::dto::Tuned;

use super::table::{Table, printable};

/// Settings and limits of an entry.
// Writing to a String cannot fail.
pub fn tuned(tuned: &Tuned) -> String {
    let mut text = format!("slot {}, entry {}\n\n", tuned.slot, printable(&tuned.entry));
    let mut settings = Table::new(["SETTING", "VALUE"]);
    for (name, value) in &tuned.settings {
        settings.row([name.clone(), value.clone()]);
    }
    text.push_str(&settings.or("no settings"));
    let mut limits = Table::new(["LIMIT", "VALUE", "DEFAULT", "BOUNDS"]);
    for limit in &tuned.limits {
        limits.row([
            limit.name.clone(),
            limit.value.to_string(),
            limit.default.to_string(),
            limit.about.clone(),
        ]);
    }
    let _ = write!(text, "\n{}", limits.or("no limits"));
    if let Some(path) = &tuned.policy_set {
        let _ = writeln!(text, "\nThe policy set {} sets this at every start.", printable(path));
    }
    text
}
