//! Acknowledgements that are owed to senders.

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
    /// On its way to boards now.
    #[serde(skip)]
    pub is_running: bool,
}

impl Owed {
    pub fn new(word: Word, parcel: [u8; 32], read: Wall) -> Self {
        let Word { id, digest, refusal } = word;
        Self { id, digest, refusal, parcel, read, is_confirmed: false, sent: None, is_running: false }
    }

    pub fn word(&self) -> Word {
        Word { id: self.id, digest: self.digest, refusal: self.refusal.clone() }
    }
}
