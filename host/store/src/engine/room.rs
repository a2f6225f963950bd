//! Whether there is room for more: on the disk, or inside of the store's file.

use mail::Monotonic;

use crate::Store;
use crate::engine::directory;
use crate::engine::shared::{Shared, lock};
use crate::error::Error;
use crate::limits::{UNUSED_BYTES, UNUSED_INTERVAL};

/// What the writer found when it last counted the unused bytes of the file: when, and whether they were enough.
pub(crate) type Counted = Option<(Monotonic, bool)>;

impl Store {
    /// Whether something other than mail may grow on the disk of the data directory: it leaves twice the reserve free, so that it
    /// never takes the room in which mail is taken.
    #[must_use]
    pub fn has_spare_room(&self) -> bool {
        let shared = &self.inner.shared;
        let spare = shared.options.reserve_bytes.saturating_mul(2);
        directory::free_bytes(&shared.dir).is_none_or(|free| free >= spare)
    }
}

impl Shared {
    /// Refuses a change that takes space while there is no space, as far as is known without
    /// counting; the writer counts.
    pub(crate) fn check_space(&self) -> Result<(), Error> {
        if self.disk_has_room() || self.unused_known().unwrap_or(true) { Ok(()) } else { Err(Error::Full) }
    }

    /// The same, and counts if the last count was long ago. Only for the writer, outside of a
    /// transaction.
    pub(crate) fn look_for_space(&self) -> Result<(), Error> {
        if !self.disk_has_room() && self.unused_known().is_none() {
            // A file that cannot be counted has other troubles; it is not room.
            let enough = self.engine.unused_bytes().is_ok_and(|bytes| bytes >= UNUSED_BYTES);
            let before = lock(&self.counted).replace((self.options.clock.monotonic(), enough));
            if before.is_none_or(|(_, before)| before != enough) {
                tracing::warn!(
                    enough,
                    "the disk with the data directory is at its reserve; looked for room in the file"
                );
            }
        }
        self.check_space()
    }

    fn disk_has_room(&self) -> bool {
        directory::free_bytes(&self.dir).is_none_or(|free| free >= self.options.reserve_bytes)
    }

    /// Whether the file has enough unused bytes; None where that was not counted lately.
    fn unused_known(&self) -> Option<bool> {
        let now = self.options.clock.monotonic();
        lock(&self.counted).filter(|(when, _)| now.since(*when) < UNUSED_INTERVAL).map(|(_, enough)| enough)
    }
}
