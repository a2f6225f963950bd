#![no_main]
//! Delivery status notifications: well-formed whatever is reported, and about whatever mail.

use libfuzzer_sys::fuzz_target;
use mail::dsn::{Action, Report, Returned, write};
use mail::{Envelope, MailId, PublicKey, Refusal, ReversePath, Wall};

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    let choice = fuzz::byte(&mut rest);
    let reason = String::from_utf8_lossy(fuzz::run(&mut rest, 500)).into_owned();
    let line = |bytes: &[u8]| {
        Some(String::from_utf8_lossy(bytes).chars().filter(|char| !char.is_control()).collect::<String>())
            .filter(|text| !text.is_empty())
    };
    let envelope_id = line(fuzz::run(&mut rest, 100));
    let original_recipient = line(fuzz::run(&mut rest, 500));
    let recipient = String::from_utf8_lossy(fuzz::run(&mut rest, 320)).parse();
    let sender: mail::Address = "anna@tox".parse().expect("an address");
    let forward_path = recipient.unwrap_or_else(|_| sender.clone());
    let envelope = Envelope {
        envelope_id,
        original_recipient,
        ..Envelope::new(ReversePath::Mailbox(sender), forward_path)
    };
    let (action, reason) = match choice % 4 {
        0 => (Action::Failed, Refusal::permanent(4, 7, &reason)),
        1 => (Action::Delayed { until: Wall(u64::from(choice) << 32) }, Refusal::transient(4, 1, &reason)),
        2 => (Action::Unconfirmed, Refusal::permanent(4, 7, &reason)),
        _ => (Action::Delivered, Refusal::new("2.1.5".parse().expect("a status"), &reason)),
    };
    let id = MailId([choice; 16]);
    let report = Report {
        action,
        reason: &reason,
        envelope: &envelope,
        reporter: PublicKey([1; 32]),
        mail: id,
        id,
        submitted: Wall(u64::from(choice)),
        time: Wall(u64::from(choice) << 24),
        returned: if choice & 128 == 0 { Returned::Full(rest) } else { Returned::Headers(rest) },
    };
    let message = write(&report).expect("there is somebody to tell");
    fuzz::assert_lines(&message, 998);
    assert!(!message.contains(&0));
    // Three parts and the end, each once at the start of a line: nothing reported can end a part.
    let boundary = format!("--toxmail-{id}");
    let lines = message.split(|byte| *byte == b'\n').filter(|line| line.starts_with(boundary.as_bytes()));
    if !bytes.windows(boundary.len()).any(|window| window == boundary.as_bytes()) {
        assert_eq!(lines.count(), 4);
    }
});
