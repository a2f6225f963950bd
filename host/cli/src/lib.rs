//! The command line: its grammar and its verbs. A verb is a client of the running gateway's web
//! API.
//!
//! [`args`] defines the verbs. `errand` turns a verb into a request to an endpoint of [`api`], and
//! its answer into text. A verb that needs several requests, or none, is a task.
//!
//! This crate never uses the core, the sandbox or the store. The [`Program`] that the command line
//! belongs to does what needs them.

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
