//! The command line: what it understands, and the verbs, which are clients of the running gateway's web API.

pub mod args;
pub mod ready;
