//! People who are never online at the same time, by the boards of a contact they have in common.

use serde_json::Value;
use tests::gateway::{Gateway, befriend};
use tests::{network, wait};

use crate::impatient::{self, left_on_a_relay, letter};

fn list(gateway: &Gateway, arguments: &[&str]) -> Vec<Value> {
    gateway.json(arguments).as_array().expect("a list").clone()
}

/// How many cells the relay served there holds.
fn cells(host: &Gateway) -> u64 {
    let relays = list(host, &["relay", "list"]);
    relays.iter().find_map(|relay| relay["serving"]["cells"].as_u64()).expect("it serves one")
}

fn empty_outbox(gateway: &Gateway) {
    wait::until("the acknowledgement", || (gateway.json(&["status"])["outbox"]["queued"] == 0).then_some(()));
}

fn copies_of(gateway: &Gateway, letter: &[u8]) -> usize {
    gateway.mails().iter().filter(|mail| mail.ends_with(letter)).count()
}

#[test]
fn two_who_are_never_online_together_write_over_the_relay_of_a_contact() {
    let cleo = Gateway::start_with(network(), &["--serve-drops"]);
    let (mut anna, mut ben) = (impatient::gateway(""), impatient::gateway(""));
    // They met once, and Cleo too: what she reads stands in her mailbox record, and comes with the greeting.
    befriend(&anna, &cleo, ["anna", "cleo"]);
    befriend(&ben, &cleo, ["ben", "cleo"]);
    befriend(&anna, &ben, ["anna", "ben"]);
    for gateway in [&anna, &ben] {
        wait::until("Cleo's board to be known", || {
            (!list(gateway, &["relay", "list"]).is_empty()).then_some(())
        });
    }
    // Greeted once more, now that both know Cleo's.
    assert!(ben.stop().success());
    ben.restart();
    for (gateway, other) in [(&anna, "ben"), (&ben, "anna")] {
        wait::until(&format!("the boards of {other}"), || {
            let contacts = list(gateway, &["contact", "list"]);
            let contact = contacts.iter().find(|contact| contact["alias"] == other)?;
            (!contact["relays"].as_array()?.is_empty()).then_some(())
        });
    }
    for (from, to) in [(&anna, &ben), (&ben, &anna)] {
        let met = letter(from, to, "nice to meet you");
        from.submit(&to.address(), &met);
        let _ = to.wait_for_mail(&met);
    }
    for gateway in [&anna, &ben] {
        let relays = list(gateway, &["relay", "list"]);
        assert!(relays.iter().all(|relay| relay["chosen_by_user"] == false), "none was named: {relays:?}");
        empty_outbox(gateway);
    }
    let before = cells(&cleo);
    assert!(ben.stop().success());

    // From here on never both.
    let first = letter(&anna, &ben, "over Cleo's board");
    anna.submit(&ben.address(), &first);
    left_on_a_relay(&anna);
    assert_eq!(cells(&cleo), before + 1);
    assert!(anna.stop().success());

    ben.restart();
    let _ = ben.wait_for_mail(&first);
    let answer = letter(&ben, &anna, "the same way back");
    ben.submit(&anna.address(), &answer);
    left_on_a_relay(&ben);
    wait::until("answer and acknowledgement are there too", || (cells(&cleo) >= before + 3).then_some(()));
    assert!(ben.stop().success());

    anna.restart();
    let _ = anna.wait_for_mail(&answer);
    empty_outbox(&anna);
    wait::until("her acknowledgement is there", || (cells(&cleo) >= before + 4).then_some(()));
    assert!(anna.stop().success());

    ben.restart();
    empty_outbox(&ben);
    assert_eq!(copies_of(&ben, &first), 1, "shown once");
    assert!(ben.stop().success());
    anna.restart();
    assert_eq!(copies_of(&anna, &answer), 1, "shown once");
}
