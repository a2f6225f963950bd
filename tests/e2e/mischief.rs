//! A component of each slot misbehaves in a running gateway: SMTP and POP3 keep answering, the slot's failure rule holds, the record says why,
//! and no mail is lost.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests::gateway::{program, wait_online};
use tests::{Gateway, befriend, network, pop3, smtp, wait};

/// What a component does, and words of the reason that is recorded.
const MISCHIEF: [(&str, &str); 6] = [
    ("spin", "ran longer than its limit of 300 ms"),
    ("allocate", "of memory"),
    ("recurse", "it "),
    ("trap", "trapped"),
    ("call-loop", "called the gateway more than 2000 times"),
    ("huge", "could not be read"),
];

/// In this time SMTP and POP3 answer; on an idle machine some milliseconds are enough.
const BOUND: Duration = Duration::from_secs(5);

/// A public Tox ID that nobody has in a private network.
const STRANGER: &str = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5@tox";

fn guest(slot: &str) -> &'static builtin::Builtin {
    builtin::test_guests().iter().find(|guest| guest.slot == slot).expect("a guest for the slot")
}

/// Puts the misbehaving component of a slot to work while the gateway runs.
fn put(gateway: &Gateway, slot: &str, function: &str, what: &str) {
    std::fs::write(gateway.path("guest.wasm"), guest(slot).bytes).unwrap();
    let limits = format!("call-ms = 300, memory-bytes = {}, capability-calls = 2000", 24 << 20);
    use_set(
        gateway,
        &format!(
            "slot = '{slot}'\nfile = 'guest.wasm'\nsettings = {{ do = '{what}', at = '{function}' }}\nlimits = {{ {limits} }}\n"
        ),
    );
}

fn use_set(gateway: &Gateway, entry: &str) {
    let set = gateway.path("set.toml");
    std::fs::write(&set, format!("[[entry]]\n{entry}")).unwrap();
    let _ = gateway.json(&["policy-set", "use", set.to_str().unwrap()]);
}

fn live(gateway: &Gateway, slot: &str) -> String {
    let slots = gateway.json(&["slot", "list"]);
    let row = slots.as_array().unwrap().iter().find(|row| row["slot"] == slot).unwrap();
    row["name"].as_str().unwrap().to_owned()
}

/// Recorded decisions of a slot, newest first.
fn decisions(gateway: &Gateway, slot: &str) -> Vec<Value> {
    let token = std::fs::read_to_string(gateway.path("admin-token")).unwrap();
    let token = format!("Authorization: Bearer {}", token.trim());
    let url = format!("http://{}/api/v1/decisions?slot={slot}&limit=100", gateway.admin());
    let text = tests::program::output(&gateway.path(""), "curl", &["-sSf", "-H", &token, &url], b"");
    serde_json::from_str(&text).unwrap()
}

/// Waits for the record of a call that failed for the expected reason.
fn wait_for_record(gateway: &Gateway, slot: &str, function: &str, reason: &str) {
    wait::until(&format!("a record of {function} that says `{reason}`"), || {
        let decisions = decisions(gateway, slot);
        let is_it = |decision: &Value| {
            decision["function"] == function
                && decision["answer"].is_null()
                && decision["failure"].as_str().is_some_and(|failure| failure.contains(reason))
        };
        decisions.iter().any(is_it).then_some(())
    });
}

/// How long the gateway takes to answer: a session of SMTP up to RCPT, and one of POP3.
fn answer_time(gateway: &Gateway) -> [Duration; 2] {
    let smtp = wait::time(|| {
        let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
        assert!(session.command(&format!("MAIL FROM:<{}>", gateway.address())).starts_with("250"));
        // The policy and the resolver are asked: one that misbehaves makes it 451, and makes nobody wait.
        let reply = session.command(&format!("RCPT TO:<{}@tox>", gateway.account()));
        assert!(reply.starts_with("250") || reply.starts_with("451 4."), "{reply}");
        assert!(session.command("RSET").starts_with("250"));
        assert!(session.command("QUIT").starts_with("221"));
    });
    let pop3 = wait::time(|| {
        let mut session = wait::until("the mailbox to be free", || {
            pop3::Session::login(gateway.pop3(), &gateway.account(), &gateway.password()).ok()
        });
        let _ = session.count();
    });
    [smtp, pop3]
}

/// Answers again and again while `work` goes on in other threads; the slowest of each.
fn answers_while<T: Send>(
    gateway: &Gateway,
    work: Vec<impl FnOnce() -> T + Send>,
) -> (Vec<T>, [Duration; 2]) {
    std::thread::scope(|scope| {
        let working: Vec<_> = work.into_iter().map(|work| scope.spawn(work)).collect();
        let mut slowest = [Duration::ZERO; 2];
        let mut rounds = 0;
        while rounds < 3 || !working.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            for (slowest, took) in slowest.iter_mut().zip(answer_time(gateway)) {
                *slowest = took.max(*slowest);
            }
            rounds += 1;
        }
        (working.into_iter().map(|working| working.join().unwrap()).collect(), slowest)
    })
}

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

fn tell(slot: &str, function: &str, what: &str, [smtp, pop3]: [Duration; 2]) {
    println!("{slot:<14} {function:<16} {what:<10} SMTP {smtp:>8.1?}, POP3 {pop3:>8.1?} at most");
    assert!(smtp < BOUND && pop3 < BOUND, "{slot} {function} {what}: SMTP {smtp:?}, POP3 {pop3:?}");
}

/// Mails to oneself while the component that stands in the slot misbehaves: refused for now until the last good one is back by itself. What was
/// sent.
fn send_while(gateway: &Gateway, slot: &str, function: &str, what: &str, reason: &str) -> Vec<String> {
    const SENDERS: usize = 3;
    let own = format!("{}@tox", gateway.account());
    let texts: Vec<_> =
        (0..SENDERS).map(|number| format!("Subject: x\r\n\r\n{slot} {what} {number}\r\n")).collect();
    let work = texts.iter().map(|text| || send_until_taken(gateway, &own, text)).collect();
    let (refusals, slowest) = answers_while(gateway, work);
    tell(slot, function, what, slowest);
    assert!(refusals.into_iter().sum::<usize>() > 0, "{slot} {what}: nothing was refused");
    assert_eq!(live(gateway, slot), format!("default-{slot}"));
    wait_for_record(gateway, slot, function, reason);
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

#[test]
fn while_what_senders_wait_for_misbehaves_smtp_and_pop3_answer_and_every_mail_gets_through() {
    let gateway = Gateway::start(network());
    let mut sent = Vec::new();
    for (slot, function) in
        [("policy", "allow-submission"), ("resolver", "resolve"), ("mail-filter", "filter")]
    {
        for (what, reason) in MISCHIEF {
            put(&gateway, slot, function, what);
            assert_eq!(live(&gateway, slot), "guest");
            sent.extend(send_while(&gateway, slot, function, what, reason));
        }
    }
    assert_nothing_is_lost(&gateway, &sent);
}

/// The same with interpreters, whose own runtime is what spins, allocates and recurses.
#[test]
#[ignore = "run by `policies/build-all.sh gateway`, with tools of npm and PyPI"]
fn while_javascript_and_python_misbehave_smtp_and_pop3_answer_and_every_mail_gets_through() {
    let gateway = Gateway::start(network());
    let mut sent = Vec::new();
    for language in ["js", "python"] {
        let file = format!("{}/guests/{language}/evil.wasm", env!("CARGO_MANIFEST_DIR"));
        assert!(std::path::Path::new(&file).exists(), "{file} is not there: run policies/build-all.sh");
        // It may take longer to compile than the command waits.
        let added = gateway.run(&["component", "add", &file, "--name", language]);
        wait::until(&format!("{language} to be added: {added:?}"), || {
            let components = gateway.json(&["component", "list"]);
            components.as_array()?.iter().any(|row| row["name"] == language).then_some(())
        });
        for (what, reason) in [
            ("spin", "ran longer than its limit of 1000 ms"),
            ("allocate", "of memory"),
            ("recurse", ""),
            ("throw", "trapped"),
            ("huge", ""),
            ("nonsense", "makes no sense"),
            ("call-loop", "called the gateway more than 2000 times"),
        ] {
            let settings =
                format!("slot = 'policy'\ncomponent = '{language}'\nsettings = {{ do = '{what}' }}\n");
            use_set(&gateway, &format!("{settings}limits = {{ call-ms = 1000, capability-calls = 2000 }}\n"));
            println!("{language}");
            sent.extend(send_while(&gateway, "policy", "allow-submission", what, reason));
        }
    }
    assert_nothing_is_lost(&gateway, &sent);
}

/// What goes on behind the senders' backs: their mail waits in the outbox, with the built-in schedule and without drop relays.
#[test]
fn while_what_nobody_waits_for_misbehaves_smtp_and_pop3_answer_and_mail_stays_in_the_outbox() {
    // Fewer than bring the last good one back.
    const MAILS: usize = 2;
    let gateway = Gateway::start(network());
    let mut queued = 0;
    for (slot, function) in [("policy", "next-attempt"), ("relay-selector", "select")] {
        if slot == "relay-selector" {
            // Somebody to ask about; nobody is there.
            let _ = gateway.json(&["relay", "add", &"11".repeat(32)]);
        }
        for (what, reason) in MISCHIEF {
            put(&gateway, slot, function, what);
            let gateway = &gateway;
            let send = |number| {
                move || gateway.submit(STRANGER, format!("Subject: {what}\r\n\r\n{number}\r\n").as_bytes())
            };
            let (_, slowest) = answers_while(gateway, (0..MAILS).map(send).collect());
            tell(slot, function, what, slowest);
            wait_for_record(gateway, slot, function, reason);
            queued += MAILS;
        }
    }
    let waiting = wait::until("times for all that wait", || {
        let outbox = gateway.json(&["outbox", "list"]);
        let entries = outbox.as_array().unwrap().clone();
        entries.iter().all(|entry| entry["next_attempt"].is_string()).then_some(entries)
    });
    assert_eq!(waiting.len(), queued, "all wait, each once");
}

/// Failure rules that need somebody else: the user is asked, mail is delivered and marked, and nothing that was decided is undone.
#[test]
fn what_comes_from_others_is_not_lost_while_components_misbehave() {
    let (mut a, b) = (Gateway::start(network()), Gateway::start(network()));
    // A friend request: the guest would ignore it, the host asks the user.
    put(&a, "policy", "accept-friend", "spin");
    befriend(&b, &a, ["ben", "anna"]);
    wait_for_record(&a, "policy", "accept-friend", "ran longer");

    // Incoming mail.
    let text = b"Subject: x\r\n\r\ncomes in\r\n";
    put(&a, "mail-filter", "filter", "allocate");
    b.submit("anna@tox", text);
    let mail = String::from_utf8(a.wait_for_mail(text)).unwrap();
    assert!(mail.contains("X-Toxmail-Unfiltered: ") && mail.contains("of memory"), "{mail}");
    wait_for_record(&a, "mail-filter", "filter", "of memory");

    // What the user decided about it.
    put(&a, "mail-filter", "learn", "recurse");
    let mut session = pop3::Session::login(a.pop3(), &a.account(), &a.password()).unwrap();
    let listed = session.command("UIDL 1").unwrap();
    drop(session);
    let _ = a.json(&["mail", "spam", listed.split_whitespace().last().unwrap()]);
    wait_for_record(&a, "mail-filter", "learn", "trapped");
    assert_eq!(a.mails().len(), 1);

    // The recipient is away; the schedule is the host's own, and the mail arrives when they are back.
    put(&b, "policy", "next-attempt", "trap");
    a.stop();
    let text = b"Subject: x\r\n\r\nlater\r\n";
    b.submit("anna@tox", text);
    wait_for_record(&b, "policy", "next-attempt", "trapped");
    a.restart();
    wait_online(&b, "anna");
    let _ = a.wait_for_mail(text);
    wait::until("an empty outbox", || (b.json(&["status"])["outbox"]["queued"] == 0).then_some(()));
    assert_eq!(a.mails().len(), 2, "exactly once");
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
    b.stop();

    put(&host, "policy", "allow-deposit", "spin");
    let text = b"Subject: x\r\n\r\nnot on a board\r\n";
    a.submit("ben@tox", text);
    wait_for_record(&host, "policy", "allow-deposit", "ran longer");
    tell("policy", "allow-deposit", "spin", answer_time(&host));
    let outbox = a.json(&["outbox", "list"]);
    assert_eq!(outbox.as_array().unwrap().len(), 1);
    assert_eq!(outbox[0]["copies"]["complete"].as_u64().unwrap_or(0), 0, "{outbox}");
    b.restart();
    let _ = b.wait_for_mail(text);
    assert_eq!(b.mails().len(), 2, "each once");
}

/// A component of many functions that take long to compile, each a chain of sums that cannot be shortened (WebAssembly binary format and that of
/// the component model).
fn bomb(functions: u32) -> Vec<u8> {
    let section = |id: u8, content: &[u8]| [&[id], leb128(content.len() as u32).as_slice(), content].concat();
    let link: Vec<u8> = (0..30_u8).flat_map(|number| [0x42, 2 * number + 3, 0x7e, 0x20, 0, 0x89]).collect();
    let body = [&[0, 0x20, 0], link.as_slice(), &[0x0b]].concat();
    let body = [leb128(body.len() as u32), body].concat();
    let count = leb128(functions);
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        // (i64) -> i64, of which all functions are.
        section(1, &[1, 0x60, 1, 0x7e, 1, 0x7e]),
        section(3, &[count.clone(), vec![0; functions as usize]].concat()),
        section(10, &[count, body.repeat(functions as usize)].concat()),
    ]
    .concat();
    let name = b"toxmail:gateway/policy-decisions@0.1.0";
    // An empty instance is exported as what a policy decides.
    let export = [&[1, 0, name.len() as u8], name.as_slice(), &[5, 0, 0]].concat();
    [b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module), section(5, &[1, 1, 0]), section(11, &export)]
        .concat()
}

fn leb128(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(0x80 | (number & 0x7f) as u8);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// The processes a process started.
fn children(pid: u32) -> Vec<u32> {
    let is_child = |stat: &str| {
        // The name stands in parentheses and may be anything; the state and the parent follow it.
        stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)) == Some(&pid.to_string())
    };
    let processes = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes
        .filter(|process: &u32| {
            std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| is_child(&stat))
        })
        .collect()
}

#[test]
fn while_a_bomb_is_compiled_smtp_and_pop3_answer_and_its_compiler_ends_with_the_gateway() {
    let mut gateway = Gateway::start(network());
    // As it is made here it is a component, only a useless one.
    std::fs::write(gateway.path("small.wasm"), bomb(1)).unwrap();
    let refused = gateway.run(&["component", "add", gateway.path("small.wasm").to_str().unwrap()]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("allow-submission"), "{words}");

    // Minutes of compiling.
    std::fs::write(gateway.path("bomb.wasm"), bomb(100_000)).unwrap();
    let mut upload = Command::new(program())
        .args(["component", "add"])
        .arg(gateway.path("bomb.wasm"))
        .arg("--data")
        .arg(gateway.path(""))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let compiler = wait::until("the compiler", || children(gateway.pid()).first().copied());
    let mut slowest = [Duration::ZERO; 2];
    for _ in 0..10 {
        for (slowest, took) in slowest.iter_mut().zip(answer_time(&gateway)) {
            *slowest = took.max(*slowest);
        }
    }
    tell("upload", "", "bomb", slowest);
    assert_eq!(children(gateway.pid()), [compiler], "it still compiles");
    gateway.kill();
    wait::until("the end of the compiler", || {
        (!std::path::Path::new(&format!("/proc/{compiler}")).exists()).then_some(())
    });
    assert!(!upload.wait().unwrap().success());
    // Nothing of it is left.
    gateway.restart();
    assert!(!gateway.json(&["component", "list"]).to_string().contains("bomb"));
}
