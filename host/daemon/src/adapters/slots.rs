//! Slots, as the web API and as the sandbox name them.

use admin::dto::Slot;

/// A slot as the sandbox names it.
pub const fn sandbox_slot(slot: Slot) -> sandbox::Slot {
    match slot {
        Slot::Policy => sandbox::Slot::Policy,
        Slot::Resolver => sandbox::Slot::Resolver,
        Slot::RelaySelector => sandbox::Slot::RelaySelector,
        Slot::MailFilter => sandbox::Slot::MailFilter,
    }
}

/// A slot as the web API names it.
pub const fn shown_slot(slot: sandbox::Slot) -> Slot {
    match slot {
        sandbox::Slot::Policy => Slot::Policy,
        sandbox::Slot::Resolver => Slot::Resolver,
        sandbox::Slot::RelaySelector => Slot::RelaySelector,
        sandbox::Slot::MailFilter => Slot::MailFilter,
    }
}
