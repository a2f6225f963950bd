//! The host of components: it checks, compiles, limits, calls and swaps the WebAssembly that
//! decides.
//!
//! A component answers typed questions ([`mail::decision`]), each in a fresh instance, on its
//! slot's own threads, within [`Limits`]. The answer is checked and parsed before anybody sees it.
//! Everything that goes wrong is a [`Failure`]. The four slots live in a [`Sandbox`]; components
//! and their compiled forms in a [`Library`]; both share an [`Engine`]. What a component may use of
//! the gateway comes through the traits in [`capabilities`].
//!
//! ```text
//! Library: file -> checked -> compiled in a child process -> cache      (off the async threads)
//! Sandbox: question -> lane of the slot -> fresh instance -> checked answer -> caller, recorder
//! ```
//!
//! This crate never opens a socket, never keeps the gateway's state, never decides anything itself,
//! and never runs a component on an async thread.

mod awaited;
pub mod capabilities;
mod engine;
mod failure;
mod library;
pub mod limits;
mod questions;
pub mod record;
mod slot;
mod slots;
mod trials;

pub use awaited::{Awaited, Waiter};
pub use capabilities::Capabilities;
pub use engine::turns::{Turn, Turns};
pub use engine::{Engine, EngineError, Settings};
pub use failure::{CallError, Failure, FailureKind, FailureSummary};
pub use library::check::Refused;
pub use library::compile::{CompileError, CompileLimits, CompileMode, compile_child_main};
pub use library::error::LibraryError;
pub use library::trust::{InvalidKey, Trust};
pub use library::wrap::to_component;
pub use library::{ComponentInfo, Library};
pub use limits::{COMPONENT_BYTES, Limits};
pub use record::DecisionRecord;
pub use slot::Slot;
pub use slots::health::{HealthReport, TIMING_BUCKETS};
pub use slots::lines::{Lines, StateVersion, Step};
pub use slots::sandbox::Sandbox;
pub use slots::tune::{Bound, InvalidTuning, check_setting};
pub use slots::{
    EntryConfig, EntryStatus, Fallback, FellBack, LostFilter, Past, SlotsConfig, SlotsKeeper, SwapError,
    state_line, state_space,
};
pub use trials::bench;
pub use trials::difference::{Difference, Outcome};
pub use trials::replay::{Candidate, History, NotReplayed, ReplayReport};
pub use trials::shadow::{ShadowDiffers, ShadowReport};
