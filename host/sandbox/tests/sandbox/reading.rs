//! What a filter can read of a mail.

use mail::record::Direction;
use sandbox::Slot;
use sandbox::mail_filter::Verdict;

use crate::defaults::facts;
use crate::setup::{Bench, Mail, NOW, anna, mail};

async fn describe(bytes: std::sync::Arc<dyn sandbox::capabilities::MessageSource>) -> Vec<(String, String)> {
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
