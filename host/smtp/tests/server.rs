//! The server over loopback sockets.

#![allow(clippy::expect_used, reason = "a test that panics has failed")]

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use listener::testing::soon;
use support::Running;
use tokio::io::AsyncWriteExt;

const ENVELOPE: &[u8] = b"MAIL FROM:<ann@tox>\r\nRCPT TO:<bob@tox>\r\nDATA\r\n";
const IDLE: Duration = smtp::limits::IDLE_TIMEOUT;

#[tokio::test]
async fn a_mail_goes_through_step_by_step() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.ask("MAIL FROM:<eve@tox>", "550 5.7.1").await;
    client.ask("MAIL FROM:<ann@tox>", "250 2.1.0").await;
    client.ask("RCPT TO:<unknown@tox>", "550 5.1.1").await;
    client.ask("RCPT TO:<bob@tox>", "250 2.1.5").await;
    client.ask("DATA", "354").await;
    client.ask("Subject: x\r\n\r\n..\r\n.", "250 2.0.0 stored").await;
    client.ask("QUIT", "221").await;
    client.expect_end().await;
    assert_eq!(*server.mailbox.mails.lock().unwrap(), [b"Subject: x\r\n\r\n.\r\n"]);
}

#[tokio::test]
async fn a_whole_session_in_one_write_is_answered_even_half_closed() {
    let server = Running::start(|_| {}).await;
    let mut client = server.connect().await;
    let mut session = b"EHLO me\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n".to_vec();
    for _ in 0..3 {
        session.extend_from_slice(ENVELOPE);
        session.extend_from_slice(b"hello\r\n.\r\n");
    }
    session.extend_from_slice(b"QUIT\r\n");
    client.send(&session).await;
    client.stream.shutdown().await.unwrap();
    for code in ["220", "250", "235"] {
        client.expect(code).await;
    }
    for _ in 0..3 {
        for code in ["250 2.1.0", "250 2.1.5", "354", "250 2.0.0"] {
            client.expect(code).await;
        }
    }
    client.expect("221").await;
    client.expect_end().await;
    assert_eq!(server.mailbox.mails.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn replies_of_a_batch_leave_in_one_write() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.send(b"NOOP\r\nNOOP\r\nMAIL FROM:<ann@tox>\r\nRCPT TO:<bob@tox>\r\nDATA\r\n").await;
    client.stream.readable().await.unwrap();
    let mut replies = vec![0; 4096];
    let read = client.stream.try_read(&mut replies).unwrap();
    assert_eq!(String::from_utf8_lossy(&replies[..read]).lines().count(), 5);
}

#[tokio::test]
async fn a_large_mail_streams_in_chunks() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    let text = "0123456789".repeat(300_000) + "\r\n";
    client.send(ENVELOPE).await;
    client.send(text.as_bytes()).await;
    client.send(b".\r\n").await;
    for code in ["250", "250", "354", "250 2.0.0"] {
        client.expect(code).await;
    }
    assert_eq!(server.mailbox.mails.lock().unwrap()[0], text.as_bytes());
}

#[tokio::test]
async fn a_mail_over_the_limit_is_read_to_its_end_and_refused() {
    let server = Running::start(|settings| settings.max_mail_bytes = 100_000).await;
    let mut client = server.login().await;
    client.ask("MAIL FROM:<ann@tox> SIZE=100001", "552 5.3.4").await;
    client.send(ENVELOPE).await;
    for code in ["250", "250", "354"] {
        client.expect(code).await;
    }
    client.send(&"x".repeat(2_000_000).into_bytes()).await;
    server.wait_until(|mailbox| mailbox.aborted.load(Ordering::SeqCst) == 1).await;
    client.ask("\r\n.", "552 5.3.4").await;
    client.ask("NOOP", "250").await;
    assert!(server.mailbox.mails.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_in_the_middle_comes_at_the_end() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.send(ENVELOPE).await;
    client.send(format!("full{}\r\n.\r\n", "x".repeat(500_000)).as_bytes()).await;
    for code in ["250", "250", "354", "452 4.3.1 disk full"] {
        client.expect(code).await;
    }
    assert_eq!(server.mailbox.aborted.load(Ordering::SeqCst), 1);
    assert!(server.mailbox.written.load(Ordering::SeqCst) <= mail::limits::BODY_CHUNK_BYTES);
}

#[tokio::test]
async fn a_client_gone_in_the_middle_of_a_mail_aborts_it() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.send(ENVELOPE).await;
    for code in ["250", "250", "354"] {
        client.expect(code).await;
    }
    client.send(b"half a mail\r\n").await;
    drop(client);
    server.wait_until(|mailbox| mailbox.aborted.load(Ordering::SeqCst) == 1).await;
    assert!(server.mailbox.mails.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_text_without_its_dot_is_no_mail_even_half_closed() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.send(ENVELOPE).await;
    client.send(b"hello\r\n.\r").await;
    client.stream.shutdown().await.unwrap();
    for code in ["250", "250", "354"] {
        client.expect(code).await;
    }
    client.expect_end().await;
    assert!(server.mailbox.mails.lock().unwrap().is_empty());
    assert_eq!(server.mailbox.aborted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn silence_ends_a_session_and_commands_prolong_it() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    for _ in 0..3 {
        server.clock.advance(IDLE - Duration::from_secs(1));
        client.ask("NOOP", "250").await;
    }
    server.clock.advance(IDLE);
    client.expect("421 4.4.2").await;
    client.expect_end().await;
}

#[tokio::test]
async fn a_client_has_its_time_to_log_in_whatever_it_says() {
    let server = Running::start(|_| {}).await;
    let mut client = server.connect().await;
    client.expect("220").await;
    server.clock.advance(IDLE / 2);
    client.ask("NOOP", "250").await;
    server.clock.advance(IDLE / 2);
    client.expect("421 4.4.2").await;
}

#[tokio::test]
async fn silence_in_the_middle_of_a_mail_ends_it_too() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.send(ENVELOPE).await;
    for code in ["250", "250", "354"] {
        client.expect(code).await;
    }
    server.clock.advance(IDLE);
    client.expect("421 4.4.2").await;
    client.expect_end().await;
    assert_eq!(server.mailbox.aborted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn sessions_are_limited() {
    let server = Running::start(|settings| settings.max_sessions = 2).await;
    let (mut one, mut two) = (server.login().await, server.login().await);
    let mut three = server.connect().await;
    three.expect("421 4.3.2").await;
    three.expect_end().await;
    one.ask("NOOP", "250").await;
    two.ask("QUIT", "221").await;
    two.expect_end().await;
    drop(two);
    server.connect_when_free("220").await;
}

#[tokio::test]
async fn sessions_without_login_are_limited_apart() {
    let server = Running::start(|settings| settings.max_unauthenticated = 1).await;
    let mut one = server.login().await;
    let mut two = server.connect().await;
    two.expect("220").await;
    let mut three = server.connect().await;
    three.expect("421 4.7.0").await;
    three.expect_end().await;
    one.ask("NOOP", "250").await;
    two.ask("EHLO me", "250").await;
    two.ask("AUTH PLAIN AGFubgBzZWNyZXQ=", "235").await;
    server.login().await;
}

#[tokio::test]
async fn wrong_passwords_end_the_session() {
    let server = Running::start(|settings| settings.max_authentication_failures = 2).await;
    let mut client = server.connect().await;
    client.expect("220").await;
    client.ask("EHLO me", "250").await;
    client.ask("AUTH PLAIN AGFubgB3cm9uZw==", "535 5.7.8 wrong password").await;
    client.ask("AUTH PLAIN AGFubgB3cm9uZw==", "535 5.7.8").await;
    client.expect("421 4.7.0").await;
    client.expect_end().await;
}

#[tokio::test]
async fn the_last_reply_arrives_although_the_client_still_sends() {
    let server = Running::start(|settings| settings.max_errors = 1).await;
    let mut client = server.login().await;
    let mut garbage = b"WHAT\r\n".to_vec();
    garbage.resize(500_000, b'x');
    client.send(&garbage).await;
    client.expect("500").await;
    client.expect("421 4.7.0").await;
    client.expect_end().await;
}

#[tokio::test]
async fn an_endless_line_is_refused_and_kept_nowhere() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.send("x".repeat(3_000_000).as_bytes()).await;
    client.expect("500 5.5.2").await;
    client.ask("\r\nNOOP", "250").await;
}

#[tokio::test]
async fn a_stop_ends_sessions_with_421() {
    let server = Running::start(|_| {}).await;
    let (mut idle, mut sending) = (server.login().await, server.login().await);
    let mut asking = server.login().await;
    sending.send(ENVELOPE).await;
    for code in ["250", "250", "354"] {
        sending.expect(code).await;
    }
    sending.send(b"half a mail").await;
    asking.ask("MAIL FROM:<ann@tox>", "250").await;
    asking.send(b"RCPT TO:<never@tox>\r\n").await;
    server.cancel.cancel();
    for client in [&mut idle, &mut sending, &mut asking] {
        client.expect("421 4.3.2").await;
        client.expect_end().await;
    }
    drop((idle, sending, asking));
    let mailbox = std::sync::Arc::clone(&server.mailbox);
    server.stopped().await;
    assert!(mailbox.mails.lock().unwrap().is_empty());
    assert_eq!(mailbox.aborted.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_stop_lets_a_complete_mail_finish() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.send(b"MAIL FROM:<ann@tox> ENVID=slow\r\nRCPT TO:<bob@tox>\r\nDATA\r\nhello\r\n.\r\n").await;
    soon(server.mailbox.finishing.notified()).await;
    server.cancel.cancel();
    server.mailbox.go_on.notify_one();
    for code in ["250", "250", "354", "250 2.0.0", "421 4.3.2"] {
        client.expect(code).await;
    }
    client.expect_end().await;
    drop(client);
    let mailbox = std::sync::Arc::clone(&server.mailbox);
    server.stopped().await;
    assert_eq!(mailbox.mails.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_whose_login_does_not_hold_any_more_is_closed_at_its_next_command() {
    for command in ["NOOP", "MAIL FROM:<ann@tox>"] {
        let server = Running::start(|_| {}).await;
        let mut client = server.login().await;
        client.ask("NOOP", "250").await;
        server.mailbox.logins_end.store(true, Ordering::SeqCst);
        client.ask(command, "421 4.7.0 The account").await;
        client.expect_end().await;
    }
}

#[tokio::test]
async fn a_mail_under_way_is_not_taken_when_the_login_does_not_hold_any_more() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.send(ENVELOPE).await;
    for start in ["250", "250", "354"] {
        client.expect(start).await;
    }
    server.mailbox.logins_end.store(true, Ordering::SeqCst);
    client.send(b"hello\r\n.\r\n").await;
    client.expect("421 4.7.0 The account").await;
    client.expect_end().await;
    assert!(server.mailbox.mails.lock().unwrap().is_empty());
}
