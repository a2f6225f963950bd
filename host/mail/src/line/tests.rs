use proptest::prelude::*;

use super::*;

/// Feeds `pieces` one after the other and returns the lines and errors found.
fn read(longest: usize, pieces: &[&[u8]]) -> Vec<Result<Vec<u8>, LineError>> {
    let mut reader = LineReader::new(longest);
    let mut buffer = Vec::new();
    let mut found = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match reader.scan(&buffer) {
                Scan::More => break,
                Scan::Line(length) => {
                    found.push(Ok(buffer[..length].to_vec()));
                    buffer.drain(..length + 2);
                }
                Scan::Skip(bytes) => drop(buffer.drain(..bytes)),
                Scan::Refused { error, discard } => {
                    found.push(Err(error));
                    buffer.drain(..discard);
                }
            }
        }
    }
    found
}

#[test]
fn only_cr_lf_ends_a_line() {
    let line = |text: &str| Ok(text.as_bytes().to_vec());
    assert_eq!(read(10, &[b"a\r\nb\r\n\r\nc"]), [line("a"), line("b"), line("")]);
    assert_eq!(read(10, &[b"a\nb\r\nc\r\n"]), [Err(LineError::BareLf), line("c")]);
    assert_eq!(read(10, &[b"a\rb\r\nc\r\n"]), [Err(LineError::BareCr), line("c")]);
    assert_eq!(read(10, &[b"a\r\r\nc\r\n"]), [Err(LineError::BareCr), line("c")]);
    assert_eq!(read(10, &[b"a\n\r\nc\r\n"]), [Err(LineError::BareLf), line("c")]);
    assert_eq!(read(10, &[b"\n\n\n\r\nc\r\n"]), [Err(LineError::BareLf), line("c")]);
}

#[test]
fn the_limit_counts_without_the_line_end() {
    assert_eq!(read(3, &[b"abc\r\n"]), [Ok(b"abc".to_vec())]);
    assert_eq!(read(3, &[b"abcd\r\nx\r\n"]), [Err(LineError::TooLong), Ok(b"x".to_vec())]);
    assert_eq!(read(3, &[b"abcdefgh", b"\n\n\r", b"\nx\r\n"]), [Err(LineError::TooLong), Ok(b"x".to_vec())]);
}

#[test]
fn an_endless_line_leaves_nothing_in_the_buffer() {
    let mut reader = LineReader::new(3);
    assert!(matches!(reader.scan(b"abcd"), Scan::Refused { error: LineError::TooLong, discard: 4 }));
    assert_eq!(reader.scan(b"efgh"), Scan::Skip(4));
    assert_eq!(reader.scan(b""), Scan::More);
}

proptest! {
    #[test]
    fn pieces_do_not_matter(text in "[a-c\\r\\n]{0,60}", cuts in prop::collection::vec(0_usize..60, 0..8)) {
        let bytes = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read(5, &pieces), read(5, &[bytes]));
    }

    #[test]
    fn a_line_holds_neither_cr_nor_lf(text in "[a-c\\r\\n]{0,60}") {
        for line in read(5, &[text.as_bytes()]).into_iter().flatten() {
            prop_assert!(line.len() <= 5 && !line.contains(&b'\r') && !line.contains(&b'\n'));
        }
    }
}
