//! The listener over loopback sockets, with a protocol of a few words.

#![allow(clippy::expect_used, reason = "a test that panics has failed")]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use listener::limits::{LINGER, READ_BYTES, UNDISTURBED};
use listener::testing::soon;
use support::{IDLE, Running};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_conversation_goes_on_until_it_closes() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.ask("one", "+one").await;
    client.ask("quit", "bye").await;
    client.expect_end().await;
    assert_eq!(server.events.released.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_whole_conversation_in_one_write_is_answered_even_half_closed() {
    let server = Running::start(|_| {}).await;
    let mut client = server.connect().await;
    client.send(b"one\r\nlogin\r\ntwo\r\nquit\r\n").await;
    client.stream.shutdown().await.unwrap();
    for start in ["hello", "+one", "welcome", "+two", "bye"] {
        client.expect(start).await;
    }
    client.expect_end().await;
}

#[tokio::test]
async fn replies_of_a_batch_leave_in_one_write() {
    let server = Running::start(|_| {}).await;
    let mut client = server.connect().await;
    client.expect("hello").await;
    client.send(b"one\r\nlogin\r\ntwo\r\n").await;
    client.stream.readable().await.unwrap();
    let mut replies = vec![0; 4096];
    let read = client.stream.try_read(&mut replies).unwrap();
    assert_eq!(String::from_utf8_lossy(&replies[..read]), "+one\r\nwelcome\r\n+two\r\n");
}

#[tokio::test]
async fn what_is_longer_than_one_read_or_one_write_arrives_whole() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    let word = "x".repeat(10 * READ_BYTES);
    client.ask(&word, &format!("+{word}\r\n")).await;
    client.send("fill\r\n".repeat(1000).as_bytes()).await;
    for _ in 0..1000 {
        assert_eq!(client.reply().await.len(), 1002);
    }
    client.ask("one", "+one").await;
}

#[tokio::test]
async fn a_client_gone_lets_go_of_what_it_held() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.ask("one", "+one").await;
    drop(client);
    server.wait_until_released(1).await;
}

#[tokio::test]
async fn silence_ends_a_conversation_and_progress_prolongs_it() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    for _ in 0..3 {
        server.clock.advance(IDLE - Duration::from_secs(1));
        client.ask("one", "+one").await;
    }
    // Half a line is no progress.
    server.clock.advance(IDLE / 2);
    client.send(b"half").await;
    server.clock.advance(IDLE / 2);
    client.expect("too late").await;
    client.expect_end().await;
}

#[tokio::test]
async fn a_protocol_may_close_the_silent_without_a_word() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.send(b"mute\r\n").await;
    client.ask("one", "+one").await;
    server.clock.advance(IDLE);
    client.expect_end().await;
}

#[tokio::test]
async fn a_client_has_its_time_to_log_in_whatever_it_says() {
    let server = Running::start(|_| {}).await;
    let mut client = server.connect().await;
    client.expect("hello").await;
    server.clock.advance(IDLE / 2);
    client.ask("one", "+one").await;
    server.clock.advance(IDLE / 2);
    client.expect("too late").await;
}

#[tokio::test]
async fn the_time_an_answer_takes_is_not_the_clients() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.send(b"save\r\n").await;
    soon(server.events.saving.notified()).await;
    server.clock.advance(IDLE * 2);
    server.events.go_on.notify_one();
    client.expect("saved").await;
    client.ask("one", "+one").await;
}

#[tokio::test]
async fn a_client_that_never_reads_holds_up_nobody_and_is_closed() {
    let server = Running::start(|settings| settings.max_sessions = 2).await;
    let mut deaf = server.login().await;
    // Until neither side's socket buffers take more.
    let flood = "fill\r\n".repeat(10_000);
    while tokio::time::timeout(Duration::from_millis(300), deaf.stream.write_all(flood.as_bytes()))
        .await
        .is_ok()
    {}
    let mut client = server.login().await;
    client.ask("one", "+one").await;
    server.clock.advance(IDLE);
    client.expect("too late").await;
    // What it held is free at once, its place after the pause for the last reply.
    server.wait_until_released(2).await;
    server.clock.advance(LINGER);
    drop(client);
    server.connect_when_free("hello").await;
    drop(deaf);
}

#[tokio::test]
async fn what_a_conversation_held_is_free_before_its_client_hears_the_last_reply() {
    let server = Running::start(|settings| settings.max_sessions = 1).await;
    let mut client = server.login().await;
    client.send(b"quit\r\n").await;
    server.wait_until_released(1).await;
    // The client has neither read nor closed; its place is taken until then.
    server.connect().await.expect("full").await;
    client.expect("bye").await;
    client.expect_end().await;
    drop(client);
    server.connect_when_free("hello").await;
}

#[tokio::test]
async fn sessions_are_limited() {
    let server = Running::start(|settings| settings.max_sessions = 2).await;
    let (mut one, mut two) = (server.login().await, server.login().await);
    let mut three = server.connect().await;
    assert_eq!(three.reply().await, "full\r\n");
    three.expect_end().await;
    one.ask("one", "+one").await;
    two.ask("quit", "bye").await;
    two.expect_end().await;
    drop(two);
    server.connect_when_free("hello").await;
}

#[tokio::test]
async fn sessions_without_login_are_limited_apart() {
    let server = Running::start(|settings| settings.max_unauthenticated = 1).await;
    let mut one = server.login().await;
    let mut two = server.connect().await;
    two.expect("hello").await;
    let mut three = server.connect().await;
    assert_eq!(three.reply().await, "full of strangers\r\n");
    three.expect_end().await;
    one.ask("one", "+one").await;
    two.ask("login", "welcome").await;
    server.login().await;
}

#[tokio::test]
async fn the_silent_make_room_for_who_wants_to_log_in() {
    let server = Running::start(|settings| settings.max_unauthenticated = 2).await;
    let mut oldest = server.connect().await;
    oldest.expect("hello").await;
    server.clock.advance(UNDISTURBED);
    let mut second = server.connect().await;
    second.expect("hello").await;
    let mut third = server.connect().await;
    third.expect("hello").await;
    oldest.expect("make room").await;
    oldest.expect_end().await;
    // The others came just now: they are not disturbed, and log in.
    server.connect().await.expect("full of strangers").await;
    second.ask("login", "welcome").await;
    third.ask("login", "welcome").await;
    server.clock.advance(UNDISTURBED);
    let (_one, _two) = (server.connect().await, server.connect().await);
    let mut last = server.connect().await;
    last.expect("full of strangers").await;
    second.ask("one", "+one").await;
}

#[tokio::test]
async fn any_number_may_be_set_as_a_limit() {
    let server = Running::start(|settings| {
        settings.max_sessions = usize::MAX;
        settings.max_unauthenticated = 0;
    })
    .await;
    server.connect().await.expect("full of strangers").await;
}

#[tokio::test]
async fn the_last_reply_arrives_although_the_client_still_sends() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    let mut garbage = b"quit\r\n".to_vec();
    garbage.resize(500_000, b'x');
    client.send(&garbage).await;
    client.expect("bye").await;
    client.expect_end().await;
}

#[tokio::test]
async fn a_conversation_that_waits_for_an_answer_holds_up_nobody() {
    let server = Running::start(|_| {}).await;
    let mut hanging = server.connect().await;
    hanging.expect("hello").await;
    hanging.send(b"hang\r\n").await;
    let mut client = server.login().await;
    client.ask("one", "+one").await;
    let mut nothing = [0; 1];
    assert!(hanging.stream.try_read(&mut nothing).is_err());
}

#[tokio::test]
async fn a_conversation_that_panics_harms_no_other_and_gives_its_place_back() {
    let server = Running::start(|settings| settings.max_sessions = 2).await;
    let mut client = server.login().await;
    let mut broken = server.login().await;
    broken.send(b"panic\r\n").await;
    broken.expect_end().await;
    client.ask("one", "+one").await;
    server.connect_when_free("hello").await;
    server.cancel.cancel();
    client.expect("stopping").await;
}

#[tokio::test]
async fn a_stop_ends_conversations_with_a_last_reply() {
    let server = Running::start(|_| {}).await;
    let (mut idle, mut hanging) = (server.login().await, server.login().await);
    let mut stranger = server.connect().await;
    stranger.expect("hello").await;
    hanging.send(b"hang\r\n").await;
    server.cancel.cancel();
    for client in [&mut idle, &mut hanging, &mut stranger] {
        client.expect("stopping").await;
        client.expect_end().await;
    }
    drop((idle, hanging, stranger));
    let events = Arc::clone(&server.events);
    server.stopped().await;
    assert_eq!(events.released.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_stop_lets_finish_what_is_not_to_be_cut_off() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.send(b"one\r\nsave\r\ntwo\r\n").await;
    soon(server.events.saving.notified()).await;
    server.cancel.cancel();
    server.events.go_on.notify_one();
    for start in ["+one", "saved"] {
        client.expect(start).await;
    }
    client.until("stopping\r\n").await;
    client.expect_end().await;
    drop(client);
    let events = Arc::clone(&server.events);
    server.stopped().await;
    assert_eq!(events.saved.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.send(b"save\r\n").await;
    soon(server.events.saving.notified()).await;
    server.cancel.cancel();
    let clock = Arc::clone(&server.clock);
    let ticking = async {
        loop {
            clock.advance(Duration::from_millis(100));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = server.stopped() => {}
        () = ticking => {}
    }
    client.expect_end().await;
}

#[tokio::test]
async fn dropping_the_server_cuts_conversations_off() {
    let server = Running::start(|_| {}).await;
    let mut client = server.login().await;
    client.ask("one", "+one").await;
    server.abort();
    client.expect_end().await;
}
