//! A component of each slot misbehaves in a running gateway, in every function and in every way: SMTP and POP3 keep answering, the slot's
//! failure rule holds, the record says why, and no mail is lost.

mod kinds;
pub mod watch;

use tests::gateway::wait_online;
use tests::{Gateway, befriend, network, pop3, smtp, wait};

use kinds::{FLOODS, Kind, Outcome, kinds};
use watch::{Mischief, put, put_entry};

/// A public Tox ID that nobody has in a private network.
const STRANGER: &str = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5@tox";

/// Sends a mail until it is taken, as mail programs do; how often it was refused for now.
fn send_until_taken(gateway: &Gateway, recipient: &str, text: &str) -> usize {
    let mut refusals = 0;
    wait::until("the mail to be taken", || {
        let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
        match session.send(&gateway.address(), &[recipient], text.as_bytes()) {
            Ok(_) => Some(()),
            Err(refused) => {
                assert!(refused.starts_with("451 4."), "{refused}");
                refusals += 1;
                None
            }
        }
    });
    refusals
}

/// Mails to oneself while the component that stands in the slot misbehaves: refused for now until the last good one is back by itself, or taken
/// at once where its answer counts. What was sent.
fn send_while(mischief: &Mischief<'_>) -> Vec<String> {
    const SENDERS: usize = 3;
    let Mischief { gateway, slot, kind, .. } = *mischief;
    let own = format!("{}@tox", gateway.account());
    let texts: Vec<_> =
        (0..SENDERS).map(|number| format!("Subject: x\r\n\r\n{slot} {} {number}\r\n", kind.what)).collect();
    let work = texts.iter().map(|text| || send_until_taken(gateway, &own, text)).collect();
    let refusals: usize = mischief.answers_while(work).into_iter().sum();
    let is_stopped = matches!(kind.comes, Outcome::Ends(_));
    assert_eq!(refusals > 0, is_stopped, "{slot} {kind:?}: {refusals} refusals");
    assert_eq!(mischief.is_default_live(), is_stopped, "{slot} {kind:?}");
    mischief.wait_for_record();
    texts
}

fn assert_nothing_is_lost(gateway: &Gateway, sent: &[String]) {
    wait::until("every mail that was taken", || (gateway.mails().len() >= sent.len()).then_some(()));
    let mails = gateway.mails();
    assert_eq!(mails.len(), sent.len(), "each once");
    for text in sent {
        assert!(mails.iter().any(|mail| mail.ends_with(text.as_bytes())), "{text} is lost");
    }
}

/// What senders wait for.
fn senders_wait(slot: &'static str, function: &'static str) {
    let gateway = Gateway::start(network());
    let sent: Vec<_> =
        kinds(function).flat_map(|kind| send_while(&put(&gateway, (slot, function), kind))).collect();
    assert_nothing_is_lost(&gateway, &sent);
}

#[test]
fn while_the_policy_of_submission_misbehaves_smtp_and_pop3_answer_and_every_mail_gets_through() {
    senders_wait("policy", "allow-submission");
}

#[test]
fn while_the_resolver_misbehaves_smtp_and_pop3_answer_and_every_mail_gets_through() {
    senders_wait("resolver", "resolve");
}

#[test]
fn while_the_filter_of_outgoing_mail_misbehaves_smtp_and_pop3_answer_and_every_mail_gets_through() {
    senders_wait("mail-filter", "filter");
}

/// Mails to somebody who is away while a component misbehaves that nobody waits for; how many.
fn queue_while(mischief: &Mischief<'_>) -> usize {
    // Fewer than bring the last good one back.
    const MAILS: usize = 2;
    let Mischief { gateway, kind, .. } = *mischief;
    let send = |number| {
        move || gateway.submit(STRANGER, format!("Subject: {}\r\n\r\n{number}\r\n", kind.what).as_bytes())
    };
    mischief.answers_while((0..MAILS).map(send).collect());
    mischief.wait_for_record();
    MAILS
}

fn assert_all_wait(gateway: &Gateway, queued: usize) {
    let waiting = wait::until("times for all that wait", || {
        let outbox = gateway.json(&["outbox", "list"]);
        let entries = outbox.as_array().unwrap().clone();
        entries.iter().all(|entry| entry["next_attempt"].is_string()).then_some(entries)
    });
    assert_eq!(waiting.len(), queued, "all wait, each once");
}

/// What goes on behind the senders' backs: their mail waits in the outbox, with the built-in schedule and without drop relays.
fn nobody_waits(gateway: &Gateway, slot: &'static str, function: &'static str) {
    let queued = kinds(function).map(|kind| queue_while(&put(gateway, (slot, function), kind))).sum();
    assert_all_wait(gateway, queued);
}

#[test]
fn while_the_policy_of_attempts_misbehaves_smtp_and_pop3_answer_and_mail_stays_in_the_outbox() {
    nobody_waits(&Gateway::start(network()), "policy", "next-attempt");
}

#[test]
fn while_the_relay_selector_misbehaves_smtp_and_pop3_answer_and_mail_stays_in_the_outbox() {
    nobody_waits(&with_a_relay(), "relay-selector", "select");
}

/// A gateway that has a drop relay to ask about; nobody is there.
fn with_a_relay() -> Gateway {
    let gateway = Gateway::start(network());
    let _ = gateway.json(&["relay", "add", &"11".repeat(32)]);
    gateway
}

/// Whatever becomes of the call: the host does not accept, and asks the user.
#[test]
fn while_the_policy_of_friend_requests_misbehaves_the_user_is_asked() {
    let (a, b) = (Gateway::start(network()), Gateway::start(network()));
    // Somebody asks once: each kind needs somebody else.
    let kinds: Vec<_> = kinds("accept-friend").collect();
    for kind in &kinds {
        let _ = b.json(&["account", "add", kind.what]);
    }
    for kind in kinds {
        let mischief = put(&a, ("policy", "accept-friend"), kind);
        let identity = b.json(&["id", "--account", kind.what]);
        let key = &identity["tox_id"].as_str().unwrap()[..64];
        let ask = || {
            let _ = b.json(&["contact", "add", "anna", &a.tox_id(), "--account", kind.what]);
            wait::until(&format!("the request of {}", kind.what), || {
                let requests = a.json(&["contact", "requests"]);
                requests.as_array()?.iter().any(|request| request["key"] == key).then_some(())
            });
        };
        mischief.answers_while(vec![ask]);
        mischief.wait_for_record();
    }
}

/// Failure rules that need somebody else: mail is delivered and marked, and nothing that was decided is undone.
#[test]
fn what_comes_from_others_is_not_lost_while_filters_misbehave() {
    let (mut a, b) = (Gateway::start(network()), Gateway::start(network()));
    befriend(&b, &a, ["ben", "anna"]);

    let mut expected = 0;
    for kind in kinds("filter") {
        let mischief = put(&a, ("mail-filter", "filter"), kind);
        let text = format!("Subject: x\r\n\r\ncomes in, {}\r\n", kind.what);
        let comes = || {
            b.submit("anna@tox", text.as_bytes());
            String::from_utf8(a.wait_for_mail(text.as_bytes())).unwrap()
        };
        let mail = mischief.answers_while(vec![comes]).remove(0);
        let unfiltered = mail.split("X-Toxmail-Unfiltered: ").nth(1);
        match kind.comes {
            Outcome::Ends(_) => {
                // The kind of failure; the record has the component's words.
                let told = unfiltered.expect("a mark").replace("\r\n", "");
                assert!(told.contains("gave no answer to filter: "), "{kind:?}: {mail}");
                assert!(!mail.contains("X-Evil: "), "{kind:?}: {mail}");
            }
            Outcome::IsCut => assert!(unfiltered.is_none() && mail.contains("X-Evil: seen"), "{mail}"),
        }
        mischief.wait_for_record();
        expected += 1;
    }

    // What the user decided about one of them.
    let mut session = pop3::Session::login(a.pop3(), &a.account(), &a.password()).unwrap();
    let listed = session.command("UIDL 1").unwrap();
    drop(session);
    let id = listed.split_whitespace().last().unwrap();
    for kind in kinds("learn") {
        let mischief = put(&a, ("mail-filter", "learn"), kind);
        mischief.answers_while(vec![|| a.json(&["mail", "spam", id])]);
        mischief.wait_for_record();
    }
    assert_eq!(a.mails().len(), expected);

    // The recipient is away; the schedule is the host's own, and the mail arrives when they are back.
    let trap = kinds("next-attempt").find(|kind| kind.what == "trap").unwrap();
    let mischief = put(&b, ("policy", "next-attempt"), trap);
    a.stop();
    let text = b"Subject: x\r\n\r\nlater\r\n";
    b.submit("anna@tox", text);
    mischief.wait_for_record();
    a.restart();
    wait_online(&b, "anna");
    let _ = a.wait_for_mail(text);
    wait::until("an empty outbox", || (b.json(&["status"])["outbox"]["queued"] == 0).then_some(()));
    assert_eq!(a.mails().len(), expected + 1, "exactly once");
}

/// Deposits are made at once.
const IMPATIENT: &str = "[components.settings.relay-selector]\nspread-seconds = \"1\"\n";

/// A gateway that may use the drop relay of another.
fn guest_of(host: &Gateway) -> Gateway {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("config.toml"), IMPATIENT).unwrap();
    let gateway = Gateway::start_from(directory, network().options());
    let invitation = host.json(&["relay", "invite"])["address"].as_str().unwrap().to_owned();
    let _ = gateway.json(&["relay", "add", &invitation]);
    gateway
}

/// Somebody else's mail: the drop relay refuses it, and it waits where it was.
#[test]
fn a_drop_relay_whose_policy_misbehaves_refuses_deposits_and_their_mail_waits() {
    let host = Gateway::start_with(network(), &["--serve-drops"]);
    let (a, mut b) = (guest_of(&host), guest_of(&host));
    befriend(&a, &b, ["anna", "ben"]);
    // A mail comes after the greeting, and with that it is known what the other reads.
    let text = b"Subject: x\r\n\r\nmet\r\n";
    a.submit("ben@tox", text);
    let _ = b.wait_for_mail(text);
    wait::until("its acknowledgement", || (a.json(&["status"])["outbox"]["queued"] == 0).then_some(()));
    b.stop();

    // The default selector would let the relay rest after the first failure.
    let choose = Kind { what: "first-relay", comes: Outcome::IsCut };
    let _ = put(&a, ("relay-selector", "select"), choose);
    let deposit_while = |kind: Kind| {
        let mischief = put(&host, ("policy", "allow-deposit"), kind);
        a.submit("ben@tox", format!("Subject: x\r\n\r\ngoes to a board, {}\r\n", kind.what).as_bytes());
        mischief.answers_while(vec![|| mischief.wait_for_record()]);
    };
    let copies = || {
        let outbox = a.json(&["outbox", "list"]);
        let entries = outbox.as_array().unwrap().iter();
        entries.map(|entry| entry["copies"]["complete"].as_u64().unwrap_or(0)).collect::<Vec<_>>()
    };
    // A deposit takes many seconds. Each function does all kinds in the tests of the sandbox.
    let some = |wanted: &[&str]| -> Vec<Kind> {
        kinds("allow-deposit").filter(|kind| wanted.contains(&kind.what)).collect()
    };
    let (refused, taken) = (some(&["spin", "call-loop", "nonsense"]), some(&["state-flood"]));
    let sent = refused.len() + taken.len();
    refused.iter().copied().for_each(deposit_while);
    assert_eq!(copies(), [0; 3], "all wait, none on the board");
    // Here the answer counts: what is deposited now is there.
    taken.into_iter().for_each(deposit_while);
    wait::until("a copy", || copies().contains(&1).then_some(()));
    assert_eq!(copies().len(), sent);
    b.restart();
    wait::until("every mail", || (b.mails().len() > sent).then_some(()));
    assert_eq!(b.mails().len(), sent + 1, "each once");
}

/// The same with interpreters, whose own runtime is what spins, allocates and recurses.
#[test]
#[ignore = "run by `policies/build-all.sh gateway`, with tools of npm and PyPI"]
fn while_javascript_and_python_misbehave_smtp_and_pop3_answer_and_every_mail_gets_through() {
    for language in ["js", "python"] {
        let gateway = with_a_relay();
        let (mut sent, mut queued) = (Vec::new(), 0);
        for (slot, function, file) in [
            ("policy", "allow-submission", "evil"),
            ("resolver", "resolve", "evil"),
            ("mail-filter", "filter", "evil-filter"),
            ("relay-selector", "select", "evil"),
        ] {
            let name = add(&gateway, language, file);
            for kind in INTERPRETED.into_iter().chain(FLOODS) {
                println!("{language}");
                let component = format!("component = '{name}'");
                let settings = format!("do = '{}'", kind.what);
                let limits = "call-ms = 1000";
                let mischief = put_entry(&gateway, (slot, function), kind, &component, &settings, limits);
                if slot == "relay-selector" {
                    queued += queue_while(&mischief);
                } else {
                    sent.extend(send_while(&mischief));
                }
            }
            // Its other functions behave from now on.
            let _ = gateway.json(&["slot", "use", slot, &format!("default-{slot}")]);
        }
        assert_nothing_is_lost(&gateway, &sent);
        assert_all_wait(&gateway, queued);
    }
}

/// What an interpreter can do that ends its call; what it says of a stack or a text that is too large is its own.
const INTERPRETED: [Kind; 7] = [
    Kind { what: "spin", comes: Outcome::Ends("ran longer than its limit of 1000 ms") },
    Kind { what: "allocate", comes: Outcome::Ends("of memory") },
    Kind { what: "recurse", comes: Outcome::Ends("") },
    Kind { what: "throw", comes: Outcome::Ends("trapped") },
    Kind { what: "huge", comes: Outcome::Ends("") },
    Kind { what: "nonsense", comes: Outcome::Ends("makes no sense") },
    Kind { what: "call-loop", comes: Outcome::Ends("called the gateway more than 2000 times") },
];

/// Adds an interpreted component to a gateway; its name.
fn add(gateway: &Gateway, language: &str, file: &str) -> String {
    let name = format!("{language}-{file}");
    let file = format!("{}/guests/{language}/{file}.wasm", env!("CARGO_MANIFEST_DIR"));
    assert!(std::path::Path::new(&file).exists(), "{file} is not there: run policies/build-all.sh");
    // It may take longer to compile than the command waits.
    let added = gateway.run(&["component", "add", &file, "--name", &name]);
    wait::until(&format!("{name} to be added: {added:?}"), || {
        let components = gateway.json(&["component", "list"]);
        components.as_array()?.iter().any(|row| row["name"] == name.as_str()).then_some(())
    });
    name
}
