//! Mailbox records: the own one, handed to contacts in every hello, mail and acknowledgement, and those of contacts.

use drops::cell::BoardKey;
use drops::limits::RECORD_BOARDS;
use drops::mailbox::Period;
use drops::point::Point;
use drops::record::{MailboxRecord, RecordError};
use mail::{AccountName, PublicKey, ToxId, Wall};
use serde::{Deserialize, Serialize};

use crate::documents::{self, OWN_RECORDS, RECORDS};
use crate::ports::Failure;
use crate::shared::Shared;

/// What the last own record was, so that a new one is made only when something changed, and never looks older.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnRecord {
    made: Wall,
    bytes: Vec<u8>,
}

impl OwnRecord {
    pub fn bytes(&self) -> Option<Vec<u8>> {
        Some(self.bytes.clone()).filter(|bytes| !bytes.is_empty())
    }
}

/// What stands in a record beside the time.
struct Facts {
    owner: ToxId,
    keys: Vec<(Period, Point)>,
    boards: Vec<BoardKey>,
}

impl Facts {
    fn record(&self, made: Wall) -> MailboxRecord {
        let Self { owner, keys, boards } = self;
        MailboxRecord { made, owner: *owner, keys: keys.clone(), boards: boards.clone(), tokens: vec![] }
    }
}

/// The account's own record as it is now, encoded; None while there is nothing to tell.
pub(crate) async fn own(shared: &Shared, account: &AccountName) -> Result<Option<Vec<u8>>, Failure> {
    let Some(identity) = shared.ports.core.identity(account).await else { return Ok(None) };
    let now = shared.wall();
    let boards: Vec<BoardKey> = shared.read_by(account).into_iter().take(RECORD_BOARDS).collect();
    let known = shared.with(account, |state| (state.ring.public(now), state.own.clone()));
    let Some((keys, last)) = known else { return Ok(None) };
    if keys.is_empty() {
        return Ok(None);
    }
    let facts = Facts { owner: identity.tox_id, keys, boards };
    let encode = |made| facts.record(made).encode().map_err(|error| Failure(error.to_string()));
    if encode(last.made)? == last.bytes {
        return Ok(Some(last.bytes));
    }
    // Never older than the one before, whatever the clock did.
    let made = now.max(Wall(last.made.0.saturating_add(1)));
    let own = OwnRecord { made, bytes: encode(made)? };
    documents::put(&*shared.ports.documents, OWN_RECORDS, account.as_str(), vec![], &own).await?;
    shared.with(account, |state| state.own = own.clone());
    Ok(Some(own.bytes))
}

/// A record came from `sender`, over a channel that proves who they are. Keeps it if it is theirs and newer.
pub(crate) async fn received(
    shared: &Shared,
    account: &AccountName,
    sender: PublicKey,
    bytes: &[u8],
) -> Result<(), Failure> {
    let now = shared.wall();
    let read = MailboxRecord::decode(bytes);
    let known = shared.with(account, |state| state.records.get(&sender).cloned()).flatten();
    let accepted = read.and_then(|record| record.accept(&sender, known.as_ref(), now).map(|()| record));
    let record = match accepted {
        Ok(record) => record,
        Err(RecordError::Older) => return Ok(()),
        Err(error) => {
            tracing::info!(%account, %sender, %error, "a mailbox record was not taken");
            return Ok(());
        }
    };
    let key = sender.0.to_vec();
    shared.ports.documents.put(RECORDS, account.as_str(), key, Some(bytes.to_vec())).await?;
    shared.with(account, |state| {
        for (board, token) in &record.tokens {
            state.wallet.add(*board, [token.clone()], now);
        }
        state.records.insert(sender, record);
    });
    shared.changed.notify_one();
    Ok(())
}
