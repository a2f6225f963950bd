//! Measures the built program from outside, on loopback. `tests/RESULTS.md` has the figures.
//!
//!     cargo build --release --workspace && target/release/bench submit|postfix|fetch|dovecot|latency|transfer|memory|start|setup|pages|scan...
//!
//! `postfix` and `dovecot` measure those the way `submit` and `fetch` measure ours, with the same client; name them in one run.

#![allow(clippy::expect_used, reason = "a bench that cannot go on ends")]
#![allow(clippy::disallowed_methods, reason = "it measures real time")]

mod dovecot;
mod pages;
mod postfix;
mod scan;
mod setup;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tests::{Gateway, befriend, network, pop3, smtp, wait};

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let known: [(&str, fn()); 11] = [
        ("submit", submit),
        ("postfix", postfix),
        ("fetch", fetch),
        ("dovecot", dovecot),
        ("latency", latency),
        ("transfer", transfer),
        ("memory", memory),
        ("start", start),
        ("setup", setup::setup),
        ("pages", pages::pages),
        ("scan", scan::scan),
    ];
    if names.is_empty() || names.iter().any(|name| known.iter().all(|(known, _)| known != name)) {
        eprintln!("usage: bench {}", known.map(|(name, _)| name).join("|"));
        std::process::exit(2);
    }
    for name in &names {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!("{name} (load before: {})", load.trim());
        for (_, run) in known.iter().filter(|(known, _)| known == name) {
            run();
        }
    }
}

fn row(what: &str, value: f64, unit: &str) {
    println!("  {what:<58} {value:>10.1} {unit}");
}

/// A mail of about this many bytes.
fn mail(number: usize, bytes: usize) -> Vec<u8> {
    let mut text = format!("Subject: bench {number}\r\n\r\n").into_bytes();
    while text.len() + 74 <= bytes {
        text.extend_from_slice(format!("{number:>71}\r\n").as_bytes());
    }
    text
}

fn own_address(gateway: &Gateway) -> String {
    format!("{}@tox", gateway.account())
}

fn offline() -> Gateway {
    let directory = tempfile::tempdir().expect("a directory");
    Gateway::start_from(directory, vec!["--no-public-bootstrap".to_owned()])
}

/// Sends mails of 4 KB from `sessions` sessions to an address; gives mails a second until the last 250.
fn submit_rate(gateway: &Gateway, recipient: &str, sessions: usize, mails: usize) -> f64 {
    let login = || smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    send_rate((0..sessions).map(|_| login()).collect(), &gateway.address(), recipient, mails)
}

/// The same for sessions that are ready to send.
fn send_rate(mut clients: Vec<smtp::Session>, sender: &str, recipient: &str, mails: usize) -> f64 {
    let (text, each) = (mail(1, 4096), mails / clients.len());
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for client in &mut clients {
            let text = &text;
            scope.spawn(move || {
                for _ in 0..each {
                    client.send(sender, &[recipient], text).expect("accepted");
                }
            });
        }
    });
    (each * clients.len()) as f64 / begin.elapsed().as_secs_f64()
}

/// How many sessions send how many mails.
const SUBMISSIONS: [(usize, usize); 3] = [(1, 2_000), (10, 5_000), (50, 5_000)];

fn submit() {
    let gateway = offline();
    // To somebody who is not there, so that nothing but the submission is measured.
    let absent = mail::ToxId { key: mail::PublicKey([7; 32]), nospam: mail::Nospam([1, 2, 3, 4]) };
    let recipient = format!("{absent}@tox");
    submit_rate(&gateway, &recipient, 1, 200);
    for (sessions, mails) in SUBMISSIONS {
        let rate = submit_rate(&gateway, &recipient, sessions, mails);
        row(&format!("SMTP, filter, fsync; 4 KB; {sessions} sessions"), rate, "mails/s");
    }
}

fn postfix() {
    let postfix = postfix::Postfix::start();
    let ready = || {
        let mut session = smtp::Session::connect(postfix.smtp);
        assert!(session.command("EHLO client.test").starts_with("250"));
        session
    };
    send_rate(vec![ready()], "a@bench.test", "b@bench.test", 200);
    for (sessions, mails) in SUBMISSIONS {
        let sessions_ready = (0..sessions).map(|_| ready()).collect();
        let rate = send_rate(sessions_ready, "a@bench.test", "b@bench.test", mails);
        row(&format!("Postfix: SMTP, queue with fsync; 4 KB; {sessions} sessions"), rate, "mails/s");
    }
}

/// Mails in the mailbox that is fetched.
const FETCHED: usize = 5_000;

fn fetch() {
    let gateway = offline();
    submit_rate(&gateway, &own_address(&gateway), 10, FETCHED);
    wait_for_count(&gateway, FETCHED);
    fetch_all("POP3", gateway.pop3(), &gateway.account(), &gateway.password());
}

fn dovecot() {
    let dovecot = dovecot::Dovecot::start((0..FETCHED).map(|number| mail(number, 4096)));
    fetch_all("Dovecot: POP3", dovecot.pop3, "bench", "bench");
}

fn fetch_all(what: &str, server: SocketAddr, account: &str, password: &str) {
    let mut session = wait::until("the mailbox", || pop3::Session::login(server, account, password).ok());
    let begin = Instant::now();
    for number in 1..=FETCHED {
        assert!(session.retrieve(number).len() >= 4000);
    }
    row(&format!("{what}, 4 KB, one at a time"), FETCHED as f64 / begin.elapsed().as_secs_f64(), "mails/s");
    let _ = session.command("QUIT");

    let stream = TcpStream::connect(server).expect("POP3");
    let mut reader = BufReader::with_capacity(1 << 16, stream.try_clone().expect("a second handle"));
    let mut commands = format!("USER {account}\r\nPASS {password}\r\n");
    for number in 1..=FETCHED {
        commands += &format!("RETR {number}\r\n");
    }
    let begin = Instant::now();
    let writer = std::thread::spawn(move || (&stream).write_all(commands.as_bytes()));
    let (mut ends, mut line) = (0, Vec::new());
    while ends < FETCHED {
        line.clear();
        assert!(reader.read_until(b'\n', &mut line).expect("a line") > 0, "the session ended");
        ends += usize::from(line == b".\r\n");
    }
    row(&format!("{what}, 4 KB, pipelined"), FETCHED as f64 / begin.elapsed().as_secs_f64(), "mails/s");
    writer.join().expect("the writer").expect("it could write");
}

fn pair() -> (Gateway, Gateway) {
    let pair = (Gateway::start(network()), Gateway::start(network()));
    befriend(&pair.0, &pair.1, ["anna", "ben"]);
    pair
}

/// Waits until this many mails are in the mailbox, asking every millisecond or two.
fn wait_for_count(gateway: &Gateway, count: usize) {
    loop {
        if let Ok(mut session) = pop3::Session::login(gateway.pop3(), &gateway.account(), &gateway.password())
        {
            if session.count() >= count {
                return;
            }
            let _ = session.command("QUIT");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn latency() {
    let (a, b) = pair();
    let mut session = smtp::Session::login(a.smtp(), &a.account(), &a.password());
    let sender = a.address();
    let mut times: Vec<f64> = (1..=100)
        .map(|number| {
            session.send(&sender, &["ben@tox"], &mail(number, 4096)).expect("accepted");
            let begin = Instant::now();
            wait_for_count(&b, number);
            begin.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    row("250 at A to visible by POP3 at B over Tox, p50", times[49], "ms");
    row("the same, p99", times[98], "ms");
}

fn transfer() {
    let (a, b) = pair();
    let large = mail(1, 49_900_000);
    // c-toxcore lets a connection that was idle send little at first.
    for (number, what) in
        [(1, "one mail of 50 MB over an idle connection, 250 to visible"), (2, "another right after")]
    {
        a.submit("ben@tox", &large);
        let begin = Instant::now();
        wait_for_count(&b, number);
        row(what, large.len() as f64 / 1e6 / begin.elapsed().as_secs_f64(), "MB/s");
    }
    let begin = Instant::now();
    let rate = submit_rate(&a, "ben@tox", 4, 1000);
    wait_for_count(&b, 1002);
    row("1 000 mails of 4 KB, first MAIL to last visible", 1000.0 / begin.elapsed().as_secs_f64(), "mails/s");
    row("  of these, accepted at", rate, "mails/s");
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn memory() {
    let (a, b) = pair();
    row("resident, idle, online", megabytes(a.resident()), "MB");
    a.submit("ben@tox", &mail(1, 49_900_000));
    wait_for_count(&b, 1);
    row("peak of the sender of 50 MB", megabytes(a.peak_resident()), "MB");
    row("peak of its recipient", megabytes(b.peak_resident()), "MB");
    drop((a, b));
    let gateway = offline();
    submit_rate(&gateway, &own_address(&gateway), 50, 100_000);
    wait_for_count(&gateway, 100_000);
    row("resident with 100 000 mails of 4 KB, right after storing them", megabytes(gateway.resident()), "MB");
}

fn start() {
    let mut gateway = offline();
    submit_rate(&gateway, &own_address(&gateway), 10, 1_000);
    gateway.stop();
    let options = vec!["--no-public-bootstrap".to_owned()];
    for what in ["start to ready.json after a clean stop, 1 000 mails", "the same after kill -9"] {
        let mut command = Gateway::command(&gateway.path(""), &options);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let ready = gateway.path("ready.json");
        let _ = std::fs::remove_file(&ready);
        let begin = Instant::now();
        let mut child = command.spawn().expect("it starts");
        while !ready.exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        row(what, begin.elapsed().as_secs_f64() * 1000.0, "ms");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
}
