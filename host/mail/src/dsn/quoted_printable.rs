//! Quoted-printable (RFC 2045 section 6.7): any bytes as short lines of ASCII.

/// The longest encoded line without its CRLF.
const LINE_BYTES: usize = 76;

/// Encodes `bytes`: CRLF stays a line end, everything else that is not plain is escaped. Ends in CRLF.
pub(super) fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(bytes.len() + bytes.len() / 8);
    let mut column = 0;
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        if rest.starts_with(b"\r\n") {
            encoded.extend_from_slice(b"\r\n");
            column = 0;
            rest = after.get(1..).unwrap_or_default();
            continue;
        }
        let at_line_end = after.is_empty() || after.starts_with(b"\r\n");
        let plain = match byte {
            b'=' => false,
            b' ' | b'\t' => !at_line_end,
            _ => byte.is_ascii_graphic(),
        };
        let width = if plain { 1 } else { 3 };
        // One column is kept for the "=" of a soft line break.
        if column + width > LINE_BYTES - 1 {
            encoded.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if plain {
            encoded.push(byte);
        } else {
            encoded.extend_from_slice(format!("={byte:02X}").as_bytes());
        }
        column += width;
        rest = after;
    }
    if column > 0 {
        encoded.extend_from_slice(b"\r\n");
    }
    encoded
}
