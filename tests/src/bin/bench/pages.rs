//! How long pages take with much stored: a gateway with 100 000 mails, 10 000 in quarantine and in the outbox each, and 100 000
//! decisions in its record. `cargo build --release -p store --example fill` makes the program that fills it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use tests::{Gateway, network};

/// Times each page is asked for.
const TIMES: usize = 15;

const PAGES: [(&str, &str); 15] = [
    ("overview", "/"),
    ("contacts", "/contacts"),
    ("outbox", "/outbox"),
    ("mailbox", "/mailbox"),
    ("quarantine", "/quarantine"),
    ("decisions", "/decisions"),
    ("decisions about one mail", "/decisions?mail=00000000000000000000000000000001"),
    ("decisions, a search without result", "/decisions?text=nothing-has-this"),
    ("traffic", "/traffic"),
    ("relays", "/relays"),
    ("events", "/events"),
    ("components", "/components"),
    ("a component", "/components/entry?slot=policy&entry=policy"),
    ("settings", "/settings"),
    ("accounts", "/accounts"),
];

pub fn pages() {
    let mut gateway = Gateway::start(network());
    assert!(gateway.stop().success());
    let program = tests::gateway::program();
    let fill = program.with_file_name("examples").join("fill");
    let filled = Command::new(&fill).arg(gateway.path("")).status();
    let filled = filled.unwrap_or_else(|error| {
        panic!("{}: {error}: cargo build --release -p store --example fill", fill.display())
    });
    assert!(filled.success(), "the store is filled");
    gateway.restart();
    let session = log_in(&gateway);
    println!("  {:<40} {:>8} {:>10} {:>10}", "page", "bytes", "median ms", "worst ms");
    for (name, path) in PAGES {
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..TIMES {
            let (took, answer) = get(&gateway, path, &session);
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
            bytes = answer.split_once("\r\n\r\n").map_or(0, |(_, page)| page.len());
            times.push(took);
        }
        times.sort();
        let millis = |index: usize| times.get(index).copied().unwrap_or_default().as_secs_f64() * 1000.0;
        println!("  {name:<40} {bytes:>8} {:>10.1} {:>10.1}", millis(TIMES / 2), millis(TIMES - 1));
    }
}

/// Asks for a page over a connection of its own.
fn get(gateway: &Gateway, path: &str, session: &str) -> (Duration, String) {
    let address = gateway.admin();
    let begin = Instant::now();
    let answer = exchange(
        gateway,
        &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {session}\r\nConnection: close\r\n\r\n"),
    );
    (begin.elapsed(), answer)
}

fn exchange(gateway: &Gateway, request: &str) -> String {
    let mut stream = TcpStream::connect(gateway.admin()).expect("the web server");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The session's cookie.
fn log_in(gateway: &Gateway) -> String {
    let address = gateway.admin();
    let head = |method: &str, fields: &str| {
        format!("{method} /login HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{fields}\r\n")
    };
    let page = exchange(gateway, &head("GET", ""));
    let before = cookie(&page, "toxmail-login-");
    let token = before.split_once('=').map(|(_, token)| token.to_owned()).unwrap_or_default();
    let form = format!("form={token}&name={}&password={}", gateway.account(), gateway.password());
    let fields = format!(
        "Origin: http://{address}\r\nCookie: {before}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n",
        form.len()
    );
    cookie(&exchange(gateway, &(head("POST", &fields) + &form)), "toxmail-")
}

/// `NAME=VALUE` of a cookie that an answer sets, by how its name begins: it ends with the port.
fn cookie(answer: &str, name: &str) -> String {
    let lines = answer.lines().filter_map(|line| line.split_once(": "));
    let mut set = lines.filter(|(field, _)| field.eq_ignore_ascii_case("set-cookie"));
    let found = set.find(|(_, value)| value.starts_with(name) && !value.contains("=;"));
    let (_, value) = found.unwrap_or_else(|| panic!("no cookie {name}: {answer}"));
    value.split(';').next().unwrap_or_default().to_owned()
}
