//! The program as it is called: what needs no running gateway.

use std::process::{Command, Output};

fn toxmail(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_toxmail"))
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn help_names_the_verbs() {
    let output = toxmail(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8_lossy(&output.stdout);
    for verb in ["up", "demo", "status", "id", "contact", "outbox", "account", "component", "slot"] {
        assert!(text.contains(verb), "{verb} is missing:\n{text}");
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [&["frobnicate"][..], &["up", "--smtp", "nowhere"], &["contact", "add", "alias"], &[]] {
        assert_eq!(toxmail(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn the_first_case_of_a_new_project_can_be_asked() {
    let parent = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    for slot in ["policy", "resolver", "relay-selector", "mail-filter"] {
        let directory = parent.path().join(format!("my-{slot}"));
        let status = Command::new(env!("CARGO_BIN_EXE_toxmail"))
            .args(["component", "new", "--lang", "rust", "--slot", slot])
            .arg(&directory)
            .status()
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(status.code(), Some(0), "{slot}");
        let case = sandbox::bench::Case::read(&directory.join("cases/first.toml"));
        assert!(case.is_ok(), "{case:?}");
    }
}
