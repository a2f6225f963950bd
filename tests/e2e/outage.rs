//! Machines that are off, and processes that are killed.

use tests::gateway::wait_online;
use tests::{Gateway, befriend, network, wait};

#[test]
fn mail_to_a_machine_that_is_off_arrives_when_it_is_on_again() {
    let (mut a, mut b) = (Gateway::start(network()), Gateway::start(network()));
    befriend(&a, &b, ["anna", "ben"]);
    b.stop();
    let text = b"Subject: later\r\n\r\nwhen you are back\r\n";
    a.submit("ben@tox", text);
    assert_eq!(a.json(&["status"])["outbox"]["queued"], 1);

    // The sender's machine is killed as well, with the mail in its outbox.
    a.kill();
    a.restart();
    assert_eq!(a.json(&["status"])["outbox"]["queued"], 1);
    b.restart();
    let _ = b.wait_for_mail(text);
    wait::until("an empty outbox", || (a.json(&["status"])["outbox"]["queued"] == 0).then_some(()));
    assert_eq!(b.mails().len(), 1);
}

#[test]
fn a_mail_survives_the_killing_of_both_sides_and_arrives_once() {
    let (mut a, mut b) = (Gateway::start(network()), Gateway::start(network()));
    befriend(&a, &b, ["anna", "ben"]);
    // Large enough that the kill hits in the middle.
    let mut text = b"Subject: large\r\n\r\n".to_vec();
    for line in 0..400_000 {
        text.extend_from_slice(format!("line {line} of a mail that takes its time\r\n").as_bytes());
    }
    a.submit("ben@tox", &text);
    wait::until("bytes on their way", || {
        let resident = std::fs::metadata(b.path("store.redb")).ok()?.len();
        (resident > 4_000_000).then_some(())
    });
    b.kill();
    b.restart();
    wait_online(&a, "ben");
    a.kill();
    a.restart();
    let _ = b.wait_for_mail(&text);
    wait::until("an empty outbox", || (a.json(&["status"])["outbox"]["queued"] == 0).then_some(()));
    assert_eq!(b.mails().len(), 1, "exactly once");
}

#[test]
fn what_got_250_is_there_after_a_kill() {
    let mut a = Gateway::start(network());
    let name = format!("{}@tox", a.account());
    for number in 0..20 {
        a.submit(&name, format!("Subject: {number}\r\n\r\nto myself {number}\r\n").as_bytes());
    }
    a.kill();
    a.restart();
    for number in 0..20 {
        let _ = a.wait_for_mail(format!("to myself {number}\r\n").as_bytes());
    }
    assert_eq!(a.mails().len(), 20);
}
