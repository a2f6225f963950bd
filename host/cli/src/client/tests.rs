use std::fs;
use std::sync::{Arc, Mutex};

use clap::Parser as _;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::args::{Cli, Command};
use crate::errand::Errands;
use crate::ready::ReadyAccount;

const TOKEN: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A data directory whose ready file names `admin`, written by process `pid`.
fn data(admin: &str, pid: u32) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let tox_id: mail::ToxId =
        "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5".parse().unwrap();
    let account: AccountName = "anna".parse().unwrap();
    let ready = Ready {
        admin_certificate_file: None,
        pid,
        version: "0.1.0".to_owned(),
        tox_id: Some(tox_id),
        relay_address: None,
        smtp: "127.0.0.1:1".to_owned(),
        pop3: "127.0.0.1:2".to_owned(),
        admin: admin.to_owned(),
        account: account.clone(),
        password_file: directory.path().join("password"),
        admin_token_file: directory.path().join("token"),
        accounts: vec![ReadyAccount { name: account, tox_id }],
    };
    fs::write(directory.path().join("token"), format!("{TOKEN}\n")).unwrap();
    ready.write(directory.path()).unwrap();
    directory
}

/// Answers the requests of one connection, one after another, with these texts, and keeps what was asked.
async fn server(answers: Vec<String>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = asked.clone();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for answer in answers {
            let mut request = String::new();
            while !request.contains("\r\n\r\n") {
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).await.unwrap();
                if count == 0 {
                    return;
                }
                request.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            }
            kept.lock().unwrap().push(request);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, asked)
}

fn ok(fields: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{fields}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn ask(directory: &Path, line: &str) -> Result<Value, ClientError> {
    let cli = Cli::try_parse_from(std::iter::once("toxmail").chain(line.split_whitespace())).unwrap();
    let Command::Verb(verb) = cli.command else { panic!("{line} is no verb") };
    let errands = Errands { account: cli.common.account.as_ref(), make: |bytes| Ok(bytes.to_vec()) };
    let gateway = Gateway::find(directory)?;
    gateway.ask(errands.of(&verb)?.request).await
}

#[tokio::test]
async fn the_gateway_is_found_and_asked() {
    let (address, asked) = server(vec![ok("", "{\"a\": 1}")]).await;
    let directory = data(&address.to_string(), std::process::id());
    let answer = ask(directory.path(), "status --account bob").await.unwrap();
    assert_eq!(answer, serde_json::json!({ "a": 1 }));
    let asked = asked.lock().unwrap().join("");
    assert!(asked.starts_with("GET /api/v1/status?account=bob HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("authorization: Bearer {TOKEN}\r\n")), "{asked}");
    assert!(asked.contains(&format!("host: {address}\r\n")), "{asked}");
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let (address, asked) = server(vec![
        ok("link: <?account=bob&limit=1&after=a>; rel=\"next\"\r\n", "[1]"),
        ok("link: <?account=bob&limit=1&after=b>; rel=\"next\"\r\n", "[2]"),
        ok("", "[3]"),
    ])
    .await;
    let directory = data(&address.to_string(), std::process::id());
    let answer = ask(directory.path(), "outbox list --account bob").await.unwrap();
    assert_eq!(answer, serde_json::json!([1, 2, 3]));
    assert!(asked.lock().unwrap()[2].starts_with("GET /api/v1/outbox?account=bob&limit=1&after=b HTTP/1.1"));
}

#[tokio::test]
async fn a_problem_is_told_in_its_own_words() {
    let body =
        "{\"title\": \"Not Found\", \"status\": 404, \"detail\": \"there is no \\u001b[31m such mail\"}";
    let problem = format!(
        "HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (address, _) = server(vec![problem]).await;
    let directory = data(&address.to_string(), std::process::id());
    let error = ask(directory.path(), "outbox list").await.unwrap_err();
    assert_eq!(error.to_string(), "there is no \u{fffd}[31m such mail");
}

#[tokio::test]
async fn something_else_on_the_port_is_not_understood() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhtml".to_owned(),
        "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "220 mail.example ESMTP\r\n".to_owned(),
        String::new(),
    ] {
        let (address, _) = server(vec![answer]).await;
        let directory = data(&address.to_string(), std::process::id());
        let error = ask(directory.path(), "status").await.unwrap_err();
        assert!(matches!(error, ClientError::Unexpected(_) | ClientError::Broken(_)), "{error}");
    }
}

#[tokio::test]
async fn a_gateway_that_does_not_run_is_recognised() {
    let empty = tempfile::tempdir().unwrap();
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let stale = data("127.0.0.1:1", ended.id());
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = data(&closed.to_string(), std::process::id());
    for directory in [&empty, &stale, &refused] {
        let error = ask(directory.path(), "status").await.unwrap_err();
        let command = format!("start it with `toxmail up --data {}`", directory.path().display());
        assert!(error.to_string().contains(&command), "{error}");
    }
}

#[tokio::test]
async fn what_is_damaged_is_named() {
    let directory = data("nowhere", std::process::id());
    let error = ask(directory.path(), "status").await.unwrap_err();
    assert!(error.to_string().contains("ready.json"), "{error}");
    let directory = data("127.0.0.1:1", std::process::id());
    for text in [Some("short"), None] {
        match text {
            Some(text) => fs::write(directory.path().join("token"), text).unwrap(),
            None => fs::remove_file(directory.path().join("token")).unwrap(),
        }
        let error = ask(directory.path(), "status").await.unwrap_err();
        assert!(matches!(error, ClientError::Token { .. }), "{error}");
        assert!(!error.to_string().contains("short"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_gateway_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let directory = data(&listener.local_addr().unwrap().to_string(), std::process::id());
    let error = ask(directory.path(), "status").await.unwrap_err();
    assert!(matches!(error, ClientError::Silent), "{error}");
}

#[test]
fn a_listener_on_all_addresses_is_reached_on_loopback() {
    for (listener, reached) in
        [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("192.0.2.1:1", "192.0.2.1:1")]
    {
        assert_eq!(reachable(listener.parse().unwrap()), reached.parse().unwrap());
    }
}

#[test]
fn a_directory_can_be_pasted() {
    assert_eq!(shell_quoted(Path::new("/a/b-c.d")), "/a/b-c.d");
    assert_eq!(shell_quoted(Path::new("/a b/$c")), "'/a b/$c'");
    assert_eq!(shell_quoted(Path::new("/it's")), "'/it'\\''s'");
}

#[test]
fn only_the_next_page_is_a_next_page() {
    assert_eq!(next_page("<?after=x>; rel=\"next\""), Some("?after=x".to_owned()));
    for other in ["<?after=x>; rel=\"prev\"", "<http://evil.example/>; rel=\"next\"", "?after=x", ""] {
        assert_eq!(next_page(other), None, "{other}");
    }
}
