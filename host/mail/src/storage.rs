//! Durable storage, by subject: the seam between the core and the crate that keeps its mails.
//!
//! Every method that changes something returns only after the change is on disk, unless its
//! documentation says *lazy*: then a crash may undo it. Each change is atomic. A call that failed
//! with [`StorageError::Failed`] or [`StorageError::Full`], or whose future was dropped, may have
//! taken effect all the same; asking again tells.

mod bodies;
mod error;
mod identities;
mod outbox;
mod people;
mod quarantine;
mod reception;

pub use bodies::{Bodies, BodyWriter};
pub use error::StorageError;
pub use identities::Identities;
pub use outbox::Outbox;
pub use people::People;
pub use quarantine::Quarantine;
pub use reception::Reception;

/// Everything that the core keeps.
pub trait Storage: Bodies + Outbox + Reception + Quarantine + People {}

impl<T: Bodies + Outbox + Reception + Quarantine + People + ?Sized> Storage for T {}
