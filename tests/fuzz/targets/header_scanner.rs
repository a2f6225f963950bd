#![no_main]
//! The scanner of header sections: it does not depend on the pieces, what it made clean stays as it is, and no field that was
//! to go is left in any spelling. And what is read from headers.

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use mail::PublicKey;
use mail::header::{HeaderScanner, authserv_id, facts};

const OWN: PublicKey = PublicKey([0xAB; 32]);

fn scan<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, HeaderScanner) {
    let mut scanner = HeaderScanner::submitted(Arc::new([OWN]));
    let mut output = Vec::new();
    for piece in pieces {
        let used = scanner.feed(piece, &mut output);
        output.extend_from_slice(&piece[used..]);
    }
    scanner.finish(&mut output);
    (output, scanner)
}

/// Names and values of the fields, folded lines put together.
fn fields(mail: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        match fields.last_mut() {
            _ if line == b"\r\n" || line == b"\n" => break,
            Some(field) if line[0] == b' ' || line[0] == b'\t' => field.extend_from_slice(line),
            _ => fields.push(line.to_vec()),
        }
    }
    let split = |field: Vec<u8>| {
        let colon = field.iter().position(|byte| *byte == b':')?;
        Some((field[..colon].trim_ascii().to_ascii_lowercase(), field[colon + 1..].to_vec()))
    };
    fields.into_iter().filter_map(split).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let (seed, mail) = bytes.split_first().unwrap_or((&0, &[]));
    let (whole, scanner) = scan(std::iter::once(mail));
    let (pieced, pieced_scanner) = scan(fuzz::pieces(mail, *seed));
    assert_eq!(whole, pieced);
    assert_eq!(scanner.seen(), pieced_scanner.seen());
    assert_eq!(scanner.captured(), pieced_scanner.captured());
    assert!(whole.starts_with(scanner.captured()));
    assert_eq!(scanner.has_changed(), whole != mail);
    let (again, clean) = scan(std::iter::once(&whole[..]));
    assert!(!clean.has_changed());
    assert_eq!(again, whole);
    for (name, value) in fields(&whole) {
        assert!(name != b"bcc" && name != b"resent-bcc");
        let value = String::from_utf8_lossy(&value).to_lowercase();
        assert!(name != b"authentication-results" || !value.contains(&authserv_id(OWN)));
    }
    let _ = facts(mail);
});
