//! Mail to and from people who are offline, over drop relays ("boards").
//!
//! The crate `drops` has the cryptography and the state machines. This crate uses them for a
//! gateway: it keeps the mailbox keys of its accounts ([`keys`](self)), leaves copies of mails on
//! boards while their recipients are offline, reads boards for its accounts, hands what it finds to
//! the core's ordinary reception, and sends acknowledgements back the same way.
//!
//! It opens no socket and no file: boards, documents, key files, the core, the relay-selector
//! component and worker threads are [`ports`] that it is handed, so it is tested whole, with real
//! boards in memory and a simulated clock. It never decides what becomes of a mail, and a copy it
//! leaves is never the only one: the outbox keeps the mail until it is acknowledged, refused or
//! given up.
//!
//! The way of a mail: `outgoing` asks the selector and holds the sessions of a handover, each in
//! `deposit`; `visit` is one reading of a board; `tokens` fetches, spends and passes on what pays
//! for deposits; `incoming` puts parcels together and hands them on; `acknowledge` answers in slots
//! of its own. What an account has in memory is a `purse` (what pays), a `letterbox` (what came in)
//! and `answers` (what is owed), machines without I/O. `readers` says when boards are read,
//! `upkeep` runs the clockwork. `documents` has what must survive a restart.

mod acknowledge;
mod answers;
mod board_state;
mod boards;
pub mod content;
mod deposit;
mod documents;
mod given;
mod incoming;
mod keys;
mod letterbox;
pub mod limits;
mod offline_mail;
mod outgoing;
mod parts;
pub mod ports;
mod purse;
mod readers;
mod records;
mod seats;
mod settings;
mod shared;
mod story;
mod strangers;
mod supply;
mod taken;
mod tokens;
mod upkeep;
mod visit;

pub use board_state::BoardReport;
pub use offline_mail::OfflineMail;
pub use ports::Ports;
pub use settings::Settings;
pub use story::{BoardCopies, CopyReceipt, Story};
pub use supply::TokenSupply;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
