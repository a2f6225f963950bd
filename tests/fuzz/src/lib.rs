//! What the targets share.

pub mod toxnet;

/// Cuts `bytes` into pieces whose lengths follow from `seed`, 1 to 64 bytes each: what arrives on a socket is cut
/// anywhere.
pub fn pieces(bytes: &[u8], seed: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    let mut state = seed;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        state = state.wrapping_mul(77).wrapping_add(31);
        let (piece, after) = rest.split_at(rest.len().min(usize::from(state % 64) + 1));
        rest = after;
        Some(piece)
    })
}

/// Takes a byte from the front; zero at the end.
pub fn byte(bytes: &mut &[u8]) -> u8 {
    let Some((first, rest)) = bytes.split_first() else { return 0 };
    *bytes = rest;
    *first
}

/// Takes up to `most` bytes from the front, as many as the next two bytes say.
pub fn run<'a>(bytes: &mut &'a [u8], most: usize) -> &'a [u8] {
    let length = usize::from(u16::from_le_bytes([byte(bytes), byte(bytes)]));
    let (piece, rest) = bytes.split_at(length.min(most).min(bytes.len()));
    *bytes = rest;
    piece
}

/// Checks that bytes are whole lines ended by CR LF, none of them over `longest` bytes without its end.
///
/// # Panics
/// If they are not.
pub fn assert_lines(bytes: &[u8], longest: usize) {
    assert!(bytes.is_empty() || bytes.ends_with(b"\r\n"), "an unfinished line");
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let content = line.strip_suffix(b"\r\n").expect("LF alone");
        assert!(!content.contains(&b'\r'), "CR alone");
        assert!(content.len() <= longest, "a line of {} bytes", content.len());
    }
}
