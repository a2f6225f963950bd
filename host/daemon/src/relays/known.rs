//! The drop relays this gateway knows by their addresses. How they behave is kept by offline mail.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mail::PublicKey;
use relay::BoardAddress;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use store::Store;
use tokio::sync::Mutex as Turn;

use crate::limits::RELAYS_KNOWN;
use crate::stored::readable;

/// The name of the document in the store.
const DOCUMENT: &str = "drop-relays";

/// A drop relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRelay {
    /// Its address, with the invitation where the owner was invited.
    pub address: BoardAddress,
    /// Whether the owner named it; otherwise a contact did.
    pub is_chosen: bool,
}

/// Why a relay is not added, removed or kept.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// As many as there can be.
    #[error("{RELAYS_KNOWN} drop relays are known, the most there can be: remove one first")]
    TooMany,
    /// The list cannot be written.
    #[error("the list of drop relays cannot be written: {0}")]
    Write(#[from] serde_json::Error),
}

/// As it stands in the document. Those of former programs also had how it behaved, which offline
/// mail kept beside that.
#[derive(Serialize, Deserialize)]
struct Row {
    #[serde(serialize_with = "write_address", deserialize_with = "read_address")]
    address: BoardAddress,
    is_chosen: bool,
}

fn write_address<S: Serializer>(address: &BoardAddress, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(address)
}

fn read_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BoardAddress, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// The known relays, in memory and in the store.
pub struct KnownRelays {
    store: Store,
    relays: Mutex<BTreeMap<PublicKey, KnownRelay>>,
    /// Held while writing, so that what was written last is the newest.
    writing: Turn<()>,
}

impl KnownRelays {
    /// Reads what is stored. What cannot be read of it is set aside; the rest is known.
    ///
    /// # Errors
    /// [`KnownError::Store`].
    pub async fn load(store: Store) -> Result<Self, KnownError> {
        let mut relays = BTreeMap::new();
        if let Some(json) = store.meta_get(DOCUMENT).await? {
            let read = readable::<Row>(&json, "");
            for Row { address, is_chosen } in read.list {
                relays.insert(address.key, KnownRelay { address, is_chosen });
            }
            if let Some(problem) = read.problem {
                store.set_setting_aside(DOCUMENT, json, &problem).await?;
            }
        }
        Ok(Self { store, relays: Mutex::new(relays), writing: Turn::default() })
    }

    fn relays(&self) -> MutexGuard<'_, BTreeMap<PublicKey, KnownRelay>> {
        self.relays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, in the order of their keys.
    pub fn list(&self) -> Vec<KnownRelay> {
        self.relays().values().cloned().collect()
    }

    /// A known relay, by its key.
    pub fn get(&self, key: &PublicKey) -> Option<KnownRelay> {
        self.relays().get(key).cloned()
    }

    /// The owner names a relay. It is stored when this returns.
    ///
    /// # Errors
    /// [`KnownError`]
    pub async fn choose(&self, address: BoardAddress) -> Result<KnownRelay, KnownError> {
        self.insert(address, true).await
    }

    async fn insert(&self, address: BoardAddress, is_chosen: bool) -> Result<KnownRelay, KnownError> {
        let known = {
            let mut relays = self.relays();
            if !relays.contains_key(&address.key) && relays.len() >= RELAYS_KNOWN {
                return Err(KnownError::TooMany);
            }
            let known = relays.entry(address.key).or_insert(KnownRelay { address, is_chosen });
            known.is_chosen |= is_chosen;
            known.address.invitation = address.invitation.or(known.address.invitation);
            known.address.owner = address.owner.or(known.address.owner);
            known.clone()
        };
        self.save().await?;
        Ok(known)
    }

    /// Forgets a relay; false if it was not known.
    ///
    /// # Errors
    /// [`KnownError::Store`]
    pub async fn remove(&self, key: &PublicKey) -> Result<bool, KnownError> {
        let was_known = self.relays().remove(key).is_some();
        if was_known {
            self.save().await?;
        }
        Ok(was_known)
    }

    async fn save(&self) -> Result<(), KnownError> {
        let _turn = self.writing.lock().await;
        let rows: Vec<Row> = self.list().into_iter().map(row).collect();
        let json = serde_json::to_vec(&rows)?;
        Ok(self.store.meta_put(DOCUMENT, Some(json.into())).await?)
    }
}

fn row(known: KnownRelay) -> Row {
    Row { address: known.address, is_chosen: known.is_chosen }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn clock() -> Arc<dyn mail::Clock> {
        Arc::new(clock::SystemClock::new())
    }

    #[tokio::test]
    async fn what_is_known_of_relays_outlives_the_program() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), store::OpenOptions::new(clock())).unwrap();
        let known = KnownRelays::load(store.clone()).await.unwrap();
        let (ours, theirs) = (PublicKey([1; 32]), PublicKey([2; 32]));
        known.choose(theirs.into()).await.unwrap();
        let owner = Some(relay::OwnerMark([3; 8]));
        known.choose(BoardAddress { key: ours, invitation: Some([7; 16]), owner }).await.unwrap();
        // Named again, without invitation and mark: nothing is lost.
        assert!(known.choose(ours.into()).await.unwrap().is_chosen);

        let again = KnownRelays::load(store).await.unwrap();
        assert_eq!(again.list(), known.list());
        let relay = again.get(&ours).unwrap();
        assert_eq!(relay.address.invitation, Some([7; 16]));
        assert_eq!(relay.address.owner, owner);
        assert!(again.remove(&ours).await.unwrap());
        assert!(!again.remove(&ours).await.unwrap());
    }

    #[tokio::test]
    async fn what_cannot_be_read_of_the_list_is_set_aside_and_the_rest_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), store::OpenOptions::new(clock())).unwrap();
        let good = BoardAddress::from(PublicKey([1; 32]));
        for (json, known) in [
            (
                // As a former program wrote it.
                format!(
                    r#"[{{"address":"x","is_chosen":true}},{{"address":"{good}","is_chosen":true,"behaviour":{{"receipts":3}}}}]"#
                ),
                1,
            ),
            ("no list".to_owned(), 0),
        ] {
            store.meta_put(DOCUMENT, Some(json.clone().into())).await.unwrap();
            let relays = KnownRelays::load(store.clone()).await.unwrap();
            assert_eq!(relays.list().len(), known);
            // It is told, and what is written next does not touch it.
            assert_eq!(store.unreadable().unwrap().len(), 1);
            relays.choose(PublicKey([2; 32]).into()).await.unwrap();
            let kept = store.meta_get("unreadable-drop-relays").await.unwrap();
            assert_eq!(kept, Some(json.into()));
        }
    }
}
