use proptest::prelude::*;

use super::*;

/// Dot-stuffs a text and ends it, as a client does. A text that does not end with CR LF gets one.
fn stuff(text: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if rest.first() == Some(&b'.') {
            stuffed.push(b'.');
        }
        let end = memchr::memmem::find(rest, b"\r\n").map_or(rest.len(), |at| at + 2);
        stuffed.extend_from_slice(&rest[..end]);
        rest = &rest[end..];
    }
    if !stuffed.is_empty() && !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

#[derive(Debug, PartialEq, Eq, Default)]
struct Read {
    text: Vec<u8>,
    bare: bool,
    /// What stands behind the end.
    rest: Option<Vec<u8>>,
}

/// Reads the pieces up to the end of the text. A mail with a bare CR or LF is refused, so its text does not count.
fn read(pieces: &[&[u8]]) -> Read {
    let mut unstuffer = Unstuffer::default();
    let mut read = Read::default();
    for piece in pieces {
        let mut piece = *piece;
        if let Some(rest) = &mut read.rest {
            rest.extend_from_slice(piece);
            continue;
        }
        while !piece.is_empty() {
            let before = read.text.len();
            let (consumed, stop) = unstuffer.unstuff(piece, |bytes| read.text.extend_from_slice(bytes));
            assert!(read.text.len() - before <= consumed);
            piece = &piece[consumed..];
            match stop {
                Stop::More => assert!(piece.is_empty()),
                Stop::Bare => read.bare = true,
                Stop::End => {
                    read.rest = Some(piece.to_vec());
                    break;
                }
            }
        }
    }
    if read.bare {
        read.text.clear();
    }
    read
}

fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| (*cut).min(bytes.len())).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

#[test]
fn texts_end_at_a_dot_alone() {
    let text = |sent: &[u8]| {
        let read = read(&[sent]);
        assert!(!read.bare);
        assert_eq!(read.rest.as_deref(), Some(&b"QUIT"[..]), "{:?}", String::from_utf8_lossy(sent));
        String::from_utf8(read.text).unwrap()
    };
    assert_eq!(text(b".\r\nQUIT"), "");
    assert_eq!(text(b"a\r\n.\r\nQUIT"), "a\r\n");
    assert_eq!(text(b"\r\n\r\n.\r\nQUIT"), "\r\n\r\n");
    assert_eq!(text(b"..\r\n.\r\nQUIT"), ".\r\n");
    assert_eq!(text(b"..a\r\n...\r\n.\r\nQUIT"), ".a\r\n..\r\n");
    assert_eq!(text(b".a\r\n.\r\nQUIT"), "a\r\n", "RFC 5321 section 4.5.2 deletes the dot whatever follows");
}

#[test]
fn nothing_else_ends_a_text() {
    // Each of these ended a mail in some server once.
    for variant in [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\r.\r\n",
        "\r\n.\r",
        "\r\r\n.\r",
        "\r\n.\r\r\n",
        "\n.\r",
        "\r.\n",
        "\n\n.\r\n",
        "\r\n\n.\r\n",
        "\r\n.\0\r\n",
        "\r\n.\r\0\n",
        "\r\n. \r\n",
        "\r\n.\n\r\n",
    ] {
        let sent = format!("a{variant}b\r\n.\r\nQUIT");
        let whole = read(&[sent.as_bytes()]);
        assert_eq!(whole.rest.as_deref(), Some(&b"QUIT"[..]), "{variant:?}");
        let without = variant.replace("\r\n", "");
        assert_eq!(whole.bare, without.contains(['\r', '\n']), "{variant:?}");
        let bytes: Vec<&[u8]> = sent.as_bytes().chunks(1).collect();
        assert_eq!(read(&bytes), whole, "{variant:?}");
    }
}

proptest! {
    #[test]
    fn a_stuffed_text_comes_back(
        lines in prop::collection::vec("[a.]{0,4}", 0..20),
        cuts in prop::collection::vec(0_usize..100, 0..8),
    ) {
        let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let stuffed = stuff(text.as_bytes());
        let read = read(&cut(&stuffed, &cuts));
        prop_assert!(!read.bare);
        prop_assert_eq!(read.text, text.as_bytes());
        prop_assert_eq!(read.rest, Some(Vec::new()));
    }

    #[test]
    fn pieces_do_not_matter(text in "[a.\\r\\n]{0,60}", cuts in prop::collection::vec(0_usize..60, 0..8)) {
        prop_assert_eq!(read(&cut(text.as_bytes(), &cuts)), read(&[text.as_bytes()]));
    }

    /// The definition: the end is the first CR LF dot CR LF, the CR LF before the text counted.
    #[test]
    fn the_end_is_exactly_five_bytes(text in "[a.\\r\\n]{0,60}") {
        let sent = format!("\r\n{text}");
        let end = sent.find("\r\n.\r\n").map(|at| sent.as_bytes()[at + 5..].to_vec());
        prop_assert_eq!(read(&[text.as_bytes()]).rest, end);
    }

    #[test]
    fn a_bare_cr_or_lf_is_always_seen(text in "[a.\\r\\n]{0,30}") {
        let text = format!("{text}x");
        let without = text.replace("\r\n", "");
        let read = read(&[stuff(text.as_bytes()).as_slice()]);
        prop_assert_eq!(read.bare, without.contains(['\r', '\n']) );
    }
}
