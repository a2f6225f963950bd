//! Cases that every component of a slot has to answer before it is taken: any valid answer will do.

use super::case::{Case, InvalidCase};
use crate::slot::Slot;

/// The cases of a slot. Their texts are good examples of case files.
///
/// # Errors
/// Never, unless the files built into this program are wrong, which a test excludes.
pub fn cases(slot: Slot) -> Result<Case, InvalidCase> {
    let (text, name) = match slot {
        Slot::Policy => (include_str!("conformance/policy.toml"), "policy"),
        Slot::Resolver => (include_str!("conformance/resolver.toml"), "resolver"),
        Slot::RelaySelector => (include_str!("conformance/relay-selector.toml"), "relay-selector"),
        Slot::MailFilter => (include_str!("conformance/mail-filter.toml"), "mail-filter"),
    };
    Case::parse(text, name, None)
}
