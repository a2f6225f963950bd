//! What hello and offer carry for versions to come.

use frame::{Reader, Writer};

use crate::decode::DecodeError;
use crate::limits::{ATTRIBUTE_NAME_BYTES, ATTRIBUTE_VALUE_BYTES, ATTRIBUTES};

/// Names and values that a version may not know; unknown names are ignored. At most
/// [`ATTRIBUTES`], with the bounds of [`crate::limits`].
pub type Attributes = Vec<(String, String)>;

pub(crate) fn write_attributes(attributes: &Attributes, writer: &mut Writer) {
    writer.count(attributes.len());
    for (name, value) in attributes {
        writer.text16(name).text16(value);
    }
}

pub(crate) fn read_attributes(reader: &mut Reader<'_>) -> Result<Attributes, DecodeError> {
    let count = reader.count("attributes", ATTRIBUTES)?;
    (0..count)
        .map(|_| {
            let name = reader.text16("attribute name", ATTRIBUTE_NAME_BYTES)?.to_owned();
            Ok((name, reader.text16("attribute value", ATTRIBUTE_VALUE_BYTES)?.to_owned()))
        })
        .collect()
}
