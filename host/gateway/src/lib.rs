//! The core: submission, outbox schedule, reception, bounces.
//!
//! It says what happens to a mail and when. It never opens a socket, a file or a component: it declares the
//! [`ports`] it needs and is handed them, so that it is tested whole, with in-memory ports and a simulated
//! clock. It never answers for a mail before the storage port said that it is durable.

pub mod ports;
