//! The web API of the gateway under `/api/v1`, with metrics and events: what the command line and the dashboard
//! are clients of.
//!
//! This crate checks who asks, turns requests into types, asks [`Management`] (which the daemon implements) and
//! turns answers into JSON. It never decides anything about mail, never touches the store or the network beyond
//! its own listener, and never writes a password or token into a log.

pub mod dto;
pub mod limits;
pub mod management;
pub mod metrics;

pub use management::{Management, ManagementError};
