use proptest::prelude::*;

use super::*;

fn write(mails: &[&[u8]], piece: usize) -> Vec<u8> {
    let mut file = Vec::new();
    for mail in mails {
        file.extend_from_slice(separator(Wall(0)).as_bytes());
        let mut writer = Writer::default();
        mail.chunks(piece.max(1)).for_each(|piece| writer.push(piece, &mut file));
        writer.finish(&mut file);
    }
    file
}

fn read(file: &[u8], piece: usize, largest: usize) -> Vec<Found> {
    let mut all = Vec::new();
    let mut reader = Reader::new(largest);
    file.chunks(piece.max(1)).for_each(|piece| reader.push(piece, &mut |found| all.push(found)));
    reader.finish(&mut |found| all.push(found));
    all
}

#[test]
fn the_separator_is_as_asctime_writes_it() {
    assert_eq!(separator(Wall(1_795_349_568_000)), "From MAILER-DAEMON Sun Nov 22 12:12:48 2026\n");
    assert_eq!(separator(Wall(0)), "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n");
}

#[test]
fn lines_that_look_like_separators_come_back() {
    let mail =
        b"Subject: x\r\n\r\nFrom here\r\n>From there\r\n>>From far\r\n> From\r\n\r\nFrom again\r\n\r\n";
    let file = write(&[mail], 7);
    let text = String::from_utf8(file.clone()).unwrap();
    assert!(text.contains("\n>From here\n>>From there\n>>>From far\n> From\n\n>From again\n\n\n"), "{text}");
    assert_eq!(read(&file, 3, 1000), [Found::Mail(mail.to_vec())]);
}

#[test]
fn files_of_other_programs_are_read() {
    let file =
        b"\nFrom a@b Thu Jan  1 00:00:00 1970\r\nA: 1\r\n\r\nbody\r\nFrom inside: no empty line before\nB: 1\n\n\
        From c\nX: 2\nFrom: c\nTo: d\n\nno line end";
    let one = Found::Mail(b"A: 1\r\n\r\nbody\r\nFrom inside: no empty line before\r\nB: 1\r\n".to_vec());
    let other = Found::Mail(b"X: 2\r\nFrom: c\r\nTo: d\r\n\r\nno line end\r\n".to_vec());
    assert_eq!(read(file, 1000, 1000), [one, other]);
}

fn mail_of(text: &str) -> Found {
    Found::Mail(text.replace('\n', "\r\n").into_bytes())
}

#[test]
fn a_line_of_text_that_begins_with_from_is_no_separator() {
    let text = "A: 1\n\nDear all,\n\nFrom here on we meet on Thu at 10:30.\nBye\n\nFrom Jan to Mar 2026\n";
    let file =
        format!("From a@b Thu Jan  1 00:00:00 1970\n{text}\nFrom c@d Fri Jan  2 00:00:00 1970\nB: 2\n\n");
    for piece in [1, 7, 1000] {
        assert_eq!(read(file.as_bytes(), piece, 1000), [mail_of(text), mail_of("B: 2\n")]);
    }
}

#[test]
fn a_line_of_text_with_a_date_and_more_words_is_no_separator() {
    for line in [
        "From Mon, 4 Mar 2024 10:00 we open again.",
        "From here, Mon Mar  4 10:00:00 2024 it was said.",
        "From a@b Mon, 4 Mar 2024 10:00 +0100 until Tuesday",
    ] {
        let text = format!("A: 1\n\nWe are closed.\n{line}\nBye\n");
        let file =
            format!("From a@b Thu Jan  1 00:00:00 1970\n{text}\nFrom c@d Fri Jan  2 00:00:00 1970\nB: 2\n\n");
        assert_eq!(read(file.as_bytes(), 7, 1000), [mail_of(&text), mail_of("B: 2\n")], "{line}");
    }
}

#[test]
fn zones_and_the_host_of_uucp_may_follow_the_date_of_a_separator() {
    for line in [
        "From a@b Thu Jan  1 00:00:00 1970 +0100",
        "From a@b Thu Jan  1 00:00:00 CET 1970",
        "From a@b Thu Jan  1 00:00:00 1970 remote from host",
        "From a@b Thu, 1 Jan 1970 00:00:00 +0000 (UTC)",
        "From a@b Thu, 01 Jan 1970 00:00 GMT",
    ] {
        let file = format!("{line}\ntext without a field\n{line}\nB: 2\n");
        let found = read(file.as_bytes(), 1000, 1000);
        assert_eq!(found.len(), 2, "{line}");
        assert_eq!(found[1], mail_of("B: 2\n"), "{line}");
    }
}

#[test]
fn separators_have_a_date_or_a_field_behind_them() {
    for dated in [
        "From - Thu Jan  1 00:00:00 1970",
        "From a@b Thu Jan 1 00:00 1970",
        "From a@b Thu Jan  1 00:00:00 UTC 1970",
        "From a@b Thu Jan  1 00:00:00 1970 +0000",
        "From a b Thu, 01 Jan 1970 00:00:00 +0000",
        "From \"a b\"@c Thu Jan  1 00:00:00 1970 remote from x",
    ] {
        let file = format!("From x@y Thu Jan  1 00:00:00 1970\nA: 1\n\none\n{dated}\nB: 2\n\ntwo\n");
        assert_eq!(
            read(file.as_bytes(), 9, 1000),
            [mail_of("A: 1\n\none\n"), mail_of("B: 2\n\ntwo\n")],
            "{dated}"
        );
    }
    for undated in [
        "From Thursday on",
        "From Thu to Fri 1970",
        "From a Thu Jan 32 00:00:00 1970",
        "From Thu Jan 1 00:00:00",
    ] {
        let file = format!("From x@y Thu Jan  1 00:00:00 1970\nA: 1\n\none\n\n{undated}\ntwo\n");
        assert_eq!(read(file.as_bytes(), 9, 1000), [mail_of(&format!("A: 1\n\none\n\n{undated}\ntwo\n"))]);
    }
    // The last line may be one that could have been a separator.
    assert_eq!(read(b"From x\nA: 1\n\nFrom me", 3, 100), [mail_of("A: 1\n\nFrom me\n")]);
}

#[test]
fn a_line_of_a_letter_before_a_word_with_a_colon_is_no_separator() {
    let dated = "From x@y Thu Jan  1 00:00:00 1970\n";
    for letter in [
        "From Peter\nNote: bring wine\n",
        "From Monday on\nhttp://example.org is closed\n",
        "From Anna\nSubject: dinner\n and more of it\n\nat eight\n",
        "From our Oslo office\nTel: 1\nFax: 2\nWeb: 3\n",
        "From me\nFrom: you\nFrom: them\n",
    ] {
        let text = format!("A: 1\n\nHello,\n\n{letter}");
        for piece in [1, 9, 1000] {
            assert_eq!(read(format!("{dated}{text}").as_bytes(), piece, 1000), [mail_of(&text)], "{letter}");
        }
    }
}

#[test]
fn separators_of_thunderbird_mutt_and_gmail_are_known() {
    let mails = [
        "X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\nFrom: a\n\none\n",
        "Return-Path: <b@c>\nReceived: from x\n\tby y\n\ntwo\n",
        "X-GM-THRID: 18\nX-Gmail-Labels: Inbox\nDelivered-To: c@d\n\nthree\n",
    ];
    for separators in [
        // Thunderbird, of late and before.
        ["From ", "From ", "From "],
        ["From -", "From -", "From -"],
        ["From - Tue Apr 23 10:11:12 2024", "From ", "From - Tue Apr 23 10:11:12 2024"],
        [
            "From b@c Tue Apr 23 10:11:12 2024",
            "From c@d Wed Apr  3 10:11:12 2024",
            "From e Wed Apr  3 10:11:12 2024",
        ],
        [
            "From 1797122345678901234@xxx Tue Apr 23 10:11:12 +0000 2024",
            "From 1797122345678901235@xxx Tue Apr 23 10:11:13 +0000 2024",
            "From 1797122345678901236@xxx Tue Apr 23 10:11:14 +0000 2024",
        ],
        // Others, without a date.
        ["From a@b", "From c@d", "From e@f"],
        ["From a@b Thu Jan  1 00:00:00 1970", "From c@d", "From e@f"],
    ] {
        for end in ["\n", "\r\n"] {
            let file: String =
                separators.iter().zip(mails).map(|(line, mail)| format!("{line}\n{mail}\n")).collect();
            let file = file.replace('\n', end);
            assert_eq!(read(file.as_bytes(), 11, 1000), mails.map(mail_of), "{separators:?}");
        }
    }
}

#[test]
fn files_with_a_byte_order_mark_or_cr_line_ends_are_read() {
    let text =
        "From a@b Thu Jan  1 00:00:00 1970\nA: 1\n\none\n\nFrom a@b Thu Jan  1 00:00:00 1970\nB: 2\n\ntwo\n";
    let both = [mail_of("A: 1\n\none\n"), mail_of("B: 2\n\ntwo\n")];
    let ends = ["\r", "\r\n", "\r\r\n"].map(|end| text.replace('\n', end));
    for file in ends.into_iter().chain([format!("\u{feff}{text}")]) {
        for piece in [1, 2, 34, 35, 1000] {
            assert_eq!(read(file.as_bytes(), piece, 1000), both, "{file:?}");
        }
    }
    // The mail after a CR CR LF in the second line of another file stays as it is.
    let file = b"From a@b Thu Jan  1 00:00:00 1970\nA: 1\n\none\r\r\ntwo\n";
    assert_eq!(read(file, 5, 100), [Found::Mail(b"A: 1\r\n\r\none\r\r\ntwo\r\n".to_vec())]);
    // A CR within a line of another file is none of a line end.
    let file = b"From a@b Thu Jan  1 00:00:00 1970\nA: 1\n\none\rtwo\n";
    assert_eq!(read(file, 5, 100), [Found::Mail(b"A: 1\r\n\r\none\rtwo\r\n".to_vec())]);
    assert_eq!(read(b"From x\rA: 1\r", 100, 100), [mail_of("A: 1\n")]);
}

#[test]
fn what_thunderbird_deleted_is_known() {
    for (status, is) in
        [("0009", true), ("0008", true), ("8", true), ("0001", false), ("x", false), ("", false)]
    {
        let mail =
            format!("A: 1\r\nX-Mozilla-Status: {status}\r\nX-Mozilla-Status2: 00000008\r\n\r\nbody\r\n");
        assert_eq!(is_expunged(mail.as_bytes()), is, "{status}");
    }
    assert!(!is_expunged(b"A: 1\r\n\r\nX-Mozilla-Status: 0008\r\n"));
}

#[test]
fn what_is_too_large_or_no_mbox_is_told() {
    let file = write(&[&[b'x'; 100], b"small\r\n"], 50);
    assert_eq!(read(&file, 9, 50), [Found::TooLarge, Found::Mail(b"small\r\n".to_vec())]);
    assert_eq!(read(b"\x7fELF\nand so on\n", 9, 50), [Found::Junk]);
    assert_eq!(read(b"", 9, 50), []);
    assert_eq!(read(b"From me\nto you\n", 9, 50), [Found::Junk]);
    assert_eq!(read(&write(&[b"", b"A: 1\r\n"], 9), 9, 50), [Found::Empty, mail_of("A: 1\n")]);
    // Nothing is held of an endless line.
    let endless = [separator(Wall(0)).into_bytes(), vec![b'y'; 1_000_000]].concat();
    assert_eq!(read(&endless, 4096, 1000), [Found::TooLarge]);
}

/// Mails whose lines tend to be dangerous.
fn mail() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just(String::new()),
        Just("From x".to_owned()),
        Just(">>From x".to_owned()),
        Just(">".to_owned()),
        "[ -~]{0,10}",
    ];
    let lines = proptest::collection::vec(line, 1..12);
    lines.prop_map(|lines| lines.iter().flat_map(|line| format!("{line}\r\n").into_bytes()).collect())
}

proptest! {
    #[test]
    fn every_mail_comes_back(mails in proptest::collection::vec(mail(), 0..5), one in 1_usize..50, other in 1_usize..50) {
        let borrowed: Vec<&[u8]> = mails.iter().map(Vec::as_slice).collect();
        let file = write(&borrowed, one);
        let found = read(&file, other, 10_000);
        prop_assert_eq!(found, mails.into_iter().map(Found::Mail).collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_are_read_within_the_bound(bytes: Vec<u8>, piece in 1_usize..50) {
        for found in read(&bytes, piece, 100) {
            if let Found::Mail(mail) = found {
                prop_assert!(mail.len() <= 100);
            }
        }
    }
}
