//! Text that people write with an editor: UTF-8, whatever the editor put before it.

/// Why bytes are not a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoText {
    /// Another encoding that is not known.
    #[error(
        "line {0} is not UTF-8 (written by an editor that saves as Latin-1 or Windows-1252?): save the file as UTF-8, for instance with \
         `iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW`"
    )]
    Encoding(usize),
    /// UTF-16 that does not end where it should, or without a byte order mark.
    #[error(
        "it is UTF-16 and damaged: save the file as UTF-8, for instance with `iconv -f UTF-16 -t UTF-8 OLD > NEW`"
    )]
    Utf16,
    /// NUL bytes.
    #[error(
        "line {0} has NUL bytes, as a file has after a crash or a full disk: take them out, or take the file from a backup"
    )]
    Nul(usize),
}

/// The text of a file: UTF-8 with or without a byte order mark, or UTF-16 with one.
///
/// # Errors
/// [`NoText`]: what to do about it.
pub fn decode(bytes: Vec<u8>) -> Result<String, NoText> {
    if let Some(utf16) = bytes.strip_prefix(&[0xff, 0xfe]) {
        return decode_utf16(utf16, u16::from_le_bytes);
    }
    if let Some(utf16) = bytes.strip_prefix(&[0xfe, 0xff]) {
        return decode_utf16(utf16, u16::from_be_bytes);
    }
    // Text begins with an ASCII character: the byte beside it tells.
    if let [_, 0, ..] | [0, _, ..] = bytes.as_slice() {
        return Err(NoText::Utf16);
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        NoText::Encoding(line(good))
    })?;
    if let Some(at) = text.find('\0') {
        return Err(NoText::Nul(line(&text.as_bytes()[..at])));
    }
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The number of the line that follows `before`.
fn line(before: &[u8]) -> usize {
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, NoText> {
    let (units, rest) = bytes.as_chunks::<2>();
    let decoded: Result<String, _> = char::decode_utf16(units.iter().map(|bytes| unit(*bytes))).collect();
    decoded.ok().filter(|_| rest.is_empty()).ok_or(NoText::Utf16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Grüße 🙂\n[mail]\n";

    #[test]
    fn what_editors_write_is_read() {
        let utf16 = |unit: fn(u16) -> [u8; 2]| {
            "\u{feff}".encode_utf16().chain(TEXT.encode_utf16()).flat_map(unit).collect::<Vec<u8>>()
        };
        for bytes in [
            TEXT.as_bytes().to_vec(),
            format!("\u{feff}{TEXT}").into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
        ] {
            assert_eq!(decode(bytes).as_deref(), Ok(TEXT));
        }
    }

    #[test]
    fn what_is_uncertain_is_refused_with_the_command_that_helps() {
        let latin = b"[mail]\n# Gr\xfc\xdfe\n".to_vec();
        assert_eq!(decode(latin), Err(NoText::Encoding(2)));
        let bare: Vec<u8> = "[mail]".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [bare, vec![0xff, 0xfe, b'x'], vec![0xff, 0xfe, 0x00, 0xd8]] {
            assert_eq!(decode(bytes), Err(NoText::Utf16));
        }
        let bare: Vec<u8> = "[mail]\n# \u{fc}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(bare), Err(NoText::Utf16));
        assert_eq!(decode(b"[mail]\n\0\0\0".to_vec()), Err(NoText::Nul(2)));
        for error in [NoText::Encoding(2), NoText::Utf16] {
            assert!(error.to_string().contains("iconv"));
        }
    }
}
