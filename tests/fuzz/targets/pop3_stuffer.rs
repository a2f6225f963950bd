#![no_main]
//! Multi-line responses of POP3: what a client unstuffs is the mail, and no mail ends its response early.

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use pop3::stuff::{Stuffer, Top};

fn stuff<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> BytesMut {
    let mut output = BytesMut::new();
    let mut stuffer = Stuffer::default();
    for piece in pieces {
        stuffer.push(piece, &mut output);
    }
    stuffer.end(&mut output);
    output
}

fuzz_target!(|bytes: &[u8]| {
    let (seed, mail) = bytes.split_first().unwrap_or((&0, &[]));
    let whole = stuff(std::iter::once(mail));
    assert_eq!(whole, stuff(fuzz::pieces(mail, *seed)));

    // A client that ends lines at LF, the most lenient there is.
    let mut text = Vec::new();
    let mut lines = whole.split_inclusive(|byte| *byte == b'\n');
    let mut ended = false;
    for line in lines.by_ref() {
        if line == b".\r\n" || line == b".\n" {
            ended = true;
            break;
        }
        text.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    assert!(ended && lines.next().is_none(), "the response does not end with its end");
    let expected =
        if mail.is_empty() || mail.ends_with(b"\r\n") { mail.to_vec() } else { [mail, b"\r\n"].concat() };
    assert_eq!(text, expected);

    let cut = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut top = Top::new(u64::from(*seed % 8));
        let mut kept = Vec::new();
        for piece in pieces {
            kept.extend_from_slice(top.cut(piece));
        }
        kept
    };
    let kept = cut(&mut std::iter::once(mail));
    assert!(mail.starts_with(&kept));
    assert_eq!(kept, cut(&mut fuzz::pieces(mail, *seed)));
});
