#![no_main]
//! The scanner of header sections against the same written the slow way, and what is read from headers.

use libfuzzer_sys::fuzz_target;
use mail::header::{HeaderScanner, facts};

fn scan<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, HeaderScanner) {
    let mut scanner = HeaderScanner::new();
    let mut output = Vec::new();
    for piece in pieces {
        let used = scanner.feed(piece, &mut output);
        output.extend_from_slice(&piece[used..]);
    }
    scanner.finish(&mut output);
    (output, scanner)
}

/// Whole lines; a line whose name is `Bcc` goes, with those that continue it.
fn without_bcc(mail: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    let (mut in_header, mut removing) = (true, false);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        in_header &= line != b"\r\n" && line != b"\n";
        let is_continued = line.starts_with(b" ") || line.starts_with(b"\t");
        if in_header && !is_continued {
            let name = line.iter().position(|byte| *byte == b':').map(|at| line[..at].trim_ascii_end());
            removing = name.is_some_and(|name| name.eq_ignore_ascii_case(b"bcc"));
        }
        if !(in_header && removing) {
            output.extend_from_slice(line);
        }
    }
    output
}

fuzz_target!(|bytes: &[u8]| {
    let (seed, mail) = bytes.split_first().unwrap_or((&0, &[]));
    let (whole, scanner) = scan(std::iter::once(mail));
    let (pieced, pieced_scanner) = scan(fuzz::pieces(mail, *seed));
    assert_eq!(whole, pieced);
    assert_eq!(scanner.seen(), pieced_scanner.seen());
    assert_eq!(scanner.captured(), pieced_scanner.captured());
    assert!(whole.starts_with(scanner.captured()));
    // Beyond these lengths the scanner decides about a name before it has seen all of it.
    if mail.len() < 1000 {
        assert_eq!(whole, without_bcc(mail));
    }
    let facts = facts(mail);
    assert!(facts.authserv_ids.len() <= mail.len());
});
