//! Sockets around the state machines of line protocols: what the SMTP and the POP3 server have in
//! common.
//!
//! [`Listener`] takes connections within its limits and gives each a [`Conversation`]: a protocol's
//! state machine and whatever answers its questions. It carries the bytes between the two, closes
//! clients that are silent or too slow, sees that a last reply arrives, and stops cleanly.
//!
//! This crate never knows a command or a reply (the two lines it sends by itself are handed in),
//! never decides who may log in, never reads a byte that the conversation did not ask for, and
//! never waits for one client at the expense of another.
//!
//! # The life of a connection
//!
//! A connection takes a place for sessions and a place for sessions without login, or is turned
//! away with a line. The conversation greets. From then on the listener asks it what comes
//! [`Next`]: read, write, begin TLS, or ask the backend a question. A login gives the place without login
//! back. The conversation, the client or an [`Interruption`] ends the connection. Then the
//! conversation lets go of what it holds, and has [`limits::LINGER`] to get its last reply through.

mod accept;
mod connection;
mod conversation;
pub mod limits;
mod lobby;
pub mod reply;
mod stop;
#[cfg(feature = "testing")]
pub mod testing;
mod trouble;
mod watchdog;

pub use accept::{Encryption, Listener, Settings};
pub use conversation::{Conversation, Interruption, Next};
pub use stop::{Stopped, unless_stopped};
pub use tokio_rustls::rustls::ServerConfig as TlsConfig;
pub use trouble::AcceptTrouble;
