//! Letters of people who are not contacts: they wait here for the user's answer, or for room to ask
//! the user.

use std::sync::Arc;

use drops::parcel::{Key, Kind, Parcel};
use gateway::Asked;
use mail::{AccountName, Wall};
use serde::{Deserialize, Serialize};

use crate::documents::{self, Row, Rows, STRANGERS};
use crate::incoming::{from_contact, key_bytes, parse_key, taken};
use crate::letterbox::Letter;
use crate::parts;
use crate::ports::Failure;
use crate::shared::{AccountState, Shared};

/// The version of a stored letter: with whether the user was asked.
const VERSION: u8 = 2;

/// What a friend request says that came as a letter.
const TEXT: &str = "wrote you a mail that waits for your answer; it came over a drop relay";

/// A stranger's parcel, as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredStranger {
    when: Wall,
    parcel: Vec<u8>,
    is_asked: bool,
}

impl StoredStranger {
    fn encode(&self) -> Result<Vec<u8>, Failure> {
        let mut bytes = documents::encode(self)?;
        if let Some(version) = bytes.first_mut() {
            *version = VERSION;
        }
        Ok(bytes)
    }

    /// Also of the version before: there the user was always asked.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        match *version {
            VERSION => postcard::from_bytes(rest).ok(),
            1 => postcard::from_bytes(&[rest, &[1]].concat()).ok(),
            _ => None,
        }
    }
}

fn letter(stored: &StoredStranger) -> Letter {
    Letter { when: stored.when, bytes: stored.parcel.len(), is_asked: stored.is_asked }
}

/// Reads the letters of an account that were kept.
pub(crate) async fn restore(
    shared: &Shared,
    account: &AccountName,
    state: &mut AccountState,
) -> Result<(), Failure> {
    let mut rows = Rows::of(&*shared.ports.documents, STRANGERS, account);
    while let Some(page) = rows.next().await? {
        let read = |row: &Row| {
            let stored = parse_key(&row.key).zip(StoredStranger::decode(&row.bytes));
            rows.readable(row, stored)
        };
        for (key, stored) in page.iter().filter_map(read) {
            state.letterbox.keep(key, letter(&stored));
        }
    }
    Ok(())
}

/// Takes a parcel of somebody who is not a contact: they knock, and the letter waits for the
/// answer.
pub(crate) async fn found(
    shared: &Arc<Shared>,
    account: &AccountName,
    key: Key,
    parcel: Parcel,
) -> Result<(), Failure> {
    // A stranger has nothing to acknowledge.
    if parcel.kind != Kind::Mail {
        return Ok(());
    }
    let Ok(bytes) = parcel.encode() else { return Ok(()) };
    let mut stored = StoredStranger { when: shared.wall(), parcel: bytes, is_asked: false };
    let has_room = shared.with(account, |state| state.letterbox.has_room(&key, &letter(&stored)));
    if has_room != Some(true) {
        tracing::info!(%account, sender = %key.sender, "no room for another mail of a stranger; it stays on its boards");
        return Ok(());
    }
    match shared.ports.core.knock(account, key.sender, TEXT).await? {
        Asked::Contact => return from_contact(shared, account, key, &parcel).await.map(drop),
        Asked::Ignored => return taken(shared, account, key).await,
        Asked::Waits => stored.is_asked = true,
        Asked::NoRoom => {
            tracing::info!(%account, sender = %key.sender, "a stranger's letter waits until there is room to ask about it");
        }
    }
    keep(shared, account, key, &stored).await?;
    parts::done(shared, account, &key).await
}

async fn keep(
    shared: &Shared,
    account: &AccountName,
    key: Key,
    stored: &StoredStranger,
) -> Result<(), Failure> {
    let document = stored.encode()?;
    shared.ports.documents.put(STRANGERS, account.as_str(), key_bytes(&key), Some(document)).await?;
    shared.with(account, |state| state.letterbox.keep(key, letter(stored)));
    Ok(())
}

async fn read(shared: &Shared, account: &AccountName, key: &Key) -> Result<Option<StoredStranger>, Failure> {
    let bytes = documents::get(&*shared.ports.documents, STRANGERS, account, &key_bytes(key)).await?;
    Ok(bytes.and_then(|bytes| StoredStranger::decode(&bytes)))
}

/// Hands on the letters of strangers who have become contacts, and deletes letters that nobody is
/// asked about any more. When there is room again, asks the user about strangers who wait for that.
pub(crate) async fn look_after(shared: &Arc<Shared>, account: &AccountName) -> Result<(), Failure> {
    let waiting = shared.with(account, |state| state.letterbox.waiting());
    let mut is_full = false;
    for (key, letter) in waiting.unwrap_or_default() {
        if shared.ports.core.contact(account, key.sender).is_some() {
            hand_on(shared, account, key).await?;
        } else if letter.is_asked {
            if !shared.ports.core.is_waiting(account, key.sender).await? {
                taken(shared, account, key).await?;
            }
        } else if !is_full {
            is_full = ask(shared, account, key).await? == Asked::NoRoom;
        }
    }
    Ok(())
}

async fn hand_on(shared: &Arc<Shared>, account: &AccountName, key: Key) -> Result<(), Failure> {
    let stored = read(shared, account, &key).await?;
    match stored.and_then(|stored| Parcel::decode(&stored.parcel).ok()) {
        Some(parcel) => from_contact(shared, account, key, &parcel).await.map(drop),
        None => taken(shared, account, key).await,
    }
}

/// Asks the user about a letter's sender.
async fn ask(shared: &Arc<Shared>, account: &AccountName, key: Key) -> Result<Asked, Failure> {
    let answer = shared.ports.core.knock(account, key.sender, TEXT).await?;
    match answer {
        Asked::Contact => hand_on(shared, account, key).await?,
        Asked::Ignored => taken(shared, account, key).await?,
        Asked::NoRoom => {}
        Asked::Waits => match read(shared, account, &key).await? {
            Some(stored) => keep(shared, account, key, &StoredStranger { is_asked: true, ..stored }).await?,
            None => taken(shared, account, key).await?,
        },
    }
    Ok(answer)
}

/// Letters that wait too long go. To be called only while the clock can be believed.
pub(crate) async fn forget(shared: &Shared, account: &AccountName) -> Result<(), Failure> {
    let now = shared.wall();
    let old = shared.with(account, |state| state.letterbox.outdated(now));
    for key in old.unwrap_or_default() {
        taken(shared, account, key).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_of_the_version_before_is_read_as_one_that_was_asked_about() {
        let stored = StoredStranger { when: Wall(7), parcel: vec![1, 2, 3], is_asked: false };
        let bytes = stored.encode().unwrap();
        let read = StoredStranger::decode(&bytes).unwrap();
        assert_eq!((read.when, read.parcel, read.is_asked), (Wall(7), vec![1, 2, 3], false));
        let before = [&[1], &bytes[1..bytes.len() - 1]].concat();
        let read = StoredStranger::decode(&before).unwrap();
        assert_eq!((read.when, read.parcel, read.is_asked), (Wall(7), vec![1, 2, 3], true));
        assert!(StoredStranger::decode(&[3]).is_none());
    }
}
