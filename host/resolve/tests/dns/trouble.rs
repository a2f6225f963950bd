//! Servers that are silent, slow, wrong or lie.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::fixture::dns;
use crate::fixture::liar::{Liar, empty, txt, with_wrong_id};
use resolve::{DnsError, InvalidServer, Validation, server_address};
use tokio::time::Instant;

/// A look-up that has to fail as unavailable, and soon.
async fn assert_unavailable(address: SocketAddr, validation: Validation) {
    let start = Instant::now();
    let answer = dns(address, validation).lookup_txt("anna.example").await;
    assert!(matches!(answer, Err(DnsError::Unavailable(_))), "{answer:?}");
    // Three seconds are the limit; the rest is a slow machine's.
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_given_up() {
    let server = Liar::start(|_| Vec::new()).await;
    for validation in [Validation::Off, Validation::WhenOffered] {
        assert_unavailable(server.address, validation).await;
    }
    assert!(server.count() > 1, "the question is repeated");
    let dns = dns(server.address, Validation::Off);
    let start = Instant::now();
    let asked =
        std::thread::spawn(move || dns.lookup_txt_blocking("anna.example", Duration::from_millis(200)));
    assert!(matches!(asked.join().unwrap(), Err(DnsError::Unavailable(_))));
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_is_unavailable() {
    let closed = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    assert_unavailable(closed, Validation::Off).await;
    assert_unavailable(closed, Validation::WhenOffered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_unavailable() {
    for nonsense in [
        |_: &[u8]| vec![b"garbage".to_vec(), Vec::new(), vec![0; 1]],
        // The right id, then garbage.
        |question: &[u8]| vec![[&question[..2], &[0xff; 60]].concat()],
        |question: &[u8]| vec![question.to_vec()],
        |question: &[u8]| vec![with_wrong_id(txt(question, "lie", 60))],
        // Truncated, and nobody listens on TCP.
        |question: &[u8]| vec![empty(question, 0x86, 0)],
        // The answer to another question.
        |question: &[u8]| {
            let mut answer = txt(question, "lie", 60);
            answer[13] ^= 1;
            vec![answer]
        },
    ] {
        let server = Liar::start(nonsense).await;
        assert_unavailable(server.address, Validation::Off).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_truth_is_found_among_lies() {
    let server = Liar::start(|question| {
        vec![b"x".to_vec(), with_wrong_id(txt(question, "lie", 60)), txt(question, "truth", 60)]
    })
    .await;
    let answer = dns(server.address, Validation::Off).lookup_txt("anna.example").await.unwrap();
    assert_eq!(answer.records, ["truth"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_other_names_are_no_answer() {
    let server = Liar::start(|question| {
        let mut answer = txt(question, "lie", 60);
        // The record's name: no pointer to the question's, but the root.
        let name = answer.len() - 4 - 10 - 2;
        answer.splice(name..name + 2, [0]);
        vec![answer]
    })
    .await;
    let answer = dns(server.address, Validation::Off).lookup_txt("anna.example").await;
    assert!(answer.is_err(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_record_of_another_name_is_passed_over() {
    let server = Liar::start(|question| {
        let mut answer = txt(question, "truth", 60);
        // A second answer: evil. TXT "lie"
        answer[7] = 2;
        answer.extend(b"\x04evil\0\0\x10\0\x01\0\0\0\x3c\0\x04\x03lie");
        vec![answer]
    })
    .await;
    let answer = dns(server.address, Validation::Off).lookup_txt("anna.example").await.unwrap();
    assert_eq!(answer.records, ["truth"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_kept_as_long_as_they_live() {
    for ttl in [60, 0] {
        let server = Liar::start(move |question| vec![txt(question, "truth", ttl)]).await;
        let dns = dns(server.address, Validation::Off);
        dns.lookup_txt("anna.example").await.unwrap();
        let before = server.count();
        assert_eq!(dns.lookup_txt("anna.example").await.unwrap().records, ["truth"]);
        assert_eq!(server.count() > before, ttl == 0, "time to live {ttl}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_signatures_is_asked_for_them_once() {
    let keys_asked = Arc::new(AtomicUsize::new(0));
    let counter = keys_asked.clone();
    // REFUSED for the root's keys, an answer for TXT.
    let server = Liar::start(move |question| {
        if question[12] != 0 {
            return vec![txt(question, "truth", 0)];
        }
        counter.fetch_add(1, Ordering::SeqCst);
        vec![empty(question, 0x84, 5)]
    })
    .await;
    let dns = dns(server.address, Validation::WhenOffered);
    dns.lookup_txt("anna.example").await.unwrap();
    let before = keys_asked.load(Ordering::SeqCst);
    assert!(before > 0);
    dns.lookup_txt("anna.example").await.unwrap();
    assert_eq!(keys_asked.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn a_server_is_written_as_host_and_port() {
    assert_eq!(server_address("127.0.0.1:5353").await, Ok("127.0.0.1:5353".parse().unwrap()));
    assert_eq!(server_address("[::1]:5353").await, Ok("[::1]:5353".parse().unwrap()));
    assert_eq!(server_address("9.9.9.9").await, Ok("9.9.9.9:53".parse().unwrap()));
    assert_eq!(server_address("::1").await, Ok("[::1]:53".parse().unwrap()));
    assert!(server_address("localhost:53").await.unwrap().ip().is_loopback());
    for wrong in ["", ":53", "host", "127.0.0.1:0", "127.0.0.1:70000", "a b:53", "host:x"] {
        assert!(matches!(server_address(wrong).await, Err(InvalidServer::Form(_))), "{wrong}");
    }
    assert!(matches!(server_address("host.invalid:53").await, Err(InvalidServer::Unknown(_))));
}
