//! Data directories that former versions made open with this one, and everything is in them (`tests/fixtures`).

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use tests::{Gateway, network, pop3, wait};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// A file of the fixture as it went over the wire, with CR LF.
fn sent(version: &str, name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(format!("{FIXTURES}/{version}/{name}")).unwrap();
    text.replace('\n', "\r\n").into_bytes()
}

fn unpack(version: &str, directory: &Path) {
    let status = Command::new("tar")
        .args(["--extract", "--gzip", "--file"])
        .arg(format!("{FIXTURES}/{version}/data.tar.gz"))
        .arg("--directory")
        .arg(directory)
        .status()
        .unwrap();
    assert!(status.success());
}

fn contains(mail: &[u8], text: &str) -> bool {
    mail.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_data_directory_of_version_0_1_0_opens_with_its_mails() {
    let version = "version-0.1.0";
    let directory = tempfile::tempdir().unwrap();
    unpack(version, directory.path());
    let mut gateway = Gateway::start_from(directory, network().options());

    let letter = sent(version, "letter.eml");
    let mails = gateway.mails();
    assert!(
        mails.iter().any(|mail| mail.ends_with(&letter)),
        "{} mails, the letter is not among them",
        mails.len()
    );
    assert!(mails.iter().any(|mail| contains(mail, "Subject: Welcome to Toxmail")));

    let accounts = gateway.json(&["account", "list"]);
    let names: BTreeSet<_> =
        accounts.as_array().unwrap().iter().filter_map(|account| account["name"].as_str()).collect();
    assert_eq!(names, BTreeSet::from(["carla", "owner"]));
    pop3::Session::login(gateway.pop3(), "carla", "a password of carla").unwrap();

    let contact = gateway.json(&["contact", "list"])[0].clone();
    assert_eq!((&contact["alias"], &contact["state"]), (&"ben".into(), &"requested".into()));

    // The mail to Ben waits. Days after the fixture was made it is given up, and comes back.
    wait::until("the mail to Ben", || {
        let outbox = gateway.json(&["outbox", "list"]);
        let waits = outbox.as_array()?.iter().any(|entry| entry["recipient"] == "ben@tox");
        let came_back = gateway.mails().iter().any(|mail| contains(mail, "This waits for Ben"));
        (waits || came_back).then_some(())
    });

    assert!(gateway.path("store.redb.format-4").exists(), "a copy of the old file is kept");
    gateway.submit("owner@tox", b"Subject: new\r\n\r\nStored by this version\r\n");
    let _ = gateway.wait_for_mail(b"Stored by this version\r\n");
    assert!(gateway.stop().success());
    gateway.restart();
    assert!(gateway.mails().iter().any(|mail| mail.ends_with(&letter)));
}
