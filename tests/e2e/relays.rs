//! Drop relays: served by a gateway, and by a node that does nothing else.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tests::gateway::Gateway;
use tests::{network, wait};

/// A node that is a drop relay and nothing else.
fn relay_only(directory: TempDir) -> Gateway {
    Gateway::start_relay(directory, network())
}

fn served(gateway: &Gateway) -> Value {
    let relays = gateway.json(&["relay", "list"]);
    let own = relays.as_array().expect("a list").iter().find(|relay| !relay["serving"].is_null());
    own.expect("the own relay").clone()
}

#[test]
fn a_relay_alone_has_no_mail_and_keeps_its_identity() {
    let mut relay = relay_only(TempDir::new().unwrap());
    assert!(relay.ready["smtp"].is_null() && relay.ready["pop3"].is_null());
    let address = relay.tox_id();
    let own = served(&relay);
    // After it stands the mark of its owner: the same in every address of the relay.
    let shown = own["address"].as_str().unwrap().to_owned();
    let mark = shown.strip_prefix(&format!("{address}/")).expect("the address and a mark").to_owned();
    assert_eq!((mark.len(), &own["serving"]["cells"]), (16, &0.into()));
    wait::until("the relay is online", || (served(&relay)["serving"]["online"] == true).then_some(()));
    assert_eq!(relay.json(&["status"])["tox"]["online"], true);
    assert!(!relay.run(&["id"]).status.success(), "no account is on Tox");

    let invitation = relay.json(&["relay", "invite"])["address"].as_str().unwrap().to_owned();
    assert!(invitation.starts_with(&format!("{address}/")) && invitation.ends_with(&format!("/{mark}")));
    // An invitation is durable when it is shown.
    relay.kill();
    relay.restart();
    assert_eq!(relay.tox_id(), address);
    assert_eq!(
        (&served(&relay)["serving"]["invitations"], &served(&relay)["address"]),
        (&1.into(), &shown.into())
    );
    let name = relay.json(&["relay", "invitations"])[0]["name"].as_str().unwrap().to_owned();
    assert!(relay.run(&["relay", "uninvite", &invitation]).status.success(), "by what was given away");
    relay.kill();
    relay.restart();
    assert_eq!(relay.json(&["relay", "invitations"]).as_array().unwrap().len(), 0, "for good");
    let again = relay.run(&["relay", "uninvite", &name]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("relay invitations"), "it says what to do");
    assert!(relay.stop().success());
}

#[test]
fn relays_are_named_and_forgotten() {
    let gateway = Gateway::start_with(network(), &["--serve-drops"]);
    let own = served(&gateway);
    assert_ne!(own["address"].as_str(), Some(gateway.tox_id().as_str()), "an identity of its own");
    assert_eq!(own["address_hidden"], "relays");

    let person = gateway.run(&["relay", "add", &gateway.tox_id()]);
    assert_eq!(person.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&person.stderr).contains("contact add"), "it says what to do");
    let other = "11".repeat(32);
    let added = gateway.json(&["relay", "add", &format!("{other}/{}", "ab".repeat(16))]);
    assert_eq!((&added["invited"], &added["chosen_by_user"]), (&true.into(), &true.into()));
    let listed = gateway.json(&["relay", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains("ABABAB"), "an invitation is a secret");
    assert!(gateway.run(&["relay", "remove", &other]).status.success());
    assert!(!gateway.run(&["relay", "remove", &other]).status.success());
    let own_key = own["key"].as_str().unwrap();
    let kept = gateway.run(&["relay", "remove", own_key]);
    assert!(String::from_utf8_lossy(&kept.stderr).contains("--serve-drops"));
}

#[test]
fn throwaways_ask_tor_where_it_is_set() {
    let tor = TcpListener::bind("127.0.0.1:0").unwrap();
    tor.set_nonblocking(true).unwrap();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("tor.toml");
    let tor_at = tor.local_addr().unwrap();
    fs::write(&file, format!("[drops]\ntor = \"{tor_at}\"\n\n[drops.times]\nread_every = 1\n")).unwrap();
    let mut options = network().options();
    options.extend(["--config".to_owned(), file.to_str().unwrap().to_owned()]);
    let gateway = Gateway::start_from(directory, options);
    let added = gateway.json(&["relay", "add", &"11".repeat(32)]);
    assert_eq!(added["address_hidden"], "proxy", "nobody on the Tox network sees the address");
    // The first throwaway of the first reading comes here, and offers a name for circuits of its own
    // (RFC 1928 section 3). A stranger may come before: clients of a relay that had this port.
    wait::until("a throwaway asks Tor for circuits of its own", || {
        let (mut client, _) = tor.accept().ok()?;
        client.set_nonblocking(false).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut greeting = [0; 4];
        client.read_exact(&mut greeting).ok()?;
        (greeting == [5, 2, 0, 2]).then_some(())
    });
}
