//! Small settings of others, by name.

use bytes::Bytes;
use redb::ReadableTable;

use crate::Store;
use crate::engine::tables::META;
use crate::error::Error;
use crate::limits::{META_BYTES, META_ENTRIES, NAME_BYTES};
use crate::store::count;

impl Store {
    /// A setting.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn meta_get(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.get(|transaction| {
            let value = transaction.open_table(META)?.get(name)?;
            Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
        })
    }

    /// Sets a setting; None removes it.
    ///
    /// # Errors
    /// [`Error::LimitReached`] where name, value or their number is beyond [`NAME_BYTES`], [`META_BYTES`], [`META_ENTRIES`].
    pub async fn meta_put(&self, name: &str, value: Option<Bytes>) -> Result<(), Error> {
        if name.len() > NAME_BYTES || value.as_ref().is_some_and(|value| value.len() > META_BYTES) {
            return Err(Error::LimitReached(format!("the setting `{name:.40}` is too long")));
        }
        let name = name.to_owned();
        self.put(move |context| {
            let Some(value) = &value else {
                context.t.meta.write()?.remove(name.as_str())?;
                return Ok(());
            };
            let meta = context.t.meta.read()?;
            if meta.get(name.as_str())?.is_none() && count(meta)? >= META_ENTRIES {
                return Err(Error::LimitReached(format!(
                    "there are {META_ENTRIES} settings, the most there can be"
                )));
            }
            context.t.meta.write()?.insert(name.as_str(), &value[..])?;
            Ok(())
        })
        .await
    }
}
