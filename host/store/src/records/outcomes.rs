//! What became of outbox entries that ended: a bounded history per account.

use mail::record::{OutboxEntry, Outcome, Route};
use mail::{AccountName, Envelope, MailId, Wall};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::engine::codec;
use crate::engine::context::Context;
use crate::engine::tables::{OUTCOME_IDS, OUTCOMES};
use crate::error::Error;
use crate::limits::LIST_ENTRIES;
use crate::records::mailbox::describe;
use crate::upkeep::unreadable::View;

/// An outbox entry that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Its id.
    pub id: MailId,
    /// The account of the mail.
    pub account: AccountName,
    /// Sender and recipient.
    pub envelope: Envelope,
    /// Where it went.
    pub route: Route,
    /// Bytes of prefix and body together.
    pub size: u64,
    /// When it was submitted.
    pub created: Wall,
    /// When it ended.
    pub ended: Wall,
    /// Attempts that failed.
    pub attempts: u32,
    /// How it ended.
    pub outcome: Outcome,
}

impl Store {
    /// How an outbox entry ended; None if it has not ended, or if it ended so long ago that it is
    /// forgotten.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub async fn outcome(&self, id: MailId) -> Result<Option<Ended>, Error> {
        self.get(|transaction| {
            let Some(place) = transaction.open_table(OUTCOME_IDS)?.get(id.0)? else { return Ok(None) };
            let (account, number) = place.value();
            let outcomes = transaction.open_table(OUTCOMES)?;
            let record = outcomes.get((account, number))?.ok_or_else(|| missing(account, number))?;
            codec::read(record.value(), || describe(account, number)).map(Some)
        })
    }

    /// What became of the entries of an account that ended last, newest first, at most `max`.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub async fn recent_outcomes(&self, account: &AccountName, max: usize) -> Result<Vec<Ended>, Error> {
        let account = account.clone();
        self.list(move |transaction| recent(transaction, account.as_str(), max.min(LIST_ENTRIES))).await
    }
}

/// Records that an entry ended; forgets the oldest beyond the bound.
pub(crate) fn record(
    context: &mut Context<'_, '_>,
    entry: OutboxEntry,
    outcome: Outcome,
) -> Result<(), Error> {
    let mut stats = context.stats(entry.account.as_str())?;
    let number = stats.next_outcome;
    stats.next_outcome += 1;
    let ended = Ended {
        id: entry.id,
        account: entry.account,
        envelope: entry.envelope,
        route: entry.route,
        size: entry.size,
        created: entry.created,
        ended: context.shared.options.clock.wall(),
        attempts: entry.attempts,
        outcome,
    };
    let account = ended.account.as_str();
    let bytes = codec::encode(&ended)?;
    context.t.outcomes.write()?.insert((account, number), bytes.as_slice())?;
    context.t.outcome_ids.write()?.insert(ended.id.0, (account, number))?;
    context.put_stats(account, stats)?;
    forget(context, account, number)
}

fn forget(context: &mut Context<'_, '_>, account: &str, newest: u64) -> Result<(), Error> {
    // One comes, one goes; two, so that a smaller bound than last time is reached as well.
    for _ in 0..2 {
        let outcomes = context.t.outcomes.read()?;
        let first = outcomes.range((account, 0)..=(account, newest))?.next().transpose()?;
        let first = first.map(|(key, bytes)| (key.value().1, codec::decode::<Ended>(bytes.value()).ok()));
        let Some((number, old)) = first else { return Ok(()) };
        if newest - number < context.shared.options.outcomes.max(1) {
            return Ok(());
        }
        context.t.outcomes.write()?.remove((account, number))?;
        let index = context.t.outcome_ids.write()?;
        match old {
            Some(old) => drop(index.remove(old.id.0)?),
            // It does not say its id: whatever leads to it goes.
            None => index.retain(|_, place| place != (account, number))?,
        }
    }
    Ok(())
}

fn recent(transaction: &View<'_>, account: &str, max: usize) -> Result<Vec<Ended>, Error> {
    let outcomes = transaction.open_table(OUTCOMES)?;
    transaction.records(outcomes.range((account, 0)..=(account, u64::MAX))?.rev()).take(max).collect()
}

fn missing(account: &str, number: u64) -> Error {
    Error::Damaged { table: "outcomes", key: describe(account, number), why: "it is missing".to_owned() }
}
