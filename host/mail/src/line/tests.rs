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

fn line(text: &str) -> Result<Vec<u8>, LineError> {
    Ok(text.as_bytes().to_vec())
}

#[test]
fn only_cr_lf_ends_a_line() {
    use LineError::{BareCr, BareLf};
    assert_eq!(read(10, &[b"a\r\nb\r\n\r\nc"]), [line("a"), line("b"), line("")]);
    assert_eq!(read(10, &[b"a\nb\r\nc\r\n"]), [Err(BareLf), Err(BareLf), line("c")]);
    assert_eq!(read(10, &[b"a\rb\r\nc\r\n"]), [Err(BareCr), Err(BareCr), line("c")]);
    assert_eq!(read(10, &[b"a\r\r\nc\r\n"]), [Err(BareCr), line("c")]);
    assert_eq!(read(10, &[b"a\n\r\nc\r\n"]), [Err(BareLf), line("c")]);
}

#[test]
fn each_line_of_a_client_with_other_line_ends_is_refused_once() {
    use LineError::{BareCr, BareLf, TooLong};
    assert_eq!(read(10, &[b"a\nb\n\nc\n"]), vec![Err(BareLf); 4]);
    assert_eq!(read(10, &[b"a\rb\rc\r"]), vec![Err(BareCr); 2], "the last CR may become a CR LF");
    assert_eq!(read(10, &[b"a\rb\rc\r", b"d"]), vec![Err(BareCr); 3]);
    assert_eq!(read(2, &[b"abcd\nef\ngh\r\nc\r\n"]), [Err(TooLong), Err(BareLf), Err(BareLf), line("c")]);
}

fn bare(end: &str) -> LineError {
    if end == "\r" { LineError::BareCr } else { LineError::BareLf }
}

#[test]
fn the_limit_counts_without_the_line_end() {
    assert_eq!(read(3, &[b"abc\r\n"]), [Ok(b"abc".to_vec())]);
    assert_eq!(read(3, &[b"abcd\r\nx\r\n"]), [Err(LineError::TooLong), Ok(b"x".to_vec())]);
    assert_eq!(read(3, &[b"abcdefgh", b"ij\r", b"\nx\r\n"]), [Err(LineError::TooLong), line("x")]);
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
    fn a_cr_or_lf_alone_is_seen_wherever_a_mail_is_cut(text in "[a\\r\\n]{0,20}", cut in 0_usize..20) {
        let (one, other) = text.as_bytes().split_at(cut.min(text.len()));
        let mut ends = LineEnds::default();
        ends.feed(one);
        ends.feed(other);
        prop_assert_eq!(ends.has_bare(), text.replace("\r\n", "").contains(['\r', '\n']));
    }

    #[test]
    fn pieces_do_not_matter(text in "[a-c\\r\\n]{0,60}", cuts in prop::collection::vec(0_usize..60, 0..8)) {
        let bytes = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read(5, &pieces), read(5, &[bytes]));
    }

    /// Line ends are CR LF, CR and LF. What follows one that is not CR LF is refused up to a CR LF; only an empty rest is not.
    #[test]
    fn every_line_has_one_answer_and_none_is_made_of_the_rest_of_a_refused_one(text in "[a-c\\r\\n]{0,60}") {
        let mut expected = Vec::new();
        for whole in text.split_inclusive("\r\n") {
            let Some(whole) = whole.strip_suffix("\r\n") else {
                // No CR LF comes any more; a CR at the end waits.
                let ended = whole.strip_suffix('\r').unwrap_or(whole);
                expected.extend(ended.matches(['\r', '\n']).map(|end| Err(bare(end))));
                break;
            };
            let mut last = None;
            for end in whole.matches(['\r', '\n']) {
                last = Some(bare(end));
                expected.push(Err(bare(end)));
            }
            match last {
                None => expected.push(line(whole)),
                Some(error) if !whole.ends_with(['\r', '\n']) => expected.push(Err(error)),
                Some(_) => {}
            }
        }
        prop_assert_eq!(read(100, &[text.as_bytes()]), expected);
    }

    #[test]
    fn a_line_holds_neither_cr_nor_lf(text in "[a-c\\r\\n]{0,60}") {
        for line in read(5, &[text.as_bytes()]).into_iter().flatten() {
            prop_assert!(line.len() <= 5 && !line.contains(&b'\r') && !line.contains(&b'\n'));
        }
    }
}
