//! The JSON types of the API. Within `/api/v1` fields may be added; no field is renamed or removed.

mod account;
mod arrival;
mod component;
mod contact;
mod decision;
mod event;
mod history;
mod log;
mod mailbox;
mod outbox;
mod outcome;
mod page;
mod pin;
mod problem;
mod quarantine;
mod relay;
mod server;
mod status;
mod timestamp;
mod trial;
mod tuning;
mod upkeep;

pub use account::{
    Account, Credentials, ImportedAccount, InvalidPassword, NewAccount, NewPassword, Password,
};
pub use arrival::Arrival;
pub use component::{
    Component, ComponentName, ComponentRef, ComponentSignature, ComponentState, Fallback, FilterOrder,
    Health, InvalidComponentName, InvalidComponentSignature, RollBack, SeenFallback, Slot, SlotEntry,
    TimingBucket, UnknownSlot, UseComponent, UsePolicySet,
};
pub use contact::{
    AcceptRequest, Claim, ConfirmName, Contact, ContactAddress, ContactRequest, ContactState,
    InvalidContactAddress, NewAlias, NewContact, ToldName,
};
pub use decision::{Decision, DecisionQuery, InvalidSearchText, SearchText};
pub use event::{Event, FORGOTTEN, GAP};
pub use history::{History, Slice, Times};
pub use log::Log;
pub use mailbox::{ImportedMail, MailboxMail};
pub use outbox::{Copies, OutboxEntry, RelayCopies};
pub use outcome::{Outcome, OutcomeKind};
pub use page::{Listing, Page};
pub use pin::Pin;
pub use problem::{PROBLEM_CONTENT_TYPE, Problem};
pub use quarantine::{Direction, Mark, QuarantineEntry};
pub use relay::{Board, Hiding, Invitation, InvitationGiven, NewRelay, Relay, TokenSupply};
pub use server::MailSettings;
pub use status::{
    Attention, Connection, ContactStatus, Identity, MailboxStatus, OutboxStatus, Status, TaskStatus,
    ToxStatus, Unreadable, UnreadableRow,
};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use trial::{Answer, BeginShadow, Difference, NotReplayed, Replay, ReplayQuery, Shadow};
pub use tuning::{Limit, Tested, TestedCall, Tune, Tuned};
pub use upkeep::{ConfigurationKey, Reloaded};

#[cfg(test)]
mod tests;
