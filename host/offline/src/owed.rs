//! Acknowledgements that are owed to senders.

use drops::cell::{BoardKey, Name};
use mail::{MailId, Wall};
use serde::{Deserialize, Serialize};

use crate::content::Word;

/// An acknowledgement, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Owed {
    pub id: MailId,
    pub digest: mail::BodyDigest,
    pub refusal: Option<mail::Refusal>,
    /// Of the parcel it came in.
    pub parcel: [u8; 32],
    pub read: Wall,
    pub is_confirmed: bool,
    /// When it was handed over to boards.
    pub sent: Option<Wall>,
    /// Owed again since this cell was shown: it alone can confirm that.
    #[serde(skip)]
    pub confirmed_by: Option<(BoardKey, Name)>,
    /// On its way to boards now.
    #[serde(skip)]
    pub is_running: bool,
}

impl Owed {
    pub fn new(word: Word, parcel: [u8; 32], read: Wall) -> Self {
        let Word { id, digest, refusal } = word;
        let (is_confirmed, sent, confirmed_by, is_running) = (false, None, None, false);
        Self { id, digest, refusal, parcel, read, is_confirmed, sent, confirmed_by, is_running }
    }

    pub fn word(&self) -> Word {
        Word { id: self.id, digest: self.digest, refusal: self.refusal.clone() }
    }
}
