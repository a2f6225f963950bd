//! Deposits paid with tokens: a drop relay for members, one who is invited to it, and a contact of theirs.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use tests::gateway::{Gateway, befriend};
use tests::{network, wait};

use crate::impatient::{self, left_on_a_relay, letter};

/// A relay that takes no stamps: what it gives a receipt for was paid with a token.
const FOR_MEMBERS: &str = "[components.settings.policy]\ndeposits = \"members\"\n";

/// Tokens rest for a second: a test has no days.
const RESTLESS: &str = "token_rest = 1\n";

/// The only relay a gateway knows.
fn relay_of(gateway: &Gateway) -> Option<Value> {
    gateway.json(&["relay", "list"]).as_array().expect("a list").first().cloned()
}

/// Tokens of a kind, for the only relay.
fn tokens(gateway: &Gateway, kind: &str) -> u64 {
    relay_of(gateway).and_then(|relay| relay["tokens"][kind].as_u64()).unwrap_or_default()
}

#[test]
fn who_is_invited_pays_with_tokens_and_passes_some_on_to_contacts_who_pay_with_them() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("config.toml"), FOR_MEMBERS).unwrap();
    let relay = Gateway::start_relay(directory, network());
    let invitation = relay.json(&["relay", "invite"])["address"].as_str().unwrap().to_owned();
    let (mut cleo, mut anna) = (impatient::gateway(RESTLESS), impatient::gateway(RESTLESS));
    let added = cleo.json(&["relay", "add", &invitation]);
    assert_eq!((&added["invited"], &added["tokens"]["own"]), (&true.into(), &0.into()));

    // The issuing key is seen by two throwaways, tokens are fetched by another; later a few are Anna's, in the record Cleo sends her.
    wait::until("Cleo's tokens", || (tokens(&cleo, "own") >= 128).then_some(()));
    befriend(&cleo, &anna, ["cleo", "anna"]);
    let issued = relay.json(&["relay", "invitations"])[0]["issued"].as_u64().unwrap();
    assert!(issued >= 256, "{issued}");
    wait::until("Anna's tokens", || (tokens(&anna, "from_contacts") == 8).then_some(()));
    let known = relay_of(&anna).unwrap();
    assert_eq!((&known["chosen_by_user"], &known["tokens"]["own"]), (&false.into(), &0.into()));
    assert_eq!((tokens(&cleo, "with_contacts"), tokens(&cleo, "own_gone")), (8, 8));

    assert!(anna.stop().success());
    let first = letter(&cleo, &anna, "paid with a token of mine");
    cleo.submit(&anna.address(), &first);
    left_on_a_relay(&cleo);
    // Her record in the mail may pass more on; one token at least is spent.
    let (gone, passed) = (tokens(&cleo, "own_gone"), tokens(&cleo, "with_contacts"));
    assert!(gone > passed, "{gone} gone, {passed} of them with contacts");
    assert!(cleo.stop().success());

    anna.restart();
    let _ = anna.wait_for_mail(&first);
    let answer = letter(&anna, &cleo, "paid with a token of yours");
    anna.submit(&cleo.address(), &answer);
    left_on_a_relay(&anna);
    assert!(tokens(&anna, "from_contacts_gone") >= 1);
}
