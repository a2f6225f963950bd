//! Drop relays on the network: carries the state machines of `drops` over Tox.
//!
//! [`Sessions`] is the client side: it keeps throwaway Tox instances ready and opens a
//! [`BoardSession`] on a board with one of them, for one [`Purpose`], never for two. Throwaways
//! reach the network through a SOCKS5 proxy of their own ([`proxy`], [`socks`]) that lets them
//! connect to a few Tox TCP relays chosen for them and to nothing else. [`Serving`] is the other
//! side: a board under an identity of its own.
//!
//! This crate never reads what is in a cell, and writes nothing to disk but the board's cells. It
//! never decides who may deposit (the caller's [`DepositPolicy`] does), nor which boards are used,
//! when, and for what.

mod address;
mod error;
mod hiding;
pub mod limits;
mod link;
pub mod proxy;
mod relays;
mod serve;
mod session;
mod sessions;
pub mod socks;
mod throwaway;

pub use address::{BoardAddress, InvalidBoardAddress};
pub use drops::board::{InvitationName, InvitationStatus};
pub use drops::record::OwnerMark;
pub use drops::session::Purpose;
pub use error::SessionError;
pub use hiding::{Hiding, Upstream};
pub use serve::{DepositPolicy, Identity, ServeError, Serving, SetAside, Setup, Stopped};
pub use session::BoardSession;
pub use sessions::{Sessions, Settings};
