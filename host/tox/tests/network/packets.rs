//! Custom lossless packets: order, back-pressure, bounds.

use std::time::Duration;

use tox::{Connection, Event, Options, SendError, limits};

use crate::support::{Peer, befriend, friends, node, numbered, private, soon};

/// Sends `count` packets of full size.
async fn send_all(from: &tox::Tox, to: mail::PublicKey, count: u32) {
    for number in 0..count {
        from.send_packet(&to, numbered(number, limits::PACKET_BYTES)).await.unwrap();
    }
}

/// Takes `count` packets and checks each.
async fn take_all(peer: &mut Peer, count: u32) {
    let mut number = 0;
    soon("all packets arrive", async {
        while number < count {
            for event in peer.events.next_batch(64).await {
                match event {
                    Event::Packet { bytes, .. } => {
                        assert!(
                            bytes == numbered(number, limits::PACKET_BYTES),
                            "packet {number} is another"
                        );
                        number += 1;
                    }
                    Event::Overflow { .. } => panic!("overflow after {number} packets"),
                    _ => {}
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn many_megabytes_cross_in_order_both_ways() {
    let (mut a, mut b, _keeper, _node) = friends().await;
    // 16 MB each way, so that queues fill and sending waits.
    let count = 12_000;
    let (to_b, to_a) = (b.key(), a.key());
    let (from_a, from_b) = (a.tox.clone(), b.tox.clone());
    tokio::join!(
        send_all(&from_a, to_b, count),
        send_all(&from_b, to_a, count),
        take_all(&mut a, count),
        take_all(&mut b, count),
    );
}

#[tokio::test]
async fn a_slow_consumer_within_the_window_loses_nothing() {
    let (a, mut b, _keeper, _node) = friends().await;
    // The peer protocol has 1 MiB on the way at most: all of it is sent before the first packet is taken.
    let count = u32::try_from(1024 * 1024 / limits::PACKET_BYTES).unwrap();
    send_all(&a.tox, b.key(), count).await;
    for number in 0..count {
        assert!(b.packet().await == numbered(number, limits::PACKET_BYTES), "packet {number} is another");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_packet_id_and_length_arrives_as_it_was() {
    let (a, mut b, _keeper, _node) = friends().await;
    let packets: Vec<Vec<u8>> = limits::PACKET_IDS
        .flat_map(|id| [1, 2, 1000, limits::PACKET_BYTES].map(|length| vec![id; length]))
        .collect();
    for packet in &packets {
        a.tox.send_packet(&b.key(), packet.clone()).await.unwrap();
    }
    for packet in packets {
        assert!(b.packet().await == packet);
    }
}

#[tokio::test]
async fn who_floods_overflows_and_is_heard_again_after_resume() {
    let (a, mut b, _keeper, _node) = friends().await;
    // Twice the bound, and nobody takes any.
    let count = 2 * limits::UNDELIVERED_BYTES_PER_FRIEND / limits::PACKET_BYTES;
    send_all(&a.tox, b.key(), u32::try_from(count).unwrap()).await;
    // A message keeps its place behind the packets, so its receipt says that all of them are there.
    let message = a.tox.send_message(&b.key(), "dropped with the rest").await.unwrap();
    let (mut a, from) = (a, b.key());
    let receipt = Event::Receipt { key: from, message };
    a.until("the receipt", |event| (event == receipt).then_some(())).await;

    let mut taken = 0;
    let key = a.key();
    b.until("the overflow", |event| match event {
        Event::Packet { bytes, .. } => {
            assert!(bytes == numbered(taken, limits::PACKET_BYTES), "packet {taken} is another");
            taken += 1;
            None
        }
        event => (event == Event::Overflow { key }).then_some(()),
    })
    .await;
    let held = usize::try_from(taken).unwrap() * limits::PACKET_BYTES;
    assert!(held <= limits::UNDELIVERED_BYTES_PER_FRIEND, "{held}");
    assert!(held > limits::UNDELIVERED_BYTES_PER_FRIEND * 9 / 10, "{held}");

    b.tox.resume(&key);
    a.tox.send_packet(&b.key(), numbered(77, 9)).await.unwrap();
    assert_eq!(b.packet().await, numbered(77, 9));
}

#[tokio::test]
async fn a_full_lane_delays_no_other_friend_and_ends_with_the_session() {
    let (_keeper, node) = node().await;
    let mut a = Peer::start(private(), &node).await;
    let mut busy = Peer::start(private(), &node).await;
    let mut other = Peer::start(private(), &node).await;
    befriend(&mut a, &mut busy).await;
    befriend(&mut a, &mut other).await;

    let (from, to) = (a.tox.clone(), busy.key());
    let flood = tokio::spawn(async move {
        let mut number = 0;
        loop {
            if let Err(error) = from.send_packet(&to, numbered(number, limits::PACKET_BYTES)).await {
                return error;
            }
            number += 1;
        }
    });
    let taker = tokio::spawn(async move {
        for _ in 0..20 {
            soon("packets of the flood", busy.events.next_batch(1000)).await;
        }
        busy
    });
    let other_key = other.key();
    for number in 0..50 {
        let sent = a.tox.send_packet(&other_key, numbered(number, 100));
        tokio::time::timeout(Duration::from_secs(10), sent)
            .await
            .expect("no waiting behind the flood")
            .unwrap();
        assert_eq!(other.packet().await, numbered(number, 100));
    }

    // The flood waits for its friend; when that goes, it is told.
    let busy = soon("the flood arrives", taker).await.unwrap();
    busy.tox.shutdown().await;
    let error = soon("the waiting sender is told", flood).await.unwrap();
    assert_eq!(error, SendError::NotConnected);
    assert!(error.to_string().contains("wait until they are"));
}

#[tokio::test]
async fn through_the_relay_alone_packets_of_full_size_cross() {
    let (_keeper, node) = node().await;
    let tcp_only = || Options { udp: false, ..private() };
    let (mut a, mut b) = (Peer::start(tcp_only(), &node).await, Peer::start(tcp_only(), &node).await);
    befriend(&mut a, &mut b).await;
    assert_eq!((a.tox.udp_port(), b.tox.udp_port()), (None, None));
    assert_eq!(a.tox.friend_connection(&b.key()), Some(Connection::Tcp));
    let count = 500;
    let (to, from) = (b.key(), a.tox.clone());
    tokio::join!(send_all(&from, to, count), take_all(&mut b, count));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused() {
    let (mut a, b, _keeper, _node) = friends().await;
    let (b_key, nobody) = (b.key(), mail::PublicKey([9; 32]));
    let too_long = SendError::TooLong { bytes: 1374, most: 1373 };
    for (key, packet, expected) in [
        (b_key, vec![160; 1374], too_long),
        (b_key, vec![], SendError::Malformed),
        (b_key, vec![159], SendError::Malformed),
        (b_key, vec![192], SendError::Malformed),
        (nobody, vec![160], SendError::NotAFriend),
    ] {
        assert_eq!(a.tox.send_packet(&key, packet).await, Err(expected));
    }
    assert_eq!(a.tox.send_message(&b_key, "").await, Err(SendError::Malformed));
    let long = "x".repeat(1373);
    assert_eq!(a.tox.send_message(&b_key, &long).await, Err(SendError::TooLong { bytes: 1373, most: 1372 }));

    // A clean end is noticed at once, not after the 32 s that a killed peer takes.
    drop(b);
    tokio::time::timeout(Duration::from_secs(20), a.friend_offline(b_key)).await.expect("noticed at once");
    assert_eq!(a.tox.send_packet(&b_key, vec![160]).await, Err(SendError::NotConnected));
    assert_eq!(a.tox.friend_connection(&b_key), Some(Connection::None));
}
