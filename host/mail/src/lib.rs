//! The types that all other crates use: addresses, Tox IDs, envelopes, mail ids, status codes,
//! headers, delivery status texts, clock and limit types.
//!
//! This crate never does I/O, never reads a clock of its own, and never decides anything.
//! Input from outside becomes a type here, or is refused here.

pub mod account;
pub mod acknowledgement;
pub mod address;
mod cause;
pub mod clock;
pub mod decision;
pub mod digest;
pub mod dsn;
pub mod envelope;
pub mod from_check;
pub mod header;
pub mod ids;
pub mod limits;
pub mod line;
pub mod mbox;
pub mod record;
pub mod sasl;
pub mod sent;
pub mod status;
pub mod storage;
pub mod text;
pub mod tox_id;
pub mod vcard;

pub use account::{AccountName, LoggedIn, Standing};
pub use acknowledgement::Acknowledgement;
pub use address::Address;
pub use cause::Cause;
pub use clock::{Clock, Monotonic, Wall};
pub use digest::BodyHasher;
pub use envelope::{Envelope, Notify, Return, ReversePath};
pub use from_check::FromCheck;
pub use ids::{BodyDigest, ComponentDigest, MailId};
pub use sent::SentWhole;
pub use status::{EnhancedStatus, Refusal};
pub use tox_id::{Nospam, PublicKey, ToxId};
