//! Bodies: written in pieces, read by range.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mail::record::{BodyId, StagedBody};
use mail::storage::{Bodies, BodyWriter, StorageError};
use redb::ReadTransaction;

use crate::Store;
use crate::engine::context::missing_body;
use crate::engine::growing::Owner;
use crate::engine::shared::{Message, Shared, Space, Urgency};
use crate::engine::tables::{BODIES, ROWS};
use crate::error::Error;
use crate::limits::{BODY_BYTES, DIRECT_READ_BYTES, SMALL_BODY_BYTES};
use crate::store::cut_off;

/// A body that is being written. Up to [`SMALL_BODY_BYTES`] stay in memory; more goes to the file in the background.
struct Staging {
    shared: Arc<Shared>,
    id: BodyId,
    /// Bytes handed to the writer thread.
    sent: u64,
    buffer: Vec<u8>,
    finished: bool,
}

#[async_trait]
impl Bodies for Store {
    fn new_body(&self) -> Box<dyn BodyWriter> {
        let shared = Arc::clone(&self.inner.shared);
        let id = BodyId(shared.new_body_id());
        Box::new(Staging { shared, id, sent: 0, buffer: Vec::new(), finished: false })
    }

    fn read_body_blocking(&self, body: BodyId, offset: u64, max: usize) -> Result<Bytes, StorageError> {
        let staged = self.inner.shared.staged().get(body.0);
        if let Some(bytes) = staged {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            let end = start.saturating_add(max).min(bytes.len());
            return Ok(bytes.slice(start..end));
        }
        Ok(self.get(|transaction| {
            let mut bytes = Vec::new();
            let size = body_size(transaction, body)?.ok_or(Error::NotFound)?;
            read_range(transaction, body, size, offset, max, &mut bytes)?;
            Ok(bytes.into())
        })?)
    }

    async fn read_body(&self, body: BodyId, offset: u64, max: usize) -> Result<Bytes, StorageError> {
        if max <= DIRECT_READ_BYTES {
            return self.read_body_blocking(body, offset, max);
        }
        let store = self.clone();
        let read = move || store.read_body_blocking(body, offset, max);
        supervisor::blocking("store-read", read).await.unwrap_or_else(|error| Err(cut_off(error).into()))
    }

    async fn discard_body(&self, body: StagedBody) -> Result<(), StorageError> {
        if self.inner.shared.staged().remove(body.id.0) {
            return Ok(());
        }
        Ok(self
            .call(Urgency::Lazy, Space::Frees, move |context| {
                context.take_staged(body, 0)?;
                context.remove_body(body.id, body.size)
            })
            .await?)
    }
}

#[async_trait]
impl BodyWriter for Staging {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.shared.check_space()?;
        let total = self.sent + self.buffer.len() as u64 + bytes.len() as u64;
        if total > BODY_BYTES {
            return Err(
                Error::LimitReached(format!("a mail cannot have more than {BODY_BYTES} bytes")).into()
            );
        }
        let mut rest = bytes;
        while self.buffer.len() + rest.len() > SMALL_BODY_BYTES {
            let fits = SMALL_BODY_BYTES - self.buffer.len();
            self.buffer.extend_from_slice(&rest.split_to(fits));
            self.send().await?;
        }
        self.buffer.extend_from_slice(&rest);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<StagedBody, StorageError> {
        let size = self.sent + self.buffer.len() as u64;
        let staged = StagedBody { id: self.id, size };
        if self.sent > 0 || !self.keep_in_memory() {
            self.send().await?;
            self.complete(size).await?;
        }
        self.finished = true;
        Ok(staged)
    }
}

impl Staging {
    /// Keeps a small body in memory until a record takes it; false where there is no room for it.
    fn keep_in_memory(&mut self) -> bool {
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        match self.shared.staged().insert(self.id.0, bytes) {
            Ok(()) => true,
            Err(bytes) => {
                self.buffer = bytes.into();
                false
            }
        }
    }

    /// Has the writer thread write the rest of a body of `size` bytes.
    async fn complete(&self, size: u64) -> Result<(), Error> {
        let id = self.id.0;
        self.shared
            .call(Urgency::Lazy, Space::Takes, move |context| {
                if context.growing.get(id).map(|grow| grow.end()) != Some(size) {
                    return Err(Error::BodyLost);
                }
                context.write_growing(id, true)?;
                context.effects.finished.push(id);
                Ok(())
            })
            .await
    }

    /// Hands the buffer to the writer thread.
    async fn send(&mut self) -> Result<(), Error> {
        let permit = self.shared.room_for(self.buffer.len()).await?;
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        let (body, offset) = (self.id.0, self.sent);
        self.sent += bytes.len() as u64;
        self.shared.send(Message::Append { body, owner: Owner::Staged, offset, bytes, permit })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.finished && self.sent > 0 {
            // A store that is closed forgets staged bodies anyhow.
            let _closed = self.shared.send(Message::Discard { body: self.id.0 });
        }
    }
}

/// The size of a body.
pub(crate) fn body_size(transaction: &ReadTransaction, body: BodyId) -> Result<Option<u64>, Error> {
    let row = transaction.open_table(BODIES)?.get(body.0)?;
    Ok(row.map(|row| row.value().0))
}

/// Appends up to `max` bytes of a body from `offset` to `into`.
pub(crate) fn read_range(
    transaction: &ReadTransaction,
    body: BodyId,
    size: u64,
    offset: u64,
    max: usize,
    into: &mut Vec<u8>,
) -> Result<(), Error> {
    let end = offset.saturating_add(max as u64).min(size);
    if offset >= end {
        return Ok(());
    }
    let rows = transaction.open_table(ROWS)?;
    let first = rows.range((body.0, 0)..=(body.0, offset))?.next_back().ok_or_else(|| missing_body(body))?;
    let start = first?.0.value().1;
    into.reserve(usize::try_from(end - offset).unwrap_or(max));
    let mut next = offset;
    for row in rows.range((body.0, start)..(body.0, end))? {
        let (key, value) = row?;
        let (row_start, bytes) = (key.value().1, value.value());
        let skip = next.checked_sub(row_start).and_then(|skip| usize::try_from(skip).ok());
        let wanted = usize::try_from(end - next).unwrap_or(usize::MAX);
        let part = skip.and_then(|skip| bytes.get(skip..)).ok_or_else(|| missing_body(body))?;
        let part = part.get(..wanted).unwrap_or(part);
        into.extend_from_slice(part);
        next += part.len() as u64;
    }
    if next == end { Ok(()) } else { Err(missing_body(body)) }
}
