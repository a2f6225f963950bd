//! The bounds of this crate, with their reasons.

use std::time::Duration;

/// Events of a Tox instance that are taken at once: enough that a busy session is not woken for each packet.
pub const EVENT_BATCH: usize = 256;

/// From the end of a session that lost a packet to the next one: by then everybody knows that the first is over.
pub const SESSION_ANEW: Duration = Duration::from_secs(1);

/// Bytes read at once when the digest of a half mail is computed again: a chunk of the store.
pub const DIGEST_READ_BYTES: usize = mail::limits::BODY_CHUNK_BYTES;

/// When a sender comes back after a fault here, or while the gateway stops: time enough to start again.
pub const COME_BACK: Duration = Duration::from_secs(60);
