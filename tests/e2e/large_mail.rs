//! A mail of 50 MB streams through; small ones do not wait for it.

use tests::{Gateway, befriend, network, smtp, wait};

/// What a gateway may grow by while a mail of 50 MB passes.
const GROWTH: u64 = 20 * 1024 * 1024;

fn large() -> Vec<u8> {
    let mut text = b"Subject: fifty megabytes\r\n\r\n".to_vec();
    let mut state = 1_u64;
    while text.len() < 49_900_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.extend_from_slice(
            format!("{state:016x}{:016x}{:016x}\r\n", !state, state.rotate_left(7)).as_bytes(),
        );
    }
    text
}

#[test]
fn fifty_megabytes_pass_in_little_memory_and_a_small_mail_overtakes() {
    let (a, b) = (Gateway::start(network()), Gateway::start(network()));
    befriend(&a, &b, ["anna", "ben"]);
    let text = large();
    // Everything that is allocated once is in use before memory is measured.
    a.submit("ben@tox", b"Subject: warm-up\r\n\r\nwarm\r\n");
    let _ = b.wait_for_mail(b"warm\r\n");
    let before = [a.resident(), b.resident()];

    a.submit("ben@tox", &text);
    a.submit("ben@tox", b"Subject: small\r\n\r\novertakes\r\n");
    let _ = b.wait_for_mail(b"overtakes\r\n");
    let small_came_first = b.mails().len() == 2;
    let mails = wait::until("the large mail", || Some(b.mails()).filter(|mails| mails.len() == 3));
    assert!(mails.iter().any(|mail| mail.ends_with(&text)), "the large mail came whole");
    assert!(small_came_first, "the small mail waited for the large one");

    let growth = [a.peak_resident() - before[0], b.peak_resident() - before[1]];
    assert!(growth.iter().all(|bytes| *bytes < GROWTH), "memory grew by {growth:?} bytes");
}

#[test]
fn a_mail_over_the_limit_is_refused_at_its_end_too() {
    let a = Gateway::start(network());
    let mut text = large();
    while text.len() < 50_100_000 {
        text.extend_from_slice(b"one line more than fits\r\n");
    }
    let mut session = smtp::Session::login(a.smtp(), &a.account(), &a.password());
    let name = format!("{}@tox", a.account());
    let refused = session.send(&a.address(), &[&name], &text).unwrap_err();
    assert!(refused.starts_with("552 5.3.4"), "{refused}");
    // The session goes on.
    session.send(&a.address(), &[&name], b"Subject: small\r\n\r\nfits\r\n").unwrap();
    let _ = a.wait_for_mail(b"fits\r\n");
}
