//! The messages of version 1 and their bytes. The layouts are in the crate's documentation.

use std::time::Duration;

use bytes::Bytes;
use frame::{Reader, TooLong, Writer};
use mail::{Acknowledgement, EnhancedStatus, Refusal};

use crate::decode::DecodeError;
use crate::hello::Hello;
use crate::limits::{ERROR_TEXT_BYTES, MAILBOX_RECORD_BYTES, TRY_LATER_LONGEST};
use crate::offer::Offer;

/// Number of a transfer: chosen by the sender of the mail, growing within a session, so never used twice in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Transfer(pub u32);

/// A message between two gateways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// First message of each side, and answer to one that has not seen ours.
    Hello(Box<Hello>),
    /// Are you there?
    Ping(u64),
    /// Yes: the number of the ping.
    Pong(u64),
    /// Here is my mailbox record as it is now. To who has [`crate::Capabilities::RECORDS`] alone.
    Record(Vec<u8>),
    /// You broke the protocol, and the session is over.
    Error {
        /// What kind, for programs: [`crate::ProtocolError::code`].
        code: u16,
        /// For people.
        text: String,
    },
    /// Sender: here is a mail.
    Offer {
        /// Its number from now on.
        transfer: Transfer,
        /// The mail.
        offer: Box<Offer>,
    },
    /// Sender: bytes of the body.
    Data {
        /// Of which mail.
        transfer: Transfer,
        /// Where in the body.
        offset: u64,
        /// The bytes, never none.
        bytes: Bytes,
    },
    /// Sender: no more of this mail in this session.
    Cancel(Transfer),
    /// Recipient: send the body from this offset on.
    Accept {
        /// Which mail.
        transfer: Transfer,
        /// Bytes it has already.
        offset: u64,
    },
    /// Recipient: has used all bytes before this offset; gives their room in the window back.
    Progress {
        /// Which mail.
        transfer: Transfer,
        /// End of the bytes used.
        offset: u64,
    },
    /// Recipient: the last word about the offer, before or after the body.
    Acknowledge {
        /// Which mail.
        transfer: Transfer,
        /// The word.
        acknowledgement: Acknowledgement,
    },
    /// Recipient: stopped, as the sender asked.
    Cancelled(Transfer),
}

/// Type byte of a hello: the one message that may begin in the middle of another.
pub(crate) const HELLO: u8 = 0x01;
const PING: u8 = 0x02;
const PONG: u8 = 0x03;
const RECORD: u8 = 0x04;
const ERROR: u8 = 0x0f;
const OFFER: u8 = 0x10;
/// Type byte of data, which the session puts into packets itself.
pub(crate) const DATA: u8 = 0x11;
const CANCEL: u8 = 0x12;
const ACCEPT: u8 = 0x20;
const PROGRESS: u8 = 0x21;
const ACKNOWLEDGE: u8 = 0x22;
const CANCELLED: u8 = 0x23;

const DELIVERED: u8 = 0;
const REFUSED: u8 = 1;
const TRY_LATER: u8 = 2;

impl Message {
    /// The bytes of this message.
    ///
    /// # Errors
    /// Something in it is longer than its length field can say.
    pub fn encode(&self) -> Result<Vec<u8>, TooLong> {
        let mut writer = Writer::new();
        match self {
            Self::Hello(hello) => hello.write(writer.u8(HELLO)),
            Self::Ping(number) => {
                writer.u8(PING).u64(*number);
            }
            Self::Pong(number) => {
                writer.u8(PONG).u64(*number);
            }
            Self::Record(record) => {
                writer.u8(RECORD).bytes16(record);
            }
            Self::Error { code, text } => {
                writer.u8(ERROR).u16(*code).text16(text);
            }
            Self::Offer { transfer, offer } => offer.write(writer.u8(OFFER).u32(transfer.0)),
            Self::Data { transfer, offset, bytes } => {
                writer.u8(DATA).u32(transfer.0).u64(*offset).raw(bytes);
            }
            Self::Cancel(transfer) => {
                writer.u8(CANCEL).u32(transfer.0);
            }
            Self::Accept { transfer, offset } => {
                writer.u8(ACCEPT).u32(transfer.0).u64(*offset);
            }
            Self::Progress { transfer, offset } => {
                writer.u8(PROGRESS).u32(transfer.0).u64(*offset);
            }
            Self::Acknowledge { transfer, acknowledgement } => {
                write_acknowledgement(acknowledgement, writer.u8(ACKNOWLEDGE).u32(transfer.0));
            }
            Self::Cancelled(transfer) => {
                writer.u8(CANCELLED).u32(transfer.0);
            }
        }
        writer.finish()
    }

    /// Reads a message. The bytes of data are not copied.
    ///
    /// # Errors
    /// They are no message of this version, or have something over its bounds.
    pub fn decode(message: &Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(message);
        let decoded = match reader.u8("message type")? {
            HELLO => Self::Hello(Box::new(Hello::read(&mut reader)?)),
            PING => Self::Ping(reader.u64("number")?),
            PONG => Self::Pong(reader.u64("number")?),
            RECORD => Self::Record(read_record(&mut reader)?),
            ERROR => Self::Error { code: reader.u16("code")?, text: read_text(&mut reader)? },
            OFFER => Self::Offer {
                transfer: read_transfer(&mut reader)?,
                offer: Box::new(Offer::read(&mut reader)?),
            },
            DATA => read_data(message, &mut reader)?,
            CANCEL => Self::Cancel(read_transfer(&mut reader)?),
            ACCEPT => Self::Accept { transfer: read_transfer(&mut reader)?, offset: reader.u64("offset")? },
            PROGRESS => {
                Self::Progress { transfer: read_transfer(&mut reader)?, offset: reader.u64("offset")? }
            }
            ACKNOWLEDGE => Self::Acknowledge {
                transfer: read_transfer(&mut reader)?,
                acknowledgement: read_acknowledgement(&mut reader)?,
            },
            CANCELLED => Self::Cancelled(read_transfer(&mut reader)?),
            unknown => return Err(DecodeError::Type(unknown)),
        };
        reader.finish()?;
        Ok(decoded)
    }
}

/// Type, transfer and offset of a data message, before its bytes.
pub(crate) fn data_header(transfer: Transfer, offset: u64) -> [u8; 13] {
    let mut header = [DATA; 13];
    header[1..5].copy_from_slice(&transfer.0.to_le_bytes());
    header[5..].copy_from_slice(&offset.to_le_bytes());
    header
}

fn read_transfer(reader: &mut Reader<'_>) -> Result<Transfer, DecodeError> {
    Ok(Transfer(reader.u32("transfer")?))
}

fn read_data(message: &Bytes, reader: &mut Reader<'_>) -> Result<Message, DecodeError> {
    let (transfer, offset) = (read_transfer(reader)?, reader.u64("offset")?);
    let bytes = message.slice(reader.position()..);
    if reader.rest().is_empty() {
        return Err(DecodeError::Value("data"));
    }
    Ok(Message::Data { transfer, offset, bytes })
}

/// A record is never empty: there is none to take back.
fn read_record(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    let record = reader.bytes16("mailbox record", MAILBOX_RECORD_BYTES)?;
    if record.is_empty() { Err(DecodeError::Value("mailbox record")) } else { Ok(record.to_vec()) }
}

fn read_text(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    Ok(mail::text::one_line(reader.text16("error text", ERROR_TEXT_BYTES)?))
}

fn write_acknowledgement(acknowledgement: &Acknowledgement, writer: &mut Writer) {
    match acknowledgement {
        Acknowledgement::Delivered => {
            writer.u8(DELIVERED);
        }
        Acknowledgement::Refused(refusal) => {
            write_refusal(refusal, EnhancedStatus::permanent(0, 0), writer.u8(REFUSED));
        }
        Acknowledgement::TryLater { reason, after } => {
            let after = u32::try_from(after.as_secs()).unwrap_or(u32::MAX);
            write_refusal(reason, EnhancedStatus::transient(0, 0), writer.u8(TRY_LATER).u32(after));
        }
    }
}

/// A status of class 2 in a refusal is a slip of the owner; the peer would not take it.
fn write_refusal(refusal: &Refusal, instead_of_success: EnhancedStatus, writer: &mut Writer) {
    let status = if refusal.status.class() == 2 { instead_of_success } else { refusal.status };
    writer.text16(&status.to_string()).text16(refusal.text());
}

fn read_acknowledgement(reader: &mut Reader<'_>) -> Result<Acknowledgement, DecodeError> {
    match reader.u8("acknowledgement")? {
        DELIVERED => Ok(Acknowledgement::Delivered),
        REFUSED => Ok(Acknowledgement::Refused(read_refusal(reader)?)),
        TRY_LATER => {
            let after = Duration::from_secs(reader.u32("time")?.into()).min(TRY_LATER_LONGEST);
            Ok(Acknowledgement::TryLater { reason: read_refusal(reader)?, after })
        }
        _ => Err(DecodeError::Value("acknowledgement")),
    }
}

fn read_refusal(reader: &mut Reader<'_>) -> Result<Refusal, DecodeError> {
    let status: EnhancedStatus =
        reader.text16("status", 9)?.parse().map_err(|_| DecodeError::Value("status"))?;
    if status.class() == 2 {
        return Err(DecodeError::Value("status"));
    }
    Ok(Refusal::new(status, reader.text16("refusal text", mail::limits::REFUSAL_TEXT_BYTES)?))
}

#[cfg(test)]
mod tests;
