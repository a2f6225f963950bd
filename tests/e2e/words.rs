//! A component's words may quote a mail: they are with the account's decisions, as long as the owner wants that, and nowhere else.

use serde_json::{Value, json};
use tests::{Gateway, network, program, smtp, wait};

const SECRET: &str = "quoted-from-the-mail";

/// A gateway whose filter quotes the mail in a wrong answer, its log and its state.
fn gateway(keep_words: bool) -> Gateway {
    let directory = tempfile::tempdir().unwrap();
    let guest = builtin::test_guests().iter().find(|guest| guest.slot == "mail-filter").unwrap();
    std::fs::write(directory.path().join("guest.wasm"), guest.bytes).unwrap();
    configure(directory.path(), keep_words);
    let gateway = Gateway::start_from(directory, network().options());
    let _ =
        gateway.json(&["component", "add", gateway.path("guest.wasm").to_str().unwrap(), "--name", "mine"]);
    let _ = gateway.json(&["slot", "use", "mail-filter", "mine"]);
    gateway
}

fn configure(directory: &std::path::Path, keep_words: bool) {
    let text =
        format!("[components]\nkeep_words = {keep_words}\n[components.settings.mail-filter]\ndo = 'quote'\n");
    std::fs::write(directory.join("config.toml"), text).unwrap();
}

/// A mail that the filter quotes.
fn send(gateway: &Gateway) -> String {
    let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    let to = format!("{}@tox", gateway.account());
    let mail = format!("Subject: {SECRET}\r\n\r\nx\r\n");
    session.send(&gateway.address(), &[&to], mail.as_bytes()).unwrap_err()
}

fn get(gateway: &Gateway, path: &str) -> String {
    let token = std::fs::read_to_string(gateway.path("admin-token")).unwrap();
    let token = format!("Authorization: Bearer {}", token.trim());
    let url = format!("http://{}{path}", gateway.admin());
    program::output(&gateway.path(""), "curl", &["-sSf", "-H", &token, &url], b"")
}

/// Decisions of filters that failed, newest first, once there are `count`.
pub fn failed(gateway: &Gateway, count: usize) -> Vec<Value> {
    wait::until(&format!("{count} failed decisions"), || {
        let text = get(gateway, "/api/v1/decisions?slot=mail-filter&limit=100");
        let decisions: Vec<Value> = serde_json::from_str(&text).unwrap();
        let failed: Vec<Value> = decisions.into_iter().filter(|each| !each["failure"].is_null()).collect();
        (failed.len() >= count).then_some(failed)
    })
}

#[test]
fn what_a_component_says_of_a_mail_is_with_the_decisions_and_nowhere_else() {
    let gateway = gateway(true);
    for _ in 0..5 {
        let refused = send(&gateway);
        assert!(refused.starts_with("451") && !refused.contains(SECRET), "{refused}");
    }
    // It is replaced meanwhile, and all that tell of it say why.
    wait::until("the fallback", || {
        let slots = gateway.json(&["slot", "list"]);
        let filter = slots.as_array().unwrap().iter().find(|row| row["slot"] == "mail-filter").unwrap();
        filter["fallback"]["why"].as_str().map(|why| assert_eq!(why, "filter: its answer makes no sense"))
    });
    for decision in failed(&gateway, 5) {
        let (failure, log) = (decision["failure"].as_str().unwrap(), decision["log"].to_string());
        assert!(failure.contains(SECRET) && log.contains(SECRET), "{decision}");
        assert!(decision["calls"].to_string().contains(SECRET), "{decision}");
        assert_eq!(decision["words_left_out"], false);
    }
    let log = gateway.log();
    assert!(log.contains("a component gave no usable answer") && log.contains("a component warns"), "{log}");
    let shown = [
        log,
        gateway.json(&["status"]).to_string(),
        gateway.json(&["slot", "list"]).to_string(),
        get(&gateway, "/metrics"),
        get(&gateway, "/api/v1/log"),
    ];
    for text in shown {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn words_are_not_kept_when_the_owner_says_so_from_the_next_decision_on() {
    let gateway = gateway(false);
    let _ = send(&gateway);
    let decision = failed(&gateway, 1).remove(0);
    assert!(!decision.to_string().contains(SECRET), "{decision}");
    assert_eq!(
        (&decision["failure"], &decision["words_left_out"]),
        (&json!("its answer makes no sense"), &json!(true))
    );
    assert_eq!(
        (decision["log_lines_dropped"].as_u64(), decision["log"].as_array().unwrap().len()),
        (Some(1), 0)
    );

    configure(&gateway.path(""), true);
    assert_eq!(gateway.json(&["reload"])["changed"], json!(["components.keep_words"]));
    let _ = send(&gateway);
    let decisions = failed(&gateway, 2);
    assert!(decisions[0].to_string().contains(SECRET), "{}", decisions[0]);
    assert!(!decisions[1].to_string().contains(SECRET), "{}", decisions[1]);
}
