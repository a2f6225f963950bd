//! The demo of the README, as a program reads it.

use std::process::{Command, Stdio};

use serde_json::Value;

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
