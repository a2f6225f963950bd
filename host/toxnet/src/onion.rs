//! The onion: three nodes in a row carry a packet, and none of them knows both who asks and what is
//! asked for.
//!
//! A [`crate::node::Node`] has both sides. It passes packets on ([`passing`]) and keeps the
//! announcements of others ([`store`]). With an identity it also has a client, which announces
//! itself, searches for friends and sends them data.

mod announcing;
mod bucket;
pub(crate) mod client;
mod friend;
mod line;
mod lookup;
pub(crate) mod passing;
mod paths;
pub(crate) mod requests;
mod schedule;
pub(crate) mod store;
mod strangers;
