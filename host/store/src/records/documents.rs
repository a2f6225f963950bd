//! Small documents of other crates, by kind, owner and key: many, and each of them small.

use crate::Store;
use crate::engine::tables::DOCUMENTS;
use crate::error::Error;
use crate::limits::{DOCUMENT_BYTES, DOCUMENT_KEY_BYTES, DOCUMENTS_PAGE_BYTES, NAME_BYTES};

/// A document as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its owner.
    pub owner: String,
    /// Its name.
    pub key: Vec<u8>,
    /// What it says.
    pub bytes: Vec<u8>,
}

impl Store {
    /// Writes a document; None removes it.
    ///
    /// # Errors
    /// [`Error::LimitReached`] where names or the document are longer than [`NAME_BYTES`], [`DOCUMENT_KEY_BYTES`], [`DOCUMENT_BYTES`].
    pub async fn document_put(
        &self,
        kind: &str,
        owner: &str,
        key: Vec<u8>,
        document: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        let size = document.as_ref().map_or(0, Vec::len);
        let names = kind.len().max(owner.len());
        if names > NAME_BYTES || key.len() > DOCUMENT_KEY_BYTES || size > DOCUMENT_BYTES {
            return Err(Error::LimitReached(format!("a document of kind `{kind:.40}` is too long")));
        }
        let (kind, owner) = (kind.to_owned(), owner.to_owned());
        let Some(document) = document else {
            return self
                .remove(move |context| {
                    let place = (kind.as_str(), owner.as_str(), key.as_slice());
                    context.t.documents.write()?.remove(place)?;
                    Ok(())
                })
                .await;
        };
        self.put(move |context| {
            let place = (kind.as_str(), owner.as_str(), key.as_slice());
            context.t.documents.write()?.insert(place, document.as_slice())?;
            Ok(())
        })
        .await
    }

    /// Documents of a kind in the order of owner and key, from this place on: as many as [`DOCUMENTS_PAGE_BYTES`] hold, and one at
    /// least where there is one.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub async fn documents_from(&self, kind: &str, owner: &str, key: &[u8]) -> Result<Vec<Document>, Error> {
        let (kind, owner, key) = (kind.to_owned(), owner.to_owned(), key.to_vec());
        self.list(move |transaction| {
            let table = transaction.open_table(DOCUMENTS)?;
            let (mut documents, mut size) = (Vec::new(), 0);
            for row in table.range((kind.as_str(), owner.as_str(), key.as_slice())..)? {
                let (place, bytes) = row?;
                let (other, owner, key) = place.value();
                if other != kind || size >= DOCUMENTS_PAGE_BYTES {
                    break;
                }
                let document =
                    Document { owner: owner.to_owned(), key: key.to_vec(), bytes: bytes.value().to_vec() };
                // Many small ones cost too.
                size += document.owner.len() + document.key.len() + document.bytes.len();
                documents.push(document);
            }
            Ok(documents)
        })
        .await
    }
}
