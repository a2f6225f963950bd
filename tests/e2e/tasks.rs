//! Parts of the gateway fail once each; and nobody reads, or can write, its log.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
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

/// Parts that are known after the start and do not fail here, and why.
const NOT_HERE: [(&str, &str); 8] = [
    ("component-file", "the gateway does not start without its components, and says so"),
    ("secret", "it is read at the start alone, before orders are"),
    ("board-open", "it is opened at the start alone, before orders are"),
    ("drops", "the other test has copies on a drop relay"),
    ("drops-job", "the other test has copies on a drop relay"),
    ("shadow", "the other test has a component beside another"),
    ("tokens", "the other test has an invitation"),
    ("store-read", "a start that cannot read the store ends, and says so"),
];

/// What is about to be done when a part is to fail that mail and time do not come by.
fn cause(anna: &mut Gateway, ben: &mut Gateway, name: &str) {
    match name {
        "board-join" | "connecting" | "join" | "unreadable-rows" => {
            let _either_way = anna.stop();
            anna.restart();
        }
        "friend-connected" | "tell-record" => {
            let _either_way = ben.stop();
            ben.restart();
        }
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
fn every_part_of_the_gateway_fails_once_and_mail_goes_on_and_status_tells() {
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
    let known = wait::until("the list of parts", || {
        let known = tasks(&anna)?;
        // It is there once the first reading of the own relay began.
        known.contains_key("board-visit").then_some(known)
    });
    for (name, task) in &known {
        let kind = task["kind"].as_str().unwrap();
        if NOT_HERE.iter().any(|(not_here, _)| not_here == name) {
            continue;
        }
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
        if kind == "vital" {
            let reason = format!("a part of it failed: `{name}` failed: a test ordered it");
            wait::until(&format!("the end after `{name}` failed"), || {
                revive(&mut anna);
                (anna.log().contains(&reason) && tasks(&anna)?.get(name)?["panics"] == 0).then_some(())
            });
        } else {
            wait::until(&format!("`{name}` in status"), || {
                let tasks = tasks(&anna)?;
                let task = tasks.get(name)?;
                let is_back = task["down"] == 0 && (kind == "job" || task["running"].as_u64()? > 0);
                (is_back && task["panics"].as_u64()? >= 1 && task["problem"] == "a test ordered it")
                    .then_some(())
            });
            wait::until("a line for people", || {
                let said = anna.run(&["status"]).stdout;
                String::from_utf8_lossy(&said).contains(&format!("the part `{name}` failed")).then_some(())
            });
        }
        mail_goes_on(&mut anna, &mut ben, name);
        wait::until("health", || (health(&anna) == "204").then_some(()));
    }
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
    anna.restart();
    let _ = anna.wait_for_mail(&text);

    trials::add(&cleo, "evil-policy");
    let _ = cleo.json(&["slot", "shadow", "policy", "evil-policy"]);
    cleo.order_fault("shadow");
    let own = letter(&cleo, &cleo, "while the shadow fails");
    wait::until("the shadow to be compared", || {
        cleo.submit(&cleo.address(), &own);
        let report = cleo.json(&["slot", "shadow", "policy"]);
        (!cleo.is_ordered("shadow") && report["different"].as_u64()? > 0).then_some(())
    });
    failed_once(&cleo, "shadow");
    let _ = cleo.wait_for_mail(&own);
}
