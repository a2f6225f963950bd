//! Mails that come in: taken in pieces, resumed after interruptions, remembered for dedupe.
//!
//! Where they stand is kept in memory; bytes and record go to the file in pieces of up to
//! [`UNSAVED_BYTES`](crate::limits::UNSAVED_BYTES) or after [`UNSAVED_TIME`](crate::limits::UNSAVED_TIME). A small mail that comes
//! quickly is written once, in the commit that delivers it.

use async_trait::async_trait;
use bytes::Bytes;
use mail::record::{Arrival, ArrivalKey, BodyId, NewMail, Partial, StagedBody};
use mail::storage::{Reception, StorageError};
use mail::{AccountName, MailId, PublicKey, Wall};
use redb::ReadableTable;

use crate::Store;
use crate::engine::codec;
use crate::engine::context::{Context, describe, row_key};
use crate::engine::growing::{Growing, Owner};
use crate::engine::shared::{Message, Progress, Shared, Space, Urgency};
use crate::engine::tables::{ARRIVALS, PARTIALS as PARTIALS_TABLE};
use crate::error::Error;
use crate::limits::{BODY_BYTES, PARTIALS, SWEPT_PER_COMMIT};
use crate::records::mailbox;
use crate::upkeep::unreadable::View;

#[async_trait]
impl Reception for Store {
    async fn arrival(&self, key: &ArrivalKey) -> Result<Option<Arrival>, StorageError> {
        Ok(self.get(|transaction| {
            let arrivals = transaction.open_table(ARRIVALS)?;
            let record = arrivals.get(row_key(key))?;
            record.map(|bytes| codec::read(bytes.value(), || describe(key))).transpose()
        })?)
    }

    async fn partial(&self, key: &ArrivalKey) -> Result<Option<Partial>, StorageError> {
        Ok(self.inner.shared.partials().get(key).map(|progress| progress.partial.clone()))
    }

    async fn begin_partial(&self, key: &ArrivalKey, partial: Partial) -> Result<Partial, StorageError> {
        let shared = &self.inner.shared;
        shared.check_space()?;
        if partial.size > BODY_BYTES {
            return Err(
                Error::LimitReached(format!("a mail cannot have more than {BODY_BYTES} bytes")).into()
            );
        }
        let body = shared.new_body_id();
        let partial = Partial { body: BodyId(body), durable: 0, ..partial };
        let mut partials = shared.partials();
        if partials.len() >= PARTIALS && !partials.contains_key(key) {
            return Err(Error::LimitReached(format!(
                "{PARTIALS} mails are coming in, the most at once: try later"
            ))
            .into());
        }
        let progress = Progress { partial: partial.clone(), received: 0 };
        let replaces = partials.insert(key.clone(), progress).map(|old| old.partial.body.0);
        shared.send(Message::Begin { body, key: key.clone(), replaces })?;
        Ok(partial)
    }

    async fn append_partial(&self, key: &ArrivalKey, offset: u64, bytes: Bytes) -> Result<u64, StorageError> {
        let shared = &self.inner.shared;
        shared.check_space()?;
        let permit = shared.room_for(bytes.len()).await?;
        // Held while sending, so that pieces are queued in the order of their offsets.
        let mut partials = shared.partials();
        let progress = partials.get_mut(key).ok_or(Error::NotFound)?;
        let end = offset.saturating_add(bytes.len() as u64);
        if offset > progress.received || end > progress.partial.size {
            return Err(Error::Invalid(format!(
                "bytes {offset} to {end} of a mail of {} bytes, of which {} are here",
                progress.partial.size, progress.received
            ))
            .into());
        }
        progress.partial.touched = shared.options.clock.wall();
        let overlap = usize::try_from(progress.received - offset).unwrap_or(usize::MAX);
        if overlap >= bytes.len() {
            return Ok(progress.partial.durable);
        }
        let (body, offset) = (progress.partial.body.0, progress.received);
        progress.received = end;
        let durable = progress.partial.durable;
        let owner = Owner::Partial(key.clone());
        shared.send(Message::Append { body, owner, offset, bytes: bytes.slice(overlap..), permit })?;
        Ok(durable)
    }

    async fn settle_partial(&self, key: &ArrivalKey) -> Result<(), StorageError> {
        let body = self.inner.shared.partials().get(key).map(|progress| progress.partial.body.0);
        let body = body.ok_or(Error::NotFound)?;
        Ok(self
            .call(Urgency::Lazy, Space::Takes, move |context| {
                context.write_growing(body, true)?.map(drop).ok_or(Error::NotFound)
            })
            .await?)
    }

    async fn drop_partial(&self, key: &ArrivalKey) -> Result<(), StorageError> {
        let key = key.clone();
        let Some(progress) = self.inner.shared.partials().remove(&key) else { return Ok(()) };
        let body = progress.partial.body;
        Ok(self
            .call(Urgency::Lazy, Space::Frees, move |context| {
                context.effects.finished.push(body.0);
                // One that was begun anew meanwhile stays.
                match context.partial_record(&key)? {
                    Some(found) if found.body == body => context.remove_partial_record(&key, None),
                    _ => Ok(()),
                }
            })
            .await?)
    }

    async fn parked_bytes(&self, sender: PublicKey) -> Result<(u64, u64), StorageError> {
        let partials = self.inner.shared.partials();
        let sizes = partials.iter().map(|(key, progress)| (key.sender == sender, progress.partial.size));
        Ok(sizes
            .fold((0, 0), |(own, all), (is_own, size)| (if is_own { own + size } else { own }, all + size)))
    }

    async fn partials_of(&self, sender: PublicKey) -> Result<Vec<ArrivalKey>, StorageError> {
        let partials = self.inner.shared.partials();
        let own = partials.iter().filter(|(key, _)| key.sender == sender);
        let mut own: Vec<(Wall, ArrivalKey)> =
            own.map(|(key, progress)| (progress.partial.touched, key.clone())).collect();
        own.sort_unstable();
        Ok(own.into_iter().map(|(_, key)| key).collect())
    }

    async fn finish_partial(
        &self,
        key: &ArrivalKey,
        mail: Option<NewMail>,
        arrival: Arrival,
    ) -> Result<(), StorageError> {
        let key = key.clone();
        let space = if mail.is_some() { Space::Takes } else { Space::Frees };
        Ok(self
            .call(Urgency::Durable, space, move |context| {
                finish(context, &key, mail.as_ref(), None, &arrival)
            })
            .await?)
    }

    async fn finish_partial_with(
        &self,
        key: &ArrivalKey,
        mail: NewMail,
        body: StagedBody,
        arrival: Arrival,
    ) -> Result<(), StorageError> {
        let key = key.clone();
        Ok(self
            .call(Urgency::Durable, Space::Takes, move |context| {
                finish(context, &key, Some(&mail), Some(body), &arrival)
            })
            .await?)
    }

    async fn sweep(&self, arrivals_before: Wall, partials_before: Wall) -> Result<(), StorageError> {
        let abandoned: Vec<ArrivalKey> = {
            let partials = self.inner.shared.partials();
            let old = partials.iter().filter(|(_, progress)| progress.partial.touched < partials_before);
            old.map(|(key, _)| key.clone()).collect()
        };
        for key in abandoned {
            self.drop_partial(&key).await?;
        }
        let old = self.list(move |transaction| arrivals(transaction, arrivals_before)).await?;
        let mut old = old.into_iter();
        loop {
            let slice: Vec<ArrivalKey> = old.by_ref().take(SWEPT_PER_COMMIT).collect();
            if slice.is_empty() {
                return Ok(());
            }
            self.remove(move |context| {
                let arrivals = context.t.arrivals.write()?;
                slice.iter().try_for_each(|key| Ok(arrivals.remove(row_key(key)).map(drop)?))
            })
            .await?;
        }
    }

    async fn deliver_own(&self, mail: NewMail, body: StagedBody) -> Result<(), StorageError> {
        Ok(self.put(move |context| mailbox::deliver_staged(context, &mail, body)).await?)
    }
}

fn finish(
    context: &mut Context<'_, '_>,
    key: &ArrivalKey,
    mail: Option<&NewMail>,
    copy: Option<StagedBody>,
    arrival: &Arrival,
) -> Result<(), Error> {
    if context.t.arrivals.read()?.get(row_key(key))?.is_some() {
        return Err(Error::Exists(describe(key)));
    }
    let partial = context.shared.partials().get(key).map(|progress| progress.partial.clone());
    match (mail, partial, copy) {
        (None, None, _) => {}
        (Some(_), None, _) => return Err(Error::NotFound),
        (None, Some(partial), _) => {
            context.remove_partial_record(key, None)?;
            end(context, key, partial.body);
        }
        (Some(mail), Some(partial), Some(copy)) => {
            context.remove_partial_record(key, None)?;
            mailbox::deliver_staged(context, mail, copy)?;
            end(context, key, partial.body);
        }
        (Some(mail), Some(partial), None) => {
            if mail.entry.body != partial.body {
                return Err(Error::Invalid("a mail with another body than the one that came".to_owned()));
            }
            context.stats(mail.account.as_str())?;
            complete(context, &partial)?;
            // The body's reference goes from the partial to the mail.
            context.remove_partial_record(key, Some(partial.body))?;
            mailbox::deliver(context, mail)?;
            end(context, key, partial.body);
        }
    }
    let record = codec::encode(arrival)?;
    context.t.arrivals.write()?.insert(row_key(key), record.as_slice())?;
    Ok(())
}

/// Writes the rest of a complete body that is still in memory.
fn complete(context: &mut Context<'_, '_>, partial: &Partial) -> Result<(), Error> {
    let received = context.growing.get(partial.body.0).map(|grow| grow.end());
    if received != Some(partial.size) {
        let received = received.unwrap_or(0);
        return Err(Error::Invalid(format!("a mail of {} bytes of which {received} came", partial.size)));
    }
    context.write_growing(partial.body.0, true)?;
    Ok(())
}

fn end(context: &mut Context<'_, '_>, key: &ArrivalKey, body: BodyId) {
    context.effects.finished.push(body.0);
    context.effects.ended.push((key.clone(), body));
}

/// Takes partials that ended out of memory, unless they were begun again meanwhile.
pub(crate) fn ended(shared: &Shared, ended: Vec<(ArrivalKey, BodyId)>) {
    let mut partials = shared.partials();
    for (key, body) in ended {
        if partials.get(&key).is_some_and(|progress| progress.partial.body == body) {
            partials.remove(&key);
        }
    }
}

/// Tells callers what is durable now.
pub(crate) fn saved(shared: &Shared, growing: &Growing) {
    let mut partials = shared.partials();
    for (body, grow) in growing.iter() {
        if let Owner::Partial(key) = &grow.owner
            && let Some(progress) = partials.get_mut(key).filter(|progress| progress.partial.body.0 == body)
        {
            progress.partial.durable = grow.durable;
        }
    }
}

/// Takes over what the file has: at the start, and after a fault, when bytes that were not on disk are gone.
pub(crate) fn load(shared: &Shared, growing: &mut Growing) -> Result<(), Error> {
    let stored = shared.read_once(partials).map_err(|(error, _)| error)?;
    let mut partials = shared.partials();
    partials.clear();
    for (key, partial) in stored {
        growing.begin(partial.body.0, Owner::Partial(key.clone()), partial.durable);
        let received = partial.durable;
        partials.insert(key, Progress { partial, received });
    }
    Ok(())
}

fn partials(transaction: &View<'_>) -> Result<Vec<(ArrivalKey, Partial)>, Error> {
    let table = transaction.open_table(PARTIALS_TABLE)?;
    let mut found = Vec::new();
    for row in table.iter()? {
        let (key, bytes) = row?;
        let Some(partial) = transaction.unreadable.readable(&key.value(), bytes.value()) else { continue };
        found.push((arrival_key(key.value())?, partial));
    }
    Ok(found)
}

fn arrivals(transaction: &View<'_>, before: Wall) -> Result<Vec<ArrivalKey>, Error> {
    let table = transaction.open_table(ARRIVALS)?;
    let mut old = Vec::new();
    for row in table.iter()? {
        let (key, bytes) = row?;
        let arrival: Option<Arrival> = transaction.unreadable.readable(&key.value(), bytes.value());
        if arrival.is_some_and(|arrival| arrival.when < before) {
            old.push(arrival_key(key.value())?);
        }
    }
    Ok(old)
}

/// A row's key as the type it was.
pub(crate) fn arrival_key((sender, account, mail): ([u8; 32], &str, [u8; 16])) -> Result<ArrivalKey, Error> {
    let account: AccountName = account.parse().map_err(|error: mail::account::InvalidAccountName| {
        Error::Damaged { table: "arrivals", key: account.to_owned(), why: error.to_string() }
    })?;
    Ok(ArrivalKey { sender: PublicKey(sender), account, mail: MailId(mail) })
}
