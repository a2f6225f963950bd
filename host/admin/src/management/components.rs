//! Components and the slots they fill: a part of [`Management`](super::Management).

use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use mail::AccountName;

use super::Result;
use crate::dto::{
    Component, ComponentName, ComponentRef, ComponentSignature, ComponentState, Slot, SlotEntry,
};

/// Components, and which of them decides what.
#[async_trait]
pub trait Components: Send + Sync + 'static {
    /// Components this gateway has: built in and uploaded (a bounded number by nature).
    async fn components(&self) -> Result<Vec<Component>>;
    /// Checks and compiles a component and keeps it. It decides nothing until [`Components::use_component`]. The same
    /// bytes under the same name again: the same answer. `Unprocessable` says what does not fit, the signature among it.
    async fn add_component(
        &self,
        name: ComponentName,
        bytes: Bytes,
        signature: Option<ComponentSignature>,
    ) -> Result<Component>;
    /// Removes a component that was added. `Conflict` while a slot needs it, `Unprocessable` for those built in.
    async fn remove_component(&self, component: ComponentRef) -> Result<()>;
    /// What fills the slots: a row for each live component, in the order of the chain where there is one.
    async fn slots(&self) -> Result<Vec<SlotEntry>>;
    /// Makes a component live in an entry of a slot, in one step; calls in flight finish on the old one. The entry may be left out where
    /// the slot has one only; a new one of slot `mail-filter` is added at the end of the chain.
    async fn use_component(
        &self,
        slot: Slot,
        component: ComponentRef,
        entry: Option<String>,
    ) -> Result<Vec<SlotEntry>>;
    /// Goes back to what was live in an entry before. `Conflict` when there was nothing.
    async fn roll_back(&self, slot: Slot, entry: Option<String>) -> Result<Vec<SlotEntry>>;
    /// Dismisses the notice that a component of an entry failed and another took its place.
    async fn fallback_seen(&self, slot: Slot, entry: Option<String>) -> Result<Vec<SlotEntry>>;
    /// Brings the filters of slot `mail-filter` into another order: the names of all of them.
    async fn order_filters(&self, entries: Vec<String>) -> Result<Vec<SlotEntry>>;
    /// Takes a filter out of the chain.
    async fn remove_filter(&self, entry: String) -> Result<Vec<SlotEntry>>;
    /// The state that components keep, of all accounts, in the order of space and account.
    async fn component_state(&self) -> Result<Vec<ComponentState>>;
    /// Deletes the state in a space of an account. `NotFound` where there is none.
    async fn clear_component_state(&self, space: String, account: &AccountName) -> Result<()>;
    /// Puts a policy set to work: a file on the gateway's machine. All of it or nothing; `Unprocessable` names the line that is wrong.
    async fn use_policy_set(&self, path: PathBuf) -> Result<Vec<SlotEntry>>;
}
