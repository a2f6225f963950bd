//! Components by their SHA-256, and what fills the slots.

use bytes::Bytes;
use mail::record::BodyId;
use mail::{ComponentDigest, Wall};
use redb::{ReadTransaction, ReadableTable};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::body::read_range;
use crate::codec;
use crate::context::Context;
use crate::error::Error;
use crate::limits::{
    COMPONENT_BYTES, COMPONENTS as COMPONENTS_LIMIT, NAME_BYTES, SLOT_BYTES, SLOTS as SLOTS_LIMIT,
};
use crate::store::count;
use crate::tables::{COMPONENTS, SLOTS};

/// What is known of a component beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentInfo {
    /// The name the user gave.
    pub name: String,
    /// Bytes of its file.
    pub size: u64,
    /// When it was added.
    pub added: Wall,
    /// The slots it exports a world for.
    pub slots: Vec<String>,
    /// The checks it passed and what else the sandbox wants to keep with it, as name and value.
    pub attributes: Vec<(String, String)>,
}

/// A component's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredComponent {
    pub(crate) info: ComponentInfo,
    pub(crate) body: BodyId,
}

/// What fills a slot: a document of the sandbox's making, opaque here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotDocument {
    /// Counts replacements, from 1.
    pub version: u64,
    /// JSON.
    pub json: String,
}

impl Store {
    /// Keeps a component. One that is there already gets the new `info`. That `digest` is the SHA-256 of `bytes` is the caller's
    /// to check.
    ///
    /// # Errors
    /// [`Error::LimitReached`], [`Error::Full`], [`Error::Invalid`] where the size is not that of `bytes`.
    pub async fn put_component(
        &self,
        digest: ComponentDigest,
        info: ComponentInfo,
        bytes: Bytes,
    ) -> Result<(), Error> {
        if bytes.len() > COMPONENT_BYTES {
            return Err(Error::LimitReached(format!(
                "a component cannot have more than {COMPONENT_BYTES} bytes"
            )));
        }
        if info.size != bytes.len() as u64 || info.name.len() > NAME_BYTES {
            return Err(Error::Invalid(format!("a component of {} bytes described otherwise", bytes.len())));
        }
        self.put(move |context| put(context, digest, &info, &bytes)).await
    }

    /// A component with its bytes.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub async fn component(&self, digest: ComponentDigest) -> Result<Option<(ComponentInfo, Bytes)>, Error> {
        self.list(move |transaction| read(transaction, digest)).await
    }

    /// All components, in the order of digests, without their bytes.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Failed`].
    pub async fn components(&self) -> Result<Vec<(ComponentDigest, ComponentInfo)>, Error> {
        self.list(|transaction| {
            let table = transaction.open_table(COMPONENTS)?;
            let rows = table.iter()?;
            rows.map(|row| {
                let (digest, bytes) = row?;
                let digest = ComponentDigest(digest.value());
                let stored: StoredComponent = codec::read(bytes.value(), || digest.to_string())?;
                Ok((digest, stored.info))
            })
            .collect()
        })
        .await
    }

    /// Removes a component.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none.
    pub async fn remove_component(&self, digest: ComponentDigest) -> Result<(), Error> {
        self.remove(move |context| {
            let stored = load(context, digest)?.ok_or(Error::NotFound)?;
            context.t.components.write()?.remove(digest.0)?;
            context.release(stored.body)
        })
        .await
    }

    /// What fills a slot; None where nothing was ever set.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn slots_get(&self, slot: &str) -> Result<Option<SlotDocument>, Error> {
        self.get(|transaction| {
            let row = transaction.open_table(SLOTS)?.get(slot)?;
            row.map(|row| document(slot, row.value())).transpose()
        })
    }

    /// What fills all slots, by slot.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn slots_all(&self) -> Result<Vec<(String, SlotDocument)>, Error> {
        self.list(|transaction| {
            let table = transaction.open_table(SLOTS)?;
            let rows = table.iter()?;
            rows.map(|row| {
                let (slot, value) = row?;
                Ok((slot.value().to_owned(), document(slot.value(), value.value())?))
            })
            .collect()
        })
        .await
    }

    /// Replaces what fills a slot, if it is still at `version` (0: nothing was set). Returns the new version.
    ///
    /// # Errors
    /// [`Error::Conflict`] where somebody was faster; [`Error::LimitReached`].
    pub async fn slots_put(&self, slot: &str, version: u64, json: String) -> Result<u64, Error> {
        if slot.len() > NAME_BYTES || json.len() > SLOT_BYTES {
            return Err(Error::LimitReached(format!("the description of the slot `{slot:.40}` is too long")));
        }
        let slot = slot.to_owned();
        self.put(move |context| {
            let slots = context.t.slots.read()?;
            let current = slots.get(slot.as_str())?.map_or(0, |row| row.value().0);
            if current != version {
                return Err(Error::Conflict { current });
            }
            if current == 0 && count(slots)? >= SLOTS_LIMIT {
                return Err(Error::LimitReached(format!(
                    "there are {SLOTS_LIMIT} slots, the most there can be"
                )));
            }
            context.t.slots.write()?.insert(slot.as_str(), (version + 1, json.as_bytes()))?;
            Ok(version + 1)
        })
        .await
    }
}

fn put(
    context: &mut Context<'_, '_>,
    digest: ComponentDigest,
    info: &ComponentInfo,
    bytes: &[u8],
) -> Result<(), Error> {
    let body = match load(context, digest)? {
        Some(stored) => stored.body,
        None if count(context.t.components.read()?)? >= COMPONENTS_LIMIT => {
            return Err(Error::LimitReached(format!(
                "{COMPONENTS_LIMIT} components are kept, the most there can be: remove some"
            )));
        }
        None => context.put_body(bytes)?,
    };
    let record = codec::encode(&StoredComponent { info: info.clone(), body })?;
    context.t.components.write()?.insert(digest.0, record.as_slice())?;
    Ok(())
}

fn load(context: &mut Context<'_, '_>, digest: ComponentDigest) -> Result<Option<StoredComponent>, Error> {
    let components = context.t.components.read()?;
    let record = components.get(digest.0)?;
    record.map(|bytes| codec::read(bytes.value(), || digest.to_string())).transpose()
}

fn read(
    transaction: &ReadTransaction,
    digest: ComponentDigest,
) -> Result<Option<(ComponentInfo, Bytes)>, Error> {
    let components = transaction.open_table(COMPONENTS)?;
    let Some(record) = components.get(digest.0)? else { return Ok(None) };
    let stored: StoredComponent = codec::read(record.value(), || digest.to_string())?;
    let mut bytes = Vec::new();
    read_range(transaction, stored.body, stored.info.size, 0, COMPONENT_BYTES, &mut bytes)?;
    Ok(Some((stored.info, bytes.into())))
}

fn document(slot: &str, (version, json): (u64, &[u8])) -> Result<SlotDocument, Error> {
    let json = std::str::from_utf8(json).map_err(|error| Error::Damaged {
        table: "slots",
        key: slot.to_owned(),
        why: error.to_string(),
    })?;
    Ok(SlotDocument { version, json: json.to_owned() })
}
