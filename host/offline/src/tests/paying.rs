//! Tokens: where they come from, whom they reach, and that none is shown twice.

use std::sync::atomic::{AtomicU64, Ordering};

use drops::record::{MailboxRecord, OwnerMark};
use gateway::ports::DropRelays as _;

use super::{days_with_a_death, take_turns};
use crate::shared::lock;
use crate::testing::{DAY, HOUR, Host, Node, World, next_death, simulated};

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Deposits on a board, and how many of them were paid with tokens; none was shown twice.
fn deposits(host: &Host) -> (u64, u64) {
    assert_eq!(count(&host.spent_twice), 0, "a token was shown twice");
    (count(&host.deposits), count(&host.tokens))
}

/// Both run for some hours, and their gateways say hello.
async fn meet(world: &World, one: &Node, other: &Node) {
    one.start().await;
    other.start().await;
    world.pass(HOUR).await;
    one.greet(other).await;
    other.greet(one).await;
    one.stop().await;
    other.stop().await;
}

#[test]
fn who_writes_to_the_owner_of_a_board_pays_with_the_tokens_of_their_record() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[]), world.node("ben", &[]));
        ben.serves(&world.hosts[0]);
        anna.befriend(&ben).await;
        meet(&world, &anna, &ben).await;
        let mut ids = vec![];
        for _ in 0..12 {
            ids.push(anna.submit(&ben, "to Ben").await);
            ben.submit(&anna, "to Anna").await;
            take_turns(&world, &[&anna, &ben], 4).await;
        }
        assert_eq!((ben.mails().len(), anna.mails().len()), (12, 12));
        assert!(ids.iter().all(|id| anna.ended(*id) == Some("delivered")));
        let (all, with_tokens) = deposits(&world.hosts[0]);
        assert!(all >= 48, "{all} deposits: mails and acknowledgements of both");
        assert_eq!(
            with_tokens, all,
            "over weeks Anna's supply is refilled by Ben's acknowledgements and mails"
        );
        assert!(count(&world.hosts[0].own_deposits) >= 24, "Ben's own need no throwaway");
    });
}

#[test]
fn who_is_invited_gets_tokens_after_days_and_passes_some_on() {
    simulated(async {
        let world = World::new(1);
        let (anna, cleo) = (world.node("anna", &[]), world.node("cleo", &[]));
        cleo.is_invited(&world.hosts[0]);
        anna.befriend(&cleo).await;
        meet(&world, &anna, &cleo).await;
        // The issuing key has to be seen on two days, and tokens rest for one.
        take_turns(&world, &[&cleo], 4).await;
        assert_eq!(deposits(&world.hosts[0]), (0, 0), "fetching tokens deposits nothing");
        meet(&world, &anna, &cleo).await;
        for _ in 0..6 {
            anna.submit(&cleo, "to Cleo").await;
            cleo.submit(&anna, "to Anna").await;
            take_turns(&world, &[&anna, &cleo], 4).await;
        }
        assert_eq!((cleo.mails().len(), anna.mails().len()), (6, 6));
        let (all, with_tokens) = deposits(&world.hosts[0]);
        assert!(all >= 24 && with_tokens == all, "{with_tokens} of {all} with tokens");
        assert_eq!(count(&world.hosts[0].own_deposits), 0);
    });
}

#[test]
fn whoever_holds_tokens_finds_a_seat_on_a_board_that_others_crowd() {
    simulated(async {
        let world = World::new(1);
        let (anna, cleo) = (world.node("anna", &[]), world.node("cleo", &[]));
        cleo.is_invited(&world.hosts[0]);
        anna.befriend(&cleo).await;
        meet(&world, &anna, &cleo).await;
        take_turns(&world, &[&cleo], 4).await;
        meet(&world, &anna, &cleo).await;
        world.hosts[0].is_crowded.store(true, Ordering::Relaxed);
        for _ in 0..2 {
            anna.submit(&cleo, "to Cleo").await;
            take_turns(&world, &[&anna, &cleo], 4).await;
        }
        assert_eq!(
            cleo.mails().len(),
            2,
            "one deposits with tokens passed on, the other reads with own ones"
        );
        deposits(&world.hosts[0]);
        // Without a token there is none.
        let strange = world.node("dora", &[0]);
        strange.befriend(&cleo).await;
        strange.submit(&cleo, "from a stranger").await;
        take_turns(&world, &[&strange, &cleo], 4).await;
        assert_eq!(cleo.mails().len(), 2);
    });
}

#[test]
fn who_is_invited_to_a_board_that_others_always_crowd_reads_it_after_days() {
    simulated(async {
        let world = World::new(1);
        world.hosts[0].is_crowded.store(true, Ordering::Relaxed);
        let (anna, cleo) = (world.node("anna", &[]), world.node("cleo", &[]));
        cleo.is_invited(&world.hosts[0]);
        anna.befriend(&cleo).await;
        meet(&world, &anna, &cleo).await;
        cleo.start().await;
        world.pass(5 * DAY).await;
        cleo.stop().await;
        meet(&world, &anna, &cleo).await;
        for _ in 0..2 {
            anna.submit(&cleo, "to Cleo").await;
            take_turns(&world, &[&anna, &cleo], 4).await;
        }
        assert_eq!(
            cleo.mails().len(),
            2,
            "one deposits with tokens passed on, the other reads with own ones"
        );
        deposits(&world.hosts[0]);
    });
}

#[test]
fn tokens_of_one_contact_do_not_pay_for_mail_to_another() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben, cleo) = (world.node("anna", &[]), world.node("ben", &[]), world.node("cleo", &[0]));
        ben.serves(&world.hosts[0]);
        anna.befriend(&ben).await;
        anna.befriend(&cleo).await;
        meet(&world, &anna, &ben).await;
        meet(&world, &anna, &cleo).await;
        anna.submit(&cleo, "to Cleo").await;
        anna.start().await;
        world.pass(3 * HOUR).await;
        let offered = lock(&anna.selector.offered).clone();
        assert_eq!((offered.len(), offered[0].tokens), (1, 0), "Ben would learn that she writes to somebody");
        assert_eq!(
            offered[0].owner,
            Some(OwnerMark([1; 8]).to_string()),
            "his record says whose board it is"
        );
        assert_eq!(deposits(&world.hosts[0]), (1, 0));
        anna.submit(&ben, "to Ben").await;
        world.pass(3 * HOUR).await;
        assert!(lock(&anna.selector.offered)[0].tokens > 0);
        assert_eq!(deposits(&world.hosts[0]), (2, 1));
        anna.stop().await;
    });
}

#[test]
fn each_contact_gets_other_tokens_and_a_stranger_none() {
    simulated(async {
        let world = World::new(1);
        let (ben, anna, cleo) = (world.node("ben", &[]), world.node("anna", &[]), world.node("cleo", &[]));
        ben.serves(&world.hosts[0]);
        ben.befriend(&anna).await;
        ben.has_asked(&cleo);
        ben.start().await;
        world.pass(HOUR).await;
        let mut seen = vec![];
        for (node, expected) in [(&anna, 8), (&cleo, 8), (&world.node("emil", &[]), 0)] {
            let record =
                || async { ben.offline().record_for(&ben.account(), node.key()).await.unwrap().unwrap() };
            let first = record().await;
            assert_eq!(first, record().await, "the same as long as nothing changed");
            let record = MailboxRecord::decode(&first).unwrap();
            assert_eq!(record.tokens.len(), expected);
            assert_eq!(record.owners, [(world.hosts[0].key, OwnerMark([1; 8]))]);
            seen.extend(record.tokens.iter().map(|(_, token)| token.random));
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 16);
        // After a restart the same ones: they are remembered.
        let before = ben.offline().record_for(&ben.account(), anna.key()).await.unwrap();
        ben.stop().await;
        ben.start().await;
        assert_eq!(ben.offline().record(&ben.account(), anna.key()), before, "at once, for a hello");
        assert_eq!(ben.offline().record_for(&ben.account(), anna.key()).await.unwrap(), before);
        ben.stop().await;
    });
}

#[test]
fn a_new_period_changes_the_record_and_whoever_is_online_is_to_be_told() {
    simulated(async {
        let world = World::new(1);
        let anna = world.node("anna", &[0]);
        anna.start().await;
        world.pass(HOUR).await;
        let before = count(&anna.disk.record_changes);
        world.pass(15 * DAY).await;
        let changes = count(&anna.disk.record_changes) - before;
        assert!((2..=3).contains(&changes), "{changes} in two weeks");
        anna.stop().await;
    });
}

#[test]
fn the_own_identity_is_never_shown_to_a_board_of_somebody_else() {
    simulated(async {
        let world = World::new(2);
        let (anna, ben) = (world.node("anna", &[1]), world.node("ben", &[]));
        anna.serves(&world.hosts[0]);
        anna.befriend(&ben).await;
        anna.selector.shows_itself.store(true, Ordering::Relaxed);
        let id = anna.submit(&ben, "who am I?").await;
        anna.start().await;
        // The boards assert it too.
        world.pass(DAY).await;
        assert_eq!(world.deposits(), 0);
        let entry = anna.entry(id);
        let refused = anna.offline().leave_copies(&entry).await.note.unwrap();
        assert!(refused.contains("to a drop relay of somebody else"), "{refused}");
        anna.selector.shows_itself.store(false, Ordering::Relaxed);
        world.pass(DAY).await;
        assert_eq!(count(&world.hosts[0].own_deposits), 1);
        assert_eq!((count(&world.hosts[1].deposits), count(&world.hosts[1].own_deposits)), (1, 0));
        anna.stop().await;
    });
}

/// A board's owner and a contact write to each other; each time one of them dies at the next change of its disk.
#[test]
fn a_death_at_any_change_spends_no_token_twice() {
    for dying in [0, 1] {
        for after in [false, true] {
            let mut n = 1;
            while simulated(one_death(dying, n, after)) {
                n = next_death(n);
            }
            assert!(n > 20, "only {n} changes: the script does too little");
        }
    }
}

/// False if the process did not live to its n-th change.
async fn one_death(dying: usize, n: u64, after: bool) -> bool {
    let world = World::new(1);
    let (anna, ben) = (world.node("anna", &[]), world.node("ben", &[]));
    ben.serves(&world.hosts[0]);
    anna.befriend(&ben).await;
    meet(&world, &anna, &ben).await;
    let (to_ben, to_anna) = (anna.submit(&ben, "a mail").await, ben.submit(&anna, "an answer").await);
    let died = days_with_a_death(&world, [&anna, &ben], dying, n, after).await;
    let place = format!("side {dying} died at {n}, after: {after}");
    deposits(&world.hosts[0]);
    assert_eq!(
        (ben.mails(), anna.mails()),
        (vec!["a mail".to_owned()], vec!["an answer".to_owned()]),
        "{place}"
    );
    assert_eq!((anna.ended(to_ben), ben.ended(to_anna)), (Some("delivered"), Some("delivered")), "{place}");
    died
}

#[test]
fn contacts_who_are_always_online_get_tokens_when_these_have_rested() {
    simulated(async {
        let world = World::new(1);
        let (anna, cleo) = (world.node("anna", &[]), world.node("cleo", &[]));
        cleo.is_invited(&world.hosts[0]);
        anna.befriend(&cleo).await;
        cleo.start().await;
        // Less than a period: nothing else makes a new record. As in a session, she tells it when it changed, and at no other time.
        let (mut told, mut tokens) = (0, 0);
        for _ in 0..78 {
            world.pass(HOUR).await;
            let changes = count(&cleo.disk.record_changes);
            if changes != told {
                told = changes;
                let record = cleo.offline().record_for(&cleo.account(), anna.key()).await.unwrap().unwrap();
                tokens = MailboxRecord::decode(&record).unwrap().tokens.len();
            }
        }
        assert_eq!(tokens, 8);
        cleo.stop().await;
    });
}
