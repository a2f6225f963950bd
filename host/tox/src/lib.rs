//! Tox: identities, friends, presence, packets and messages, as safe async Rust with c-toxcore
//! underneath.
//!
//! [`Tox::start`] makes an instance (an identity on the network) and gives its [`Tox`] handle and
//! its [`Events`]. Any number of instances live in one process. Each has one operating system
//! thread that owns it; a handle never blocks the async runtime, and dropping the last one stops
//! the thread.
//!
//! This crate never writes anything to disk: [`SavedData`] is handed out and taken in, the store
//! keeps it. It never decides who becomes a friend, never reads what packets hold, and contacts no
//! node it was not told to.
//!
//! # Why not the crate of this name on crates.io
//!
//! That crate (`tox` 0.1.1, of 2020) panics as soon as a session has carried 32 768 packets, about
//! 45 MB, so one large mail would end it. It cannot send friend requests and has no receipts, no
//! congestion control and no SOCKS proxy, and its way over TCP relays fails for packets of full
//! size. Several of its dependencies carry security advisories, while c-toxcore is the
//! implementation that every Tox client runs.
//!
//! No type of c-toxcore is in this API, so that an engine written in Rust can replace it. Only the
//! module `engine` would change.
//!
//! # The way of a packet
//!
//! [`Tox::send_packet`] waits for room in the friend's lane (`lanes`), the owning thread (`owner`)
//! moves it into the engine as fast as congestion control takes it, the other side's owning thread
//! puts it into its event queue (`queue`), and [`Events::next`] hands it out. Lanes and queue are
//! bounded per friend; what happens at a bound is said at [`Tox::send_packet`] and
//! [`Event::Overflow`].

mod engine;
mod error;
mod event;
mod friends;
mod handle;
mod lanes;
pub mod limits;
mod node;
mod options;
mod owner;
mod pacer;
mod port_range;
mod queue;
mod saved;

pub use engine::decrypt;
pub use error::{AddFriendError, DecryptError, Gone, NodeError, SendError, StartError, TextError};
pub use event::{Connection, Event, MessageId};
pub use friends::SavedFriend;
pub use handle::Tox;
pub use node::{InvalidNode, Node, public_nodes};
pub use options::{Options, Proxy};
pub use port_range::{InvalidPortRange, PortRange};
pub use queue::Events;
pub use saved::{InvalidSavedData, SavedData, is_encrypted};
