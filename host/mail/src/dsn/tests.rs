use mail_parser::{MessageParser, MimeHeaders, PartType};
use proptest::prelude::*;

use super::*;
use crate::envelope::Return;

fn envelope(forward_path: &str) -> Envelope {
    let reverse_path = ReversePath::Mailbox("alice@tox".parse().unwrap());
    Envelope { ret: Return::Headers, ..Envelope::new(reverse_path, forward_path.parse().unwrap()) }
}

fn report<'a>(
    envelope: &'a Envelope,
    reason: &'a Refusal,
    returned: Returned<'a>,
    action: Action,
) -> Report<'a> {
    let id = MailId([7; 16]);
    let (submitted, time) = (Wall(0), Wall(3_600_000));
    Report { action, reason, envelope, reporter: PublicKey([1; 32]), mail: id, id, submitted, time, returned }
}

fn text_of(message: &[u8], index: u32) -> (String, String) {
    let parsed = MessageParser::default().parse(message).unwrap();
    let part = parsed.part(index).unwrap();
    let kind = part.content_type().unwrap();
    let text = match &part.body {
        PartType::Text(text) => text.to_string(),
        PartType::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        PartType::Message(message) => String::from_utf8_lossy(message.raw_message()).into_owned(),
        other => panic!("unexpected part {other:?}"),
    };
    (format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()), text)
}

fn assert_well_formed(message: &[u8]) {
    assert!(message.ends_with(b"\r\n"));
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        let content = line.strip_suffix(b"\r\n").expect("a bare LF");
        assert!(content.len() <= 998, "a line of {} bytes", content.len());
        assert!(!content.contains(&b'\r') && !content.contains(&0));
    }
}

#[test]
fn a_failure_says_what_why_what_next_and_what_to_do() {
    let envelope = envelope("bob@tox");
    let reason = Refusal::permanent(4, 7, "the recipient's gateway was not online for 5 days");
    let mail = b"Subject: Hello\r\nFrom: alice@tox\r\n\r\nbody\r\n";
    let message = write(&report(&envelope, &reason, Returned::Headers(mail), Action::Failed)).unwrap();
    assert_well_formed(&message);
    let parsed = MessageParser::default().parse(&message).unwrap();
    assert_eq!(parsed.content_type().unwrap().attribute("report-type"), Some("delivery-status"));
    let (kind, human) = text_of(&message, 1);
    let human = human.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(kind, "text/plain");
    for expected in [
        "Your mail \"Hello\" of Thu, 1 Jan 1970",
        "bob@tox",
        "not online for 5 days",
        "What happens next:",
        "What you can do: ask the recipient",
    ] {
        assert!(human.contains(expected), "{expected} in {human}");
    }
    let (kind, machine) = text_of(&message, 2);
    assert_eq!(kind, "message/delivery-status");
    for expected in [
        "Reporting-MTA: x-tox;\r\n 0101",
        "Final-Recipient: rfc822; bob@tox\r\n",
        "Action: failed\r\n",
        "Status: 5.4.7\r\n",
        "Diagnostic-Code: x-tox; the",
    ] {
        assert!(machine.contains(expected), "{expected} in {machine}");
    }
    let (kind, headers) = text_of(&message, 3);
    assert_eq!(kind, "text/rfc822-headers");
    assert!(headers.contains("Subject: Hello") && !headers.contains("body"));
}

#[test]
fn what_may_have_arrived_is_a_failure_for_programs_and_not_for_people() {
    let (envelope, reason) = (envelope("bob@tox"), Refusal::permanent(4, 7, "no acknowledgement came"));
    let message = write(&report(&envelope, &reason, Returned::Headers(b""), Action::Unconfirmed)).unwrap();
    assert_well_formed(&message);
    let (human, machine) = (text_of(&message, 1).1, text_of(&message, 2).1);
    let human = human.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(human.contains("may or may not have reached bob@tox") && !human.contains("could not"), "{human}");
    assert!(machine.contains("Action: failed\r\n") && machine.contains("Status: 5.4.7\r\n"), "{machine}");
}

#[test]
fn nobody_is_told_about_a_report() {
    let envelope = Envelope::new(ReversePath::Null, "bob@tox".parse().unwrap());
    let reason = Refusal::permanent(1, 1, "no");
    assert!(write(&report(&envelope, &reason, Returned::Headers(b""), Action::Failed)).is_none());
}

#[test]
fn a_delay_says_until_when() {
    let envelope = envelope("bob@tox");
    let reason = Refusal::transient(4, 1, "not online");
    let action = Action::Delayed { until: Wall(86_400_000) };
    let message = write(&report(&envelope, &reason, Returned::Headers(b""), action)).unwrap();
    let (_, machine) = text_of(&message, 2);
    assert!(machine.contains("Action: delayed\r\n"));
    assert!(machine.contains("Will-Retry-Until: Fri, 2 Jan 1970 00:00:00 +0000"));
}

#[test]
fn success_has_no_diagnostic() {
    let envelope = envelope("bob@tox");
    let reason = Refusal::new(crate::EnhancedStatus::new(2, 0, 0).unwrap(), "delivered");
    let message = write(&report(&envelope, &reason, Returned::Headers(b""), Action::Delivered)).unwrap();
    let (_, machine) = text_of(&message, 2);
    assert!(machine.contains("Action: delivered\r\n") && machine.contains("Status: 2.0.0\r\n"));
    assert!(!machine.contains("Diagnostic-Code"));
}

#[test]
fn what_is_not_ascii_uses_the_types_of_rfc_6533() {
    let envelope = envelope("bób@tox");
    let reason = Refusal::permanent(1, 1, "kein Empfänger");
    let mail = "Subject: Grüße\r\n\r\n".as_bytes();
    let message = write(&report(&envelope, &reason, Returned::Headers(mail), Action::Failed)).unwrap();
    assert_well_formed(&message);
    let (kind, machine) = text_of(&message, 2);
    assert_eq!(kind, "message/global-delivery-status");
    assert!(machine.contains("Final-Recipient: utf-8; bób@tox\r\n"));
    let (kind, headers) = text_of(&message, 3);
    assert_eq!(kind, "message/global-headers");
    assert!(headers.contains("Grüße"));
    assert!(text_of(&message, 1).1.contains("Grüße"));
}

#[test]
fn a_whole_mail_is_returned_where_it_is_fit() {
    let envelope = envelope("bob@tox");
    let reason = Refusal::permanent(1, 1, "no");
    let fit = b"Subject: x\r\n\r\nthe body\r\n";
    let message = write(&report(&envelope, &reason, Returned::Full(fit), Action::Failed)).unwrap();
    assert_eq!(text_of(&message, 3).0, "message/rfc822");
    assert!(message.windows(fit.len()).any(|window| window == fit));
    let unfit = [&b"Subject: x\r\n\r\n"[..], &[b'a'; 2000]].concat();
    let message = write(&report(&envelope, &reason, Returned::Full(&unfit), Action::Failed)).unwrap();
    assert_eq!(text_of(&message, 3).0, "text/rfc822-headers");
    assert_well_formed(&message);
}

#[test]
fn the_original_recipient_is_what_people_read() {
    let mut envelope = envelope("bob@tox");
    envelope.original_recipient = Some("rfc822;robert@example.org".to_owned());
    envelope.envelope_id = Some("QQ314159".to_owned());
    let reason = Refusal::permanent(1, 1, "no");
    let message = write(&report(&envelope, &reason, Returned::Headers(b""), Action::Failed)).unwrap();
    assert!(text_of(&message, 1).1.contains("robert@example.org"));
    let (_, machine) = text_of(&message, 2);
    assert!(machine.contains("Original-Envelope-Id: QQ314159\r\n"));
    assert!(machine.contains("Original-Recipient: rfc822;robert@example.org\r\n"));
}

#[test]
fn quoted_printable_reads_back() {
    let text = "a=b é \r\n  trailing \r\n".repeat(20);
    let part = quoted_printable::encode(text.as_bytes());
    let message = [b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", &part[..]].concat();
    let parsed = MessageParser::default().parse(&message).unwrap();
    assert_eq!(parsed.body_text(0).unwrap(), text);
    assert!(part.split(|byte| *byte == b'\n').all(|line| line.len() <= 77));
}

proptest! {
    #[test]
    fn hostile_input_never_breaks_a_report(
        mail: Vec<u8>,
        header in "\\PC{0,1500}|[\r\n\\x00a é=]{0,1500}",
        text in "\\PC{0,500}",
        envid in "\\PC{0,100}|[\r\n]{0,20}",
        orcpt in "\\PC{0,500}|[\r\n;a]{0,500}",
        full: bool,
    ) {
        let mut envelope = envelope("bob@tox");
        envelope.envelope_id = Some(envid);
        envelope.original_recipient = Some(orcpt);
        let reason = Refusal::permanent(1, 1, &text);
        let mail = [b"Subject: ", header.as_bytes(), b"\r\n", &mail].concat();
        let returned = if full { Returned::Full(&mail) } else { Returned::Headers(&mail) };
        let message = write(&report(&envelope, &reason, returned, Action::Failed)).unwrap();
        assert_well_formed(&message);
        prop_assert!(!message.windows(4).take_while(|window| *window != b"\r\n\r\n").any(|window| window == b"\nBcc"));
        let parsed = MessageParser::default().parse(&message).unwrap();
        let root = parsed.content_type().unwrap();
        prop_assert_eq!(root.subtype(), Some("report"));
    }
}
