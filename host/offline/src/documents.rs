//! What must survive a restart, as small documents: a version byte, then postcard.

use serde::Serialize;
use serde::de::DeserializeOwned;

use mail::AccountName;

use crate::board_state::History;
use crate::ports::{Documents, Failure};
use crate::story::Story;

/// The version of all documents so far.
const VERSION: u8 = 1;

/// Where the copies of a mail wait, by mail id.
pub(crate) const STORIES: &str = "offline-story";
/// Mailbox records of contacts, by key, as they came.
pub(crate) const RECORDS: &str = "offline-record";
/// When an account's own record was last made, and what was in it.
pub(crate) const OWN_RECORDS: &str = "offline-own-record";
/// How boards behaved, by key.
pub(crate) const BOARDS: &str = "offline-board";
/// Issuing keys boards were seen with, by board: as `drops::token::Sightings` writes them.
pub(crate) const ISSUING_KEYS: &str = "offline-issuing-key";
/// Deposit tokens, by source and board: as `drops::wallet` writes a purse.
pub(crate) const TOKENS: &str = "offline-tokens";
/// The record a contact was given last, with the tokens in it, by contact.
pub(crate) const GIVEN: &str = "offline-given-record";
/// Acknowledgements owed, by sender and mail id.
pub(crate) const OWED: &str = "offline-owed";
/// Parcels that were taken, by sender, mail id and digest.
pub(crate) const TAKEN: &str = "offline-taken";
/// Mails of strangers, by sender, mail id and digest.
pub(crate) const STRANGERS: &str = "offline-stranger";
/// Parts of unfinished mails, by sender, mail id, digest and number.
pub(crate) const PARTS: &str = "offline-part";

/// The bytes of a document.
pub(crate) fn encode<T: Serialize>(document: &T) -> Result<Vec<u8>, Failure> {
    postcard::to_extend(document, vec![VERSION])
        .map_err(|error| Failure(format!("a document cannot be written: {error}")))
}

/// The document in these bytes; None if it is damaged or of another version. Then it counts as
/// missing, and [`Rows::readable`] reports it.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (version, rest) = bytes.split_first()?;
    (*version == VERSION).then(|| postcard::from_bytes(rest).ok()).flatten()
}

/// Documents that got more fields later, at their end. The version before is read too.
pub(crate) trait Grown: Serialize + DeserializeOwned {
    /// The new fields as they are where nothing is known of them.
    const NOTHING: &[u8];
}

/// Where cells were sent: an empty list.
impl Grown for Story {
    const NOTHING: &[u8] = &[0];
}

/// Troubles and when the last was: none, never.
impl Grown for History {
    const NOTHING: &[u8] = &[0, 0];
}

/// The version of those.
const GROWN_VERSION: u8 = 2;

/// The bytes of a document that has grown.
pub(crate) fn encode_grown<T: Grown>(document: &T) -> Result<Vec<u8>, Failure> {
    let mut bytes = encode(document)?;
    if let Some(version) = bytes.first_mut() {
        *version = GROWN_VERSION;
    }
    Ok(bytes)
}

/// The document in these bytes.
pub(crate) fn decode_grown<T: Grown>(bytes: &[u8]) -> Option<T> {
    let (version, rest) = bytes.split_first()?;
    match *version {
        GROWN_VERSION => postcard::from_bytes(rest).ok(),
        VERSION => postcard::from_bytes(&[rest, T::NOTHING].concat()).ok(),
        _ => None,
    }
}

/// Writes a document.
pub(crate) async fn put<T: Serialize>(
    documents: &dyn Documents,
    kind: &'static str,
    owner: &str,
    key: Vec<u8>,
    document: &T,
) -> Result<(), Failure> {
    documents.put(kind, owner, key, Some(encode(document)?)).await
}

/// A document by its name; None if there is none.
pub(crate) async fn get(
    documents: &dyn Documents,
    kind: &'static str,
    owner: &AccountName,
    key: &[u8],
) -> Result<Option<Vec<u8>>, Failure> {
    let page = documents.page(kind, owner.as_str(), key).await?;
    let first = page.into_iter().next();
    Ok(first.filter(|(of, name, _)| of == owner.as_str() && name == key).map(|(.., bytes)| bytes))
}

/// A document as it is kept.
pub(crate) struct Row {
    owner: String,
    /// Its name.
    pub key: Vec<u8>,
    /// What it says.
    pub bytes: Vec<u8>,
}

impl Row {
    /// The key or id that its name is.
    pub fn name<const N: usize>(&self) -> Option<[u8; N]> {
        self.key.as_slice().try_into().ok()
    }
}

/// Documents of a kind, a page at a time: what is read at once is bounded, however many there are.
pub(crate) struct Rows<'a> {
    documents: &'a dyn Documents,
    kind: &'static str,
    /// The account whose rows are read; None for all accounts.
    owner: Option<&'a str>,
    /// Where the next page begins; None after the last one.
    from: Option<(String, Vec<u8>)>,
}

impl<'a> Rows<'a> {
    /// The rows of one account.
    pub fn of(documents: &'a dyn Documents, kind: &'static str, owner: &'a AccountName) -> Self {
        let from = Some((owner.as_str().to_owned(), vec![]));
        Self { documents, kind, owner: Some(owner.as_str()), from }
    }

    /// The rows of all accounts.
    pub fn all(documents: &'a dyn Documents, kind: &'static str) -> Self {
        Self { documents, kind, owner: None, from: Some((String::new(), vec![])) }
    }

    /// The document of a row; a row that cannot be read is reported.
    pub fn readable<T>(&self, row: &Row, read: Option<T>) -> Option<T> {
        if read.is_none() {
            self.documents.unreadable(self.kind, &row.owner, &row.key, &row.bytes);
        }
        read
    }

    /// The next ones; None after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, Failure> {
        let Some((owner, key)) = self.from.take() else { return Ok(None) };
        let page = self.documents.page(self.kind, &owner, &key).await?;
        let is_ours = |owner: &str| self.owner.is_none_or(|ours| ours == owner);
        let Some((owner, key, _)) = page.last() else { return Ok(None) };
        self.from = is_ours(owner).then(|| (owner.clone(), after(key)));
        let own = page.into_iter().filter(|(owner, ..)| is_ours(owner));
        Ok(Some(own.map(|(owner, key, bytes)| Row { owner, key, bytes }).collect()))
    }
}

/// The first name after this one.
fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

#[cfg(test)]
mod tests {
    use mail::Wall;

    use super::*;

    #[test]
    fn a_story_of_the_version_before_is_read() {
        let mut story = Story::new("anna".parse().unwrap(), Wall(7));
        let bytes = encode_grown(&story).unwrap();
        assert_eq!(decode_grown(&bytes), Some(story.clone()));
        let before = [&[VERSION], &bytes[1..bytes.len() - 1]].concat();
        assert_eq!(decode_grown(&before), Some(story.clone()));
        story.sends_to(mail::PublicKey([1; 32]));
        assert_eq!(decode_grown(&encode_grown(&story).unwrap()), Some(story));
        assert_eq!(decode_grown::<Story>(&[3]), None);
    }

    #[test]
    fn a_history_of_the_version_before_is_read() {
        // As it was written: 300 receipts, 2 failures, the last at 5, "x", 7 percent, read at 6 and
        // never before, no lie.
        let before = [1, 172, 2, 2, 1, 5, 1, 1, b'x', 7, 1, 6, 0, 0];
        let mut history: History = decode_grown(&before).unwrap();
        let expected = History {
            receipts: 300,
            failures: 2,
            last_failure: Some(Wall(5)),
            problem: Some("x".to_owned()),
            fill: 7,
            last_read: Some(Wall(6)),
            ..History::default()
        };
        assert_eq!(history, expected);
        history.troubled(Wall(8), "gone");
        assert_eq!(decode_grown(&encode_grown(&history).unwrap()), Some(history));
    }
}
