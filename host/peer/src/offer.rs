//! The offer of one mail.

use frame::{Reader, Writer};
use mail::{BodyDigest, Envelope, MailId, Notify, Return, ReversePath};

use crate::attributes::{Attributes, read_attributes, write_attributes};
use crate::decode::DecodeError;
use crate::limits::{ADDRESS_BYTES, ENVELOPE_ID_BYTES, ORIGINAL_RECIPIENT_BYTES};

/// One mail for one recipient, as its sender offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its id, the same each time it is offered.
    pub mail: MailId,
    /// From whom and for whom.
    pub envelope: Envelope,
    /// Bytes of the body.
    pub size: u64,
    /// BLAKE2b-256 of the whole body, the same each time the mail is offered.
    pub digest: BodyDigest,
    /// What this version does not know yet.
    pub attributes: Attributes,
}

const NOTIFY_SUCCESS: u8 = 1;
const NOTIFY_FAILURE: u8 = 2;
const NOTIFY_DELAY: u8 = 4;
const RETURN_FULL: u8 = 8;

impl Offer {
    /// An offer without attributes.
    #[must_use]
    pub fn new(mail: MailId, envelope: Envelope, size: u64, digest: BodyDigest) -> Self {
        Self { mail, envelope, size, digest, attributes: Attributes::new() }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        let envelope = &self.envelope;
        let reverse_path = match &envelope.reverse_path {
            ReversePath::Null => String::new(),
            ReversePath::Mailbox(address) => address.to_string(),
        };
        writer
            .raw(&self.mail.0)
            .u64(self.size)
            .raw(&self.digest.0)
            .u8(flags(envelope))
            .text16(&reverse_path)
            .text16(&envelope.forward_path.to_string())
            .text16(envelope.envelope_id.as_deref().unwrap_or_default())
            .text16(envelope.original_recipient.as_deref().unwrap_or_default());
        write_attributes(&self.attributes, writer);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mail = MailId(reader.array("mail id")?);
        let size = reader.u64("size")?;
        let digest = BodyDigest(reader.array("digest")?);
        let flags = reader.u8("notify")?;
        if flags & !(NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY | RETURN_FULL) != 0 {
            return Err(DecodeError::Value("notify"));
        }
        let reverse_path = match reader.text16("reverse-path", ADDRESS_BYTES)? {
            "" => ReversePath::Null,
            address => ReversePath::Mailbox(address.parse()?),
        };
        let envelope = Envelope {
            reverse_path,
            forward_path: reader.text16("forward-path", ADDRESS_BYTES)?.parse()?,
            notify: Notify {
                success: flags & NOTIFY_SUCCESS != 0,
                failure: flags & NOTIFY_FAILURE != 0,
                delay: flags & NOTIFY_DELAY != 0,
            },
            ret: if flags & RETURN_FULL == 0 { Return::Headers } else { Return::Full },
            envelope_id: read_line(reader, "envelope id", ENVELOPE_ID_BYTES)?,
            original_recipient: read_line(reader, "original recipient", ORIGINAL_RECIPIENT_BYTES)?,
        };
        Ok(Self { mail, envelope, size, digest, attributes: read_attributes(reader)? })
    }
}

fn flags(envelope: &Envelope) -> u8 {
    let bit = |set: bool, bit: u8| if set { bit } else { 0 };
    bit(envelope.notify.success, NOTIFY_SUCCESS)
        | bit(envelope.notify.failure, NOTIFY_FAILURE)
        | bit(envelope.notify.delay, NOTIFY_DELAY)
        | bit(envelope.ret == Return::Full, RETURN_FULL)
}

/// Text that ends up in a header of a report: no control characters. Empty means none.
fn read_line(reader: &mut Reader<'_>, what: &'static str, max: usize) -> Result<Option<String>, DecodeError> {
    let text = reader.text16(what, max)?;
    if text.chars().any(char::is_control) {
        return Err(DecodeError::Value(what));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}
