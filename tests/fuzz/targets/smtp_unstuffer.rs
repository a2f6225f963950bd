#![no_main]
//! The text after DATA: what was stuffed comes out as it was, cut anywhere; the end is CR LF dot CR LF and nothing else.

use libfuzzer_sys::fuzz_target;
use smtp::unstuff::{Stop, Unstuffer};

/// The text, how much input it took, and whether there was a CR or LF alone; None without an end.
fn unstuff<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Option<usize>, bool) {
    let mut unstuffer = Unstuffer::default();
    let (mut text, mut consumed, mut bare) = (Vec::new(), 0, false);
    for mut piece in pieces {
        loop {
            let (used, stop) = unstuffer.unstuff(piece, |bytes| text.extend_from_slice(bytes));
            consumed += used;
            piece = &piece[used..];
            match stop {
                Stop::More => {
                    assert!(piece.is_empty());
                    break;
                }
                Stop::Bare => bare = true,
                Stop::End => return (text, Some(consumed), bare),
            }
        }
    }
    (text, None, bare)
}

fn stuffed(text: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

fuzz_target!(|bytes: &[u8]| {
    let (seed, input) = bytes.split_first().unwrap_or((&0, &[]));
    let whole = unstuff(std::iter::once(input));
    let pieced = unstuff(fuzz::pieces(input, *seed));
    assert_eq!(whole.1, pieced.1);
    assert_eq!(whole.2, pieced.2);
    if whole.1.is_some() {
        assert_eq!(whole.0, pieced.0);
    }
    // The end, found the slow way: at the very start, or behind a CR LF.
    let end = input
        .starts_with(b".\r\n")
        .then_some(3)
        .or_else(|| input.windows(5).position(|window| window == b"\r\n.\r\n").map(|at| at + 5));
    assert_eq!(whole.1, end);

    let mut text: Vec<u8> = input.to_vec();
    text.retain(|byte| *byte != b'\r');
    let mut lines: Vec<u8> = Vec::new();
    for byte in text {
        if byte == b'\n' {
            lines.push(b'\r');
        }
        lines.push(byte);
    }
    if !lines.is_empty() && !lines.ends_with(b"\n") {
        lines.extend_from_slice(b"\r\n");
    }
    let input = stuffed(&lines);
    let (text, consumed, bare) = unstuff(fuzz::pieces(&input, *seed));
    assert!(!bare);
    assert_eq!(consumed, Some(input.len()));
    assert_eq!(text, lines);
});
