//! The decisions that components make: what each is asked, what it answers, and the port through which the core asks.
//!
//! Each type mirrors the record or variant of the WIT package `toxmail:gateway` that it names. Recorded decisions are
//! in its JSON form, and decisions that version 0.1.0 recorded are replayed: a field is neither renamed nor removed.

mod attributes;
pub mod mail_filter;
pub mod policy;
mod port;
pub mod relay_selector;
pub mod resolver;

pub use attributes::Attributes;
pub use port::{DecisionFailure, Decisions};
