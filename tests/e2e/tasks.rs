//! Parts of the gateway fail once each; and nobody reads, or can write, its log.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests::dns::DnsServer;
use tests::gateway::{FAULTS, signal};
use tests::{Gateway, befriend, network, pop3, smtp, wait};

use crate::impatient::{self, letter};
use crate::trials;

/// Submits a mail until it is taken: a session, the store or the whole gateway may fail in the middle.
fn submit(gateway: &mut Gateway, recipient: &str, text: &[u8]) {
    wait::until("a submission", || {
        // The client of the harness panics where the connection ends.
        let sent = catch_unwind(AssertUnwindSafe(|| gateway.submit(recipient, text)));
        revive(gateway);
        sent.ok()
    });
}

/// As a service manager does: starts it again where it has ended, which it must have done with a reason.
fn revive(gateway: &mut Gateway) -> bool {
    let Some(status) = gateway.ended() else { return false };
    assert_eq!((status.code(), status.signal()), (Some(1), None), "{}", gateway.log());
    assert!(gateway.log().contains("the gateway ends because a part of it failed"), "{}", gateway.log());
    gateway.restart();
    true
}

/// Has the outbox try everything now: after a fault in the middle of a mail the sender waits for some minutes.
fn hurry(sender: &Gateway) {
    let listed = sender.run(&["outbox", "list", "--json"]).stdout;
    let entries = serde_json::from_slice::<Value>(&listed).unwrap_or_default();
    for entry in entries.as_array().into_iter().flatten() {
        let _may_fail_too = sender.run(&["outbox", "retry", entry["id"].as_str().unwrap()]);
    }
}

/// Waits for a mail though sessions may fail, and its sender may have ended since it was taken.
fn wait_for(gateway: &mut Gateway, sender: &mut Gateway, text: &[u8]) {
    let mut looks = 0;
    wait::until("a mail in the mailbox", || {
        looks += 1;
        if looks % 20 == 0 {
            hurry(sender);
        }
        let login = || pop3::Session::login(gateway.pop3(), &gateway.account(), &gateway.password());
        let found = catch_unwind(AssertUnwindSafe(|| {
            login().is_ok_and(|mut session| session.all().iter().any(|mail| mail.ends_with(text)))
        }));
        revive(gateway);
        revive(sender);
        found.unwrap_or(false).then_some(())
    });
}

/// All parts by name, as `status` tells them; none where it fails at that.
fn tasks(gateway: &Gateway) -> Option<BTreeMap<String, Value>> {
    let output = gateway.run(&["status", "--json"]);
    let status: Value = serde_json::from_slice(&output.stdout).ok()?;
    let tasks = status["tasks"].as_array()?.iter();
    Some(tasks.map(|task| (task["name"].as_str().unwrap().to_owned(), task.clone())).collect())
}

fn health(gateway: &Gateway) -> String {
    let url = format!("http://{}/health", gateway.admin());
    let output =
        Command::new("curl").args(["-s", "-o", "/dev/null", "-w", "%{http_code}", &url]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Parts on the way of a mail.
const ON_THE_WAY: &[&str] = &[
    "component-call",
    "disconnect",
    "events",
    "filter-mark",
    "filters",
    "friend-connected",
    "friend-request",
    "join",
    "mail",
    "network",
    "network-event",
    "offline",
    "outbox",
    "peer-call",
    "peer-session",
    "pop3",
    "pop3-session",
    "smtp",
    "smtp-session",
    "store",
    "submission",
    "tell-record",
    "tox",
];

/// Parts that work beside mail, all the time or when something is [done](cause) that people do.
const BESIDE_MAIL: &[&str] = &[
    "board",
    "board-answers",
    "board-commit",
    "board-guests",
    "board-join",
    "board-policy",
    "board-tick",
    "board-visit",
    "connecting",
    "console",
    "history",
    "password",
    "reload",
    "slot",
    "slots",
    "ticker",
    "unreadable-rows",
    "web",
    "web-connection",
    "web-request",
];

/// Those of them after which the process ends: what they have in memory may be wrong.
const VITAL: &[&str] =
    &["board", "board-commit", "board-guests", "board-policy", "board-tick", "store", "tox"];

/// Parts that work for absent friends and beside a component: another test.
const FOR_THE_ABSENT: &[&str] = &[
    "acknowledgements",
    "board-question",
    "copies",
    "copies-ended",
    "drops",
    "drops-job",
    "shadow",
    "shadow-call",
    "state-copy",
    "throwaway",
    "throwaway-connection",
    "throwaway-proxy",
    "throwaway-start",
    "tokens",
];

/// Parts that work when somebody asks: a third one.
const WHEN_ASKED: &[&str] = &["backup", "board-copy", "component-file", "component-test", "dns", "replay"];

/// Parts that fail in none of them, and why.
const NOT_HERE: &[(&str, &str)] = &[
    ("board-open", "it is opened at the start alone, before orders are"),
    (
        "board-session",
        "it is a session with a relay, and its end is told as one by the relay: hostile boards end many",
    ),
    ("cancel", "it tells a peer that a mail is taken back; where it is not told, its time-out does"),
    ("decision", "it writes the record of a question that nobody got: the answer does not wait for it"),
    ("hold", "it waits minutes for a peer that misbehaved, and then opens a session as events do"),
    ("identity", "it opens a profile that somebody brings: nothing else waits for it"),
    ("restore", "it is a program of its own, without a gateway"),
    ("secret", "it is read at the start alone, before orders are"),
    ("store-close", "the gateway is at its end then"),
    ("store-read", "a start that cannot read the store ends, and says so"),
    ("sweep", "it works at the start, before orders are, and an hour later"),
    ("watchdog", "it works for a service manager; its own test has it be silent"),
];

/// The names of all parts, as the sources of the host have them.
fn names_in_the_sources() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../host")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && !["tests", "supervisor", "lab"].contains(&name) {
                directories.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let text = std::fs::read_to_string(&path).unwrap();
                let own = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                names.extend(named_in(own));
            }
        }
    }
    names
}

/// The names of parts in a source file: first arguments of the supervisor's functions, and constants for them.
fn named_in(text: &str) -> Vec<String> {
    const BEFORE: [&str; 12] = [
        "supervisor::keep(",
        "supervisor::keep_here(",
        "supervisor::vital(",
        "supervisor::job(",
        "supervisor::blocking(",
        "supervisor::attempt(",
        "supervisor::attempt_now(",
        "supervisor::kept_thread(",
        "supervisor::vital_thread(",
        "const TASK: &str =",
        "task:",
        "begin(",
    ];
    let after =
        |before: &str| text.match_indices(before).map(|(at, _)| at + before.len()).collect::<Vec<_>>();
    let ends = BEFORE.into_iter().flat_map(after);
    let name = |end: usize| Some(text[end..].trim_start().strip_prefix('"')?.split_once('"')?.0.to_owned());
    ends.filter_map(name).collect()
}

#[test]
fn every_part_in_the_sources_fails_in_a_test_or_says_why_not() {
    let not_here = NOT_HERE.iter().map(|(name, _)| name);
    let listed: Vec<&str> = ON_THE_WAY
        .iter()
        .chain(BESIDE_MAIL)
        .chain(FOR_THE_ABSENT)
        .chain(WHEN_ASKED)
        .chain(not_here)
        .copied()
        .collect();
    let known: BTreeSet<String> = listed.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(known.len(), listed.len(), "each once");
    assert_eq!(names_in_the_sources(), known);
}

/// What is about to be done when a part is to fail that mail and time do not come by.
fn cause(anna: &mut Gateway, ben: &mut Gateway, name: &str) {
    match name {
        "board-join" | "connecting" | "join" | "unreadable-rows" => {
            let _either_way = anna.stop();
            anna.restart();
        }
        "disconnect" | "friend-connected" | "tell-record" => {
            let _either_way = ben.stop();
            ben.restart();
        }
        "reload" => signal(anna.pid(), "HUP"),
        "web-connection" | "web-request" => drop(anna.run(&["status"])),
        "board-commit" => drop(anna.run(&["relay", "invite"])),
        "slots" => drop(anna.run(&["slot", "settings", "mail-filter", "--limit", "call-ms=1000"])),
        "friend-request" => {
            let stranger = Gateway::start(network());
            let _ = stranger.json(&["contact", "add", "anna", &anna.tox_id(), "--message", "Hello"]);
            let is_asked = || !anna.is_ordered(name);
            wait::until("a friend request", || is_asked().then_some(()));
        }
        "password" => {
            let login = || pop3::Session::login(anna.pop3(), &anna.account(), "a wrong one").is_ok();
            assert!(!catch_unwind(AssertUnwindSafe(login)).unwrap_or(false));
        }
        _ => {}
    }
}

/// A drop relay is served, and read again and again.
fn busy(directory: tempfile::TempDir) -> Gateway {
    let file = directory.path().join("busy.toml");
    std::fs::write(&file, "[drops.times]\nread_every = 1\n").unwrap();
    let mut options = network().options();
    let more = [FAULTS, "--serve-drops", "--config", file.to_str().unwrap()];
    options.extend(more.map(str::to_owned));
    Gateway::start_from(directory, options)
}

#[test]
fn every_part_on_the_way_of_a_mail_fails_once_and_mail_goes_on_and_status_tells() {
    each_fails_once(ON_THE_WAY);
}

#[test]
fn every_part_beside_mail_fails_once_and_mail_goes_on_and_status_tells() {
    each_fails_once(BESIDE_MAIL);
}

fn each_fails_once(names: &[&str]) {
    let mut anna = busy(tempfile::tempdir().unwrap());
    let mut ben = Gateway::start(network());
    befriend(&anna, &ben, ["anna", "ben"]);
    let mut number = 0;
    let mut mail_goes_on = |anna: &mut Gateway, ben: &mut Gateway, after: &str| {
        number += 1;
        let there = format!("Subject: to ben\r\n\r\n{number} after {after}\r\n").into_bytes();
        let back = format!("Subject: to anna\r\n\r\n{number} back after {after}\r\n").into_bytes();
        submit(anna, "ben@tox", &there);
        submit(ben, "anna@tox", &back);
        wait_for(ben, anna, &there);
        wait_for(anna, ben, &back);
    };
    mail_goes_on(&mut anna, &mut ben, "the start");
    wait::until("the first reading of the own relay", || {
        tasks(&anna)?.contains_key("board-visit").then_some(())
    });
    for &name in names {
        anna.order_fault(name);
        cause(&mut anna, &mut ben, name);
        mail_goes_on(&mut anna, &mut ben, name);
        // The first piece of work that begins after the order was seen fails.
        let mut rounds = 0;
        wait::until(&format!("`{name}` to fail"), || {
            revive(&mut anna);
            if anna.is_ordered(name) && rounds < 3 {
                rounds += 1;
                // The order may not have been seen the first time.
                cause(&mut anna, &mut ben, name);
                mail_goes_on(&mut anna, &mut ben, name);
            }
            (!anna.is_ordered(name)).then_some(())
        });
        if VITAL.contains(&name) {
            let reason = format!("a part of it failed: `{name}` failed: a test ordered it");
            wait::until(&format!("the end after `{name}` failed"), || {
                revive(&mut anna);
                (anna.log().contains(&reason) && tasks(&anna)?.get(name)?["panics"] == 0).then_some(())
            });
        } else {
            wait::until(&format!("`{name}` in status"), || {
                let tasks = tasks(&anna)?;
                let task = tasks.get(name)?;
                let is_back = task["down"] == 0 && (task["kind"] == "job" || task["running"].as_u64()? > 0);
                (is_back && task["panics"].as_u64()? >= 1 && task["problem"] == "a test ordered it")
                    .then_some(())
            });
            wait::until("a line for people", || {
                let said = anna.run(&["status"]).stdout;
                String::from_utf8_lossy(&said).contains(&format!("the part `{name}` failed")).then_some(())
            });
        }
        wait::until("health", || (health(&anna) == "204").then_some(()));
    }
    mail_goes_on(&mut anna, &mut ben, "all of them");
}

/// What cannot be helped by starting it again is seen, and ends the process: a service manager begins anew.
#[test]
fn a_part_that_fails_again_and_again_is_down_in_health_and_status_and_then_ends_the_gateway() {
    let mut gateway = Gateway::start_with(network(), &[FAULTS]);
    let (mut was_unhealthy, mut was_shown) = (false, false);
    wait::until("the end of a gateway whose outbox does not run", || {
        if gateway.ended().is_some() {
            return Some(());
        }
        gateway.order_fault("outbox");
        was_unhealthy |= health(&gateway) == "503";
        let down = |tasks: BTreeMap<String, Value>| tasks["outbox"]["down"] == 1;
        was_shown |= tasks(&gateway).is_some_and(down);
        None
    });
    assert!(was_unhealthy && was_shown);
    let log = gateway.log();
    assert!(
        log.contains("the task `outbox` failed 9 times in a row, at last with: a test ordered it"),
        "{log}"
    );
    gateway.take_back_fault("outbox");
    gateway.restart();
    gateway.submit(&gateway.address(), b"Subject: x\r\n\r\nall is well\r\n");
    let _ = gateway.wait_for_mail(b"all is well\r\n");
}

/// A service manager that waits for a sign of life begins anew with a gateway of which a part is down.
#[test]
fn a_gateway_of_which_a_part_is_down_gives_the_service_manager_no_sign_of_life() {
    let place = tempfile::tempdir().unwrap();
    let (socket, data, log) =
        (place.path().join("notify"), place.path().join("data"), place.path().join("log"));
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(wait::DEADLINE)).unwrap();
    let hear = || {
        let mut text = [0; 1000];
        let length = manager.recv(&mut text)?;
        Ok::<_, std::io::Error>(String::from_utf8(text[..length].to_vec()).unwrap().trim_end().to_owned())
    };
    let mut child = Gateway::command(&data, &[FAULTS, "--no-public-bootstrap"].map(str::to_owned))
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "200000")
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    assert!(hear().unwrap().starts_with("READY=1\n"));
    assert_eq!(hear().unwrap(), "WATCHDOG=1");
    // It pauses longer each time before it starts the part again: three of its signs are left out then.
    manager.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let is_down = || std::fs::read_to_string(&log).unwrap().contains("parts of the gateway are down");
    wait::until("silence", || {
        std::fs::write(data.join(FAULTS).join("outbox"), "").unwrap();
        (hear().is_err() && is_down()).then_some(())
    });
    let _may_be_seen_already = std::fs::remove_file(data.join(FAULTS).join("outbox"));
    wait::until("a sign of life", || hear().ok().filter(|text| text == "WATCHDOG=1"));
    signal(child.id(), "TERM");
    assert!(child.wait().unwrap().success());
}

/// The way people start it: the reader of the pipe ends, and with it the terminal.
#[test]
fn a_log_that_nobody_reads_any_more_costs_no_mail_no_login_and_no_server() {
    let mut gateway = Gateway::start_logging(network(), || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        (Stdio::from(writer.try_clone().unwrap()), Stdio::from(writer))
    });
    all_goes_on(&mut gateway);
}

/// A full disk under the log.
#[test]
fn a_log_on_a_full_disk_costs_no_mail_no_login_and_no_server() {
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let mut gateway = Gateway::start_logging(network(), || (full(), full()));
    all_goes_on(&mut gateway);
    assert_eq!(gateway.stop().code(), Some(0));
}

/// A pager that was stopped, a terminal that was paused: the pipe fills, and nobody may wait for it.
#[test]
fn a_log_whose_reader_does_not_read_costs_no_mail_no_login_and_no_server() {
    let mut readers = Vec::new();
    let mut gateway = Gateway::start_logging(network(), || {
        let (reader, writer) = std::io::pipe().unwrap();
        readers.push(reader);
        (Stdio::from(writer.try_clone().unwrap()), Stdio::from(writer))
    });
    all_goes_on(&mut gateway);
}

fn all_goes_on(gateway: &mut Gateway) {
    let mail = |number: u32| format!("Subject: x\r\n\r\nmail {number}\r\n").into_bytes();
    for number in 0..3 {
        gateway.submit(&gateway.address(), &mail(number));
    }
    assert!(pop3::Session::login(gateway.pop3(), &gateway.account(), "wrong").is_err());
    // The terminal closes: SIGHUP means to read the configuration again, as ever.
    signal(gateway.pid(), "HUP");
    for number in 3..6 {
        gateway.submit(&gateway.address(), &mail(number));
    }
    for number in 0..6 {
        let _ = gateway.wait_for_mail(&mail(number));
    }
    let _ = smtp::Session::connect(gateway.smtp());
    let tasks = tasks(gateway).unwrap();
    assert!(tasks.values().all(|task| task["panics"] == 0), "{tasks:?}");
    assert!(gateway.ended().is_none());
}

/// Too few file descriptors for the clients that come: one line says so, and mail goes on when there are some again.
#[test]
fn too_few_file_descriptors_are_said_once_and_cost_nothing_but_time() {
    let gateway = Gateway::start(network());
    let pid = gateway.pid().to_string();
    let prlimit = |option: &str| {
        let output = Command::new("prlimit")
            .args(["--pid", &pid, option, "--output=SOFT", "--noheadings"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let before = prlimit("--nofile");
    let _ = prlimit("--nofile=1:");
    let clients: Vec<_> = [gateway.smtp(), gateway.pop3(), gateway.admin()]
        .map(|address| TcpStream::connect(address).unwrap())
        .into();
    let said = || gateway.log().matches("connections cannot be accepted").count();
    wait::until("three servers to say so", || (said() >= 3).then_some(()));
    // It is tried ten times a second.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(said(), 3, "{}", gateway.log());
    drop(clients);
    let _ = prlimit(&format!("--nofile={before}:"));
    gateway.submit(&gateway.address(), b"Subject: x\r\n\r\nall is well\r\n");
    let _ = gateway.wait_for_mail(b"all is well\r\n");
}

/// Waits until an ordered fault has happened, and `status` tells that the part is well again.
fn failed_once(gateway: &Gateway, name: &str) {
    wait::until(&format!("`{name}` to fail"), || (!gateway.is_ordered(name)).then_some(()));
    wait::until(&format!("`{name}` in status"), || {
        let task = tasks(gateway)?.remove(name)?;
        (task["down"] == 0 && task["panics"].as_u64()? >= 1 && task["problem"] == "a test ordered it")
            .then_some(())
    });
}

#[test]
fn parts_that_work_for_absent_friends_and_beside_a_component_fail_once_and_nothing_is_lost() {
    let relay = Gateway::start_relay(tempfile::tempdir().unwrap(), network());
    let invitation = relay.json(&["relay", "invite"])["address"].as_str().unwrap().to_owned();
    let (cleo, mut anna) = (impatient::gateway_with("token_rest = 1\n", &[FAULTS]), impatient::gateway(""));
    cleo.order_fault("tokens");
    let _ = cleo.json(&["relay", "add", &invitation]);
    failed_once(&cleo, "tokens");
    // They are fetched again an hour later. Until then deposits are paid with work.
    befriend(&cleo, &anna, ["cleo", "anna"]);
    wait::until("Anna's relay", || {
        let contacts = cleo.json(&["contact", "list"]);
        (!contacts[0]["relays"].as_array()?.is_empty()).then_some(())
    });
    assert!(anna.stop().success());
    let text = letter(&cleo, &anna, "while the work for its copies fails");
    let both = ["drops-job", "drops"];
    both.iter().for_each(|name| cleo.order_fault(name));
    cleo.submit(&anna.address(), &text);
    both.iter().for_each(|name| failed_once(&cleo, name));
    cleo.order_fault("copies");
    cleo.submit(&anna.address(), b"Subject: x\r\n\r\nmore to do\r\n");
    failed_once(&cleo, "copies");
    anna.restart();
    let _ = anna.wait_for_mail(&text);

    trials::add(&cleo, "evil-policy");
    cleo.order_fault("state-copy");
    let shadow = ["slot", "shadow", "policy", "evil-policy"];
    wait::until("the copy of the state to fail", || {
        let _may_work = cleo.run(&shadow);
        (!cleo.is_ordered("state-copy")).then_some(())
    });
    failed_once(&cleo, "state-copy");
    let _ = cleo.json(&shadow);
    let own = letter(&cleo, &cleo, "while the shadow fails");
    for name in ["shadow", "shadow-call"] {
        cleo.order_fault(name);
        wait::until("the shadow to be compared", || {
            cleo.submit(&cleo.address(), &own);
            let report = cleo.json(&["slot", "shadow", "policy"]);
            (!cleo.is_ordered(name) && report["different"].as_u64()? > 0).then_some(())
        });
        failed_once(&cleo, name);
    }
    let _ = cleo.wait_for_mail(&own);
}

/// A relay whose reading failed rests for minutes, so each part fails at the first reading of a gateway of its own.
#[test]
fn parts_that_read_a_relay_fail_once_and_mail_goes_on() {
    let relay = Gateway::start_relay(tempfile::tempdir().unwrap(), network());
    let invitation = relay.json(&["relay", "invite"])["address"].as_str().unwrap().to_owned();
    std::thread::scope(|scope| {
        for name in ["throwaway", "throwaway-start", "throwaway-proxy", "throwaway-connection"] {
            let invitation = &invitation;
            scope.spawn(move || {
                let gateway = impatient::gateway_with("", &[FAULTS]);
                gateway.order_fault(name);
                let _ = gateway.json(&["relay", "add", invitation]);
                failed_once(&gateway, name);
                let mail = format!("Subject: x\r\n\r\nafter {name}\r\n").into_bytes();
                gateway.submit(&gateway.address(), &mail);
                let _ = gateway.wait_for_mail(&mail);
            });
        }
    });
}

#[test]
fn parts_that_take_and_answer_letters_on_a_relay_fail_once_and_nothing_is_lost() {
    let relay = Gateway::start_with(network(), &[FAULTS, "--serve-drops"]);
    let (mut cleo, mut anna) =
        (impatient::gateway_with("", &[FAULTS]), impatient::gateway_with("", &[FAULTS]));
    let invitation = relay.json(&["relay", "invite"])["address"].as_str().unwrap().to_owned();
    let _ = anna.json(&["relay", "add", &invitation]);
    befriend(&cleo, &anna, ["cleo", "anna"]);
    wait::until("Anna's relay", || {
        let contacts = cleo.json(&["contact", "list"]);
        (!contacts[0]["relays"].as_array()?.is_empty()).then_some(())
    });
    assert!(anna.stop().success());
    let text = letter(&cleo, &anna, "left on the relay");
    cleo.submit(&anna.address(), &text);
    impatient::left_on_a_relay(&cleo);
    relay.order_fault("board-question");
    let refused = letter(&cleo, &anna, "refused by the relay, which fails to decide about it");
    cleo.submit(&anna.address(), &refused);
    failed_once(&relay, "board-question");
    // She hears the first from the relay alone, and answers there.
    assert!(cleo.stop().success());
    anna.restart();
    anna.order_fault("acknowledgements");
    let _ = anna.wait_for_mail(&text);
    failed_once(&anna, "acknowledgements");
    cleo.restart();
    cleo.order_fault("copies-ended");
    failed_once(&cleo, "copies-ended");
    let _ = anna.wait_for_mail(&refused);
    wait::until("the acknowledgements", || {
        (cleo.json(&["outbox", "list"]).as_array()?.is_empty()).then_some(())
    });
}

/// Has the gateway do something, as users do; whether it did.
fn ask(gateway: &Gateway, name: &str, number: u32) -> bool {
    let file = |name: &str| gateway.path(name).to_str().unwrap().to_owned();
    let run = |arguments: &[&str]| gateway.run(arguments).status.success();
    match name {
        "backup" | "board-copy" => run(&["backup", &file(&format!("{name}-{number}.tar"))]),
        "component-file" => run(&["component", "add", &file("evil-policy.wasm")]),
        "component-test" => tests_on(gateway, "evil-policy"),
        "dns" => {
            let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
            let refused = session.send(&gateway.address(), &["nobody@example.test"], b"x\r\n").unwrap_err();
            refused.starts_with("550 5.1.1")
        }
        "replay" => {
            run(&["component", "replay", &file("evil-policy.wasm"), "--slot", "policy", "--days", "1"])
        }
        other => panic!("nobody asks for {other}"),
    }
}

/// Has the gateway test a component, as its page does.
fn tests_on(gateway: &Gateway, component: &str) -> bool {
    let token = std::fs::read_to_string(gateway.path("admin-token")).unwrap();
    let bearer = format!("Authorization: Bearer {}", token.trim());
    let url = format!("http://{}/api/v1/slots/policy/test?component={component}", gateway.admin());
    let case = "[[call]]\nask = { allow-submission = {} }\n";
    let options = ["-sf", "-H", &bearer, "-H", "Content-Type: application/toml", "--data-binary", case, &url];
    Command::new("curl").args(options).stdout(Stdio::null()).status().unwrap().success()
}

#[test]
fn what_somebody_asks_for_fails_once_with_a_word_and_works_when_asked_again() {
    let dns = DnsServer::start("");
    let directory = tempfile::tempdir().unwrap();
    let mut options = network().options();
    options.extend([FAULTS, "--serve-drops", "--dns", &dns.address()].map(str::to_owned));
    let gateway = Gateway::start_from(directory, options);
    trials::add(&gateway, "evil-policy");
    for name in WHEN_ASKED {
        gateway.order_fault(name);
        // The order may not have been seen the first time.
        let mut number = 0;
        let did = wait::until(&format!("`{name}` to fail"), || {
            number += 1;
            let did = ask(&gateway, name, number);
            (!gateway.is_ordered(name)).then_some(did)
        });
        assert!(!did, "{name} says that it went well");
        failed_once(&gateway, name);
        assert!(ask(&gateway, name, 0), "{name}, asked again");
        let text = format!("Subject: x\r\n\r\nafter {name}\r\n").into_bytes();
        gateway.submit(&gateway.address(), &text);
        let _ = gateway.wait_for_mail(&text);
    }
}
