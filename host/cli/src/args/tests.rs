use clap::{CommandFactory, Parser};
use proptest::prelude::*;

use super::*;

const KEY: &str = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855";

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("toxmail").chain(line.split_whitespace()))
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_promised_line_parses() {
    let id = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";
    let mail = "00112233445566778899aabbccddeeff";
    for line in [
        "up".to_owned(),
        format!(
            "up --data /d --config /c --smtp 127.0.0.1:0 --pop3 [::1]:0 --admin 127.0.0.1:0 --tox-port 33445 \
             --tox-tcp-port 33446 --bootstrap 127.0.0.1:33445:{KEY} --bootstrap [::1]:1:{KEY}:2 \
             --no-public-bootstrap --dns localhost:53"
        ),
        "up --serve-drops".to_owned(),
        format!(
            "relay serve --data /d --admin 127.0.0.1:0 --tox-port 1 --tox-tcp-port 2 --bootstrap [::1]:1:{KEY}:2"
        ),
        "relay list --json".to_owned(),
        "relay invite".to_owned(),
        format!("relay add {KEY}"),
        format!("relay add {KEY}/{mail}"),
        format!("relay remove {KEY}"),
        "demo --once --json".to_owned(),
        "status --json --data /d --account anna".to_owned(),
        "--json --data /d --account anna id".to_owned(),
        "contact list".to_owned(),
        "contact requests --json".to_owned(),
        format!("contact add bob {id} --message hello"),
        "contact add bob bob@example.org".to_owned(),
        format!("contact accept {KEY}"),
        format!("contact accept {KEY} bob --account anna"),
        "contact remove bob".to_owned(),
        "contact names bob".to_owned(),
        "contact confirm bob bob@example.org".to_owned(),
        "outbox list".to_owned(),
        format!("outbox show {mail}"),
        format!("outbox retry {mail}"),
        format!("outbox cancel {mail}"),
        "quarantine list".to_owned(),
        format!("quarantine release {mail}"),
        format!("quarantine delete {mail}"),
        format!("mail spam {mail}"),
        format!("mail ham {mail}"),
        "account list".to_owned(),
        "account add anna".to_owned(),
        "account password anna --password-stdin".to_owned(),
        "component list".to_owned(),
        "component add p.wasm --name mine".to_owned(),
        "component remove mine".to_owned(),
        "component state".to_owned(),
        "component clear-state mail-filter/tags/mine --account bob".to_owned(),
        "slot list".to_owned(),
        "slot use mail-filter mine".to_owned(),
        format!("slot use policy {}", "ab".repeat(32)),
        "slot rollback relay-selector".to_owned(),
        "slot use mail-filter mine --entry tags".to_owned(),
        "slot rollback mail-filter --entry tags".to_owned(),
        "slot seen policy".to_owned(),
        "slot seen mail-filter --entry tags".to_owned(),
        "slot order tags spam".to_owned(),
        "slot remove tags".to_owned(),
        "slot shadow policy mine".to_owned(),
        "slot shadow policy".to_owned(),
        "slot shadow policy --off".to_owned(),
        "component replay p.wasm --slot policy --days 7".to_owned(),
        "component add p.wasm --signature p.sig".to_owned(),
        "policy-set use family.toml".to_owned(),
        "pin list".to_owned(),
        "pin accept bob@example.org".to_owned(),
    ] {
        assert!(parse(&line).is_ok(), "{line}: {}", parse(&line).unwrap_err());
    }
}

#[test]
fn wrong_usage_is_exit_code_2_and_says_what_is_meant() {
    for (line, hint) in [
        ("frobnicate", "unrecognized subcommand"),
        ("contact accept 1234", "64"),
        ("contact add bob nobody", "76 hex digits"),
        ("slot use door mine", "relay-selector"),
        ("outbox show x", "32 hex digits"),
        ("up --bootstrap localhost:1", "HOST:PORT:KEY"),
        ("status --account A..B", "account name"),
    ] {
        let error = parse(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
        assert!(error.to_string().contains(hint), "{line}: {error}");
    }
}

#[test]
fn a_bootstrap_node_has_four_parts_at_most() {
    let node: Node = format!("[::1]:33445:{KEY}:3389").parse().unwrap();
    assert_eq!((node.host.as_str(), node.port, node.tcp_port), ("::1", 33445, Some(3389)));
    let node: Node = format!("tox.example.org:1:{KEY}").parse().unwrap();
    assert_eq!((node.host.as_str(), node.port, node.tcp_port), ("tox.example.org", 1, None));
    for wrong in [
        format!("h:0:{KEY}"),
        format!("h:65536:{KEY}"),
        format!(":1:{KEY}"),
        format!("h:1:{KEY}:0"),
        format!("h:1:{KEY}:1:1"),
        format!("[x]:1:{KEY}"),
        format!("a b:1:{KEY}"),
        "h:1".to_owned(),
        "h:1:ab".to_owned(),
    ] {
        assert!(wrong.parse::<Node>().is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_node_or_refused(text in "\\PC{0,90}|\\[?[a-z0-9.:]{0,20}\\]?:[0-9]{0,6}:[0-9A-F]{62,66}(:[0-9]{0,6}){0,2}") {
        if let Ok(node) = text.parse::<Node>() {
            prop_assert!(node.port > 0 && node.tcp_port != Some(0) && !node.host.is_empty());
        }
    }
}
