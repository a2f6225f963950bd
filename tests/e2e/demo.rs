//! The demo of the README, as a program reads it.

use std::process::{Command, Stdio};

use serde_json::Value;
use tests::gateway::signal;
use tests::wait;

#[test]
fn the_demo_holds() {
    let output = Command::new(tests::gateway::program())
        .args(["demo", "--once", "--json"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let results: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(results["ok"], true, "{results}");
}

/// Processes that name `place` in their arguments.
fn running_in(place: &std::path::Path) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let arguments = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    arguments.filter(|line| String::from_utf8_lossy(line).contains(place.to_str().unwrap())).count()
}

#[test]
fn a_demo_that_is_told_to_end_in_the_middle_leaves_no_gateway_and_no_directory() {
    let place = tempfile::tempdir().unwrap();
    for name in ["TERM", "HUP"] {
        let mut demo = Command::new(tests::gateway::program())
            .args(["demo", "--once", "--json"])
            .env("TMPDIR", place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait::until("the demo's gateways", || (running_in(place.path()) >= 2).then_some(()));
        signal(demo.id(), name);
        let status = wait::until("the end of the demo", || demo.try_wait().unwrap());
        assert!(!status.success());
        wait::until("the end of its gateways", || (running_in(place.path()) == 0).then_some(()));
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "after SIG{name}");
    }
}
