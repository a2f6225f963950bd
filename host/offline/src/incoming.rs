//! What was found on boards: parts become parcels, parcels become mails for the core or words about own mails.

use std::sync::Arc;

use drops::cell::{Opened, Place};
use drops::parcel::{Key, Kind, Parcel, Parts, Progress, Received};
use mail::record::ContactState;
use mail::{AccountName, Acknowledgement, BodyHasher, MailId, PublicKey, Refusal, Wall};
use serde::{Deserialize, Serialize};

use crate::acknowledge;
use crate::content::{self, MailContent};
use crate::documents::{self, PARTS, STRANGERS, TAKEN};
use crate::limits::{STRANGER_MAILS, STRANGER_TIME, STRANGERS_BYTES, TAKEN_MEMORY};
use crate::owed::Owed;
use crate::ports::{Failure, FoundMail, Knock, Taken};
use crate::records;
use crate::shared::Shared;

/// A part of an unfinished mail, as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredPart {
    count: u8,
    chunk: Vec<u8>,
}

/// A stranger's parcel, as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredStranger {
    when: Wall,
    parcel: Vec<u8>,
}

/// A part was found for an account. `is_confirmed`: the board showed it to another throwaway too, or is our own.
pub(crate) async fn part(
    shared: &Arc<Shared>,
    account: &AccountName,
    opened: Opened,
    is_confirmed: bool,
) -> Result<(), Failure> {
    let key = Key { sender: opened.sender, mail: opened.place.mail, digest: opened.place.digest };
    let now = shared.wall();
    let progress = shared.with(account, |state| {
        if state.taken.contains_key(&key) {
            return Progress::Nothing;
        }
        let (index, chunk) = (opened.place.index, opened.chunk.clone());
        let count = opened.place.count;
        let progress = state.assembly.take(opened, now);
        if matches!(progress, Progress::Waiting { .. }) {
            state.loose.push((key, index, encode_part(count, chunk)));
        }
        progress
    });
    if let Some(Progress::Complete(received)) = progress {
        parcel(shared, account, *received).await?;
    }
    if is_confirmed {
        acknowledge::confirmed(shared, account, key).await;
    }
    Ok(())
}

fn encode_part(count: u8, chunk: Vec<u8>) -> Vec<u8> {
    documents::encode(&StoredPart { count, chunk }).unwrap_or_default()
}

/// Makes parts of unfinished mails durable: after that their boards need not be read again for them.
pub(crate) async fn store_parts(shared: &Shared) -> Result<(), Failure> {
    for account in shared.ports.core.accounts() {
        let loose = shared.with(&account, |state| std::mem::take(&mut state.loose)).unwrap_or_default();
        for (key, index, bytes) in loose {
            let is_unfinished = shared.with(&account, |state| !state.taken.contains_key(&key));
            if is_unfinished != Some(true) {
                continue;
            }
            let name = part_key(&key, index);
            shared.ports.documents.put(PARTS, account.as_str(), name, Some(bytes)).await?;
            shared.with(&account, |state| state.parts.entry(key).or_default().insert(index));
        }
    }
    Ok(())
}

/// Puts a stored part back into the assembly, at the start.
pub(crate) fn restore_part(key: &[u8], bytes: &[u8]) -> Option<(Key, Opened)> {
    let (index, name) = key.split_last()?;
    let key = parse_key(name)?;
    let StoredPart { count, chunk } = documents::decode(bytes)?;
    let place = Place { mail: key.mail, index: *index, count, digest: key.digest };
    Some((key, Opened { sender: key.sender, place, chunk }))
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

fn part_key(key: &Key, index: u8) -> Vec<u8> {
    let mut name = key_bytes(key);
    name.push(index);
    name
}

/// A whole parcel.
async fn parcel(shared: &Arc<Shared>, account: &AccountName, received: Received) -> Result<(), Failure> {
    let Received { key, parcel } = received;
    if shared.ports.core.contact(account, key.sender).is_none() {
        return stranger(shared, account, key, parcel).await;
    }
    from_contact(shared, account, key, &parcel).await.map(drop)
}

/// A parcel of a contact. True if it is done with.
async fn from_contact(
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
    let mail = FoundMail { id: key.mail, envelope: content.envelope, body: content.body };
    let word = match shared.ports.core.take(account, key.sender, mail).await {
        Taken::Acknowledged(word) => word,
        Taken::Stranger => return Ok(false),
        Taken::Later(why) => {
            tracing::info!(%account, sender = %key.sender, why, "a mail from a drop relay is not taken yet");
            return Ok(false);
        }
        Taken::Broken(why) => {
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
async fn taken(shared: &Shared, account: &AccountName, key: Key) -> Result<(), Failure> {
    let (now, name, documents) = (shared.wall(), key_bytes(&key), &shared.ports.documents);
    documents::put(&**documents, TAKEN, account.as_str(), name.clone(), &now).await?;
    let known = shared.with(account, |state| {
        state.taken.insert(key, now);
        (state.parts.remove(&key).unwrap_or_default(), state.strangers.remove(&key).is_some())
    });
    let (parts, was_stranger) = known.unwrap_or_default();
    for index in parts {
        documents.put(PARTS, account.as_str(), part_key(&key, index), None).await?;
    }
    if was_stranger {
        documents.put(STRANGERS, account.as_str(), name, None).await?;
    }
    Ok(())
}

/// A parcel of somebody who is no contact: they knock, and the mail waits for the answer.
async fn stranger(
    shared: &Arc<Shared>,
    account: &AccountName,
    key: Key,
    parcel: Parcel,
) -> Result<(), Failure> {
    if parcel.kind != Kind::Mail {
        return taken(shared, account, key).await;
    }
    let is_held = shared.with(account, |state| state.strangers.contains_key(&key)) == Some(true);
    if !is_held && !keep_stranger(shared, account, key, &parcel).await? {
        return Ok(());
    }
    let text = "wrote you a mail that waits for your answer; it came over a drop relay";
    match shared.ports.core.knock(account, key.sender, text).await? {
        Knock::Contact => from_contact(shared, account, key, &parcel).await.map(drop),
        Knock::Waits => Ok(()),
        Knock::Ignored => taken(shared, account, key).await,
    }
}

/// Keeps a stranger's parcel where there is room for it.
async fn keep_stranger(
    shared: &Shared,
    account: &AccountName,
    key: Key,
    parcel: &Parcel,
) -> Result<bool, Failure> {
    let Ok(bytes) = parcel.encode() else { return Ok(false) };
    let (now, size) = (shared.wall(), bytes.len());
    let has_room = shared.with(account, |state| {
        let of_sender = state.strangers.keys().filter(|other| other.sender == key.sender).count();
        let all: usize = state.strangers.values().map(|(_, size)| size).sum();
        of_sender < STRANGER_MAILS && all + size <= STRANGERS_BYTES
    });
    if has_room != Some(true) {
        tracing::info!(%account, sender = %key.sender, "no room for another mail of a stranger; it stays on its boards");
        return Ok(false);
    }
    let document = StoredStranger { when: now, parcel: bytes };
    let documents = &*shared.ports.documents;
    documents::put(documents, STRANGERS, account.as_str(), key_bytes(&key), &document).await?;
    shared.with(account, |state| state.strangers.insert(key, (now, size)));
    Ok(true)
}

/// Mails of strangers who have become contacts are handed on; those nobody asks about any more go.
pub(crate) async fn look_after_strangers(shared: &Arc<Shared>, account: &AccountName) -> Result<(), Failure> {
    let waiting = shared.with(account, |state| {
        state.strangers.iter().map(|(key, (when, _))| (*key, *when)).collect::<Vec<_>>()
    });
    let mut accepted = vec![];
    for (key, when) in waiting.unwrap_or_default() {
        if shared.ports.core.contact(account, key.sender).is_some() {
            accepted.push(key);
        } else if shared.wall().since(when) >= STRANGER_TIME
            || !shared.ports.core.is_waiting(account, key.sender).await?
        {
            taken(shared, account, key).await?;
        }
    }
    if accepted.is_empty() {
        return Ok(());
    }
    for (owner, name, bytes) in shared.ports.documents.all(STRANGERS).await? {
        let key = parse_key(&name).filter(|key| owner == account.as_str() && accepted.contains(key));
        let Some(key) = key else { continue };
        let stored: Option<StoredStranger> = documents::decode(&bytes);
        match stored.and_then(|stored| Parcel::decode(&stored.parcel).ok()) {
            Some(parcel) => drop(from_contact(shared, account, key, &parcel).await?),
            None => taken(shared, account, key).await?,
        }
    }
    Ok(())
}

/// The stranger's mail in a document: when it came, and its size.
pub(crate) fn restore_stranger(key: &[u8], bytes: &[u8]) -> Option<(Key, Wall, usize)> {
    let stored: StoredStranger = documents::decode(bytes)?;
    Some((parse_key(key)?, stored.when, stored.parcel.len()))
}

/// Forgets what was taken long ago, and parts nobody finishes. To be called only while the clock can be believed.
pub(crate) async fn forget(shared: &Shared, account: &AccountName) -> Result<(), Failure> {
    let now = shared.wall();
    let before = Wall(now.0.saturating_sub(u64::try_from(TAKEN_MEMORY.as_millis()).unwrap_or(u64::MAX)));
    let Some((old, stale)) = shared.with(account, |state| {
        state.assembly.expire(before);
        let mut old: Vec<(Wall, Key)> = state.taken.iter().map(|(key, when)| (*when, *key)).collect();
        old.sort_unstable();
        let surplus = old.len().saturating_sub(crate::limits::TAKEN);
        let old: Vec<Key> = old
            .into_iter()
            .enumerate()
            .filter(|(number, (when, _))| *number < surplus || *when < before)
            .map(|(_, (_, key))| key)
            .collect();
        let held = &state.assembly;
        let stale: Vec<(Key, Vec<u8>)> = state
            .parts
            .iter()
            .filter(|(key, _)| !held.holds(key))
            .map(|(key, parts)| (*key, parts.iter().copied().collect()))
            .collect();
        (old, stale)
    }) else {
        return Ok(());
    };
    for key in old {
        shared.ports.documents.put(TAKEN, account.as_str(), key_bytes(&key), None).await?;
        shared.with(account, |state| state.taken.remove(&key));
    }
    for (key, parts) in stale {
        for index in parts {
            shared.ports.documents.put(PARTS, account.as_str(), part_key(&key, index), None).await?;
        }
        shared.with(account, |state| state.parts.remove(&key));
    }
    Ok(())
}
