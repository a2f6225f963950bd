//! The four slots are filled by components, and one can be exchanged while mail flows.

use tests::{Gateway, network, smtp};

#[test]
fn every_slot_is_filled_and_healthy() {
    let gateway = Gateway::start(network());
    let slots = gateway.json(&["slot", "list"]);
    for slot in ["policy", "resolver", "relay-selector", "mail-filter"] {
        let row = slots.as_array().unwrap().iter().find(|row| row["slot"] == slot);
        let row = row.unwrap_or_else(|| panic!("no {slot} in {slots}"));
        assert_eq!(row["sha256"].as_str().unwrap().len(), 64);
    }
}

#[test]
fn a_component_is_exchanged_live_and_taken_back() {
    let gateway = Gateway::start(network());
    let name = format!("{}@tox", gateway.account());
    let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    session.send(&gateway.address(), &[&name], b"Subject: 1\r\n\r\nbefore\r\n").unwrap();

    // A policy of a few lines that refuses every submission.
    let component = tests::component::refusing_policy();
    let file = gateway.path("refusing.wasm");
    std::fs::write(&file, component).unwrap();
    let _ = gateway.json(&["component", "add", file.to_str().unwrap(), "--name", "refusing"]);
    session.send(&gateway.address(), &[&name], b"Subject: 2\r\n\r\nadded, not used\r\n").unwrap();
    let _ = gateway.json(&["slot", "use", "policy", "refusing"]);

    // The same session, the next mail: the new component decides.
    let refused = session.send(&gateway.address(), &[&name], b"Subject: 3\r\n\r\nrefused\r\n").unwrap_err();
    assert!(refused.starts_with("550 5.7.1"), "{refused}");
    session.command("RSET");
    let _ = gateway.json(&["slot", "rollback", "policy"]);
    session.send(&gateway.address(), &[&name], b"Subject: 4\r\n\r\nafter\r\n").unwrap();
    let _ = gateway.wait_for_mail(b"after\r\n");
    assert_eq!(gateway.mails().len(), 3);
}
