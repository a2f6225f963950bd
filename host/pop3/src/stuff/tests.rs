use proptest::prelude::*;

use super::*;

fn stuffed(pieces: &[&[u8]]) -> Vec<u8> {
    let mut output = BytesMut::new();
    let mut stuffer = Stuffer::default();
    for piece in pieces {
        stuffer.push(piece, &mut output);
    }
    stuffer.end(&mut output);
    output.to_vec()
}

fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| (*cut).min(bytes.len())).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// What a client makes of a response: lines up to the dot, one stuffed dot removed from each. `end` is what it takes for
/// the end of a line. None if the response does not end exactly where it should.
fn unstuffed(response: &[u8], end: &str) -> Option<String> {
    let text = String::from_utf8(response.to_vec()).unwrap();
    let mut rest = text.as_str();
    let mut message = String::new();
    loop {
        let (line, behind) = rest.split_once(end)?;
        rest = behind;
        match line.strip_suffix('\r').unwrap_or(line) {
            "." => return rest.is_empty().then_some(message),
            _ => message += line.strip_prefix('.').unwrap_or(line),
        }
        message += end;
    }
}

#[test]
fn dots_at_line_starts_are_doubled() {
    let text = |message: &str| String::from_utf8(stuffed(&[message.as_bytes()])).unwrap();
    assert_eq!(text(""), ".\r\n");
    assert_eq!(text("a\r\n"), "a\r\n.\r\n");
    assert_eq!(text(".\r\n"), "..\r\n.\r\n");
    assert_eq!(text("a.b\r\n..c\r\n"), "a.b\r\n...c\r\n.\r\n");
    assert_eq!(
        text("a\n.\r\nb\r\n"),
        "a\n..\r\nb\r\n.\r\n",
        "clients that end lines at LF must not see the end here"
    );
}

#[test]
fn a_missing_line_end_is_added() {
    let text = |message: &str| String::from_utf8(stuffed(&[message.as_bytes()])).unwrap();
    assert_eq!(text("a"), "a\r\n.\r\n");
    assert_eq!(text("a\r"), "a\r\r\n.\r\n");
    assert_eq!(text("a\n"), "a\n\r\n.\r\n");
    assert_eq!(text("\n"), "\n\r\n.\r\n");
}

fn top(message: &[u8], lines: u64, cuts: &[usize]) -> String {
    let mut top = Top::new(lines);
    let mut wanted = Vec::new();
    for piece in cut(message, cuts) {
        if !top.is_complete() {
            wanted.extend_from_slice(top.cut(piece));
        }
    }
    String::from_utf8(wanted).unwrap()
}

#[test]
fn top_is_headers_blank_line_and_lines() {
    let message = b"A: 1\r\n b\r\n\r\none\r\n\r\ntwo\r\n";
    assert_eq!(top(message, 0, &[]), "A: 1\r\n b\r\n\r\n");
    assert_eq!(top(message, 1, &[]), "A: 1\r\n b\r\n\r\none\r\n");
    assert_eq!(top(message, 2, &[]), "A: 1\r\n b\r\n\r\none\r\n\r\n");
    assert_eq!(top(message, 99, &[]).as_bytes(), message);
    assert_eq!(top(b"\r\nbody\r\n", 0, &[]), "\r\n");
    assert_eq!(top(b"A: 1\r\n", 0, &[]), "A: 1\r\n");
    assert_eq!(top(b"A: 1\n\nbody\n", 0, &[]), "A: 1\n\n");
}

proptest! {
    #[test]
    fn a_stuffed_message_comes_back(
        lines in prop::collection::vec("[a.]{0,4}", 0..20),
        cuts in prop::collection::vec(0_usize..100, 0..8),
    ) {
        let message: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let response = stuffed(&cut(message.as_bytes(), &cuts));
        prop_assert_eq!(unstuffed(&response, "\r\n"), Some(message));
    }

    #[test]
    fn pieces_do_not_matter(text in "[a.\\r\\n]{0,60}", cuts in prop::collection::vec(0_usize..60, 0..8)) {
        prop_assert_eq!(stuffed(&cut(text.as_bytes(), &cuts)), stuffed(&[text.as_bytes()]));
    }

    /// Whatever a peer mails: no client, strict or not about line ends, finds the end of the response inside it.
    #[test]
    fn no_message_ends_its_own_response(text in "[a.\\r\\n]{0,60}") {
        let response = stuffed(&[text.as_bytes()]);
        prop_assert!(unstuffed(&response, "\r\n").is_some());
        prop_assert!(unstuffed(&response, "\n").is_some());
    }

    #[test]
    fn top_does_not_depend_on_pieces(
        text in "[a\\r\\n]{0,40}", lines in 0_u64..4, cuts in prop::collection::vec(0_usize..40, 0..8)
    ) {
        prop_assert_eq!(top(text.as_bytes(), lines, &cuts), top(text.as_bytes(), lines, &[]));
    }
}
