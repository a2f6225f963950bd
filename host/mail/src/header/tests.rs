use mail_parser::{HeaderName, MessageParser};
use proptest::prelude::*;

use super::*;
use crate::clock::Wall;
use crate::from_check::FromCheck;
use crate::ids::MailId;
use crate::limits::HEADER_SECTION_BYTES;
use crate::tox_id::PublicKey;

/// An account here, whose name nobody else may write into Authentication-Results.
const OWN: PublicKey = PublicKey([0xAB; 32]);

fn submitted() -> HeaderScanner {
    HeaderScanner::submitted(std::sync::Arc::new([OWN]))
}

fn received() -> HeaderScanner {
    HeaderScanner::received(std::sync::Arc::new([OWN]))
}

/// Feeds `pieces` and returns everything that came out, header section and body.
fn scan_with(mut scanner: HeaderScanner, pieces: &[&[u8]]) -> (Vec<u8>, HeaderScanner) {
    let mut output = Vec::new();
    for piece in pieces {
        let used = scanner.feed(piece, &mut output);
        output.extend_from_slice(&piece[used..]);
    }
    scanner.finish(&mut output);
    (output, scanner)
}

fn scan(pieces: &[&[u8]]) -> (Vec<u8>, HeaderScanner) {
    scan_with(submitted(), pieces)
}

fn received_text(mail: &str) -> String {
    let (output, scanner) = scan_with(received(), &[mail.as_bytes()]);
    assert_eq!(scanner.has_changed(), output != mail.as_bytes(), "{mail:?}");
    String::from_utf8(output).unwrap()
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The name of a field, where `line` (with the lines that may continue it) is one.
fn name_in(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let end = line.iter().position(|byte| !byte.is_ascii_graphic() || *byte == b':')?;
    let between = String::from_utf8(line[end..colon].to_vec()).ok()?.replace("\r\n", "\n");
    (end > 0 && between.chars().all(|char| " \t\n".contains(char))).then(|| &line[..end])
}

/// A `From ` line of an mbox.
fn is_from_line(line: &[u8]) -> bool {
    let rest = line.iter().position(|byte| *byte != b'>').map_or(&b""[..], |at| &line[at..]);
    let behind = rest.strip_prefix(b"From ").unwrap_or_default();
    let next = behind.iter().find(|byte| !is_blank(**byte));
    next.is_some_and(|byte| !b"\r\n:".contains(byte))
}

/// What the scanner has to do, written the slow and obvious way over whole lines.
fn cleaned(mail: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = mail.split_inclusive(|byte| *byte == b'\n').collect();
    let (mut output, mut from_lines): (Vec<u8>, Vec<&[u8]>) = (Vec::new(), Vec::new());
    let (mut in_field, mut removing) = (false, false);
    for (at, line) in lines.iter().enumerate() {
        let is_end = [&b"\r\n"[..], b"\n"].contains(line);
        let mut marked = *line;
        for _ in 0..8 {
            marked = marked.strip_prefix(b"\xef\xbb\xbf").unwrap_or(marked);
        }
        let more = lines[at + 1..].iter().take_while(|line| is_blank(line[0])).count();
        let whole = [marked, &lines[at + 1..=at + more].concat()].concat();
        if is_blank(line[0]) && in_field && from_lines.is_empty() {
            output.extend_from_slice(if removing { b"" } else { line });
        } else if let Some(name) = name_in(&whole).filter(|_| !is_end) {
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            removing = is("bcc")
                || is("resent-bcc")
                || name.to_ascii_lowercase().starts_with(b"x-toxmail-")
                || is("authentication-results") && results::may_be_of(&whole[name.len()..], &[OWN]);
            in_field = true;
            from_lines.clear();
            output.extend_from_slice(if removing { b"" } else { marked });
        } else if is_from_line(marked) {
            from_lines.push(line);
        } else {
            while from_lines.first().is_some_and(|line| crate::mbox::is_dated(line)) {
                from_lines.remove(0);
            }
            if !is_end || !from_lines.is_empty() {
                output.extend_from_slice(b"\r\n");
            }
            return [output, from_lines.concat(), lines[at..].concat()].concat();
        }
    }
    while from_lines.first().is_some_and(|line| crate::mbox::is_dated(line)) {
        from_lines.remove(0);
    }
    if !from_lines.is_empty() {
        output.extend_from_slice(b"\r\n");
    }
    [output, from_lines.concat()].concat()
}

fn mails() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        "(?i:bcc|resent-bcc)[ \t]{0,3}:[ -~]{0,20}\r\n",
        "[ \t]{1,2}[a-z:]{0,10}\r\n",
        "[Xx]-(?i:toxmail)(-Warning|-unfiltered| |-)?:[ -~]{0,20}\r\n",
        "(Date|From|Message-ID|Bccc|Resent-Bcc|B|Bc|Bcc)[ ]?(\r\n )?:?[ -~]{0,20}\r\n",
        "(\r\n|\n|\r|\rbcc: x\r\n|bcc|:|bcc:\n|bcc\r\n\t:x\n)",
        "\u{feff}?>{0,2}From (x|- Thu Jan  1 00:00:00 1970)?\r\n",
        "\u{feff}{1,9}(Bcc: x|Date: y|text)?\r\n",
        "Authentication-Results ?: ?(\r\n )?(\\(x\\))?(mx.example|(ab){32}.tox|(ab){32}\\(x\\).tox)( 1)?;? x\r\n",
    ];
    prop::collection::vec(line, 0..20).prop_map(|lines| lines.concat().into_bytes())
}

proptest! {
    #[test]
    fn any_chunking_gives_what_the_plain_way_gives(mail in mails(), cuts in prop::collection::vec(0_usize..400, 0..8)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(mail.len())).collect();
        cuts.extend([0, mail.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &mail[cut[0]..cut[1]]).collect();
        let (whole, whole_scanner) = scan(&[&mail]);
        let (pieced, scanner) = scan(&pieces);
        let expected = cleaned(&mail);
        prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&expected));
        prop_assert_eq!(&whole, &pieced);
        prop_assert_eq!(whole_scanner.seen(), scanner.seen());
        prop_assert_eq!(whole_scanner.captured(), scanner.captured());
        prop_assert_eq!(scanner.has_changed(), whole != mail);
        prop_assert!(whole.starts_with(scanner.captured()));
    }

    #[test]
    fn what_is_clean_stays_as_it_is(mail in mails()) {
        let (once, _) = scan(&[&mail]);
        let (twice, scanner) = scan(&[&once]);
        prop_assert_eq!(String::from_utf8_lossy(&once), String::from_utf8_lossy(&twice));
        prop_assert!(!scanner.has_changed());
    }

    #[test]
    fn any_text_after_a_field_and_an_empty_line_comes_out_as_it_went_in(body: Vec<u8>) {
        let mail = [b"Subject: x\r\n\r\n", &body[..]].concat();
        prop_assert_eq!(scan(&[&mail]).0, mail);
    }

    /// Whatever is put between the characters of our name.
    #[test]
    fn no_spelling_of_our_name_comes_in(
        noise in prop::collection::vec("|\\\\|\"|\\(|\\)|\\(x\\)|\r\n |\\\\\\)|[ =?]{1,3}", 70),
        before in "[(\\\\) a\"]{0,8}",
        is_upper: bool,
    ) {
        let name = authserv_id(OWN);
        let name = if is_upper { name.to_uppercase() } else { name };
        let spelled: String = name.chars().zip(noise).flat_map(|(char, noise)| [noise, char.to_string()]).collect();
        let text = received_text(&format!("A: 1\r\nAuthentication-Results: {before}{spelled}; x-tox=pass\r\n\r\nbody\r\n"));
        prop_assert_eq!(text, "A: 1\r\n\r\nbody\r\n");
    }

    #[test]
    fn a_text_field_is_one_field_of_short_lines(value in "\\PC{0,2000}|[a-z\r\n é]{0,2000}") {
        let mut fields = Fields::new();
        fields.text(FieldName::WARNING, &value).text(FieldName::SUBJECT, "the end");
        let bytes = fields.into_bytes();
        assert_well_formed(&bytes);
        prop_assert_eq!(bytes.split(|byte| *byte == b'\n').filter(|line| line.first().is_some_and(u8::is_ascii_alphabetic)).count(), 2);
    }

    #[test]
    fn a_text_field_reads_back(value in "[ -~àé中]{0,300}") {
        let mut fields = Fields::new();
        fields.text(FieldName::SUBJECT, &value);
        let mut bytes = fields.into_bytes();
        bytes.extend_from_slice(b"\r\n");
        let message = MessageParser::new().parse_headers(&bytes).unwrap();
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        // What is itself spelled as an encoded word reads back decoded: no program can tell.
        prop_assume!(!value.contains("=?"));
        prop_assert_eq!(squeeze(message.subject().unwrap_or_default()), squeeze(&value));
    }

    #[test]
    fn words_never_leave_their_field(words in prop::collection::vec("[a-z\r\n\x00é:]{0,1200}", 0..6)) {
        let mut fields = Fields::new();
        fields.words(FieldName::RECEIVED, words.iter().map(String::as_str));
        assert_well_formed(&fields.into_bytes());
    }

    #[test]
    fn facts_of_anything_never_panic(bytes: Vec<u8>) {
        let _ = facts(&bytes);
    }

    #[test]
    fn from_of_anything_never_panics(value in "\\PC{0,60}|[a@<>,;:\"() \\\\]{0,60}") {
        let _ = facts(format!("From: {value}\r\n\r\n").as_bytes());
    }
}

fn assert_well_formed(bytes: &[u8]) {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.ends_with("\r\n"));
    for line in text.strip_suffix("\r\n").unwrap().split("\r\n") {
        assert!(line.len() <= 998, "line of {}", line.len());
        assert!(!line.trim().is_empty(), "an empty line ends the header section");
        assert!(!line.chars().any(char::is_control));
    }
}

#[test]
fn bcc_and_resent_bcc_go_in_every_spelling_and_nothing_else_does() {
    let mail = b"From: a@tox\r\nBCC: b@tox,\r\n c@tox\r\nResent-Bcc: d@tox\r\nbcc \t: e@tox\r\nX: 1\r\n\r\nBcc: body\r\n";
    let (output, scanner) = scan(&[mail]);
    assert_eq!(output, b"From: a@tox\r\nX: 1\r\n\r\nBcc: body\r\n");
    assert_eq!(scanner.seen(), Seen { from: true, date: false, message_id: false });
    assert!(scanner.captured().ends_with(b"X: 1\r\n\r\n"));
    for name in
        ["Resent-Bcc:", "RESENT-BCC:", "resent-bcc \t :", "Resent-Bcc\r\n :", "bcc\r\n\t\r\n :", "Bcc:\r\n"]
    {
        let mail =
            format!("{name} d@tox,\r\n\te@tox\r\n f@tox\r\nSubject: x\r\n{name} d@tox\r\n\r\nbody\r\n");
        assert_eq!(scan(&[mail.as_bytes()]).0, b"Subject: x\r\n\r\nbody\r\n", "{name:?}");
    }
    for other in ["X-Bcc: d@tox", "Resent-Bccs: d@tox", "Subject: Bcc: d@tox", "Resent-Cc: d@tox"] {
        let mail = format!("{other}\r\n\r\n");
        assert_eq!(scan(&[mail.as_bytes()]).0, mail.as_bytes());
    }
    // Who gets a mail by Bcc may see that.
    assert_eq!(received_text("Bcc: d@tox\r\n\r\n"), "Bcc: d@tox\r\n\r\n");
}

#[test]
fn what_makes_a_header_section_unreadable_is_mended() {
    const DATED: &str = "From a@b Thu Jan  1 00:00:00 1970\r\n";
    let mail = "From: a@tox\r\nSubject: x\r\n\r\nbody\r\n";
    for before in [
        "\u{feff}",
        DATED,
        "From a\r\n",
        ">From -\r\n",
        &format!("\u{feff}{DATED}>{DATED}"),
        &format!("{DATED}\u{feff}"),
    ] {
        assert_eq!(received_text(&format!("{before}{mail}")), mail, "{before:?}");
        // As it comes through a gateway of version 0.1.0.
        assert_eq!(received_text(&format!("Date: x\r\n{before}{mail}")), format!("Date: x\r\n{mail}"));
    }
    for text in [
        "Hello\r\nworld\r\n",
        "From here on: no\r\n\r\ntext\r\n",
        "From me\r\nHello\r\n",
        "\u{feff}Hello\r\n",
        "Hello",
        ": x\r\n",
        "\u{feff}",
        "\u{fc}ber: x\r\n",
        &"x".repeat(5000),
        &format!("From {}\r\n", "x".repeat(5000)),
    ] {
        assert_eq!(received_text(text), format!("\r\n{text}"));
        assert_eq!(received_text(&format!("{DATED}{text}")), format!("\r\n{text}"));
        assert_eq!(received_text(&format!("A: 1\r\n B\r\n{text}")), format!("A: 1\r\n B\r\n\r\n{text}"));
    }
    // A blank would continue a field that we put before it.
    assert_eq!(received_text(" folded\r\nA: 1\r\n"), "\r\n folded\r\nA: 1\r\n");
    for fine in
        ["", "\r\n", "A: 1", "A: 1\r\n", "A: 1\r\n \r\n b\r\n", "From : a@tox\r\n\r\n", "\r\nFrom x\r\n"]
    {
        assert_eq!(received_text(fine), fine);
    }
}

#[test]
fn results_in_our_name_or_in_an_uncertain_one_go_and_others_stay() {
    let own = authserv_id(OWN);
    let long = format!("({})", "x".repeat(70_000));
    for gone in [
        own.clone(),
        own.to_uppercase(),
        format!("\"{own}\" 1"),
        format!("({own}; x-tox=pass (\\)) mx.example"),
        format!("(\\) {own}; x-tox=pass ) mx.example"),
        format!("(a (b)) {own}"),
        format!("\"{}\\{}\"", &own[..9], &own[9..]),
        format!("\r\n {own}"),
        format!("{}\r\n {}", &own[..9], &own[9..]),
        format!("=?utf-8?q?{own}?="),
        "=?utf-8?b?bXg=?=".to_owned(),
        format!("(=?utf-8?q?=29_{}?=) mx.example", &own[1..]),
        "(never closed mx.example".to_owned(),
        "\"never closed".to_owned(),
        "m\u{fc}ller.example".to_owned(),
        String::new(),
        format!("{long} mx.example"),
        format!("mx.example; x=y ({own})"),
        format!("mx.example; {}", "x=y; ".repeat(20_000)),
    ] {
        for name in ["Authentication-Results:", "authentication-RESULTS \t:", "Authentication-Results\r\n :"]
        {
            let mail = format!("A: 1\r\n{name} {gone}; x-tox=pass\r\n\treason=x\r\nB: 2\r\n\r\nbody\r\n");
            let (output, scanner) = scan_with(received(), &[mail.as_bytes()]);
            assert_eq!(output, b"A: 1\r\nB: 2\r\n\r\nbody\r\n", "{mail:.300}");
            assert!(scanner.has_removed_results());
        }
    }
    let other = authserv_id(PublicKey([0xAC; 32]));
    for stays in [
        "mx.example.org; dkim=pass (2048-bit key; secure) header.d=x@y".to_owned(),
        "mx.example.org 1; none".to_owned(),
        "\"mx.example.org\"".to_owned(),
        "(a comment)\r\n mx.example.org (another) 1 (third); spf=pass".to_owned(),
        format!("{other}; x-tox=pass policy.key={}", "ab".repeat(32)),
    ] {
        let mail = format!("Authentication-Results: {stays}\r\n\r\nbody\r\n");
        assert_eq!(received_text(&mail), mail);
    }
    // Those of a file are the user's.
    let mail = format!("Authentication-Results: {own}; x-tox=pass\r\n\r\nbody\r\n");
    assert_eq!(scan_with(HeaderScanner::imported(), &[mail.as_bytes()]).0, mail.as_bytes());
}

#[test]
fn results_in_our_name_are_found_behind_any_length_of_header() {
    let filler = b"X-Filler: 0123456789012345678901234567890123456789\r\n".repeat(HEADER_SECTION_BYTES / 25);
    let forged = format!("Authentication-Results: {}; x-tox=pass\r\n", authserv_id(OWN));
    let mail = [&filler[..], forged.as_bytes(), b"\r\nbody\r\n"].concat();
    let (output, scanner) = scan_with(received(), &mail.chunks(1373).collect::<Vec<_>>());
    assert!(output == [&filler[..], b"\r\nbody\r\n"].concat());
    assert!(scanner.overflowed() && scanner.has_removed_results());
}

#[test]
fn bcc_is_found_beyond_the_bound_of_what_is_kept() {
    let filler = b"X-Filler: 0123456789012345678901234567890123456789\r\n".repeat(HEADER_SECTION_BYTES / 40);
    let mail = [&filler[..], b"Bcc: secret@tox\r\n", b"\r\nbody\r\n"].concat();
    let (output, scanner) = scan(&[&mail]);
    assert_eq!(output, [&filler[..], b"\r\nbody\r\n"].concat());
    assert!(scanner.overflowed());
    assert_eq!(scanner.captured().len(), HEADER_SECTION_BYTES);
}

#[test]
fn blanks_without_end_are_not_held_without_end() {
    let mut scanner = submitted();
    let mut output = Vec::new();
    scanner.feed(b"Bcc", &mut output);
    for _ in 0..1000 {
        scanner.feed(&[b' '; 1000], &mut output);
    }
    scanner.feed(b": secret\r\nX: 1\r\n\r\n", &mut output);
    assert_eq!(output, b"X: 1\r\n\r\n");
}

#[test]
fn dates_are_those_of_rfc_5322() {
    assert_eq!(date_time(Wall(0)), "Thu, 1 Jan 1970 00:00:00 +0000");
    assert_eq!(date_time(Wall(1_795_349_568_999)), "Sun, 22 Nov 2026 12:12:48 +0000");
    assert_eq!(date_time(Wall(u64::MAX)), "Fri, 31 Dec 9999 23:59:59 +0000");
}

#[test]
fn trace_fields_read_well() {
    let (from, by) = (PublicKey([0xAB; 32]), PublicKey([0xCD; 32]));
    let recipient = "alice@tox".parse().unwrap();
    let mut fields = Fields::new();
    let id = MailId([1; 16]);
    Received { from: Some(from), by, with: "TOX", id, recipient: Some(&recipient), time: Wall(0) }
        .write(&mut fields);
    AuthenticationResults { by, sender: from, check: FromCheck::Pass }.write(&mut fields);
    let text = String::from_utf8(fields.into_bytes()).unwrap();
    let flat = text.replace("\r\n ", " ");
    let (from, by, id) = ("ab".repeat(32), "cd".repeat(32), "01".repeat(16));
    assert_eq!(
        flat,
        format!(
            "Received: from {from}.tox by {by}.tox with TOX id {id} for <alice@tox>; Thu, 1 Jan 1970 00:00:00 +0000\r\n\
             Authentication-Results: {by}.tox; x-tox=pass reason=\"From belongs to the Tox key this mail came from\" \
             policy.key={from}\r\n"
        )
    );
}

#[test]
fn the_id_of_a_mail_is_read_back_from_what_was_put_before_it() {
    let id = MailId([7; 16]);
    for from in [None, Some(PublicKey([1; 32]))] {
        let mut fields = Fields::new();
        fields.words(FieldName::RETURN_PATH, ["<x@tox>"]);
        Received { from, by: PublicKey([2; 32]), with: "TOX", id, recipient: None, time: Wall(0) }
            .write(&mut fields);
        // One of an earlier hop follows.
        let earlier = MailId([8; 16]);
        Received {
            from: None,
            by: PublicKey([3; 32]),
            with: "ESMTPA",
            id: earlier,
            recipient: None,
            time: Wall(0),
        }
        .write(&mut fields);
        assert_eq!(received_id(fields.as_bytes()), Some(id));
    }
    for other in ["", "Subject: id 01\r\n", "Received:", "Received: by x id", "Received: id nonsense"] {
        assert_eq!(received_id(other.as_bytes()), None, "{other}");
    }
}

proptest! {
    #[test]
    fn whatever_stands_before_a_mail_is_read_without_harm(prefix in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = received_id(&prefix);
    }
}

#[test]
fn from_is_read_in_all_its_forms() {
    let from = |text: &str| facts(format!("Subject: x\r\n{text}\r\n\r\nFrom: body@tox\r\n").as_bytes());
    let addresses = |text: &str| from(text).from.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(addresses("From: alice@tox"), ["alice@tox"]);
    assert_eq!(addresses("FROM : \"bob@tox\" <alice@tox>"), ["alice@tox"]);
    assert_eq!(addresses("From: Alice\r\n <alice@tox>"), ["alice@tox"]);
    assert_eq!(addresses("From: a@tox, B <b@tox>"), ["a@tox", "b@tox"]);
    assert_eq!(addresses("From: group: a@tox, b@tox;"), ["a@tox", "b@tox"]);
    assert_eq!(from("From: a@tox\r\nfrom: b@tox").from_fields, 2);
    assert!(from("From: nobody").unclear);
    assert!(from("From:").unclear);
    assert_eq!(from("To: b@tox").from_fields, 0);
    assert!(from("Reply-To: b@tox").reply_to);
}

#[test]
fn a_section_over_the_bound_is_unclear() {
    let mail = [&b"From: a@tox\r\n"[..], &b"X: 1\r\n".repeat(HEADER_SECTION_BYTES)].concat();
    assert!(facts(&mail).unclear);
}

#[test]
fn names_of_fields_are_checked() {
    assert!(FieldName::new("X-Spam").is_some());
    for name in ["", "a b", "a:", "a\r\nBcc", "é", &"x".repeat(65)] {
        assert!(FieldName::new(name).is_none(), "{name}");
    }
    let mut fields = Fields::new();
    fields.text(FieldName::new(&"x".repeat(64)).unwrap(), &"y ".repeat(500));
    assert_well_formed(fields.as_bytes());
    assert!(
        MessageParser::new().parse_headers(b"From: x\r\n\r\n").unwrap().header(HeaderName::From).is_some()
    );
}

#[test]
fn a_parser_that_panics_reads_nothing() {
    assert_eq!(guarded::<u8>(|| panic!("as a parser might")), None);
    assert_eq!(guarded(|| Some(1)), Some(1));
}
