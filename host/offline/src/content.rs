//! The content of a parcel after the record: a mail with its envelope, or acknowledgements.
//!
//! Mail: `version (1), flags (1), reverse-path, forward-path, ENVID, ORCPT (texts), attributes, body`. Acknowledgements:
//! `version (1), count (1)`, then each `mail id (16), digest (32), kind (1)` and for a refusal `status, reason (texts)`. Numbers are
//! little-endian, a text is a length of two bytes and UTF-8; flags and fields mean what they mean in the peer protocol.

use bytes::Bytes;
use frame::{ReadError, Reader, Writer};
use mail::{
    Acknowledgement, Address, BodyDigest, EnhancedStatus, Envelope, MailId, Notify, Refusal, Return,
    ReversePath,
};

use crate::limits::ACKNOWLEDGEMENTS_TOGETHER;

/// The version of both layouts.
const VERSION: u8 = 1;
/// As in the peer protocol.
const ADDRESS_BYTES: usize = 512;
const ENVELOPE_ID_BYTES: usize = 100;
const ORIGINAL_RECIPIENT_BYTES: usize = 500;
const STATUS_BYTES: usize = 11;
const ATTRIBUTES: usize = 16;
const ATTRIBUTE_NAME_BYTES: usize = 64;
const ATTRIBUTE_VALUE_BYTES: usize = 1024;
const FLAGS: u8 = 0b1111;

/// Why the content of a parcel cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Cut short or too long somewhere.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Made by a later version.
    #[error("it has version {0}, which this gateway does not know")]
    Version(u8),
    /// A field with a value it cannot have.
    #[error("{0} has a value it cannot have")]
    Value(&'static str),
}

/// A mail in a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailContent {
    /// Its envelope.
    pub envelope: Envelope,
    /// Its bytes.
    pub body: Bytes,
}

/// One acknowledgement in a parcel: delivered or refused, never "try later".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The id of the mail.
    pub id: MailId,
    /// The digest of the body that came under that id.
    pub digest: BodyDigest,
    /// What became of it; None: delivered.
    pub refusal: Option<Refusal>,
}

impl Word {
    /// As the core knows it.
    #[must_use]
    pub fn acknowledgement(&self) -> Acknowledgement {
        self.refusal.clone().map_or(Acknowledgement::Delivered, Acknowledgement::Refused)
    }
}

impl MailContent {
    /// The bytes; None where an address does not fit (none that was ever accepted does not).
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let Envelope { reverse_path, forward_path, notify, ret, envelope_id, original_recipient } =
            &self.envelope;
        let reverse_path = match reverse_path {
            ReversePath::Null => String::new(),
            ReversePath::Mailbox(address) => address.to_string(),
        };
        let bits = [notify.success, notify.failure, notify.delay, *ret == Return::Full];
        let flags = bits.iter().rev().fold(0, |flags, bit| flags << 1 | u8::from(*bit));
        let mut writer = Writer::new();
        writer
            .u8(VERSION)
            .u8(flags)
            .text16(&reverse_path)
            .text16(&forward_path.to_string())
            .text16(envelope_id.as_deref().unwrap_or_default())
            .text16(original_recipient.as_deref().unwrap_or_default())
            .count(0)
            .raw(&self.body);
        writer.finish().ok()
    }

    /// Reads what [`MailContent::encode`] wrote.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let mut reader = Reader::new(bytes);
        check_version(&mut reader)?;
        let flags = reader.u8("flags")?;
        if flags & !FLAGS != 0 {
            return Err(ContentError::Value("flags"));
        }
        let bit = |number: u8| flags & (1 << number) != 0;
        let reverse_path = match reader.text16("reverse-path", ADDRESS_BYTES)? {
            "" => ReversePath::Null,
            text => ReversePath::Mailbox(address(text, "reverse-path")?),
        };
        let envelope = Envelope {
            reverse_path,
            forward_path: address(reader.text16("forward-path", ADDRESS_BYTES)?, "forward-path")?,
            notify: Notify { success: bit(0), failure: bit(1), delay: bit(2) },
            ret: if bit(3) { Return::Full } else { Return::Headers },
            envelope_id: line(&mut reader, "ENVID", ENVELOPE_ID_BYTES)?,
            original_recipient: line(&mut reader, "ORCPT", ORIGINAL_RECIPIENT_BYTES)?,
        };
        for _ in 0..reader.count("attributes", ATTRIBUTES)? {
            reader.text16("attribute", ATTRIBUTE_NAME_BYTES)?;
            reader.text16("attribute", ATTRIBUTE_VALUE_BYTES)?;
        }
        Ok(Self { envelope, body: Bytes::copy_from_slice(reader.rest()) })
    }
}

/// The bytes of at most 32 acknowledgements; None for more.
#[must_use]
pub fn encode_words(words: &[Word]) -> Option<Vec<u8>> {
    if words.len() > ACKNOWLEDGEMENTS_TOGETHER {
        return None;
    }
    let mut writer = Writer::new();
    writer.u8(VERSION).count(words.len());
    for word in words {
        writer.raw(&word.id.0).raw(&word.digest.0).u8(u8::from(word.refusal.is_some()));
        if let Some(refusal) = &word.refusal {
            writer.text16(&refusal.status.to_string()).text16(refusal.text());
        }
    }
    writer.finish().ok()
}

/// Reads what [`encode_words`] wrote.
///
/// # Errors
/// [`ContentError`].
pub fn decode_words(bytes: &[u8]) -> Result<Vec<Word>, ContentError> {
    let mut reader = Reader::new(bytes);
    check_version(&mut reader)?;
    let count = reader.count("acknowledgements", ACKNOWLEDGEMENTS_TOGETHER)?;
    let words = (0..count).map(|_| word(&mut reader)).collect::<Result<Vec<_>, _>>()?;
    reader.finish()?;
    Ok(words)
}

fn word(reader: &mut Reader<'_>) -> Result<Word, ContentError> {
    let id = MailId(reader.array("mail id")?);
    let digest = BodyDigest(reader.array("digest")?);
    let refusal = match reader.u8("kind")? {
        0 => None,
        1 => {
            let status: EnhancedStatus =
                reader.text16("status", STATUS_BYTES)?.parse().map_err(|_| ContentError::Value("status"))?;
            let text = reader.text16("reason", mail::limits::REFUSAL_TEXT_BYTES)?;
            Some(Refusal::new(status, text))
        }
        _ => return Err(ContentError::Value("kind")),
    };
    Ok(Word { id, digest, refusal })
}

fn check_version(reader: &mut Reader<'_>) -> Result<(), ContentError> {
    match reader.u8("version")? {
        VERSION => Ok(()),
        other => Err(ContentError::Version(other)),
    }
}

fn address(text: &str, what: &'static str) -> Result<Address, ContentError> {
    text.parse().map_err(|_| ContentError::Value(what))
}

/// Text that ends up in a header of a report: no control characters. Empty means none.
fn line(reader: &mut Reader<'_>, what: &'static str, max: usize) -> Result<Option<String>, ContentError> {
    let text = reader.text16(what, max)?;
    if text.chars().any(char::is_control) {
        return Err(ContentError::Value(what));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests;
