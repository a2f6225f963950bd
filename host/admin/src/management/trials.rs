//! What the web API can ask of components on trial: a part of [`Management`](super::Management).

use async_trait::async_trait;
use bytes::Bytes;

use super::Result;
use crate::dto::{BeginShadow, ComponentRef, Replay, ReplayQuery, Shadow, Slot};

/// The component on trial.
#[derive(Clone, Debug, PartialEq)]
pub enum Candidate {
    /// One the gateway has.
    Known(ComponentRef),
    /// The bytes of a file; they are not kept.
    File(Bytes),
}

/// Components beside the live ones, and against what was recorded.
#[async_trait]
pub trait Trials: Send + Sync + 'static {
    /// The report of a slot's shadow; `NotFound` if there is none.
    async fn shadow(&self, slot: Slot) -> Result<Shadow>;
    /// Lets a component run beside the live one; the slot's earlier shadow ends.
    async fn begin_shadow(&self, slot: Slot, shadow: BeginShadow) -> Result<Shadow>;
    /// Ends the shadow of a slot; its last report.
    async fn end_shadow(&self, slot: Slot) -> Result<Shadow>;

    /// Asks a component what the live ones were asked in the last days, on a copy of the state. Takes up to minutes.
    async fn replay(&self, candidate: Candidate, query: ReplayQuery) -> Result<Replay>;
}
