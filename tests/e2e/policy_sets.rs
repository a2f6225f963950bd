//! The policies of `policies/` in a gateway, as their policy set puts them to work: live and at start.
//!
//! The set of the Rust ones is built and tried here. All of `family.toml`, with JavaScript and Python, is the long mode:
//! `policies/build-all.sh gateway`.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tests::gateway::program;
use tests::{Gateway, network, pop3, wait};

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies").canonicalize().unwrap()
}

/// Builds a Rust policy as its user does, beside the built-in components; the file.
fn build(name: &str) -> PathBuf {
    let directory = policies().join(name);
    run(&mut Command::new(directory.join("build.sh")));
    directory.join(format!("{name}.wasm"))
}

/// Runs a script that builds a component.
fn run(command: &mut Command) {
    let target = program().ancestors().nth(2).unwrap().join("components");
    // What cargo says to a test would mislead the one that builds the policy.
    for (variable, _) in std::env::vars_os() {
        let text = variable.to_string_lossy();
        if (text.starts_with("CARGO_") && text != "CARGO_HOME")
            || text == "LD_LIBRARY_PATH"
            || text.starts_with("RUST")
        {
            command.env_remove(&variable);
        }
    }
    let output = command.env("TOXMAIL", program()).env("CARGO_TARGET_DIR", target).output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
}

/// The entries of `family.toml` whose components are written in Rust, in a directory with these components.
fn rust_set(directory: &Path) -> PathBuf {
    let family = std::fs::read_to_string(policies().join("family.toml")).unwrap();
    let (_, entries) = family.split_once("[[entry]]").unwrap();
    let mut set = String::new();
    for entry in entries.split("[[entry]]") {
        let file = entry.lines().find_map(|line| line.strip_prefix("file = ")).unwrap().trim_matches('"');
        let name = file.split('/').next().unwrap();
        if !policies().join(name).join("Cargo.toml").exists() {
            continue;
        }
        std::fs::create_dir(directory.join(name)).unwrap();
        std::fs::copy(build(name), directory.join(file)).unwrap();
        set.push_str("[[entry]]");
        set.push_str(entry);
    }
    assert_eq!(set.matches("[[entry]]").count(), 2, "{set}");
    let path = directory.join("set.toml");
    std::fs::write(&path, set).unwrap();
    path
}

/// Entry and component of every slot that a policy fills.
fn filled(gateway: &Gateway) -> Vec<(String, String)> {
    let slots = gateway.json(&["slot", "list"]);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let rows = slots.as_array().unwrap().iter().map(|row| (text(&row["entry"]), text(&row["name"])));
    rows.filter(|(_, name)| !name.starts_with("default-")).collect()
}

fn names(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(entry, name)| ((*entry).to_owned(), (*name).to_owned())).collect()
}

/// A gateway whose configuration names the set, and one that gets it while it runs: the same stands in both, also after a kill.
fn live_and_at_start(set: &Path, expected: &[(&str, &str)]) -> Gateway {
    let directory = TempDir::new().unwrap();
    let config = format!("[components]\npolicy_set = \"{}\"\n", set.display());
    std::fs::write(directory.path().join("config.toml"), config).unwrap();
    let mut at_start = Gateway::start_from(directory, network().options());
    assert_eq!(filled(&at_start), names(expected), "at start");
    works(&at_start);
    at_start.stop();

    let mut live = Gateway::start(network());
    assert_eq!(filled(&live), []);
    // An interpreter may take longer to compile than the command waits.
    let used = live.run(&["policy-set", "use", set.to_str().unwrap()]);
    wait::until(&format!("the set to be live: {used:?}"), || {
        (filled(&live) == names(expected)).then_some(())
    });
    works(&live);
    live.kill();
    live.restart();
    assert_eq!(filled(&live), names(expected), "after a kill");
    live
}

fn works(gateway: &Gateway) {
    let text = b"Subject: x\r\n\r\nthrough the whole set\r\n";
    gateway.submit(&format!("{}@tox", gateway.account()), text);
    let _ = gateway.wait_for_mail(text);
}

/// The ids of all mails in the mailbox, oldest first.
fn ids(gateway: &Gateway) -> Vec<String> {
    let mut session = wait::until("the mailbox to be free", || {
        pop3::Session::login(gateway.pop3(), &gateway.account(), &gateway.password()).ok()
    });
    session.command("UIDL").unwrap();
    let listed = String::from_utf8(session.lines()).unwrap();
    listed.lines().map(|line| line.split_whitespace().last().unwrap().to_owned()).collect()
}

/// The filter of the set learns from what the user says, and then decides, with the setting of the set.
fn learns(gateway: &Gateway) {
    let own = format!("{}@tox", gateway.account());
    let spam =
        |number| format!("Subject: Cheap pills\r\n\r\nBuy cheap pills now, winner number {number}!\r\n");
    let wanted = |number| {
        format!("Subject: Garden\r\n\r\nThe tomatoes in the garden are ripe, come on Sunday {number}.\r\n")
    };
    for number in 0..3 {
        for (text, word) in [(spam(number), "spam"), (wanted(number), "ham")] {
            gateway.submit(&own, text.as_bytes());
            let _ = gateway.wait_for_mail(text.as_bytes());
            let _ = gateway.json(&["mail", word, ids(gateway).last().unwrap()]);
        }
    }
    gateway.submit(&own, spam(9).as_bytes());
    let why = wait::until("a mail set aside", || {
        let waiting = gateway.json(&["quarantine", "list"]);
        waiting[0]["reason"].as_str().map(str::to_owned)
    });
    assert!(why.contains("looks like spam"), "{why}");
    let text = wanted(9);
    gateway.submit(&own, text.as_bytes());
    let mail = String::from_utf8(gateway.wait_for_mail(text.as_bytes())).unwrap();
    assert!(mail.contains("X-Spam-Score: 0.0"), "{mail}");
}

#[test]
fn the_policies_in_rust_work_as_a_set_live_and_at_start() {
    let directory = TempDir::new().unwrap();
    let set = rust_set(directory.path());
    let expected = [("relay-selector", "relay-spread"), ("spam", "spam-score")];
    let gateway = live_and_at_start(&set, &expected);
    learns(&gateway);
}

#[test]
#[ignore = "run by `policies/build-all.sh gateway`, with tools of npm and PyPI"]
fn the_family_set_works_live_and_at_start() {
    let expected = [
        ("policy", "quiet-hours"),
        ("relay-selector", "relay-spread"),
        ("tags", "sender-tags"),
        ("spam", "spam-score"),
    ];
    let gateway = live_and_at_start(&policies().join("family.toml"), &expected);
    learns(&gateway);
    let text = b"From: me <owner@tox>\r\nSubject: x\r\n\r\ntagged\r\n";
    gateway.submit(&format!("{}@tox", gateway.account()), text);
    let mail = String::from_utf8(gateway.wait_for_mail(text)).unwrap();
    assert!(mail.contains("X-Tag: Friends"), "{mail}");
}

/// `component new` writes what builds, answers its cases and goes live without a change.
#[test]
#[ignore = "run by `policies/build-all.sh gateway`, with tools of npm and PyPI"]
fn a_new_project_of_each_language_builds_and_installs_as_it_is() {
    let gateway = Gateway::start(network());
    let place = TempDir::new().unwrap();
    // Where `toxmail` looks for the running gateway.
    std::os::unix::fs::symlink(gateway.path(""), place.path().join("toxmail")).unwrap();
    for (language, slot) in [
        ("rust", "policy"),
        ("rust", "resolver"),
        ("rust", "relay-selector"),
        ("rust", "mail-filter"),
        ("js", "policy"),
        ("python", "resolver"),
    ] {
        let name = format!("{language}-{slot}");
        let directory = place.path().join(&name);
        let made = Command::new(program())
            .args(["component", "new", "--lang", language, "--slot", slot])
            .arg(&directory)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        run(Command::new(directory.join("build.sh")).arg("install").env("XDG_DATA_HOME", place.path()));
        assert!(filled(&gateway).contains(&(slot.to_owned(), name.clone())), "{name} is not live");
        works(&gateway);
    }
}
