//! The sandbox with real components: the defaults, and guests that misbehave.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bench;
mod compiling;
mod damage;
mod defaults;
mod hostile;
mod library;
mod limits;
mod log;
mod malformed;
mod mischief;
mod reading;
mod recorded;
mod replay;
mod setup;
mod shadow;
mod signatures;
mod swapping;
mod waiting;
mod wasi;
mod wit;
mod words;
