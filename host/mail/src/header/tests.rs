use mail_parser::{HeaderName, MessageParser};
use proptest::prelude::*;

use super::*;
use crate::clock::Wall;
use crate::from_check::FromCheck;
use crate::ids::MailId;
use crate::limits::HEADER_SECTION_BYTES;
use crate::tox_id::PublicKey;

/// Feeds `pieces` and returns everything that came out, header section and body.
fn scan(pieces: &[&[u8]]) -> (Vec<u8>, HeaderScanner) {
    let mut scanner = HeaderScanner::new();
    let mut output = Vec::new();
    for piece in pieces {
        let used = scanner.feed(piece, &mut output);
        output.extend_from_slice(&piece[used..]);
    }
    scanner.finish(&mut output);
    (output, scanner)
}

/// What the scanner has to do, written the slow and obvious way over whole lines.
fn without_bcc(mail: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    let mut in_header = true;
    let mut removing = false;
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        let is_continuation = line.starts_with(b" ") || line.starts_with(b"\t");
        if in_header && (line == b"\r\n" || line == b"\n") {
            in_header = false;
            removing = false;
        } else if in_header && !is_continuation {
            let name = line.split(|byte| *byte == b':').next().unwrap();
            removing = line.contains(&b':') && name.trim_ascii_end().eq_ignore_ascii_case(b"bcc");
        }
        if !removing {
            output.extend_from_slice(line);
        }
    }
    output
}

fn mails() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        "(?i:bcc)[ \t]{0,3}:[ -~]{0,20}\r\n",
        "[ \t]{1,2}[a-z:]{0,10}\r\n",
        "(Date|From|Message-ID|Bccc|Resent-Bcc|B|Bc|Bcc)[ ]?:?[ -~]{0,20}\r\n",
        "(\r\n|\n|\r|\rbcc: x\r\n|bcc|:|bcc:\n)",
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
        prop_assert_eq!(&whole, &without_bcc(&mail));
        prop_assert_eq!(&whole, &pieced);
        prop_assert_eq!(whole_scanner.seen(), scanner.seen());
        prop_assert_eq!(whole_scanner.captured(), scanner.captured());
        prop_assert!(whole.starts_with(scanner.captured()));
    }

    #[test]
    fn any_bytes_without_bcc_come_out_as_they_went_in(mail: Vec<u8>) {
        prop_assume!(!mail.to_ascii_lowercase().windows(3).any(|window| window == b"bcc"));
        prop_assert_eq!(scan(&[&mail]).0, mail);
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
fn bcc_goes_with_its_folded_lines_and_nothing_else() {
    let mail = b"From: a@tox\r\nBCC: b@tox,\r\n c@tox\r\nResent-Bcc: d@tox\r\nbcc \t: e@tox\r\nX: 1\r\n\r\nBcc: body\r\n";
    let (output, scanner) = scan(&[mail]);
    assert_eq!(output, b"From: a@tox\r\nResent-Bcc: d@tox\r\nX: 1\r\n\r\nBcc: body\r\n");
    assert_eq!(scanner.seen(), Seen { from: true, date: false, message_id: false });
    assert!(scanner.captured().ends_with(b"X: 1\r\n\r\n"));
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
    let mut scanner = HeaderScanner::new();
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
    let read = facts(text.as_bytes());
    assert_eq!(read.authserv_ids, [authserv_id(PublicKey([0xCD; 32]))]);
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
fn a_claimed_authserv_id_is_found_behind_comments() {
    let read = facts(b"Authentication-Results: (a (b)) MX.example.org 1; spf=pass\r\n\r\n");
    assert_eq!(read.authserv_ids, ["mx.example.org"]);
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
