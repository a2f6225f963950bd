//! What the functions of the four slots have in common.

pub(crate) mod mail_filter;
pub(crate) mod message;
pub(crate) mod parts;
pub(crate) mod policy;
pub(crate) mod relay_selector;
pub(crate) mod resolver;
pub(crate) mod validate;
pub(crate) mod words;

use mail::record::Direction;
use mail::{Address, Envelope, MailId, ReversePath};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasmtime::Store;

use crate::engine::bindings::host::toxmail::gateway::types;
use crate::engine::guest::Guest;
use crate::engine::version::Prepared;
use crate::questions::validate::Nonsense;
use crate::slot::Slot;

/// Facts that a component is asked about; one type for each function of the WIT package.
pub(crate) trait Question: Clone + Serialize + DeserializeOwned + Send + 'static {
    /// The slot that answers.
    const SLOT: Slot;
    /// The function's name in WIT.
    const FUNCTION: &'static str;
    /// The answer, checked.
    type Answer: Serialize + Send + 'static;

    /// The mail that the question is about, if it is about one.
    fn mail(&self) -> Option<MailId>;

    /// The direction of the mail that filters are asked about; None for other questions.
    fn direction(&self) -> Option<Direction> {
        None
    }

    /// Instantiates the component, asks it, and checks what it answers.
    fn ask(
        &self,
        prepared: &Prepared,
        store: &mut Store<Guest>,
        context: &types::Context,
    ) -> Result<Self::Answer, Unanswered>;
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// The engine says why.
    Engine(wasmtime::Error),
    /// The answer makes no sense.
    Nonsense(Nonsense),
}

impl From<wasmtime::Error> for Unanswered {
    fn from(error: wasmtime::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<Nonsense> for Unanswered {
    fn from(nonsense: Nonsense) -> Self {
        Self::Nonsense(nonsense)
    }
}

/// An envelope as components see it.
pub(crate) fn envelope(reverse_path: &ReversePath, forward_path: &Address) -> types::Envelope {
    let reverse_path = match reverse_path {
        ReversePath::Null => None,
        ReversePath::Mailbox(address) => Some(address.to_string()),
    };
    types::Envelope { reverse_path, forward_path: forward_path.to_string() }
}

/// The envelope of a mail as components see it: without what the sender asked for in reports.
pub(crate) fn envelope_of(envelope: &Envelope) -> types::Envelope {
    self::envelope(&envelope.reverse_path, &envelope.forward_path)
}

/// A refusal as components see it.
pub(crate) fn refusal(refusal: &mail::Refusal) -> types::Refusal {
    types::Refusal { status: refusal.status.to_string(), text: refusal.text().to_owned() }
}
