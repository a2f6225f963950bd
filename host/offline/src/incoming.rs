//! What was found on boards: parts become parcels, parcels become mails for the core or words about own mails.

use std::sync::Arc;

use drops::cell::{BoardKey, Name, Opened};
use drops::parcel::{self, Key, Kind, Parcel, Parts, Progress};
use gateway::Received;
use mail::record::ContactState;
use mail::{AccountName, Acknowledgement, BodyHasher, MailId, PublicKey, Refusal, Wall};

use crate::acknowledge;
use crate::answers::Owed;
use crate::content::{self, MailContent};
use crate::documents::{self, Row, Rows, STRANGERS, TAKEN};
use crate::letterbox::Known;
use crate::limits::TAKEN_MEMORY;
use crate::parts;
use crate::ports::Failure;
use crate::records;
use crate::shared::{AccountState, Shared};
use crate::strangers;

/// How a cell was shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub board: BoardKey,
    pub name: Name,
    /// It was not shown since this process began, as far as that is remembered.
    pub is_first: bool,
    /// The board showed it to another throwaway too, or is our own.
    pub is_confirmed: bool,
}

/// A part was found for an account.
pub(crate) async fn part(
    shared: &Arc<Shared>,
    account: &AccountName,
    opened: Opened,
    shown: Shown,
) -> Result<(), Failure> {
    let key = Key { sender: opened.sender, mail: opened.place.mail, digest: opened.place.digest };
    match shared.with(account, |state| state.letterbox.known(&key)) {
        None => return Ok(()),
        Some(Known::Taken) => acknowledge::reposted(shared, account, key, shown),
        Some(Known::Waits) => {}
        Some(Known::New) => {
            if let Progress::Complete(received) = parts::take(shared, account, opened).await {
                parcel(shared, account, *received).await?;
            }
        }
    }
    if shown.is_confirmed {
        acknowledge::confirmed(shared, account, key, shown).await;
    }
    Ok(())
}

/// The name of a parcel's documents.
pub(crate) fn key_bytes(key: &Key) -> Vec<u8> {
    [&key.sender.0[..], &key.mail.0, &key.digest].concat()
}

/// Reads what [`key_bytes`] wrote.
pub(crate) fn parse_key(bytes: &[u8]) -> Option<Key> {
    let (sender, rest) = bytes.split_first_chunk::<32>()?;
    let (mail, rest) = rest.split_first_chunk::<16>()?;
    let digest = rest.try_into().ok()?;
    Some(Key { sender: PublicKey(*sender), mail: MailId(*mail), digest })
}

/// A whole parcel.
async fn parcel(
    shared: &Arc<Shared>,
    account: &AccountName,
    received: parcel::Received,
) -> Result<(), Failure> {
    let parcel::Received { key, parcel } = received;
    if shared.ports.core.contact(account, key.sender).is_none() {
        return strangers::found(shared, account, key, parcel).await;
    }
    from_contact(shared, account, key, &parcel).await.map(drop)
}

/// A parcel of a contact. True if it is done with.
pub(crate) async fn from_contact(
    shared: &Arc<Shared>,
    account: &AccountName,
    key: Key,
    parcel: &Parcel,
) -> Result<bool, Failure> {
    if shared.ports.core.contact(account, key.sender) == Some(ContactState::Requested) {
        // They write, so they have accepted.
        shared.ports.core.knock(account, key.sender, "").await?;
    }
    if !parcel.record.is_empty() {
        records::received(shared, account, key.sender, &parcel.record).await?;
    }
    let is_done = match parcel.kind {
        Kind::Mail => mail_parcel(shared, account, key, parcel).await?,
        Kind::Acknowledgement => words_parcel(shared, account, key, parcel).await?,
    };
    if is_done {
        records::used(
            shared,
            account,
            key.sender,
            Parts::new(key.mail, parcel).map_or(1, |parts| parts.cells()),
        );
        taken(shared, account, key).await?;
    } else {
        // It is put together again at the next reading, or from what is stored.
        tracing::info!(%account, sender = %key.sender, mail = %key.mail, "a mail from a drop relay waits");
    }
    Ok(is_done)
}

async fn mail_parcel(
    shared: &Arc<Shared>,
    account: &AccountName,
    key: Key,
    parcel: &Parcel,
) -> Result<bool, Failure> {
    let content = match MailContent::decode(&parcel.content) {
        Ok(content) => content,
        Err(error) => {
            tracing::info!(%account, sender = %key.sender, %error, "a mail from a drop relay cannot be read");
            return Ok(true);
        }
    };
    let digest = BodyHasher::digest(&content.body);
    let MailContent { envelope, body } = content;
    let word = match shared.ports.core.take(account, key.sender, key.mail, envelope, body).await {
        Received::Acknowledged(word) => word,
        Received::Stranger => return Ok(false),
        Received::Later(why) => {
            tracing::info!(%account, sender = %key.sender, why, "a mail from a drop relay is not taken yet");
            return Ok(false);
        }
        Received::Broken(why) => {
            tracing::info!(%account, sender = %key.sender, why, "a mail from a drop relay broke the rules");
            return Ok(true);
        }
    };
    let refusal: Option<Refusal> = match word {
        Acknowledgement::Delivered => None,
        Acknowledgement::Refused(refusal) => Some(refusal),
        Acknowledgement::TryLater { .. } => return Ok(false),
    };
    let word = content::Word { id: key.mail, digest, refusal };
    acknowledge::owe(shared, account, key, Owed::new(word, key.digest, shared.wall())).await?;
    Ok(true)
}

async fn words_parcel(
    shared: &Arc<Shared>,
    account: &AccountName,
    key: Key,
    parcel: &Parcel,
) -> Result<bool, Failure> {
    let words = match content::decode_words(&parcel.content) {
        Ok(words) => words,
        Err(error) => {
            tracing::info!(%account, sender = %key.sender, %error, "acknowledgements cannot be read");
            return Ok(true);
        }
    };
    for word in words {
        let said = word.acknowledgement();
        shared.ports.core.acknowledged(account, key.sender, word.id, word.digest, said).await?;
    }
    Ok(true)
}

/// A parcel is done with: it is remembered, and what was kept of it goes.
pub(crate) async fn taken(shared: &Shared, account: &AccountName, key: Key) -> Result<(), Failure> {
    let (now, name, documents) = (shared.wall(), key_bytes(&key), &shared.ports.documents);
    documents::put(&**documents, TAKEN, account.as_str(), name.clone(), &now).await?;
    let known = shared.with(account, |state| {
        let letterbox = &mut state.letterbox;
        (letterbox.remember(key, now), letterbox.let_go(&key))
    });
    let (forgotten, was_stranger) = known.unwrap_or_default();
    for old in forgotten {
        documents.put(TAKEN, account.as_str(), key_bytes(&old), None).await?;
    }
    if was_stranger {
        documents.put(STRANGERS, account.as_str(), name, None).await?;
    }
    parts::done(shared, account, &key).await
}

/// Reads what was taken, page by page; past the bound the oldest goes.
pub(crate) async fn restore_taken(
    shared: &Shared,
    account: &AccountName,
    state: &mut AccountState,
) -> Result<(), Failure> {
    let mut rows = Rows::of(&*shared.ports.documents, TAKEN, account);
    while let Some(page) = rows.next().await? {
        let read = |row: &Row| rows.readable(row, parse_key(&row.key).zip(documents::decode(&row.bytes)));
        for (key, when) in page.iter().filter_map(read) {
            for old in state.letterbox.remember(key, when) {
                shared.ports.documents.put(TAKEN, account.as_str(), key_bytes(&old), None).await?;
            }
        }
    }
    Ok(())
}

/// Forgets what was taken long ago, and parts nobody finishes. To be called only while the clock can be believed.
pub(crate) async fn forget(shared: &Shared, account: &AccountName) -> Result<(), Failure> {
    let memory = u64::try_from(TAKEN_MEMORY.as_millis()).unwrap_or(u64::MAX);
    let before = Wall(shared.wall().0.saturating_sub(memory));
    parts::expire(shared, before).await?;
    let old = shared.with(account, |state| state.letterbox.older(before)).unwrap_or_default();
    for key in old {
        shared.ports.documents.put(TAKEN, account.as_str(), key_bytes(&key), None).await?;
        shared.with(account, |state| state.letterbox.forget(&key));
    }
    Ok(())
}
