//! The mails of the demo.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Marks the border between the parts of a mail; no line of the parts looks like it.
const BOUNDARY: &str = "=_toxmail_demo_border";

/// A mail with a text in German and Greek and two attachments, the second with every byte value.
pub fn with_attachments(from: &str, to: &str) -> Vec<u8> {
    let picture: Vec<u8> =
        (0..48_000_u32).map(|index| index.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let every_byte: Vec<u8> = (0..=255).collect();
    let parts = [
        (
            "text/plain; charset=utf-8",
            "8bit",
            None,
            "Grüße aus der Vorführung.\r\nΚαλημέρα.\r\n.a dot at the start\r\n".to_owned(),
        ),
        ("image/png", "base64", Some("picture.png"), in_lines(&picture)),
        ("application/octet-stream", "base64", Some("every-byte.bin"), in_lines(&every_byte)),
    ];
    let mut mail = format!(
        "From: <{from}>\r\nTo: <{to}>\r\nSubject: =?utf-8?Q?Ein_Gru=C3=9F?= with attachments\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\r\n\r\n"
    );
    for (content_type, encoding, file, content) in parts {
        mail.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n"
        ));
        if let Some(file) = file {
            mail.push_str(&format!("Content-Disposition: attachment; filename=\"{file}\"\r\n"));
        }
        mail.push_str(&format!("\r\n{content}\r\n"));
    }
    mail.push_str(&format!("--{BOUNDARY}--\r\n"));
    mail.into_bytes()
}

/// Base64 in lines of 76 (RFC 2045 section 6.8).
fn in_lines(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut lines = String::with_capacity(text.len() + text.len() / 38);
    for line in text.as_bytes().chunks(76) {
        lines.extend(line.iter().map(|byte| char::from(*byte)));
        lines.push_str("\r\n");
    }
    lines
}

/// A short text.
pub fn short(from: &str, to: &str, subject: &str, text: &str) -> Vec<u8> {
    format!("From: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\r\n{text}\r\n").into_bytes()
}

/// About `megabytes` million bytes of text in which no line repeats.
pub fn large(from: &str, to: &str, megabytes: usize) -> Vec<u8> {
    let mut mail = format!("From: <{from}>\r\nTo: <{to}>\r\nSubject: a large one\r\n\r\n").into_bytes();
    let mut line = 0_u64;
    while mail.len() < megabytes * 1_000_000 {
        let mixed = line.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mail.extend_from_slice(
            format!("{line:012} {mixed:016x}{:016x}\r\n", mixed.rotate_left(29)).as_bytes(),
        );
        line += 1;
    }
    mail
}
