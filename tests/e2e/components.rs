//! The four slots are filled by components; one is exchanged while mail flows, and one that misbehaves loses nothing.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tests::{Gateway, network, pop3, smtp, wait};

/// Writes a guest that misbehaves as its settings say to a file, and returns the path.
fn guest(gateway: &Gateway, slot: &str) -> PathBuf {
    let guest = builtin::test_guests().iter().find(|guest| guest.slot == slot).expect("a guest for the slot");
    let file = gateway.path(&format!("guest-{slot}.wasm"));
    std::fs::write(&file, guest.bytes).unwrap();
    file
}

/// A gateway whose components get `do` as a setting: the default ones ignore it.
fn gateway_with(settings: &str) -> Gateway {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("config.toml"), settings).unwrap();
    Gateway::start_from(directory, network().options())
}

#[test]
fn every_slot_is_filled_and_healthy() {
    let gateway = Gateway::start(network());
    let status = gateway.json(&["status"]);
    for slot in ["policy", "resolver", "relay-selector", "mail-filter"] {
        let row = status["slots"].as_array().unwrap().iter().find(|row| row["slot"] == slot);
        let row = row.unwrap_or_else(|| panic!("no {slot} in {status}"));
        assert_eq!(row["sha256"].as_str().unwrap().len(), 64);
        assert_eq!(row["health"], "ok");
    }
}

#[test]
fn a_component_is_exchanged_live_and_taken_back() {
    let mut gateway = Gateway::start(network());
    let name = format!("{}@tox", gateway.account());
    let marked = |gateway: &Gateway, text: &[u8]| {
        String::from_utf8(gateway.wait_for_mail(text)).unwrap().contains("X-Evil: seen")
    };
    {
        let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
        let mut send = |text: &str| {
            session.send(&gateway.address(), &[&name], text.as_bytes()).unwrap();
        };
        send("Subject: 1\r\n\r\nbefore\r\n");
        assert!(!marked(&gateway, b"before\r\n"));

        let file = guest(&gateway, "mail-filter");
        let added = gateway.json(&["component", "add", file.to_str().unwrap(), "--name", "marker"]);
        assert_eq!(added["name"], "marker");
        send("Subject: 2\r\n\r\nadded, not used\r\n");
        assert!(!marked(&gateway, b"added, not used\r\n"));

        // The same session, the next mail: the new component decides.
        let _ = gateway.json(&["slot", "use", "mail-filter", "marker"]);
        send("Subject: 3\r\n\r\nmarked\r\n");
        assert!(marked(&gateway, b"marked\r\n"));
    }
    // The choice survives a kill.
    gateway.kill();
    gateway.restart();
    gateway.submit(&name, b"Subject: 4\r\n\r\nmarked again\r\n");
    assert!(marked(&gateway, b"marked again\r\n"));

    // What is needed stays, what is not can go.
    let needless = guest(&gateway, "policy");
    let _ = gateway.json(&["component", "add", needless.to_str().unwrap(), "--name", "needless"]);
    let removed = gateway.run(&["component", "remove", "needless"]);
    assert!(removed.status.success(), "{removed:?}");
    assert!(!gateway.json(&["component", "list"]).to_string().contains("needless"));
    let needed = gateway.run(&["component", "remove", "marker"]);
    assert!(String::from_utf8_lossy(&needed.stderr).contains("slot rollback mail-filter"), "{needed:?}");
    let _ = gateway.json(&["slot", "rollback", "mail-filter"]);
    gateway.submit(&name, b"Subject: 5\r\n\r\nafter\r\n");
    assert!(!marked(&gateway, b"after\r\n"));
    assert_eq!(gateway.mails().len(), 5);
}

#[test]
fn what_is_no_component_is_refused_with_a_reason() {
    let gateway = Gateway::start(network());
    let file = gateway.path("text.wasm");
    std::fs::write(&file, "not WebAssembly").unwrap();
    let output = gateway.run(&["component", "add", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("component"), "{output:?}");
    let output = gateway.run(&["slot", "use", "policy", "default-resolver"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("policy"), "{output:?}");
}

#[test]
fn a_policy_that_traps_refuses_for_now_and_the_last_good_one_comes_back() {
    let gateway = gateway_with("[components.settings.policy]\ndo = \"trap\"\n");
    let name = format!("{}@tox", gateway.account());
    let file = guest(&gateway, "policy");
    let _ = gateway.json(&["component", "add", file.to_str().unwrap(), "--name", "broken"]);
    let _ = gateway.json(&["slot", "use", "policy", "broken"]);

    let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    let refused = session.send(&gateway.address(), &[&name], b"Subject: x\r\n\r\nx\r\n").unwrap_err();
    assert!(refused.starts_with("451 4.3.0"), "{refused}");
    // After some failures in a row the last good one is back by itself, and the mail goes through.
    wait::until("the default policy", || {
        session.command("RSET");
        session.send(&gateway.address(), &[&name], b"Subject: x\r\n\r\ngoes through\r\n").ok()
    });
    let _ = gateway.wait_for_mail(b"goes through\r\n");
    let slots = gateway.json(&["slot", "list"]);
    let policy = slots.as_array().unwrap().iter().find(|row| row["slot"] == "policy").unwrap();
    assert_eq!(policy["name"], "default-policy");
}

#[test]
fn while_a_filter_spins_other_slots_answer_and_no_mail_is_lost() {
    let gateway = gateway_with("[components.settings.mail-filter]\ndo = \"spin\"\n");
    let name = format!("{}@tox", gateway.account());
    let file = guest(&gateway, "mail-filter");
    let _ = gateway.json(&["component", "add", file.to_str().unwrap(), "--name", "spinning"]);
    let _ = gateway.json(&["slot", "use", "mail-filter", "spinning"]);

    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
            session.send(&gateway.address(), &[&name], b"Subject: x\r\n\r\nfiltered\r\n")
        });
        // The policy and the resolver go on meanwhile, and POP3 does.
        let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
        for _ in 0..50 {
            assert!(session.command(&format!("MAIL FROM:<{}>", gateway.address())).starts_with("250"));
            assert!(session.command(&format!("RCPT TO:<{name}>")).starts_with("250"));
            assert!(session.command("RSET").starts_with("250"));
        }
        assert!(gateway.mails().is_empty());
        let refused = sending.join().unwrap().unwrap_err();
        assert!(refused.starts_with("451 4.3.0"), "{refused}");
    });
    let _ = gateway.json(&["slot", "rollback", "mail-filter"]);
    gateway.submit(&name, b"Subject: x\r\n\r\nafter\r\n");
    let _ = gateway.wait_for_mail(b"after\r\n");
    assert_eq!(gateway.mails().len(), 1);
}

#[test]
fn a_filter_learns_what_the_user_decided() {
    // This guest sets every mail aside, and says in the reason what it has learned.
    let gateway = gateway_with("[components.settings.mail-filter]\ndo = \"learned\"\n");
    let file = guest(&gateway, "mail-filter");
    let _ = gateway.json(&["component", "add", file.to_str().unwrap(), "--name", "learning"]);
    let _ = gateway.json(&["slot", "use", "mail-filter", "learning"]);
    gateway.submit(&format!("{}@tox", gateway.account()), b"Subject: x\r\n\r\nset aside\r\n");
    let waiting = gateway.json(&["quarantine", "list"]);
    assert_eq!(waiting[0]["reason"], "nothing", "{waiting}");

    // Released, it goes to the mailbox, where the filter sees it again, and has learned.
    let _ = gateway.json(&["quarantine", "release", waiting[0]["id"].as_str().unwrap()]);
    wait::until("the filter to have learned", || {
        let waiting = gateway.json(&["quarantine", "list"]);
        let reason = waiting[0]["reason"].as_str()?.to_owned();
        reason.contains("eleased").then_some(())
    });

    // What the user says of a mail set aside, and of one in the mailbox that POP3 names.
    let name = format!("{}@tox", gateway.account());
    let learned = |what: &str| {
        gateway.submit(&name, b"Subject: y\r\n\r\nanother\r\n");
        let waiting = gateway.json(&["quarantine", "list"]);
        waiting.as_array().unwrap().iter().any(|row| row["reason"].as_str().unwrap().contains(what))
    };
    let id = gateway.json(&["quarantine", "list"])[0]["id"].as_str().unwrap().to_owned();
    let _ = gateway.json(&["mail", "spam", &id]);
    assert!(learned("::Spam"));
    let _ = gateway.json(&["slot", "rollback", "mail-filter"]);
    gateway.submit(&name, b"Subject: z\r\n\r\nwanted\r\n");
    let _ = gateway.wait_for_mail(b"wanted\r\n");
    let _ = gateway.json(&["slot", "rollback", "mail-filter"]);
    let mut session = pop3::Session::login(gateway.pop3(), &gateway.account(), &gateway.password()).unwrap();
    let listed = session.command("UIDL 1").unwrap();
    let _ = gateway.json(&["mail", "ham", listed.split_whitespace().last().unwrap()]);
    assert!(learned("::NotSpam"));
    assert_eq!(gateway.run(&["mail", "ham", &"0".repeat(32)]).status.code(), Some(1));
}

/// Killed while one component takes another's place, the gateway comes back with one of the two, and with the new one if that was promised.
#[test]
fn a_crash_in_the_middle_of_a_swap_leaves_the_old_or_the_new_component() {
    let mut gateway = Gateway::start(network());
    let file = guest(&gateway, "mail-filter");
    let _ = gateway.json(&["component", "add", file.to_str().unwrap(), "--name", "marker"]);
    let live = |gateway: &Gateway| {
        let slots = gateway.json(&["slot", "list"]);
        let row = slots.as_array().unwrap().iter().find(|row| row["slot"] == "mail-filter").unwrap();
        row["name"].as_str().unwrap().to_owned()
    };
    let (mut old, mut promised) = ("default-mail-filter", 0);
    for round in 0..8 {
        let new = if old == "marker" { "default-mail-filter" } else { "marker" };
        let mut swap = Command::new(tests::gateway::program())
            .args(["slot", "use", "mail-filter", new, "--data"])
            .arg(gateway.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // From before the request to after the answer.
        std::thread::sleep(Duration::from_millis(12 * round));
        gateway.kill();
        let was_promised = swap.wait().unwrap().success();
        promised += usize::from(was_promised);
        gateway.restart();
        let now = live(&gateway);
        assert!(
            now == new || (now == old && !was_promised),
            "{old} -> {new}, promised {was_promised}: {now}"
        );
        old = if now == new { new } else { old };
    }
    println!("{promised} of 8 swaps were promised before the kill");
    gateway.submit(&format!("{}@tox", gateway.account()), b"Subject: x\r\n\r\nafter all\r\n");
    let _ = gateway.wait_for_mail(b"after all\r\n");
}
