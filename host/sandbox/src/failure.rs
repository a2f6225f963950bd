//! What can go wrong with a call.

use std::time::Duration;

use mail::decision::DecisionFailure;
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
    /// No filter was asked again about a mail with which the gateway ended again and again.
    #[error("the gateway ended twice while its filters looked at this mail, so they were not asked again")]
    Deadly,
    /// A filter of the chain is lost, and nobody has decided about it yet: what it would have said is not known.
    #[error(
        "it is lost ({0}): put it in again (toxmail slot use mail-filter), or take it out (toxmail slot remove)"
    )]
    Lost(String),
    /// The gateway stops, or a thread of the host was lost.
    #[error("the gateway is stopping")]
    Stopped,
}

impl Failure {
    /// Whether no component was asked: asking later helps, and nothing is wrong with it.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy | Self::Stopped)
    }

    /// What kind of failure it is, without anything the component said.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Missing => FailureKind::Missing,
            Self::Busy => FailureKind::Busy,
            Self::TimeLimit(_) => FailureKind::TimeLimit,
            Self::MemoryLimit(_) => FailureKind::MemoryLimit,
            Self::StackLimit(_) => FailureKind::StackLimit,
            Self::TableLimit(_) => FailureKind::TableLimit,
            Self::CapabilityLimit(_) => FailureKind::CapabilityLimit,
            Self::Trapped(_) => FailureKind::Trapped,
            Self::Unreadable(_) => FailureKind::Unreadable,
            Self::Nonsense(_) => FailureKind::Nonsense,
            Self::Gateway(_) => FailureKind::Gateway,
            Self::Deadly => FailureKind::Deadly,
            Self::Lost(_) => FailureKind::Lost,
            Self::Stopped => FailureKind::Stopped,
        }
    }

    /// The failure without the words of the component: what a record keeps when the owner wants no words kept.
    #[must_use]
    pub(crate) fn without_words(self) -> Self {
        match self {
            Self::Trapped(_) => Self::Trapped(String::new()),
            Self::Unreadable(_) => Self::Unreadable(String::new()),
            Self::Nonsense(_) => Self::Nonsense(String::new()),
            other => other,
        }
    }

    /// Whether the component is to blame: these count towards going back to the last good version.
    #[must_use]
    pub fn is_components_fault(&self) -> bool {
        !matches!(
            self,
            Self::Missing | Self::Busy | Self::Gateway(_) | Self::Deadly | Self::Lost(_) | Self::Stopped
        )
    }
}

/// What kind of failure it was. It has no text of the component, which may quote somebody's mail, so everybody may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// [`Failure::Missing`]
    #[error("no component is live")]
    Missing,
    /// [`Failure::Busy`]
    #[error("too many calls are waiting: an earlier call takes long")]
    Busy,
    /// [`Failure::TimeLimit`]
    #[error("it ran too long")]
    TimeLimit,
    /// [`Failure::MemoryLimit`]
    #[error("it needed too much memory")]
    MemoryLimit,
    /// [`Failure::StackLimit`]
    #[error("it needed too much stack")]
    StackLimit,
    /// [`Failure::TableLimit`]
    #[error("it needed too large a table")]
    TableLimit,
    /// [`Failure::CapabilityLimit`]
    #[error("it called the gateway too often")]
    CapabilityLimit,
    /// [`Failure::Trapped`]
    #[error("it trapped")]
    Trapped,
    /// [`Failure::Unreadable`]
    #[error("its answer could not be read")]
    Unreadable,
    /// [`Failure::Nonsense`]
    #[error("its answer makes no sense")]
    Nonsense,
    /// [`Failure::Gateway`]
    #[error("the gateway could not serve it; its log says more")]
    Gateway,
    /// [`Failure::Deadly`]
    #[error("the gateway ended twice while its filters looked at this mail, so they were not asked again")]
    Deadly,
    /// [`Failure::Lost`]
    #[error("it is lost: the owner puts it in again, or takes it out (toxmail slot list)")]
    Lost,
    /// [`Failure::Stopped`]
    #[error("the gateway is stopping")]
    Stopped,
}

/// A failure as everybody may see it: the function that was called, and the kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{function}: {kind}")]
pub struct FailureSummary {
    /// The function of the slot's interface, `next-attempt` for instance.
    pub function: &'static str,
    /// What happened.
    pub kind: FailureKind,
}

/// A failed call: which slot, entry and function, and why. Its text has the kind of the failure only: the words of a component belong to
/// the account it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of slot {slot} gave no answer to {function}: {}", entry.as_deref().unwrap_or("the component"), failure.kind())]
pub struct CallError {
    /// The slot.
    pub slot: Slot,
    /// The entry of the policy set.
    pub entry: Option<String>,
    /// The function of the slot's interface.
    pub function: &'static str,
    /// Why it failed.
    pub failure: Failure,
}

impl From<CallError> for DecisionFailure {
    fn from(error: CallError) -> Self {
        Self { reason: error.to_string(), is_busy: error.failure.is_busy() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_component_are_not_in_the_error_of_a_call() {
        for failure in [Failure::Nonsense("the mail's secret".into()), Failure::Unreadable("secret".into())] {
            let error =
                CallError { slot: Slot::MailFilter, entry: Some("mine".into()), function: "filter", failure };
            let text = error.to_string();
            assert!(text.contains("mine") && text.contains("filter: its answer"), "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
