//! What a filter can read of a mail.

use mail::decision::mail_filter::{MessageBytes, Verdict};
use mail::record::Direction;
use sandbox::Slot;

use crate::defaults::facts;
use crate::setup::{Bench, Mail, NOW, anna, mail};

async fn describe(bytes: std::sync::Arc<dyn MessageBytes>) -> Vec<(String, String)> {
    let bench = Bench::with(|set| {
        set.put(Slot::MailFilter, "evil-mail-filter");
        set.entry(Slot::MailFilter).settings = vec![("do".into(), "describe".into())];
        // Going over a large mail takes time on a busy machine.
        set.entry(Slot::MailFilter).limits.call_ms = 10_000;
    })
    .await;
    let verdict = bench.sandbox.filter(&anna(), NOW, facts(Direction::Incoming), bytes).await;
    let Ok(Verdict::Accept(headers)) = verdict else { panic!("{verdict:?}") };
    headers.into_iter().map(|header| (header.name, header.value)).collect()
}

fn values<'a>(headers: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
}

const NESTED: &str = "\
From: Ben <ben@tox>
Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=
sUBJECT: again
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

gr=FC=DFe
--outer
Content-Type: message/rfc822

Subject: inside

inner text
--outer
Content-Type: application/pdf
Content-Disposition: attachment; filename=\"a.pdf\"
Content-Transfer-Encoding: base64

AAECAw==
--outer--
";

#[tokio::test]
async fn headers_parts_text_and_bytes() {
    let headers = describe(mail(NESTED)).await;
    let size = NESTED.replace('\n', "\r\n").len().to_string();
    assert_eq!(values(&headers, "X-Size"), [size]);
    assert_eq!(values(&headers, "X-Subject"), ["grüße|again"]);
    assert_eq!(values(&headers, "X-Names"), ["From,Subject,sUBJECT,Content-Type"]);
    assert_eq!(values(&headers, "X-Raw"), ["From"]);
    let parts = values(&headers, "X-Part");
    assert_eq!(parts.len(), 5, "{parts:?}");
    assert_eq!(parts[0], "None multipart/mixed None false 0 no text");
    assert_eq!(parts[1], "Some(0) text/plain None false 7 grüße");
    assert!(parts[2].starts_with("Some(0) message/rfc822 None false"), "{}", parts[2]);
    assert!(parts[3].starts_with("Some(2) text/plain None false"), "{}", parts[3]);
    assert!(parts[3].ends_with("inner text"), "{}", parts[3]);
    assert_eq!(parts[4], "Some(0) application/pdf Some(\"a.pdf\") true 4 no text");
}

#[tokio::test]
async fn a_large_mail_shows_headers_and_bytes_only() {
    let mut bytes = b"Subject: large\r\n\r\n".to_vec();
    bytes.resize(9 << 20, b'x');
    let headers = describe(std::sync::Arc::new(Mail(bytes))).await;
    assert_eq!(values(&headers, "X-Subject"), ["large"]);
    assert_eq!(values(&headers, "X-Parts"), ["MessageError::NotParsed"]);
}

/// Mails in mails, deep enough that freeing the parsed form would overflow a thread's stack if the depth were not bounded.
#[tokio::test]
async fn a_deeply_nested_mail_is_not_taken_apart() {
    let bytes = "Content-Type: message/rfc822\r\n\r\n".repeat(200_000);
    let headers = describe(std::sync::Arc::new(Mail(bytes.into_bytes()))).await;
    assert_eq!(values(&headers, "X-Parts"), ["MessageError::NotParsed"]);
}

#[tokio::test]
async fn what_is_no_mail_does_no_harm() {
    for bytes in [&b""[..], b"\0\0\0\0", b"\r\n\r\n", b"no header at all", b"a: \xff\xfe\r\n\r\n\xff"] {
        let headers = describe(std::sync::Arc::new(Mail(bytes.to_vec()))).await;
        assert_eq!(values(&headers, "X-Size"), [bytes.len().to_string()]);
    }
}

/// The levels of mails in mails, each with a type of its own, and text up to `bytes`.
fn nested(levels: usize, bytes: usize) -> Vec<u8> {
    let mut mail = "Content-Type: message/rfc822\r\n\r\n".repeat(levels).into_bytes();
    mail.extend_from_slice(b"Subject: inside\r\n\r\n");
    let line = [&[b'x'; 70][..], b"\r\n"].concat();
    while mail.len() + line.len() <= bytes {
        mail.extend_from_slice(&line);
    }
    mail
}

/// A mail with so many parts whose boundaries never come, each of which would be looked for to the end of the mail.
fn without_end(parts: usize, bytes: usize) -> Vec<u8> {
    let mut mail = b"Content-Type: multipart/mixed; boundary=outer\r\n\r\n".to_vec();
    for number in 0..parts {
        let part = format!("--outer\r\nContent-Type: multipart/mixed; boundary=never{number}\r\n\r\nx\r\n");
        mail.extend_from_slice(part.as_bytes());
    }
    let padding = nested(0, bytes - mail.len());
    mail.extend_from_slice(&padding);
    mail
}

/// A mail in base64 in which mails are nested: a copy of the rest at each level would be made of what was decoded.
fn encoded(levels: usize, bytes: usize) -> Vec<u8> {
    let inner = nested(levels, bytes * 3 / 4 - 1000);
    let mut mail = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n".to_vec();
    for chunk in inner.chunks(3) {
        let number = chunk.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let digit = DIGITS[(number >> (18 - 6 * place)) as usize & 63];
            mail.push(if place > chunk.len() { b'=' } else { digit });
        }
    }
    mail
}

/// The largest resident memory of this process so far, in kilobytes (proc(5), `VmHWM`).
fn most_resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

const MADE_FOR_MEMORY: &str = "MADE_FOR_MEMORY";

/// Each is answered within the time of a call or told to be too much; the test below looks at the memory that took.
#[tokio::test]
async fn mails_made_to_take_memory_are_answered() {
    let bench = Bench::with(|set| {
        set.put(Slot::MailFilter, "evil-mail-filter");
        set.entry(Slot::MailFilter).settings = vec![("do".into(), "describe".into())];
    })
    .await;
    let before = most_resident();
    let mails = [
        nested(990, 8 << 20),
        nested(300, 4 << 20),
        nested(99, 8 << 20),
        without_end(900, 8 << 20),
        encoded(300, 4 << 20),
        encoded(90, 8 << 20),
    ];
    let built = most_resident() - before;
    for bytes in mails {
        let answer = bench
            .sandbox
            .filter(&anna(), NOW, facts(Direction::Incoming), std::sync::Arc::new(Mail(bytes)))
            .await;
        // With more than 32 parts the guest adds too many fields; that it answered is what counts.
        match answer {
            Ok(Verdict::Accept(headers)) => assert!(headers.iter().any(|header| header.name == "X-Parts")),
            Err(error) => assert!(error.failure.to_string().contains("header fields"), "{error}"),
            other => panic!("{other:?}"),
        }
    }
    for record in bench.records(6).await {
        assert!(record.duration < std::time::Duration::from_secs(2), "{:?}", record.duration);
    }
    if std::env::var_os(MADE_FOR_MEMORY).is_some() {
        println!("{MADE_FOR_MEMORY} {}", most_resident() - before - built);
    }
}

#[test]
fn a_mail_made_for_it_takes_no_more_memory_than_a_few_copies_of_it() {
    let alone = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "reading::mails_made_to_take_memory_are_answered", "--nocapture"])
        .env(MADE_FOR_MEMORY, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&alone.stdout);
    let kilobytes = text.lines().find_map(|line| line.split_once(&format!("{MADE_FOR_MEMORY} ")));
    let kilobytes: u64 = kilobytes.unwrap_or_else(|| panic!("{text}")).1.trim().parse().unwrap();
    println!("six mails of 4 and 8 MB took {kilobytes} kB more than they have");
    // Copies at each level took 11.7 GB for the first of them.
    assert!(kilobytes < 128 << 10, "{kilobytes} kB");
}
