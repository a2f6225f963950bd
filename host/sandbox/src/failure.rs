//! What can go wrong with a call.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::slot::Slot;

/// Why a component gave no usable answer. The caller applies the failure rule of the slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// No component is live in the slot.
    #[error("no component is live")]
    Missing,
    /// All threads of the slot stayed busy, or too many calls wait already.
    #[error("too many calls are waiting: an earlier call takes long")]
    Busy,
    /// The call ran longer than its limit.
    #[error("it ran longer than its limit of {} ms", .0.as_millis())]
    TimeLimit(Duration),
    /// The component failed after it was denied memory beyond its limit (bytes).
    #[error("it needed more than its limit of {0} bytes of memory")]
    MemoryLimit(u64),
    /// The component called itself deeper than its stack (bytes) has room for.
    #[error("it needed more than its limit of {0} bytes of stack")]
    StackLimit(u64),
    /// The component failed after it was denied table elements beyond its limit.
    #[error("it needed a table of more than its limit of {0} elements")]
    TableLimit(u64),
    /// The component called capabilities more often than its limit.
    #[error("it called the gateway more than {0} times")]
    CapabilityLimit(u32),
    /// The component trapped; the reason is the engine's.
    #[error("it trapped: {0}")]
    Trapped(String),
    /// The answer was larger than the limit allows, or broke the rules of the component model.
    #[error("its answer could not be read: {0}")]
    Unreadable(String),
    /// The answer could be read but makes no sense.
    #[error("its answer makes no sense: {0}")]
    Nonsense(String),
    /// A capability failed on the gateway's side: the disk, for instance.
    #[error("the gateway could not serve it: {0}")]
    Gateway(String),
    /// The gateway stops, or a thread of the host was lost.
    #[error("the gateway is stopping")]
    Stopped,
}

impl Failure {
    /// Whether the component is to blame: these count towards going back to the last good version.
    #[must_use]
    pub fn is_components_fault(&self) -> bool {
        !matches!(self, Self::Missing | Self::Busy | Self::Gateway(_) | Self::Stopped)
    }
}

/// A failed call: which slot and entry, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of slot {slot} gave no answer: {failure}", entry.as_deref().unwrap_or("the component"))]
pub struct CallError {
    /// The slot.
    pub slot: Slot,
    /// The entry of the policy set.
    pub entry: Option<String>,
    /// Why.
    pub failure: Failure,
}
