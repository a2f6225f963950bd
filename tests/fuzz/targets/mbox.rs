#![no_main]
//! mbox files: what is read stays within the bound and does not depend on the pieces it comes in, and what was read is written
//! so that it is read again the same.

use libfuzzer_sys::fuzz_target;
use mail::mbox::{Found, Reader, Writer, separator};

/// Bound of a mail here: small, so that it is met.
const LARGEST: usize = 2000;

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Found> {
    let (mut reader, mut all) = (Reader::new(LARGEST), Vec::new());
    for piece in pieces {
        reader.push(piece, &mut |found| all.push(found));
    }
    reader.finish(&mut |found| all.push(found));
    all
}

fuzz_target!(|bytes: &[u8]| {
    let (seed, file) = bytes.split_first().unwrap_or((&0, &[]));
    let whole = read(std::iter::once(file));
    assert_eq!(whole, read(fuzz::pieces(file, *seed)));
    for found in whole {
        let Found::Mail(mail) = found else { continue };
        assert!(mail.len() <= LARGEST);
        let _ = mail::mbox::is_expunged(&mail);
        // CRs before a line end are taken for a part of it.
        if mail.windows(3).any(|three| three == b"\r\r\n") {
            continue;
        }
        let mut written = separator(mail::Wall(0)).into_bytes();
        let mut writer = Writer::default();
        writer.push(&mail, &mut written);
        writer.finish(&mut written);
        assert_eq!(read(std::iter::once(&written[..])), [Found::Mail(mail)]);
    }
});
