//! Parts of unfinished mails, in memory and on disk. `drops::assembly` is the only bound: what it lets go is erased on disk at that
//! moment, and what is on disk comes back at a start through the same bound.

use drops::assembly::{Gone, Sender, Taking};
use drops::cell::{Opened, Place};
use drops::parcel::{Key, Progress};
use mail::AccountName;
use serde::{Deserialize, Serialize};

use crate::documents::{self, PARTS, Row, Rows};
use crate::incoming::{key_bytes, parse_key};
use crate::ports::Failure;
use crate::shared::{Shared, State};

/// A part of an unfinished mail, as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredPart {
    count: u8,
    chunk: Vec<u8>,
}

fn name(key: &Key, index: u8) -> Vec<u8> {
    let mut name = key_bytes(key);
    name.push(index);
    name
}

/// Reads a part that was kept. None where it cannot be read.
fn parse(name: &[u8], bytes: &[u8]) -> Option<Opened> {
    let (index, key) = name.split_last()?;
    let key = parse_key(key)?;
    let StoredPart { count, chunk } = documents::decode(bytes)?;
    let place = Place { mail: key.mail, index: *index, count, digest: key.digest };
    Some(Opened { sender: key.sender, place, chunk })
}

fn sender(shared: &Shared, account: &AccountName, key: mail::PublicKey) -> Sender {
    let is_contact = shared.ports.core.contact(account, key).is_some();
    if is_contact { Sender::Contact } else { Sender::Stranger }
}

impl State {
    /// Erases what was kept of these mails.
    fn erase(&mut self, gone: Vec<Gone<AccountName>>) {
        for Gone { to, key, kept } in gone {
            self.erasing.extend(kept.into_iter().map(|index| (to.clone(), name(&key, index))));
        }
    }
}

/// Takes a part that was found for an account.
pub(crate) async fn take(shared: &Shared, account: &AccountName, opened: Opened) -> Progress {
    let (now, sender) = (shared.wall(), sender(shared, account, opened.sender));
    let progress = {
        let mut state = shared.state();
        let Taking { progress, gone } = state.assembly.take(account, sender, opened, now);
        state.erase(gone);
        progress
    };
    if let Err(error) = erase(shared).await {
        tracing::info!(%account, %error, "parts of mails that went are not erased yet; it is tried again");
    }
    progress
}

/// A mail is done with: its parts go.
pub(crate) async fn done(shared: &Shared, account: &AccountName, key: &Key) -> Result<(), Failure> {
    {
        let mut state = shared.state();
        let gone = state.assembly.remove(account, key);
        state.erase(gone.into_iter().collect());
    }
    erase(shared).await
}

/// Forgets mails of which nothing came since `before`.
pub(crate) async fn expire(shared: &Shared, before: mail::Wall) -> Result<(), Failure> {
    {
        let mut state = shared.state();
        let gone = state.assembly.expire(before);
        state.erase(gone);
    }
    erase(shared).await
}

/// Erases on disk what went.
async fn erase(shared: &Shared) -> Result<(), Failure> {
    if shared.state().erasing.is_empty() {
        return Ok(());
    }
    let _turn = shared.parts.lock().await;
    erase_in_turn(shared).await
}

async fn erase_in_turn(shared: &Shared) -> Result<(), Failure> {
    loop {
        let next = shared.state().erasing.first().cloned();
        let Some((account, name)) = next else { return Ok(()) };
        shared.ports.documents.put(PARTS, account.as_str(), name.clone(), None).await?;
        shared.state().erasing.remove(&(account, name));
    }
}

/// Makes parts of unfinished mails durable: after that their boards need not be read again for them. One that cannot be kept hinders
/// no other, and is tried again the next time.
pub(crate) async fn store(shared: &Shared) -> Result<(), Failure> {
    let _turn = shared.parts.lock().await;
    // First, so that there is never more on disk than the bound.
    erase_in_turn(shared).await?;
    let mut result = Ok(());
    let unkept = shared.state().assembly.unkept();
    for (account, key, index) in unkept {
        let document = {
            let state = shared.state();
            let Some((count, chunk)) = state.assembly.part(&account, &key, index) else { continue };
            documents::encode(&StoredPart { count, chunk: chunk.to_vec() })?
        };
        let stored =
            shared.ports.documents.put(PARTS, account.as_str(), name(&key, index), Some(document)).await;
        if let Err(error) = stored {
            result = Err(error);
            continue;
        }
        let mut state = shared.state();
        if !state.assembly.kept(&account, &key, index) {
            state.erasing.insert((account, name(&key, index)));
        }
    }
    erase_in_turn(shared).await?;
    result
}

/// Puts back the parts that were kept for an account, page by page. Parts that no longer have room
/// are erased.
pub(crate) async fn restore(shared: &Shared, account: &AccountName) -> Result<(), Failure> {
    let now = shared.wall();
    let mut rows = Rows::of(&*shared.ports.documents, PARTS, account);
    while let Some(page) = rows.next().await? {
        for Row { key, bytes, .. } in page {
            let Some(opened) = parse(&key, &bytes) else {
                shared.state().erasing.insert((account.clone(), key));
                continue;
            };
            let sender = sender(shared, account, opened.sender);
            let mut state = shared.state();
            let gone = state.assembly.restore(account, sender, opened, now);
            state.erase(gone);
        }
        if let Err(error) = erase(shared).await {
            tracing::info!(%account, %error, "parts of mails that went are not erased yet; it is tried again");
        }
    }
    Ok(())
}
