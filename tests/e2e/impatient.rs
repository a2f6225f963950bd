//! Gateways that do at once with drop relays what others spread over hours: a test has none.

use std::fs;

use tempfile::TempDir;
use tests::gateway::Gateway;
use tests::{network, wait};

/// Boards are read every second or so, whatever that tells them.
const CONFIGURATION: &str = "\
[components.settings.relay-selector]
spread-seconds = \"1\"

[drops.times]
read_every = 1
acknowledge_every = [1, 2]
acknowledge_rest = 0
";

/// A gateway that names no drop relay of its own; `times` are more lines of `[drops.times]`.
pub fn gateway(times: &str) -> Gateway {
    gateway_with(times, &[])
}

/// The same with more options.
pub fn gateway_with(times: &str, more: &[&str]) -> Gateway {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("impatient.toml");
    fs::write(&file, format!("{CONFIGURATION}{times}")).unwrap();
    let mut options = network().options();
    options.extend(["--config", file.to_str().unwrap()].iter().chain(more).map(|&option| option.to_owned()));
    Gateway::start_from(directory, options)
}

/// A mail from one gateway to the other that says `text`.
pub fn letter(from: &Gateway, to: &Gateway, text: &str) -> Vec<u8> {
    let (from, to) = (from.address(), to.address());
    format!("From: <{from}>\r\nTo: <{to}>\r\nSubject: {text}\r\n\r\n{text}\r\n").into_bytes()
}

/// Waits until each mail of the outbox has receipts for its copies from one relay.
pub fn left_on_a_relay(gateway: &Gateway) {
    wait::until("the deposit receipts", || {
        let outbox = gateway.json(&["outbox", "list"]);
        let outbox = outbox.as_array().expect("a list");
        (!outbox.is_empty() && outbox.iter().all(|mail| mail["copies"]["complete"] == 1)).then_some(())
    });
}
