//! The first message of each side: who one is, what one understands, how much one takes.

use frame::{Reader, Writer};
use mail::{Address, ToxId};

use crate::attributes::{Attributes, read_attributes, write_attributes};
use crate::decode::DecodeError;
use crate::limits::{
    ADDRESS_BYTES, ADDRESSES, MAILBOX_RECORD_BYTES, TRANSFERS, TRANSFERS_LEAST, VERSION, WINDOW, WINDOW_LEAST,
};

/// What a side understands beyond mail transfer: one bit each. Unknown bits are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// Nothing but mail transfer.
    pub const NONE: Self = Self(0);
    /// Understands mailbox records: mail may come and go by drop relays too.
    pub const DROPS: Self = Self(1);
    /// Takes mailbox records in an open session, not in hellos alone.
    pub const RECORDS: Self = Self(2);

    /// These and `others`.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether all of `others` are among these.
    #[must_use]
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }
}

/// Marks one run of a session: 16 random bytes, new whenever a session starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Nonce(pub [u8; 16]);

/// The hello. Its layout is the same in all versions; what later ones add goes into `attributes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Lowest version spoken.
    pub lowest_version: u16,
    /// Highest version spoken.
    pub highest_version: u16,
    /// Which session this is.
    pub nonce: Nonce,
    /// The nonce of the other side's hello that was seen last; zeros before any. Filled in by the session.
    pub seen: Nonce,
    /// What is understood.
    pub capabilities: Capabilities,
    /// Largest mail taken, bytes.
    pub max_mail: u64,
    /// Body bytes that may be on their way to this side, all transfers together; [`WINDOW_LEAST`] or more.
    pub window: u32,
    /// Transfers to this side at once; [`TRANSFERS_LEAST`] or more.
    pub max_transfers: u16,
    /// The full Tox ID: with it a reply can reach somebody who is not a friend any more.
    pub tox_id: ToxId,
    /// Mail addresses of the account, the preferred one first; at most [`ADDRESSES`].
    pub addresses: Vec<Address>,
    /// How to reach this side by drop relays, opaque here; at most [`MAILBOX_RECORD_BYTES`], never empty.
    pub mailbox_record: Option<Vec<u8>>,
    /// What this version does not know yet.
    pub attributes: Attributes,
}

impl Hello {
    /// A hello of this version with the default limits. `nonce` must be random and new for each session.
    #[must_use]
    pub fn new(tox_id: ToxId, addresses: Vec<Address>, nonce: Nonce) -> Self {
        Self {
            lowest_version: VERSION,
            highest_version: VERSION,
            nonce,
            seen: Nonce::default(),
            capabilities: Capabilities::NONE,
            max_mail: mail::limits::MAIL_BYTES_DEFAULT,
            window: WINDOW,
            max_transfers: TRANSFERS,
            tox_id,
            addresses,
            mailbox_record: None,
            attributes: Attributes::new(),
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer
            .u16(self.lowest_version)
            .u16(self.highest_version)
            .raw(&self.nonce.0)
            .raw(&self.seen.0)
            .u64(self.capabilities.0)
            .u64(self.max_mail)
            .u32(self.window)
            .u16(self.max_transfers)
            .raw(&self.tox_id.to_bytes())
            .count(self.addresses.len());
        for address in &self.addresses {
            writer.text16(&address.to_string());
        }
        writer.bytes16(self.mailbox_record.as_deref().unwrap_or_default());
        write_attributes(&self.attributes, writer);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (lowest, highest) = (reader.u16("lowest version")?, reader.u16("highest version")?);
        if !(lowest..=highest).contains(&VERSION) {
            return Err(DecodeError::NoCommonVersion { lowest, highest });
        }
        let hello = Self {
            lowest_version: lowest,
            highest_version: highest,
            nonce: Nonce(reader.array("nonce")?),
            seen: Nonce(reader.array("seen nonce")?),
            capabilities: Capabilities(reader.u64("capabilities")?),
            max_mail: reader.u64("maximum mail size")?,
            window: at_least("window", reader.u32("window")?, WINDOW_LEAST)?,
            max_transfers: at_least("maximum of transfers", reader.u16("transfers")?, TRANSFERS_LEAST)?,
            tox_id: ToxId::from_bytes(&reader.array("Tox ID")?).map_err(DecodeError::ToxId)?,
            addresses: read_addresses(reader)?,
            mailbox_record: Some(reader.bytes16("mailbox record", MAILBOX_RECORD_BYTES)?)
                .filter(|record| !record.is_empty())
                .map(<[u8]>::to_vec),
            attributes: read_attributes(reader)?,
        };
        if hello.nonce == Nonce::default() {
            return Err(DecodeError::Value("nonce"));
        }
        Ok(hello)
    }
}

fn at_least<N: PartialOrd>(what: &'static str, number: N, least: N) -> Result<N, DecodeError> {
    if number < least { Err(DecodeError::Value(what)) } else { Ok(number) }
}

fn read_addresses(reader: &mut Reader<'_>) -> Result<Vec<Address>, DecodeError> {
    let count = reader.count("addresses", ADDRESSES)?;
    (0..count).map(|_| Ok(reader.text16("address", ADDRESS_BYTES)?.parse()?)).collect()
}
