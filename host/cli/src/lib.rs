//! The command line: what it understands, and its verbs, which are clients of the running gateway's web API.
//!
//! A verb is defined in [`args`], and made an errand in `errand`: which endpoint of [`api`] is asked, and how the answer reads.
//! What is more than one request, or none, is a task. This crate knows neither the core nor the sandbox nor the store: what
//! needs them is done by the [`Program`] that the command line belongs to.

pub mod args;
mod client;
mod component_file;
pub mod directory;
mod errand;
mod error;
pub mod limits;
pub mod listen_address;
mod mailclient;
mod new_component;
mod password_line;
mod print;
mod program;
mod progress;
pub mod ready;
mod request;
pub mod signature;
mod table;
mod task;
pub mod tls;
mod trials;
mod tuning;

pub use client::{Exchange, Gateway};
pub use component_file::read_component;
pub use error::ClientError;
pub use program::{Printed, Program, ToComponent, json_text, run};
pub use progress::Progress;
pub use request::Request;
pub use table::printable;
