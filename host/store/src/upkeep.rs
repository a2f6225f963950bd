//! What concerns the whole file: accounts that go, rows that cannot be read, older formats, copies and checks.

pub(crate) mod removal;
pub(crate) mod rows;
pub(crate) mod snapshot;
pub(crate) mod unreadable;
pub(crate) mod upgrade;
pub(crate) mod verify;
