//! Sections of saved data: `[4 length][2 kind][2 magic][content]`, numbers little-endian.

use crate::wire::{ParseError, Reader, Writer};

/// The first bytes of all saved data.
const HEADER: [u8; 8] = [0, 0, 0, 0, 0x1f, 0x1b, 0xed, 0x15];
/// The first bytes of the section of the DHT.
const DHT_HEADER: [u8; 4] = [0x0d, 0x00, 0x59, 0x01];

/// What each section of saved data has.
pub(super) const STATE_MAGIC: u16 = 0x01ce;
/// What each section within the one of the DHT has.
pub(super) const DHT_MAGIC: u16 = 0x11ce;

/// The kind of a section.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(pub(super) u16);

impl Kind {
    pub(super) const KEYS: Self = Self(1);
    pub(super) const DHT: Self = Self(2);
    pub(super) const FRIENDS: Self = Self(3);
    pub(super) const NAME: Self = Self(4);
    pub(super) const STATUS_MESSAGE: Self = Self(5);
    pub(super) const STATUS: Self = Self(6);
    pub(super) const RELAYS: Self = Self(10);
    pub(super) const PATH_NODES: Self = Self(11);
    pub(super) const END: Self = Self(255);
    /// Within the section of the DHT.
    pub(super) const DHT_NODES: Self = Self(4);
}

fn expect<const N: usize>(
    what: &'static str,
    expected: [u8; N],
    reader: &mut Reader<'_>,
) -> Result<(), ParseError> {
    let found: [u8; N] = reader.array(what)?;
    if found == expected {
        return Ok(());
    }
    let value = found.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    Err(ParseError::Value { what, value })
}

pub(super) fn read_magic(reader: &mut Reader<'_>) -> Result<(), ParseError> {
    expect("the beginning of saved data", HEADER, reader)
}

pub(super) fn write_magic(writer: &mut Writer) {
    writer.raw(&HEADER);
}

pub(super) fn read_dht_magic(reader: &mut Reader<'_>) -> Result<(), ParseError> {
    expect("the beginning of saved nodes", DHT_HEADER, reader)
}

pub(super) fn write_dht_magic(writer: &mut Writer) {
    writer.raw(&DHT_HEADER);
}

/// The next section: its kind and content.
pub(super) fn read_section<'a>(reader: &mut Reader<'a>, magic: u16) -> Result<(Kind, &'a [u8]), ParseError> {
    let length = u32::from_le_bytes(reader.array("the length of a section")?);
    let kind = u16::from_le_bytes(reader.array("the kind of a section")?);
    expect("the magic number of a section", magic.to_le_bytes(), reader)?;
    let what = "a section";
    let content = reader.take(what, usize::try_from(length).map_err(|_| ParseError::Truncated(what))?)?;
    Ok((Kind(kind), content))
}

/// Appends a section with what `content` writes.
pub(super) fn write_section(writer: &mut Writer, magic: u16, kind: Kind, content: impl FnOnce(&mut Writer)) {
    let start = writer.len();
    writer.zeros(4).raw(&kind.0.to_le_bytes()).raw(&magic.to_le_bytes());
    let content_start = writer.len();
    content(writer);
    // Four gigabytes are out of reach: all of saved data was read from at most 64 MB, or is a list
    // with a bound.
    let length = u32::try_from(writer.len() - content_start).unwrap_or(u32::MAX);
    for (to, from) in writer.tail_mut(start).iter_mut().zip(length.to_le_bytes()) {
        *to = from;
    }
}
