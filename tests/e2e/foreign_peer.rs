//! A Tox peer that is not ours, written in C on c-toxcore alone.

use tests::foreign_peer::ForeignPeer;
use tests::{Gateway, network, wait};

#[test]
fn a_foreign_peer_befriends_the_gateway_and_its_garbage_changes_nothing() {
    let network = network();
    let gateway = Gateway::start(network);
    let mut peer = ForeignPeer::start(network);
    peer.command(&format!("add {} hello from another client", gateway.tox_id()));
    let key = peer.tox_id()[..64].to_owned();
    wait::until("the friend request", || {
        let requests = gateway.json(&["contact", "requests"]);
        let request = requests.as_array()?.iter().find(|request| request["key"] == key.as_str())?.clone();
        assert_eq!(request["message"], "hello from another client");
        Some(())
    });
    let _ = gateway.json(&["contact", "accept", &key, "stranger"]);

    // It sees the gateway's presence, and mail to it waits: it speaks no mail.
    let gateway_key = gateway.tox_id()[..64].to_owned();
    let _ = peer.wait_for(&format!("friend-online {gateway_key}"));
    gateway.submit("stranger@tox", b"Subject: x\r\n\r\nwaits\r\n");

    let before = gateway.resident();
    for _ in 0..20 {
        peer.command(&format!("garbage {gateway_key}"));
    }
    peer.command(&format!("message {gateway_key} are you still there?"));

    // Still there, still serving, not grown; and it still knows its contact.
    gateway.submit(&format!("{}@tox", gateway.account()), b"Subject: x\r\n\r\nstill here\r\n");
    let _ = gateway.wait_for_mail(b"still here\r\n");
    assert_eq!(gateway.json(&["status"])["outbox"]["queued"], 1);
    assert!(
        gateway.resident() < before + 20 * 1024 * 1024,
        "memory grew: {} to {}",
        before,
        gateway.resident()
    );
    assert!(!gateway.log().contains("panicked"), "{}", gateway.log());
}
