//! Components on trial and policy sets, through the command line of a running gateway.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tests::{Gateway, network, wait};

/// Writes a built-in or misbehaving component to a file.
fn component(gateway: &Gateway, name: &str) -> PathBuf {
    let all = builtin::components().iter().chain(builtin::test_guests());
    let found = all.into_iter().find(|component| component.name == name).expect("a component");
    let file = gateway.path(&format!("{name}.wasm"));
    std::fs::write(&file, found.bytes).unwrap();
    file
}

pub fn add(gateway: &Gateway, name: &str) {
    let file = component(gateway, name);
    let _ = gateway.json(&["component", "add", file.to_str().unwrap()]);
}

fn entries(slots: &Value, slot: &str) -> Vec<(String, String)> {
    let of_slot = slots.as_array().unwrap().iter().filter(|row| row["slot"] == slot);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    of_slot.map(|row| (text(&row["entry"]), text(&row["name"]))).collect()
}

fn failing(gateway: &Gateway, arguments: &[&str]) -> String {
    let output = gateway.run(arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_shadow_sees_real_traffic_and_decides_nothing() {
    let gateway = Gateway::start(network());
    add(&gateway, "evil-policy");
    let begun = gateway.json(&["slot", "shadow", "policy", "evil-policy"]);
    assert_eq!((&begun["name"], &begun["same"]), (&"evil-policy".into(), &0.into()));
    gateway.submit(&format!("{}@tox", gateway.account()), b"Subject: x\r\n\r\ngoes through\r\n");
    let _ = gateway.wait_for_mail(b"goes through\r\n");
    let report = wait::until("the shadow to be compared", || {
        let report = gateway.json(&["slot", "shadow", "policy"]);
        (report["different"].as_u64()? > 0).then_some(report)
    });
    assert_eq!(report["differences"][0]["live"]["answer"], "allow");
    assert!(report["differences"][0]["other"]["answer"]["refuse"].is_object(), "{report}");
    let output = gateway.run(&["slot", "shadow", "policy", "--off"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("no longer runs") && text.contains("the evil policy"), "{text}");
    assert!(failing(&gateway, &["slot", "shadow", "policy"]).contains("has no shadow"));
}

#[test]
fn decisions_and_stored_mails_are_replayed() {
    let gateway = Gateway::start(network());
    let name = format!("{}@tox", gateway.account());
    gateway.submit(&name, b"Subject: x\r\n\r\nfirst\r\n");
    let _ = gateway.wait_for_mail(b"first\r\n");
    let replay = |component: &str, slot: &str| {
        let file = component_file(&gateway, component);
        gateway.json(&["component", "replay", &file, "--slot", slot, "--days", "1"])
    };
    // Records are written within a second.
    let same = wait::until("the records", || {
        let report = replay("default-mail-filter", "mail-filter");
        (report["same"].as_u64()? == 1).then_some(report)
    });
    // The outgoing copy left the outbox; the incoming one is in the mailbox.
    assert_eq!((&same["decisions"], &same["different"]), (&2.into(), &0.into()), "{same}");
    assert_eq!(same["not_replayed"][0]["why"], "the mail is no longer stored");
    let other = replay("evil-mail-filter", "mail-filter");
    assert_eq!(other["different"], 1, "{other}");
    let other = replay("evil-policy", "policy");
    assert!(other["different"].as_u64().unwrap() >= 1, "{other}");
    let resolver = replay("default-resolver", "resolver");
    assert!(resolver["same"].as_u64().unwrap() >= 1 && resolver["different"] == 0, "{resolver}");

    let file = component_file(&gateway, "evil-policy");
    assert!(
        failing(&gateway, &["component", "replay", &file, "--slot", "resolver"])
            .contains("not for slot resolver")
    );
    assert!(
        !gateway.json(&["component", "list"]).to_string().contains("candidate"),
        "candidates are not kept"
    );
}

fn component_file(gateway: &Gateway, name: &str) -> String {
    component(gateway, name).to_str().unwrap().to_owned()
}

#[test]
fn a_policy_set_is_put_to_work_live_all_of_it_or_nothing() {
    let mut gateway = Gateway::start(network());
    let name = format!("{}@tox", gateway.account());
    component(&gateway, "evil-mail-filter");
    let set = gateway.path("family.toml");
    let write = |text: &str| std::fs::write(&set, text).unwrap();
    let filter = "[[entry]]\nslot = 'mail-filter'\nname = 'first'\nfile = 'evil-mail-filter.wasm'\n";
    let before = gateway.json(&["slot", "list"]);

    // A mistake in the second entry: the first is not used either.
    for (mistake, line) in [
        ("[[entry]]\nslot = 'mail-filter'\nname = 'second'\nfile = 'missing.wasm'\n", "line 8"),
        ("[[entry]]\nslot = 'polcy'\ncomponent = 'x'\n", "line 6"),
        ("[[entry]]\nslot = 'resolver'\ncomponent = 'default-policy'\n", "line 7"),
    ] {
        write(&format!("{filter}{mistake}"));
        let error = failing(&gateway, &["policy-set", "use", set.to_str().unwrap()]);
        assert!(error.contains(line) && error.contains("family.toml"), "{line} is not in {error}");
        assert_eq!(entries(&gateway.json(&["slot", "list"]), "mail-filter"), entries(&before, "mail-filter"));
    }

    write(&format!(
        "{filter}[[entry]]\nslot = 'mail-filter'\nname = 'second'\ncomponent = 'default-mail-filter'\n\
         settings = {{ quarantine-executables = 'yes' }}\n"
    ));
    let slots = gateway.json(&["policy-set", "use", set.to_str().unwrap()]);
    let chain =
        |names: [(&str, &str); 2]| names.map(|(entry, name)| (entry.to_owned(), name.to_owned())).to_vec();
    let both = [("first", "evil-mail-filter"), ("second", "default-mail-filter")];
    assert_eq!(entries(&slots, "mail-filter"), chain(both));
    assert_eq!(entries(&slots, "policy"), entries(&before, "policy"), "what a set leaves out stays");
    gateway.submit(&name, b"Subject: x\r\n\r\nmarked\r\n");
    assert!(String::from_utf8(gateway.wait_for_mail(b"marked\r\n")).unwrap().contains("X-Evil: seen"));

    // Another order, one more, one less; the choice survives a kill.
    let turned = gateway.json(&["slot", "order", "second", "first"]);
    let back = [both[1], both[0]];
    assert_eq!(entries(&turned, "mail-filter"), chain(back));
    let more = gateway.json(&["slot", "use", "mail-filter", "evil-mail-filter", "--entry", "third"]);
    assert_eq!(entries(&more, "mail-filter")[2].0, "third");
    assert!(failing(&gateway, &["slot", "order", "second", "first"]).contains("name every filter once"));
    let less = gateway.json(&["slot", "remove", "third"]);
    assert_eq!(entries(&less, "mail-filter"), chain(back));
    gateway.kill();
    gateway.restart();
    assert_eq!(entries(&gateway.json(&["slot", "list"]), "mail-filter"), chain(back));
    assert!(failing(&gateway, &["slot", "remove", "third"]).contains("no entry `third`"));
}

/// Runs OpenSSL; what it prints.
fn openssl(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).current_dir(directory).output().expect("openssl");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn where_signatures_are_required_only_signed_components_are_taken() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    openssl(&path, &["genpkey", "-algorithm", "ed25519", "-out", "key.pem"]);
    let public = openssl(&path, &["pkey", "-in", "key.pem", "-pubout"]);
    let key = public.lines().nth(1).unwrap();
    let config = format!("[components]\nrequire_signature = true\ntrusted_keys = ['{key}']\n");
    std::fs::write(path.join("config.toml"), config).unwrap();
    let gateway = Gateway::start_from(directory, network().options());

    let file = component(&gateway, "evil-policy");
    let (file, signature) = (file.to_str().unwrap(), gateway.path("evil.sig"));
    assert!(failing(&gateway, &["component", "add", file]).contains("--signature FILE"));
    openssl(
        &path,
        &["pkeyutl", "-sign", "-rawin", "-inkey", "key.pem", "-in", "evil-policy.wasm", "-out", "evil.sig"],
    );
    let signature = signature.to_str().unwrap();
    let added = gateway.json(&["component", "add", file, "--signature", signature]);
    assert_eq!(added["signed_by"].as_str().unwrap().len(), 64);
    let other = component(&gateway, "evil-resolver");
    let error = failing(&gateway, &["component", "add", other.to_str().unwrap(), "--signature", signature]);
    assert!(error.contains("another key"), "{error}");
}
