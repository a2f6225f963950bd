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
        b"\nFrom a@b Thu Jan  1 00:00:00 1970\r\nA: 1\r\n\r\nbody\r\nFrom inside, no empty line before\n\n\
        From c\nB: 2\n\nno line end";
    let one = Found::Mail(b"A: 1\r\n\r\nbody\r\nFrom inside, no empty line before\r\n".to_vec());
    let other = Found::Mail(b"B: 2\r\n\r\nno line end\r\n".to_vec());
    assert_eq!(read(file, 1000, 1000), [one, other]);
}

#[test]
fn what_is_too_large_or_no_mbox_is_told() {
    let file = write(&[&[b'x'; 100], b"small\r\n"], 50);
    assert_eq!(read(&file, 9, 50), [Found::TooLarge, Found::Mail(b"small\r\n".to_vec())]);
    assert_eq!(read(b"\x7fELF\nand so on\n", 9, 50), [Found::Junk]);
    assert_eq!(read(b"", 9, 50), []);
    // Nothing is held of an endless line.
    let endless = [b"From x\n".to_vec(), vec![b'y'; 1_000_000]].concat();
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
