//! The host of components: it checks, compiles, limits, calls and swaps the WebAssembly that
//! decides.
//!
//! A component answers typed questions ([`policy`], [`resolver`], [`relay_selector`],
//! [`mail_filter`]), each in a fresh instance, on threads of its slot's own, within [`Limits`]. Its
//! answer is checked and parsed before anybody sees it. Whatever goes wrong is one [`Failure`]. The
//! four slots live in a [`Sandbox`]; components and their compiled forms in a [`Library`]; both
//! share an [`Engine`]. What a component may use of the gateway comes through the traits in
//! [`capabilities`].
//!
//! ```text
//! Library: file -> checked -> compiled in a child process -> cache      (off the async threads)
//! Sandbox: question -> lane of the slot -> fresh instance -> checked answer -> caller, recorder
//! ```
//!
//! This crate never opens a socket, never keeps the gateway's state, never decides anything itself,
//! and never runs a component on an async thread.

mod awaited;
pub mod bench;
mod bindings;
mod cache;
pub mod capabilities;
mod chain;
mod check;
mod compile;
mod copied_state;
mod difference;
mod encode;
mod engine;
mod failure;
mod fitting;
mod guest;
mod health;
mod lane;
mod library;
mod library_error;
pub mod limits;
mod lines;
pub mod mail_filter;
mod memory;
mod message;
mod parts;
pub mod policy;
mod question;
pub mod record;
mod recorded;
pub mod relay_selector;
mod removal;
mod replay;
pub mod resolver;
mod run;
mod sandbox;
mod seat;
mod shadow;
mod slot;
mod slots;
mod ticker;
mod trust;
mod tune;
mod turns;
mod validate;
mod version;
mod wasi;
mod wasm;
mod words;
mod wrap;

pub use awaited::{Awaited, Waiter};
pub use capabilities::Capabilities;
pub use check::Refused;
pub use compile::{CompileError, CompileLimits, CompileMode, compile_child_main};
pub use difference::{Difference, Outcome};
pub use engine::{Engine, EngineError, Settings};
pub use failure::{CallError, Failure, FailureKind, FailureSummary};
pub use health::{HealthReport, TIMING_BUCKETS};
pub use library::{ComponentInfo, Library};
pub use library_error::LibraryError;
pub use limits::{COMPONENT_BYTES, Limits};
pub use lines::{Lines, StateVersion, Step};
pub use record::DecisionRecord;
pub use replay::{Candidate, History, ReplayReport};
pub use sandbox::Sandbox;
pub use shadow::{ShadowDiffers, ShadowReport};
pub use slot::Slot;
pub use slots::{
    EntryConfig, EntryStatus, Fallback, FellBack, LostFilter, Past, SlotsConfig, SlotsKeeper, SwapError,
    state_line, state_space,
};
pub use trust::{InvalidKey, Trust};
pub use tune::{Bound, check_setting};
pub use turns::{Turn, Turns};
pub use wrap::to_component;
