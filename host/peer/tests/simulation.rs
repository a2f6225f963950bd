//! Whatever breaks and whenever: each mail arrives once, and nothing goes over its bounds.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::World;
use mail::Acknowledgement;
use peer::limits::{LARGE_TRANSFERS, WINDOW};
use peer::{Message, TransferError};
use proptest::prelude::*;

/// How many random runs: 40, or as many as `PROPTEST_CASES` says for a long one.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
}

/// One random event.
fn step(world: &mut World, breaks: bool) {
    let side = world.chance.below(2);
    match world.chance.below(if breaks { 60 } else { 58 }) {
        0..=19 => {
            let count = 1 + world.chance.below(80);
            world.transmit(side, count);
        }
        20..=39 => {
            let count = 1 + world.chance.below(80);
            world.deliver(side, count);
        }
        40..=54 => {
            for _ in 0..4 {
                let ready = world.sides[side].calls.len();
                if ready > 0 {
                    let at = world.chance.below(ready);
                    world.sides[side].fail_writes = world.chance.one_in(50);
                    world.sides[side].finish_call(at);
                    world.sides[side].take_actions();
                }
            }
        }
        55 => world.pass(Duration::from_millis(700)),
        56 => world.sides[side].offer_all(),
        57 => cancel_one(world, side),
        58 => world.break_link(),
        _ if world.chance.one_in(3) => restart(world, side),
        _ => {}
    }
    world.check();
}

/// The owner takes a mail back that is under way; it will be offered again.
fn cancel_one(world: &mut World, side: usize) {
    world.sides[side].offer_all();
    let under_way = world.sides[side].sending.len();
    let at = world.chance.below(under_way);
    if let Some(&mail) = world.sides[side].sending.iter().nth(at) {
        world.sides[side].session.cancel(mail);
        world.sides[side].take_actions();
    }
}

/// One side starts anew and Tox does not notice: what is under way stays under way. Some bytes were not durable yet.
fn restart(world: &mut World, side: usize) {
    let now = world.now;
    // More restarts in a minute would be taken for an attack.
    world.pass(Duration::from_secs(10));
    world.sides[side].renew(now);
    for (mail, bytes) in &mut world.sides[side].received {
        if !world.sides[side].completed.contains_key(mail) {
            let kept = world.chance.below(bytes.len() + 1);
            bytes.truncate(kept);
        }
    }
}

fn fill(world: &mut World) -> usize {
    let mut mails = 0;
    for side in 0..2 {
        for number in 0..(2 + world.chance.below(50)) {
            let size = match world.chance.below(10) {
                0 => 0,
                1 => 200_000 + world.chance.below(400_000),
                2 | 3 => world.chance.below(100_000),
                _ => world.chance.below(5000),
            };
            world.sides[side].queue(u8::try_from(number).unwrap(), size);
            mails += 1;
        }
    }
    mails
}

fn assert_all_arrived(world: &World, mails: usize) {
    let mut acknowledged = 0;
    for side in 0..2 {
        let (from, to) = (&world.sides[side], &world.sides[1 - side]);
        assert!(from.to_send.is_empty(), "not acknowledged: {:?}", from.to_send);
        for (mail, word) in &from.outcomes {
            assert_eq!(*word, Acknowledgement::Delivered);
            assert_eq!(to.completed.get(mail), Some(&1));
            assert_eq!(to.received[mail], from.bodies[mail]);
            acknowledged += 1;
        }
        assert_eq!(to.session.waiting() + to.session.in_flight(), 0);
    }
    assert_eq!(acknowledged, mails);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn every_mail_arrives_once_whatever_breaks(seed: u64) {
        let mut world = World::new(seed);
        let mails = fill(&mut world);
        for _ in 0..3000 {
            step(&mut world, true);
        }
        world.break_link();
        world.settle();
        assert_all_arrived(&world, mails);
        let expected =
            |error: &TransferError| matches!(error, TransferError::Cancelled | TransferError::Disconnected);
        prop_assert!(world.sides.iter().flat_map(|side| &side.errors).all(expected));
    }

    #[test]
    fn on_a_whole_connection_no_byte_goes_twice(seed: u64) {
        let mut world = World::new(seed);
        let mails = fill(&mut world);
        for _ in 0..2000 {
            step(&mut world, false);
        }
        world.settle();
        assert_all_arrived(&world, mails);
        for side in 0..2 {
            let sizes: usize = world.sides[side].bodies.values().map(Vec::len).sum();
            prop_assert_eq!(world.sides[1 - side].data_bytes_written, sizes as u64);
            prop_assert_eq!(world.sides[side].hellos, 1);
        }
    }

    #[test]
    fn a_break_at_any_packet_resumes_where_it_was(at in 0_usize..900) {
        let mut world = World::new(at as u64);
        let mail = world.sides[0].queue(1, 1_000_000);
        world.sides[0].offer_all();
        let mut delivered = 0;
        while delivered < at && !world.sides[0].outcomes.contains_key(&mail) {
            for side in 0..2 {
                world.transmit(side, 1);
                delivered += world.under_way[1 - side].len();
                world.deliver(1 - side, usize::MAX);
                world.sides[side].finish_calls();
            }
            if at % 7 == 0 {
                world.pass(Duration::from_secs(1));
            }
        }
        world.break_link();
        world.settle();
        assert_all_arrived(&world, 1);
        // Bytes that were durable when it broke came once.
        prop_assert_eq!(world.sides[1].data_bytes_written, 1_000_000);
    }
}

/// Transfer numbers and sizes of the data packets among these.
fn data(packets: &[Vec<u8>]) -> Vec<(u32, usize)> {
    packets
        .iter()
        .filter_map(|packet| match Message::decode(&packet[2..].to_vec().into()) {
            Ok(Message::Data { transfer, bytes, .. }) => Some((transfer.0, bytes.len())),
            _ => None,
        })
        .collect()
}

/// Runs until large mails fill the window, with a recipient that stopped writing.
fn full_of_large_mails() -> World {
    let mut world = World::new(1);
    world.link_packets = 100_000;
    for number in 0..10 {
        world.sides[0].queue(number, 4_000_000);
    }
    world.sides[0].offer_all();
    let mut last = 0;
    loop {
        world.transmit(0, 1000);
        world.deliver(1, usize::MAX);
        world.transmit(1, 1000);
        world.deliver(0, usize::MAX);
        world.sides[0].finish_calls();
        // The recipient answers offers and does not write.
        world.sides[1].calls.retain(|call| !matches!(call, common::Call::Write { .. }));
        while !world.sides[1].calls.is_empty() {
            world.sides[1].finish_call(0);
        }
        if world.sides[0].session.in_flight() == last && last > 0 {
            return world;
        }
        last = world.sides[0].session.in_flight();
    }
}

#[test]
fn a_small_mail_gets_through_a_window_full_of_large_ones() {
    let mut world = full_of_large_mails();
    let in_flight = world.sides[0].session.in_flight();
    assert!(in_flight > u64::from(WINDOW) / 4 * 3 - 2000, "the large ones use what they may: {in_flight}");
    assert_eq!(world.sides[1].completed.len(), 0);
    let small = world.sides[0].queue(99, 1000);
    world.sides[0].offer_all();
    for _ in 0..8 {
        for side in 0..2 {
            world.transmit(side, 1000);
            world.deliver(1 - side, usize::MAX);
            world.sides[side]
                .calls
                .retain(|call| !matches!(call, common::Call::Write { mail, .. } if *mail != small));
            world.sides[side].finish_calls();
        }
    }
    assert_eq!(world.sides[0].outcomes.get(&small), Some(&Acknowledgement::Delivered));
    assert_eq!(world.sides[1].completed.len(), 1);
    assert!(world.sides[1].session.waiting() <= u64::from(WINDOW));
}

#[test]
fn a_small_mail_overtakes_large_ones_within_a_few_packets() {
    let mut world = World::new(2);
    world.link_packets = 100_000;
    for number in 0..10 {
        world.sides[0].queue(number, 4_000_000);
    }
    // Large ones are on their way, one packet at a time.
    for _ in 0..300 {
        world.sides[0].offer_all();
        for side in 0..2 {
            world.transmit(side, 1);
            world.deliver(1 - side, usize::MAX);
            world.sides[side].finish_calls();
        }
    }
    let small = world.sides[0].queue(99, 3000);
    world.sides[0].offer_all();
    // The offer goes before any data.
    let mut first = Vec::new();
    world.sides[0].session.transmit(1, &mut first);
    assert!(data(&first).is_empty());
    world.under_way[1].extend(first);
    world.deliver(1, usize::MAX);
    world.sides[1].finish_calls();
    world.transmit(1, 1000);
    world.deliver(0, usize::MAX);
    world.sides[0].finish_calls();
    // Its three packets come with at most one of each large mail before each.
    let mut packets = Vec::new();
    world.sides[0].session.transmit(3 * (LARGE_TRANSFERS + 1), &mut packets);
    let sizes = data(&packets);
    let newest = sizes.iter().map(|(transfer, _)| *transfer).max().unwrap();
    let small_bytes: usize =
        sizes.iter().filter(|(transfer, _)| *transfer == newest).map(|(_, length)| length).sum();
    assert_eq!(small_bytes, 3000, "{sizes:?}");
    assert!(sizes.len() > 3, "large ones go on beside it");
    world.under_way[1].extend(packets);
    world.settle();
    assert!(world.sides[0].outcomes.contains_key(&small));
    assert_all_arrived(&world, 11);
}

#[test]
fn small_mails_do_not_starve_large_ones() {
    let mut world = World::new(3);
    let large = world.sides[0].queue(255, 100_000);
    for number in 0..250 {
        world.sides[0].queue(number, 1000);
    }
    world.sides[0].offer_all();
    // After one round of offers the large one is among them.
    while world.sides[0].outcomes.len() < 100 && !world.sides[0].outcomes.contains_key(&large) {
        for side in 0..2 {
            world.transmit(side, 64);
            world.deliver(1 - side, usize::MAX);
            world.sides[side].finish_calls();
        }
    }
    assert!(world.sides[0].outcomes.contains_key(&large));
}
