//! The server over loopback sockets.

#![allow(clippy::expect_used, reason = "a test that panics has failed")]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use listener::testing::soon;
use support::Running;
use tokio::io::AsyncWriteExt;

const IDLE: Duration = pop3::limits::IDLE_TIMEOUT;
const MAILS: &[&[u8]] = &[b"A: 1\r\n\r\n.one\r\n", b"two\r\n"];

#[tokio::test]
async fn mails_are_fetched_and_deleted_step_by_step() {
    let server = Running::start(MAILS, |_| {}).await;
    let mut client = server.login().await;
    client.ask("STAT", "+OK 2 19").await;
    client.ask("RETR 1", "+OK 14 octets").await;
    assert_eq!(client.until("\r\n.\r\n").await, "A: 1\r\n\r\n..one\r\n.\r\n");
    client.ask("DELE 1", "+OK").await;
    client.ask("QUIT", "+OK Bye, 1 messages deleted").await;
    client.expect_end().await;
    assert!(!server.mailbox.is_locked());
    assert_eq!(*server.mailbox.mails.lock().unwrap(), [b"two\r\n"]);
}

#[tokio::test]
async fn a_whole_session_in_one_write_is_answered_even_half_closed() {
    let server = Running::start(MAILS, |_| {}).await;
    let mut client = server.connect().await;
    client.send(b"USER ann\r\nPASS secret\r\nRETR 1\r\nRETR 2\r\nDELE 2\r\nQUIT\r\n").await;
    client.stream.shutdown().await.unwrap();
    for start in ["+OK", "+OK", "+OK", "+OK 14 octets"] {
        client.expect(start).await;
    }
    client.until("\r\n.\r\n").await;
    client.expect("+OK 5 octets").await;
    assert_eq!(client.until("\r\n.\r\n").await, "two\r\n.\r\n");
    client.expect("+OK").await;
    client.expect("+OK Bye, 1").await;
    client.expect_end().await;
}

#[tokio::test]
async fn replies_of_a_batch_leave_in_one_write() {
    let server = Running::start(MAILS, |_| {}).await;
    let mut client = server.login().await;
    client.send(b"NOOP\r\nRETR 1\r\nRETR 2\r\nSTAT\r\n").await;
    client.stream.readable().await.unwrap();
    let mut replies = vec![0; 4096];
    let read = client.stream.try_read(&mut replies).unwrap();
    assert!(String::from_utf8_lossy(&replies[..read]).ends_with("\r\n.\r\n+OK 2 19\r\n"));
}

#[tokio::test]
async fn a_large_mail_streams() {
    let mail = "0123456789\r\n".repeat(300_000);
    let server = Running::start(&[mail.as_bytes()], |_| {}).await;
    let mut client = server.login().await;
    client.ask("RETR 1", "+OK 3600000 octets").await;
    assert_eq!(client.until("\r\n.\r\n").await, format!("{mail}.\r\n"));
}

#[tokio::test]
async fn a_mailbox_is_open_once_at_a_time() {
    let server = Running::start(MAILS, |_| {}).await;
    let mut one = server.login().await;
    let mut two = server.connect().await;
    two.expect("+OK").await;
    two.ask("USER ann", "+OK").await;
    two.ask("PASS secret", "-ERR [IN-USE]").await;
    one.ask("QUIT", "+OK").await;
    two.ask("USER ann", "+OK").await;
    two.ask("PASS secret", "+OK").await;
}

#[tokio::test]
async fn a_client_gone_deletes_nothing_and_gives_the_lock_back() {
    let server = Running::start(MAILS, |_| {}).await;
    let mut client = server.login().await;
    client.ask("DELE 1", "+OK").await;
    drop(client);
    server.wait_until_unlocked().await;
    assert_eq!(server.mailbox.mails.lock().unwrap().len(), 2);
    server.login().await;
}

#[tokio::test]
async fn silence_closes_without_a_word_and_deletes_nothing() {
    let server = Running::start(MAILS, |_| {}).await;
    let mut client = server.login().await;
    for _ in 0..3 {
        server.clock.advance(IDLE - Duration::from_secs(1));
        client.ask("DELE 1", "").await;
    }
    server.clock.advance(IDLE);
    client.expect_end().await;
    server.wait_until_unlocked().await;
    assert_eq!(server.mailbox.mails.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_client_has_its_time_to_log_in_whatever_it_says() {
    let server = Running::start(MAILS, |_| {}).await;
    let mut client = server.connect().await;
    client.expect("+OK").await;
    server.clock.advance(IDLE / 2);
    client.ask("USER ann", "+OK").await;
    server.clock.advance(IDLE / 2);
    client.expect_end().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_up_nobody_and_loses_the_lock() {
    let mail = vec![b'x'; 50_000_000];
    let server = Running::start(&[&mail], |_| {}).await;
    let mut deaf = server.login().await;
    deaf.ask("DELE 1", "+OK").await;
    deaf.ask("RSET", "+OK").await;
    deaf.ask("RETR 1", "+OK").await;
    let mut other = server.connect().await;
    other.expect("+OK").await;
    other.ask("CAPA", "+OK").await;
    other.until("\r\n.\r\n").await;
    // The mail is larger than all socket buffers: the server waits in a write, soon or already.
    soon(async {
        while server.mailbox.is_locked() {
            server.clock.advance(IDLE);
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn sessions_are_limited() {
    let server = Running::start(MAILS, |settings| settings.max_sessions = 1).await;
    let mut one = server.login().await;
    let mut two = server.connect().await;
    two.expect("-ERR [SYS/TEMP] Too many open sessions").await;
    two.expect_end().await;
    one.ask("NOOP", "+OK").await;
}

#[tokio::test]
async fn sessions_without_login_are_limited_apart() {
    let server = Running::start(MAILS, |settings| settings.max_unauthenticated = 1).await;
    let mut one = server.connect().await;
    one.expect("+OK").await;
    server.connect().await.expect("-ERR [SYS/TEMP] Too many sessions that have not logged in").await;
    one.ask("USER ann", "+OK").await;
    one.ask("PASS secret", "+OK").await;
    server.connect().await.expect("+OK").await;
}

#[tokio::test]
async fn wrong_passwords_end_the_session() {
    let server = Running::start(MAILS, |settings| settings.max_authentication_failures = 2).await;
    let mut client = server.connect().await;
    client.expect("+OK").await;
    for _ in 0..2 {
        client.ask("USER ann", "+OK").await;
        client.ask("PASS wrong", "-ERR [AUTH] wrong password").await;
    }
    client.expect_end().await;
}

#[tokio::test]
async fn an_endless_line_is_refused_and_kept_nowhere() {
    let server = Running::start(MAILS, |_| {}).await;
    let mut client = server.login().await;
    client.send("x".repeat(3_000_000).as_bytes()).await;
    client.expect("-ERR The line is too long").await;
    client.ask("\r\nNOOP", "+OK").await;
}

#[tokio::test]
async fn the_last_reply_arrives_although_the_client_still_sends() {
    let server = Running::start(MAILS, |settings| settings.max_errors = 1).await;
    let mut client = server.login().await;
    let mut garbage = b"WHAT\r\n".to_vec();
    garbage.resize(500_000, b'x');
    client.send(&garbage).await;
    client.expect("-ERR Too many errors").await;
    client.expect_end().await;
}

#[tokio::test]
async fn a_stop_ends_sessions_and_deletes_nothing() {
    let server = Running::start(MAILS, |_| {}).await;
    let mut client = server.login().await;
    client.ask("DELE 1", "+OK").await;
    let mut hanging = server.connect().await;
    hanging.expect("+OK").await;
    hanging.send(b"USER ann\r\nPASS never\r\n").await;
    // The batch's replies leave together, so the first one shows up with the stop.
    server.cancel.cancel();
    client.expect("-ERR [SYS/TEMP] The server is stopping").await;
    client.expect_end().await;
    hanging.until("stopping; try again in a minute\r\n").await;
    hanging.expect_end().await;
    drop((client, hanging));
    let mailbox = Arc::clone(&server.mailbox);
    server.stopped().await;
    assert_eq!(mailbox.mails.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_stop_lets_deletions_finish() {
    let server = Running::start(MAILS, |_| {}).await;
    server.mailbox.slow.store(true, Ordering::SeqCst);
    let mut client = server.login().await;
    client.send(b"DELE 1\r\nQUIT\r\n").await;
    soon(server.mailbox.committing.notified()).await;
    server.cancel.cancel();
    server.mailbox.go_on.notify_one();
    client.expect("+OK").await;
    client.expect("+OK Bye, 1 messages deleted").await;
    drop(client);
    let mailbox = Arc::clone(&server.mailbox);
    server.stopped().await;
    assert_eq!(mailbox.mails.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_whose_login_does_not_hold_any_more_is_closed_and_deletes_nothing() {
    for command in ["STAT", "RETR 2", "QUIT"] {
        let server = Running::start(MAILS, |_| {}).await;
        let mut client = server.login().await;
        client.ask("DELE 1", "+OK").await;
        server.mailbox.logins_end.store(true, Ordering::SeqCst);
        client.ask(command, "-ERR [AUTH] The account").await;
        client.expect_end().await;
        assert_eq!(server.mailbox.mails.lock().unwrap().len(), 2);
        assert!(!server.mailbox.is_locked());
    }
}

#[tokio::test]
async fn the_longest_password_fits_a_line() {
    let server = Running::start(MAILS, |_| {}).await;
    let mut client = server.connect().await;
    client.expect("+OK").await;
    client.ask("USER ann", "+OK").await;
    client.ask(&format!("PASS {}", "x".repeat(mail::limits::PASSWORD_BYTES)), "-ERR [AUTH]").await;
}
