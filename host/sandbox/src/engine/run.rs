//! One call: a fresh instance, within limits, and what became of it.

use std::sync::Arc;

use mail::decision::mail_filter::MessageBytes;
use wasmtime::{Store, Trap, UpdateDeadline};

use crate::capabilities::Capabilities;
use crate::engine::Engine;
use crate::engine::bindings::host::toxmail::gateway::types;
use crate::engine::guest::{Call, Guest, Stop};
use crate::engine::memory::Denied;
use crate::engine::version::Prepared;
use crate::failure::Failure;
use crate::limits::{HANDLES, Limits};
use crate::questions::validate::one_line;
use crate::questions::{Question, Unanswered};
use crate::record::Transcript;

/// What became of a call.
pub(crate) struct Asked<A> {
    /// The answer, or why there is none.
    pub(crate) answer: Result<A, Failure>,
    /// What the component did.
    pub(crate) transcript: Transcript,
    /// Bytes of linear memory it had at the end.
    pub(crate) memory: u64,
}

/// Asks a component in a fresh instance. Blocks as long as the component runs; the thread needs room for its stack.
pub(crate) fn ask<Q: Question>(
    engine: &Engine,
    capabilities: &Capabilities,
    prepared: &Prepared,
    call: &Call,
    settings: &[(String, String)],
    question: &Q,
    source: Option<Arc<dyn MessageBytes>>,
) -> Asked<Q::Answer> {
    let guest = Guest::new(call, capabilities.clone(), source, engine);
    let mut store = Store::new(prepared.engine(), guest);
    store.limiter(|guest| &mut guest.memory);
    store.set_max_component_handles(HANDLES);
    store.set_hostcall_fuel(usize::try_from(call.limits.output_bytes).unwrap_or(usize::MAX));
    store.set_epoch_deadline(store.data().ticks_left().unwrap_or(1));
    store.epoch_deadline_callback(|context| match context.data().ticks_left() {
        Some(ticks) => Ok(UpdateDeadline::Continue(ticks)),
        None => Err(Stop::TimeLimit.into()),
    });
    let context =
        types::Context { account: call.account.to_string(), now: call.now.0, settings: settings.to_vec() };
    let answer = question.ask(prepared, &mut store, &context);
    let answer = answer.map_err(|why| failure(why, &call.limits, store.data()));
    // A store that trapped cannot be entered again; none is used twice.
    let guest = store.into_data();
    Asked { answer, memory: guest.memory.used(), transcript: guest.transcript }
}

/// Why a call failed, most telling reason first.
fn failure(why: Unanswered, limits: &Limits, guest: &Guest) -> Failure {
    let error = match why {
        Unanswered::Nonsense(nonsense) => return Failure::Nonsense(nonsense.0),
        Unanswered::Engine(error) => error,
    };
    match error.downcast_ref::<Stop>() {
        Some(Stop::TimeLimit) => return Failure::TimeLimit(limits.call_time()),
        Some(Stop::CapabilityLimit) => return Failure::CapabilityLimit(limits.capability_calls),
        Some(Stop::Gateway(why)) => return Failure::Gateway(one_line(why, 400)),
        None => {}
    }
    match guest.memory.denied() {
        Some(Denied::Memory) => return Failure::MemoryLimit(limits.memory_bytes),
        Some(Denied::Table) => return Failure::TableLimit(limits.table_elements),
        None => {}
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Failure::Busy;
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => Failure::StackLimit(limits.stack_bytes),
        Some(trap) => Failure::Trapped(trap.to_string()),
        None => Failure::Unreadable(one_line(&format!("{:#}", error), 400)),
    }
}
