//! Every error a user can meet on the way of a mail says what to do.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tests::{Gateway, network, pop3, smtp};

fn recipient_refused(gateway: &Gateway, recipient: &str) -> String {
    let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    session.send(&gateway.address(), &[recipient], b"Subject: x\r\n\r\nx\r\n").unwrap_err()
}

fn contains(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.to_lowercase().contains(&word.to_lowercase()), "`{word}` is missing in: {text}");
    }
}

#[test]
fn smtp_refusals_say_what_to_do() {
    // Offline on purpose: none of this needs the network.
    let gateway = Gateway::start_with(network(), &["--dns", "127.0.0.1:1"]);

    let mut session = smtp::Session::connect(gateway.smtp());
    session.command("EHLO client.test");
    contains(&session.command(&format!("MAIL FROM:<{}>", gateway.address())), &["530 5.7.0", "log in"]);
    let wrong = smtp::base64(format!("\0{}\0wrong", gateway.account()).as_bytes());
    contains(&session.command(&format!("AUTH PLAIN {wrong}")), &["535 5.7.8", "password"]);

    contains(&recipient_refused(&gateway, "nobody@tox"), &["550 5.1.1", "contact add"]);
    contains(&recipient_refused(&gateway, &format!("{}@tox", "ab".repeat(32))), &["550 5.1.1", "76"]);
    contains(&recipient_refused(&gateway, &format!("{}@tox", "ab".repeat(38))), &["checksum"]);
    // Nothing answers at the DNS server's port: the mail program is to try again.
    contains(&recipient_refused(&gateway, "someone@example.test"), &["451 4.4.3", "DNS"]);

    let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    let refused = session.command(&format!("MAIL FROM:<{}> SIZE=999999999", gateway.address()));
    contains(&refused, &["552 5.3.4", "50000000"]);
    contains(&session.command("MAIL FROM:<somebody@example.org>"), &["550 5.7.1", &gateway.address()]);
}

#[test]
fn pop3_refuses_a_wrong_password_and_a_second_session() {
    let gateway = Gateway::start(network());
    let refused = pop3::Session::login(gateway.pop3(), &gateway.account(), "wrong").err().unwrap();
    contains(&refused, &["-ERR [AUTH]", "password"]);
    let _first = pop3::Session::login(gateway.pop3(), &gateway.account(), &gateway.password()).unwrap();
    let refused =
        pop3::Session::login(gateway.pop3(), &gateway.account(), &gateway.password()).err().unwrap();
    contains(&refused, &["[IN-USE]"]);
}

/// Runs `toxmail up`, which has to end by itself.
fn up(directory: &Path, options: &[&str]) -> (Output, String) {
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    let output = Gateway::command(directory, &options).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, text)
}

#[test]
fn a_taken_port_is_named_with_the_option_that_changes_it() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for option in ["--smtp", "--pop3", "--admin"] {
        let (output, text) = up(directory.path(), &["--no-public-bootstrap", option, &address]);
        assert_eq!(output.status.code(), Some(1));
        contains(&text, &[&address, option, "use"]);
    }
}

#[test]
fn a_directory_in_use_names_the_other_process() {
    let gateway = Gateway::start(network());
    let (output, text) = up(&gateway.path(""), &["--no-public-bootstrap"]);
    assert_eq!(output.status.code(), Some(1));
    contains(&text, &[&gateway.pid().to_string(), "another"]);
    // And the running one is not harmed.
    assert_eq!(gateway.json(&["id"])["tox_id"], gateway.ready["tox_id"]);
}

#[test]
fn a_directory_whose_name_is_not_utf_8_is_refused_before_anything_is_made() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join(std::ffi::OsStr::from_bytes(b"mail-\xfc"));
    let (output, text) = up(&directory, &["--no-public-bootstrap"]);
    assert_eq!(output.status.code(), Some(1));
    contains(&text, &["UTF-8", "--data"]);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn an_address_to_listen_on_is_taken_or_refused_with_an_example() {
    let directory = tempfile::tempdir().unwrap();
    for wrong in ["mail.example.org:2525", "127.0.0.1", "127.0.0.1:2525,[::1]:2525", "nonsense"] {
        let (output, text) = up(directory.path(), &["--smtp", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        contains(&text, &["--smtp", "127.0.0.1:2525"]);
    }
    let options = ["--no-public-bootstrap", "--smtp", "localhost:0", "--pop3", ":0", "--admin", "0"];
    let gateway = Gateway::start_from(directory, options.map(str::to_owned).to_vec());
    for address in [gateway.smtp(), gateway.pop3(), gateway.admin()] {
        assert!(address.ip().is_loopback(), "{address}");
    }
}

#[test]
fn a_damaged_configuration_names_file_line_and_key() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("toxmail.toml");
    std::fs::write(&file, "[listen]\nsmpt = \"127.0.0.1:0\"\n").unwrap();
    let (output, text) = up(directory.path(), &["--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    contains(&text, &["toxmail.toml", "line 2", "smpt", "did you mean `smtp`"]);
}

#[test]
fn a_wrong_bootstrap_node_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    let (output, text) = up(directory.path(), &["--bootstrap", "nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    contains(&text, &["HOST:PORT:KEY"]);
}

#[test]
fn without_a_network_the_mail_waits_and_status_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start_from(directory, vec!["--no-public-bootstrap".to_owned()]);
    let friend = mail::ToxId { key: mail::PublicKey([7; 32]), nospam: mail::Nospam([1, 2, 3, 4]) };
    gateway.submit(&format!("{friend}@tox"), b"Subject: x\r\n\r\nwaits\r\n");
    let status = gateway.json(&["status"]);
    assert_eq!(status["tox"]["online"], false);
    assert_eq!(status["outbox"]["queued"], 1);
    let human = gateway.run(&["status"]);
    contains(&String::from_utf8_lossy(&human.stdout), &["bootstrap"]);
}

#[test]
fn verbs_without_a_daemon_name_the_command_that_starts_it() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        Command::new(tests::gateway::program())
            .args(arguments)
            .arg("--data")
            .arg(directory.path())
            .output()
            .unwrap()
    };
    let output = run(&["status"]);
    assert_eq!(output.status.code(), Some(1));
    contains(&String::from_utf8_lossy(&output.stderr), &["toxmail up"]);
    assert_eq!(run(&["outbox", "frobnicate"]).status.code(), Some(2));

    // A ready file that a killed daemon left behind is recognised.
    let mut gateway = Gateway::start(network());
    gateway.kill();
    let output = gateway.run(&["status"]);
    assert_eq!(output.status.code(), Some(1));
    contains(&String::from_utf8_lossy(&output.stderr), &["toxmail up"]);
}

#[test]
fn a_clean_stop_is_quick_and_removes_the_ready_file() {
    let mut gateway = Gateway::start(network());
    assert_eq!(gateway.stop().code(), Some(0), "{}", gateway.log());
    assert!(!gateway.path("ready.json").exists());
}
