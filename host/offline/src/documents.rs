//! What must survive a restart, as small documents: a version byte, then postcard.

use serde::Serialize;
use serde::de::DeserializeOwned;

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

/// The document in these bytes; None where it is damaged or of another version (then it is as if it were not there).
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (version, rest) = bytes.split_first()?;
    (*version == VERSION).then(|| postcard::from_bytes(rest).ok()).flatten()
}

/// The version of stories: with the boards to which cells were sent.
const STORY_VERSION: u8 = 2;

/// The bytes of a story.
pub(crate) fn encode_story(story: &Story) -> Result<Vec<u8>, Failure> {
    let mut bytes = encode(story)?;
    if let Some(version) = bytes.first_mut() {
        *version = STORY_VERSION;
    }
    Ok(bytes)
}

/// The story in these bytes, also of the version before, which did not know where cells were sent.
pub(crate) fn decode_story(bytes: &[u8]) -> Option<Story> {
    let (version, rest) = bytes.split_first()?;
    match *version {
        STORY_VERSION => postcard::from_bytes(rest).ok(),
        // Its last field is an empty list.
        VERSION => postcard::from_bytes(&[rest, &[0]].concat()).ok(),
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

#[cfg(test)]
mod tests {
    use mail::Wall;

    use super::*;

    #[test]
    fn a_story_of_the_version_before_is_read() {
        let mut story = Story::new("anna".parse().unwrap(), Wall(7));
        let bytes = encode_story(&story).unwrap();
        assert_eq!(decode_story(&bytes), Some(story.clone()));
        let before = [&[VERSION], &bytes[1..bytes.len() - 1]].concat();
        assert_eq!(decode_story(&before), Some(story.clone()));
        story.sends_to(mail::PublicKey([1; 32]));
        assert_eq!(decode_story(&encode_story(&story).unwrap()), Some(story));
        assert_eq!(decode_story(&[3]), None);
    }
}
