//! Offline mail from end to end, over real boards in memory and months of simulated time.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

use std::sync::atomic::Ordering;
use std::time::Duration;

use drops::mailbox::Period;
use gateway::ports::DropRelays as _;
use mail::record::ContactState;
use mail::{Clock as _, MailId};

use crate::shared::lock;
use crate::testing::{DAY, HOUR, Node, World, next_death, simulated};

/// One runs for a day, then the other, and so on: never both.
async fn take_turns(world: &World, nodes: &[&Node], days: usize) {
    for day in 0..days {
        let turn = day % nodes.len();
        nodes[turn].start().await;
        world.pass(DAY - HOUR).await;
        nodes[turn].stop().await;
        world.pass(HOUR).await;
    }
}

#[test]
fn two_who_are_never_online_together_exchange_mail_with_acknowledgements_over_one_board() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[0]));
        anna.befriend(&ben).await;
        let to_ben = anna.submit(&ben, "dear Ben").await;
        let to_anna = ben.submit(&anna, "dear Anna").await;
        take_turns(&world, &[&anna, &ben], 6).await;
        assert_eq!(ben.mails(), ["dear Ben"]);
        assert_eq!(anna.mails(), ["dear Anna"]);
        assert_eq!(anna.ended(to_ben), Some("delivered"));
        assert_eq!(ben.ended(to_anna), Some("delivered"));
    });
}

#[test]
fn what_a_contact_reads_becomes_known_by_its_record_and_is_read_here_too() {
    simulated(async {
        let world = World::new(1);
        let cleo = world.node("cleo", &[0]);
        let (anna, ben) = (world.node("anna", &[]), world.node("ben", &[]));
        anna.befriend(&ben).await;
        anna.befriend(&cleo).await;
        ben.befriend(&cleo).await;
        // Once, all three met; Anna and Ben have no board of their own.
        for node in [&anna, &ben, &cleo] {
            node.start().await;
        }
        cleo.greet(&anna).await;
        cleo.greet(&ben).await;
        anna.greet(&ben).await;
        ben.greet(&anna).await;
        for node in [&anna, &ben, &cleo] {
            node.stop().await;
        }
        let to_ben = anna.submit(&ben, "over Cleo's board").await;
        take_turns(&world, &[&anna, &ben], 4).await;
        assert_eq!(ben.mails(), ["over Cleo's board"]);
        assert_eq!(anna.ended(to_ben), Some("delivered"));
    });
}

#[test]
fn a_stranger_is_heard_when_the_user_accepts_and_not_before() {
    simulated(async {
        let world = World::new(2);
        let (anna, ben) = (world.node("anna", &[0, 1]), world.node("ben", &[0, 1]));
        ben.asks_its_user();
        let hello = anna.submit(&ben, "you do not know me").await;
        take_turns(&world, &[&anna, &ben], 4).await;
        assert!(ben.mails().is_empty());
        assert_eq!(ben.requests(), [anna.key()]);
        let before = world.deposits();
        take_turns(&world, &[&ben], 1).await;
        assert_eq!(world.deposits(), before, "nothing goes out to somebody who was not accepted");

        ben.accept(&anna).await;
        let answer = ben.submit(&anna, "now I do").await;
        take_turns(&world, &[&ben, &anna], 6).await;
        assert_eq!(ben.mails(), ["you do not know me"]);
        assert_eq!(anna.mails(), ["now I do"]);
        assert_eq!(anna.ended(hello), Some("delivered"));
        assert_eq!(ben.ended(answer), Some("delivered"));
        assert_eq!(anna.contact(&ben), Some(ContactState::Confirmed));
    });
}

#[test]
fn a_declined_stranger_leaves_nothing_behind() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[0]));
        ben.asks_its_user();
        let id = anna.submit(&ben, "buy this").await;
        take_turns(&world, &[&anna, &ben], 2).await;
        ben.decline(&anna).await;
        take_turns(&world, &[&ben], 1).await;
        let kept = lock(&ben.disk.documents).keys().filter(|(kind, ..)| kind == "offline-stranger").count();
        assert_eq!((kept, ben.mails().len()), (0, 0));
        take_turns(&world, &[&anna], 25).await;
        assert_eq!(anna.ended(id), Some("bounced"));
    });
}

#[test]
fn keys_change_over_months_and_old_ones_are_erased() {
    simulated(async {
        let world = World::new(2);
        let (anna, ben) = (world.node("anna", &[0, 1]), world.node("ben", &[0, 1]));
        anna.befriend(&ben).await;
        let (mut expected_by_ben, mut expected_by_anna) = (vec![], vec![]);
        let mut ids: Vec<(bool, MailId)> = vec![];
        for round in 0..30_u8 {
            let (first, second) = (format!("anna {round:02}"), format!("ben {round:02}"));
            ids.push((true, anna.submit(&ben, &first).await));
            ids.push((false, ben.submit(&anna, &second).await));
            expected_by_ben.push(first);
            expected_by_anna.push(second);
            take_turns(&world, &[&anna, &ben], 4).await;
            let now = Period::at(world.clock.wall());
            for node in [&anna, &ben] {
                let periods: Vec<Period> = lock(&node.disk.keys).keys().map(|(_, period)| *period).collect();
                assert!((2..=7).contains(&periods.len()), "{periods:?}");
                assert!(periods.iter().all(|period| period.0 + 5 >= now.0), "{periods:?} at {now:?}");
            }
        }
        take_turns(&world, &[&anna, &ben], 4).await;
        assert_eq!(ben.mails(), expected_by_ben);
        assert_eq!(anna.mails(), expected_by_anna);
        for (is_annas, id) in ids {
            let node = if is_annas { &anna } else { &ben };
            assert_eq!(node.ended(id), Some("delivered"));
        }
    });
}

#[test]
fn a_mail_of_many_cells_comes_whole_and_a_larger_one_waits_for_the_direct_way() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[0]));
        anna.befriend(&ben).await;
        let long: String = (0..30_000).map(|number| format!("{number:05} ")).collect();
        let longer = long.repeat(8);
        let id = anna.submit(&ben, &long).await;
        let too_large = anna.submit(&ben, &longer).await;
        anna.start().await;
        world.pass(HOUR).await;
        let note = anna.offline().copies(too_large).note.unwrap();
        assert!(note.contains("too large for drop relays"), "{note}");
        world.pass(5 * HOUR).await;
        let story = anna.offline().story(id).unwrap();
        assert_eq!((story.boards[0].cells, story.boards[0].receipts.len()), (16, 16));
        anna.stop().await;
        take_turns(&world, &[&ben, &anna], 4).await;
        assert_eq!(ben.mails(), [long]);
        assert_eq!(anna.ended(id), Some("delivered"));
        assert!(anna.ended(too_large).is_none(), "it still waits");
    });
}

#[test]
fn a_mail_that_comes_both_ways_is_shown_once() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[0]));
        anna.befriend(&ben).await;
        let id = anna.submit(&ben, "twice").await;
        anna.start().await;
        world.pass(2 * HOUR).await;
        assert_eq!(anna.offline().copies(id).complete, 1);
        anna.stop().await;
        // The direct way is faster; what Ben says about it is lost.
        lock(&world.sim.net.state).faults.ack_lost = 1000;
        ben.start().await;
        anna.start().await;
        world.pass(Duration::from_secs(1)).await;
        anna.stop().await;
        ben.stop().await;
        assert_eq!((ben.mails().len(), anna.ended(id)), (1, None));
        take_turns(&world, &[&ben, &anna], 4).await;
        assert_eq!(ben.mails(), ["twice"]);
        assert_eq!(anna.ended(id), Some("delivered"));
    });
}

#[test]
fn a_board_that_stores_nothing_is_found_out_and_the_mail_goes_elsewhere() {
    simulated(async {
        let world = World::new(2);
        world.hosts[0].loses.store(1000, Ordering::Relaxed);
        let (anna, ben) = (world.node("anna", &[0, 1]), world.node("ben", &[0, 1]));
        world.hosts[1].is_up.store(false, Ordering::Relaxed);
        anna.befriend(&ben).await;
        let id = anna.submit(&ben, "hold this").await;
        anna.start().await;
        world.pass(DAY).await;
        let story = anna.offline().story(id).unwrap();
        assert!(story.boards.iter().any(|copies| copies.missing), "{story:?}");
        assert_eq!(story.complete(world.clock.wall()), 0);
        world.hosts[1].is_up.store(true, Ordering::Relaxed);
        world.pass(DAY).await;
        anna.stop().await;
        take_turns(&world, &[&ben], 1).await;
        assert_eq!(ben.mails(), ["hold this"]);
    });
}

#[test]
fn a_board_that_is_not_there_is_told_to_people_and_not_to_the_selector() {
    simulated(async {
        let world = World::new(1);
        let anna = world.node("anna", &[0]);
        world.hosts[0].is_up.store(false, Ordering::Relaxed);
        anna.start().await;
        world.pass(DAY).await;
        let told = anna.offline().boards().remove(0);
        assert!(told.failures > 3 && told.last_failure.is_some(), "{told:?}");
        assert_eq!(told.problem.as_deref(), Some("the board is not there"));
        let facts = anna.offline().shared().candidates(&anna.account(), anna.key()).remove(0);
        assert_eq!((facts.failures, facts.last_failure), (0, None), "its gateway may be the one offline");
        anna.stop().await;
        anna.start().await;
        assert!(anna.offline().boards()[0].failures >= told.failures, "kept");
        anna.stop().await;
    });
}

#[test]
fn a_mail_that_is_delivered_while_its_copies_are_being_left_says_nothing_against_the_board() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[]));
        anna.befriend(&ben).await;
        let host = &world.hosts[0];
        host.drips.store(true, Ordering::Relaxed);
        anna.start().await;
        let id = anna.submit(&ben, "I am there after all").await;
        // The board has a cell, and says so a minute later.
        for _ in 0..HOUR.as_secs() {
            if world.deposits() > 0 {
                break;
            }
            world.pass(Duration::from_secs(1)).await;
        }
        assert!(world.deposits() > 0);
        ben.start().await;
        world.pass(Duration::from_secs(1)).await;
        assert_eq!(anna.ended(id), Some("delivered"));
        host.drips.store(false, Ordering::Relaxed);
        world.pass(HOUR).await;
        let boards = anna.offline().boards();
        assert_eq!((boards[0].failures, &boards[0].problem), (0, &None));
        anna.stop().await;
        ben.stop().await;
    });
}

#[test]
fn silence_brings_a_mail_to_boards_again_and_in_the_end_it_is_given_up() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[0]));
        anna.befriend(&ben).await;
        let id = anna.submit(&ben, "is anybody there?").await;
        anna.start().await;
        world.pass(2 * DAY).await;
        assert_eq!(anna.offline().story(id).unwrap().reposts, 0);
        world.pass(5 * DAY).await;
        let story = anna.offline().story(id).unwrap();
        assert_eq!((story.reposts, world.deposits()), (1, 2));
        assert!(anna.ended(id).is_none(), "after the ordinary expiry it still waits for an answer");
        world.pass(15 * DAY).await;
        assert_eq!(anna.ended(id), Some("bounced"));
        assert_eq!(anna.offline().story(id), None);
    });
}

/// The same mails again and again; each time one side dies at the next change of its disk, and is started again.
#[test]
fn a_death_at_any_change_of_either_side_loses_and_doubles_nothing() {
    for dying in [0, 1] {
        for after in [false, true] {
            let mut n = 1;
            while simulated(one_death(dying, n, after)) {
                n = next_death(n);
            }
            assert!(n > 12, "only {n} changes: the script does too little");
        }
    }
}

/// Six days, each with one of the two alone online; one of them dies at its n-th change and is started again. False if it did not live to that.
async fn days_with_a_death(world: &World, nodes: [&Node; 2], dying: usize, n: u64, after: bool) -> bool {
    let [first, second] = nodes;
    // Each attempt is a change of the disk, and one like the other.
    nodes.iter().for_each(|node| node.tries_every(6 * HOUR));
    let mut died = false;
    for day in 0..6 {
        let (number, node) = if day % 2 == 0 { (0, first) } else { (1, second) };
        if number == dying && !died {
            node.start_to_die(n, after).await;
        } else {
            node.start().await;
        }
        let mut slept = Duration::ZERO;
        while slept < DAY - HOUR && !node.is_dead() {
            world.pass(HOUR / 2).await;
            slept += HOUR / 2;
        }
        if node.is_dead() {
            died = true;
            node.stop().await;
            node.start().await;
            world.pass(DAY - HOUR).await;
        }
        node.stop().await;
        world.pass(HOUR).await;
    }
    died
}

/// False if the process did not live to its n-th change.
async fn one_death(dying: usize, n: u64, after: bool) -> bool {
    let world = World::new(2);
    let (anna, ben) = (world.node("anna", &[0, 1]), world.node("ben", &[0, 1]));
    anna.befriend(&ben).await;
    let short = anna.submit(&ben, "a short one").await;
    let text: String = (0..5_000).map(|number| format!("{number:04} ")).collect();
    let long = anna.submit(&ben, &text).await;
    let answer = ben.submit(&anna, "an answer").await;
    let died = days_with_a_death(&world, [&anna, &ben], dying, n, after).await;
    let mut expected = vec![text, "a short one".to_owned()];
    expected.sort();
    assert_eq!(ben.mails(), expected, "side {dying} died at {n}, after: {after}");
    assert_eq!(anna.mails(), ["an answer"], "side {dying} died at {n}, after: {after}");
    for id in [short, long] {
        assert_eq!(anna.ended(id), Some("delivered"), "side {dying} died at {n}, after: {after}");
    }
    assert_eq!(ben.ended(answer), Some("delivered"), "side {dying} died at {n}, after: {after}");
    died
}

mod bounds;
mod paying;
mod scanning;
