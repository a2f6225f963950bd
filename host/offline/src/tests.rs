//! Offline mail from end to end, over real boards in memory and months of simulated time.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

use std::sync::atomic::Ordering;
use std::time::Duration;

use drops::mailbox::Period;
use gateway::ports::DropRelays as _;
use mail::record::ContactState;
use mail::{Clock as _, MailId};

use crate::outgoing;
use crate::shared::lock;
use crate::testing::{DAY, HOUR, Node, World, account, simulated};

/// One runs for a day, then the other, and so on: never both.
async fn take_turns(world: &World, nodes: &mut [&mut Node], days: usize) {
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
        let (mut anna, mut ben) = (world.node(1, &[0]), world.node(2, &[0]));
        anna.befriend(&ben);
        let to_ben = anna.submit(1, &ben, "dear Ben");
        let to_anna = ben.submit(2, &anna, "dear Anna");
        take_turns(&world, &mut [&mut anna, &mut ben], 6).await;
        assert_eq!(ben.mails(), ["dear Ben"]);
        assert_eq!(anna.mails(), ["dear Anna"]);
        assert_eq!(anna.ended(to_ben), ["delivered"]);
        assert_eq!(ben.ended(to_anna), ["delivered"]);
    });
}

#[test]
fn what_a_contact_reads_becomes_known_by_its_record_and_is_read_here_too() {
    simulated(async {
        let world = World::new(1);
        let mut cleo = world.node(3, &[0]);
        let (mut anna, mut ben) = (world.node(1, &[]), world.node(2, &[]));
        anna.befriend(&ben);
        anna.befriend(&cleo);
        ben.befriend(&cleo);
        // Once, all three met; Anna and Ben have no board of their own.
        for node in [&mut anna, &mut ben, &mut cleo] {
            node.start().await;
        }
        cleo.greet(&anna).await;
        cleo.greet(&ben).await;
        anna.greet(&ben).await;
        ben.greet(&anna).await;
        for node in [&mut anna, &mut ben, &mut cleo] {
            node.stop().await;
        }
        let to_ben = anna.submit(1, &ben, "over Cleo's board");
        take_turns(&world, &mut [&mut anna, &mut ben], 4).await;
        assert_eq!(ben.mails(), ["over Cleo's board"]);
        assert_eq!(anna.ended(to_ben), ["delivered"]);
    });
}

#[test]
fn a_stranger_is_heard_when_the_user_accepts_and_not_before() {
    simulated(async {
        let world = World::new(2);
        let (mut anna, mut ben) = (world.node(1, &[0, 1]), world.node(2, &[0, 1]));
        ben.accepts = false;
        let hello = anna.submit(1, &ben, "you do not know me");
        take_turns(&world, &mut [&mut anna, &mut ben], 4).await;
        assert!(ben.mails().is_empty());
        assert_eq!(*lock(&ben.disk.requests), [anna.key()]);
        let before = world.deposits();
        take_turns(&world, &mut [&mut ben], 1).await;
        assert_eq!(world.deposits(), before, "nothing goes out to somebody who was not accepted");

        lock(&ben.disk.contacts).insert(anna.key(), ContactState::Confirmed);
        let answer = ben.submit(2, &anna, "now I do");
        take_turns(&world, &mut [&mut ben, &mut anna], 6).await;
        assert_eq!(ben.mails(), ["you do not know me"]);
        assert_eq!(anna.mails(), ["now I do"]);
        assert_eq!(anna.ended(hello), ["delivered"]);
        assert_eq!(ben.ended(answer), ["delivered"]);
        assert_eq!(lock(&anna.disk.contacts)[&ben.key()], ContactState::Confirmed);
    });
}

#[test]
fn a_declined_stranger_leaves_nothing_behind() {
    simulated(async {
        let world = World::new(1);
        let (mut anna, mut ben) = (world.node(1, &[0]), world.node(2, &[0]));
        ben.accepts = false;
        let id = anna.submit(1, &ben, "buy this");
        take_turns(&world, &mut [&mut anna, &mut ben], 2).await;
        lock(&ben.disk.requests).clear();
        take_turns(&world, &mut [&mut ben], 1).await;
        let kept = lock(&ben.disk.documents).keys().filter(|(kind, ..)| kind == "offline-stranger").count();
        assert_eq!((kept, ben.mails().len()), (0, 0));
        take_turns(&world, &mut [&mut anna], 25).await;
        assert_eq!(anna.ended(id), ["bounced"]);
    });
}

#[test]
fn keys_change_over_months_and_old_ones_are_erased() {
    simulated(async {
        let world = World::new(2);
        let (mut anna, mut ben) = (world.node(1, &[0, 1]), world.node(2, &[0, 1]));
        anna.befriend(&ben);
        let (mut expected_by_ben, mut expected_by_anna) = (vec![], vec![]);
        let mut ids: Vec<(bool, MailId)> = vec![];
        for round in 0..30_u8 {
            let (first, second) = (format!("anna {round:02}"), format!("ben {round:02}"));
            ids.push((true, anna.submit(2 * round, &ben, &first)));
            ids.push((false, ben.submit(2 * round + 1, &anna, &second)));
            expected_by_ben.push(first);
            expected_by_anna.push(second);
            take_turns(&world, &mut [&mut anna, &mut ben], 4).await;
            let now = Period::at(world.clock.wall());
            for node in [&anna, &ben] {
                let periods: Vec<Period> = lock(&node.disk.keys).keys().copied().collect();
                assert!((2..=7).contains(&periods.len()), "{periods:?}");
                assert!(periods.iter().all(|period| period.0 + 5 >= now.0), "{periods:?} at {now:?}");
            }
        }
        take_turns(&world, &mut [&mut anna, &mut ben], 4).await;
        assert_eq!(ben.mails(), expected_by_ben);
        assert_eq!(anna.mails(), expected_by_anna);
        for (is_annas, id) in ids {
            let node = if is_annas { &anna } else { &ben };
            assert_eq!(node.ended(id), ["delivered"]);
        }
    });
}

#[test]
fn a_mail_of_many_cells_comes_whole_and_a_larger_one_waits_for_the_direct_way() {
    simulated(async {
        let world = World::new(1);
        let (mut anna, mut ben) = (world.node(1, &[0]), world.node(2, &[0]));
        anna.befriend(&ben);
        let long: String = (0..30_000).map(|number| format!("{number:05} ")).collect();
        let longer = long.repeat(8);
        let id = anna.submit(1, &ben, &long);
        let too_large = anna.submit(2, &ben, &longer);
        anna.start().await;
        world.pass(HOUR).await;
        let note = anna.offline().copies(too_large).note.unwrap();
        assert!(note.contains("too large for drop relays"), "{note}");
        world.pass(5 * HOUR).await;
        let story = anna.offline().story(id).unwrap();
        assert_eq!((story.boards[0].cells, story.boards[0].receipts.len()), (16, 16));
        anna.stop().await;
        take_turns(&world, &mut [&mut ben, &mut anna], 4).await;
        assert_eq!(ben.mails(), [long]);
        assert_eq!(anna.ended(id), ["delivered"]);
        assert!(anna.ended(too_large).is_empty(), "it still waits");
    });
}

#[test]
fn a_mail_that_comes_both_ways_is_shown_once() {
    simulated(async {
        let world = World::new(1);
        let (mut anna, mut ben) = (world.node(1, &[0]), world.node(2, &[0]));
        anna.befriend(&ben);
        let id = anna.submit(1, &ben, "twice");
        anna.start().await;
        world.pass(2 * HOUR).await;
        assert_eq!(anna.offline().copies(id).complete, 1);
        anna.stop().await;
        // The direct way was faster.
        let (entry, body) = lock(&anna.disk.outbox)[&id].clone();
        lock(&ben.disk.mailbox).push(body);
        let word = (entry.digest, mail::Acknowledgement::Delivered);
        lock(&ben.disk.arrivals).insert((anna.key(), id), word);
        take_turns(&world, &mut [&mut ben, &mut anna], 4).await;
        assert_eq!(ben.mails(), ["twice"]);
        assert_eq!(anna.ended(id), ["delivered"]);
    });
}

#[test]
fn a_board_that_stores_nothing_is_found_out_and_the_mail_goes_elsewhere() {
    simulated(async {
        let world = World::new(2);
        world.hosts[0].lies.store(true, Ordering::Relaxed);
        let (mut anna, mut ben) = (world.node(1, &[0, 1]), world.node(2, &[0, 1]));
        world.hosts[1].is_up.store(false, Ordering::Relaxed);
        anna.befriend(&ben);
        let id = anna.submit(1, &ben, "hold this");
        anna.start().await;
        world.pass(DAY).await;
        let story = anna.offline().story(id).unwrap();
        assert!(story.boards.iter().any(|copies| copies.missing), "{story:?}");
        assert_eq!(story.complete(world.clock.wall()), 0);
        world.hosts[1].is_up.store(true, Ordering::Relaxed);
        world.pass(DAY).await;
        anna.stop().await;
        take_turns(&world, &mut [&mut ben], 1).await;
        assert_eq!(ben.mails(), ["hold this"]);
    });
}

#[test]
fn a_board_that_is_not_there_is_told_to_people_and_not_to_the_selector() {
    simulated(async {
        let world = World::new(1);
        let mut anna = world.node(1, &[0]);
        world.hosts[0].is_up.store(false, Ordering::Relaxed);
        anna.start().await;
        world.pass(DAY).await;
        let told = anna.offline().boards().remove(0);
        assert!(told.failures > 3 && told.last_failure.is_some(), "{told:?}");
        assert_eq!(told.problem.as_deref(), Some("the board is not there"));
        let facts = anna.offline().shared().candidates(&account(), anna.key()).remove(0);
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
        let (mut anna, ben) = (world.node(1, &[0]), world.node(2, &[0]));
        let host = &world.hosts[0];
        host.drips.store(true, Ordering::Relaxed);
        anna.start().await;
        let id = anna.submit(1, &ben, "I am there after all");
        // The board has a cell, and says so a minute later.
        for _ in 0..HOUR.as_secs() {
            if world.deposits() > 0 {
                break;
            }
            world.pass(Duration::from_secs(1)).await;
        }
        assert!(world.deposits() > 0);
        let _delivered = lock(&anna.disk.outbox).remove(&id);
        outgoing::ended(anna.offline().shared(), id).await;
        host.drips.store(false, Ordering::Relaxed);
        world.pass(HOUR).await;
        let boards = anna.offline().boards();
        assert_eq!((boards[0].failures, &boards[0].problem), (0, &None));
        anna.stop().await;
    });
}

#[test]
fn silence_brings_a_mail_to_boards_again_and_in_the_end_it_is_given_up() {
    simulated(async {
        let world = World::new(1);
        let (mut anna, ben) = (world.node(1, &[0]), world.node(2, &[0]));
        anna.befriend(&ben);
        let id = anna.submit(1, &ben, "is anybody there?");
        anna.start().await;
        world.pass(2 * DAY).await;
        assert_eq!(anna.offline().story(id).unwrap().reposts, 0);
        world.pass(5 * DAY).await;
        let story = anna.offline().story(id).unwrap();
        assert_eq!((story.reposts, world.deposits()), (1, 2));
        assert!(anna.ended(id).is_empty(), "after the ordinary expiry it still waits for an answer");
        world.pass(15 * DAY).await;
        assert_eq!(anna.ended(id), ["bounced"]);
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
                n += 1;
            }
            assert!(n > 12, "only {n} changes: the script does too little");
        }
    }
}

/// Six days, each with one of the two alone online; one of them dies at its n-th change and is started again. False if it did not live to that.
async fn days_with_a_death(world: &World, nodes: [&mut Node; 2], dying: usize, n: u64, after: bool) -> bool {
    let [first, second] = nodes;
    let mut died = false;
    for day in 0..6 {
        let (number, node) = if day % 2 == 0 { (0, &mut *first) } else { (1, &mut *second) };
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
    let (mut anna, mut ben) = (world.node(1, &[0, 1]), world.node(2, &[0, 1]));
    anna.befriend(&ben);
    let short = anna.submit(1, &ben, "a short one");
    let text: String = (0..5_000).map(|number| format!("{number:04} ")).collect();
    let long = anna.submit(2, &ben, &text);
    let answer = ben.submit(3, &anna, "an answer");
    let died = days_with_a_death(&world, [&mut anna, &mut ben], dying, n, after).await;
    let mut expected = vec![text, "a short one".to_owned()];
    expected.sort();
    assert_eq!(ben.mails(), expected, "side {dying} died at {n}, after: {after}");
    assert_eq!(anna.mails(), ["an answer"], "side {dying} died at {n}, after: {after}");
    for id in [short, long] {
        assert_eq!(anna.ended(id), ["delivered"], "side {dying} died at {n}, after: {after}");
    }
    assert_eq!(ben.ended(answer), ["delivered"], "side {dying} died at {n}, after: {after}");
    died
}

mod bounds;
mod paying;
mod scanning;
