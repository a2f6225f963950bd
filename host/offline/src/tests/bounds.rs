//! What boards, strangers and time can make a gateway hold, lose and do.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use drops::cell::{Name, Opened, Place};
use drops::limits::{CHUNK_BYTES, PARTIAL_STRANGER_BYTES};
use drops::message::Receipt;
use drops::parcel::Key;
use drops::record::MailboxRecord;
use drops::ttl::Ttl;
use mail::{Clock as _, MailId, PublicKey};

use super::take_turns;
use crate::incoming::{self, Shown};
use crate::parts;
use crate::shared::{Shared, lock};
use crate::testing::{DAY, HOUR, Node, World, account, simulated};

const PARTS: &str = "offline-part";

/// A mail of a sender made for it.
fn key(number: u32) -> Key {
    let (mut sender, mut digest) = ([9; 32], [8; 32]);
    sender[..4].copy_from_slice(&number.to_be_bytes());
    digest[..4].copy_from_slice(&number.to_be_bytes());
    Key { sender: PublicKey(sender), mail: MailId([1; 16]), digest }
}

/// A part of it, which never becomes whole.
fn part(number: u32) -> Opened {
    let Key { sender, mail, digest } = key(number);
    Opened { sender, place: Place { mail, index: 0, count: 64, digest }, chunk: vec![0; CHUNK_BYTES] }
}

fn shown(number: u32) -> Shown {
    let mut name = [7; 32];
    name[..4].copy_from_slice(&number.to_be_bytes());
    Shown { board: PublicKey([100; 32]), name: Name(name), is_first: true, is_confirmed: false }
}

/// What one visit finds on a board that shows self-made cells.
async fn flood(shared: &Arc<Shared>, numbers: std::ops::Range<u32>) {
    for number in numbers {
        incoming::part(shared, &account("ben"), part(number), shown(number)).await.unwrap();
    }
    parts::store(shared).await.unwrap();
}

#[test]
fn a_board_that_shows_40_960_self_made_cells_fills_neither_memory_nor_disk_nor_the_next_start() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[]), world.node("ben", &[]));
        anna.befriend(&ben).await;
        ben.start().await;
        let shared = Arc::clone(ben.offline().shared());
        // A contact's mail of which a part is missing.
        let mut first = part(0);
        first.sender = anna.key();
        incoming::part(&shared, &account("ben"), first, shown(0)).await.unwrap();
        let held = PARTIAL_STRANGER_BYTES / CHUNK_BYTES + 1;
        for visit in 0..2 {
            flood(&shared, 1 + visit * 40_960..1 + (visit + 1) * 40_960).await;
            assert_eq!(shared.state().assembly.bytes(), held * CHUNK_BYTES, "visit {visit}");
            let (documents, bytes) = ben.disk.documents_of(PARTS);
            assert_eq!(documents, held, "visit {visit}");
            assert!(bytes < PARTIAL_STRANGER_BYTES + 2 * CHUNK_BYTES, "{bytes} bytes after visit {visit}");
            assert!(shared.state().erasing.is_empty());
        }
        ben.stop().await;
        ben.start().await;
        let shared = Arc::clone(ben.offline().shared());
        assert_eq!(shared.state().assembly.bytes(), held * CHUNK_BYTES, "after a restart");
        let key = Key { sender: anna.key(), ..key(0) };
        assert!(
            shared.state().assembly.part(&account("ben"), &key, 0).is_some(),
            "the contact's part is there"
        );
        ben.stop().await;
    });
}

/// What was kept was once read before the core knew its contacts: a contact's part then took up the
/// room of strangers, and was dropped where there was none.
#[test]
fn a_contacts_part_is_a_contacts_after_a_restart() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[]), world.node("ben", &[]));
        anna.befriend(&ben).await;
        ben.start().await;
        let shared = Arc::clone(ben.offline().shared());
        let held = u32::try_from(PARTIAL_STRANGER_BYTES / CHUNK_BYTES).unwrap();
        let mut first = part(0);
        first.sender = anna.key();
        incoming::part(&shared, &account("ben"), first, shown(0)).await.unwrap();
        flood(&shared, 1..1 + held).await;
        ben.stop().await;
        ben.start().await;
        let kept = ben.offline().shared().state().assembly.bytes() / CHUNK_BYTES;
        assert_eq!(kept, held as usize + 1);
        ben.stop().await;
    });
}

#[test]
fn a_disk_with_more_parts_than_the_bound_is_brought_to_the_bound_at_the_start() {
    simulated(async {
        let world = World::new(1);
        let ben = world.node("ben", &[]);
        ben.start().await;
        flood(ben.offline().shared(), 0..1).await;
        ben.stop().await;
        // As an older version left it.
        {
            let mut documents = lock(&ben.disk.documents);
            let (name, document) = documents.iter().find(|(name, _)| name.0 == PARTS).unwrap();
            let (name, document) = (name.clone(), document.clone());
            for number in 1..5_000_u32 {
                let mut other = name.clone();
                other.2[..4].copy_from_slice(&number.to_be_bytes());
                documents.insert(other, document.clone());
            }
            documents.insert((PARTS.to_owned(), "ben".to_owned(), vec![1, 2, 3]), vec![77]);
        }
        ben.start().await;
        let held = PARTIAL_STRANGER_BYTES / CHUNK_BYTES;
        assert_eq!(ben.offline().shared().state().assembly.bytes(), held * CHUNK_BYTES);
        assert_eq!(ben.disk.documents_of(PARTS).0, held, "what has no place is gone, and what is no part");
        ben.stop().await;
    });
}

#[test]
fn a_part_that_cannot_be_kept_loses_none_of_the_rest() {
    simulated(async {
        let world = World::new(1);
        let ben = world.node("ben", &[]);
        ben.start().await;
        let shared = Arc::clone(ben.offline().shared());
        *lock(&ben.disk.refuses) = Some(PARTS);
        for number in 0..9 {
            incoming::part(&shared, &account("ben"), part(number), shown(number)).await.unwrap();
        }
        parts::store(&shared).await.unwrap_err();
        assert_eq!(ben.disk.documents_of(PARTS).0, 3, "every third could be kept");
        *lock(&ben.disk.refuses) = None;
        parts::store(&shared).await.unwrap();
        assert_eq!(ben.disk.documents_of(PARTS).0, 9);
        ben.stop().await;
    });
}

#[test]
fn a_mail_that_cannot_be_taken_yet_keeps_its_parts_and_is_taken_later() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[0]));
        ben.asks_its_user();
        let long: String = (0..10_000).map(|number| format!("{number:05} ")).collect();
        anna.submit(&ben, &long).await;
        // Nobody can be asked about, and no letter of a stranger can be kept.
        ben.has_room_for_requests(0);
        take_turns(&world, &[&anna, &ben], 2).await;
        assert_eq!(ben.disk.documents_of("offline-stranger").0, 1, "it waits here");
        assert_eq!(ben.requests(), []);
        anna.befriend(&ben).await;
        take_turns(&world, &[&ben], 1).await;
        assert_eq!(ben.mails(), [long]);
        assert_eq!((ben.disk.documents_of(PARTS).0, ben.disk.documents_of("offline-stranger").0), (0, 0));
    });
}

#[test]
fn a_strangers_first_letter_waits_while_no_request_can_and_is_asked_about_when_one_can() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[0]));
        ben.asks_its_user();
        ben.has_room_for_requests(0);
        let id = anna.submit(&ben, "is there room for me?").await;
        take_turns(&world, &[&anna, &ben], 4).await;
        assert_eq!(ben.requests(), []);
        // A restart forgets nothing of that.
        ben.start().await;
        assert_eq!(ben.offline().strangers_unasked(&ben.account()), 1, "the user sees that somebody waits");
        ben.has_room_for_requests(1);
        world.pass(HOUR).await;
        assert_eq!(ben.requests(), [anna.key()]);
        assert_eq!(ben.offline().strangers_unasked(&ben.account()), 0);
        ben.accept(&anna).await;
        world.pass(HOUR).await;
        assert_eq!(ben.mails(), ["is there room for me?"]);
        ben.stop().await;
        take_turns(&world, &[&ben, &anna], 4).await;
        assert_eq!(anna.ended(id), Some("delivered"));
    });
}

#[test]
fn boards_that_never_finish_a_reading_are_left_ever_longer_and_hold_no_seat_of_those_the_user_named() {
    simulated(async {
        let world = World::new(4);
        let cleo = world.node("cleo", &[1, 2, 3]);
        let ben = world.node("ben", &[0]);
        ben.befriend(&cleo).await;
        // So that there is something to read on all of them.
        world.pass(2 * DAY).await;
        cleo.start().await;
        ben.start().await;
        cleo.greet(&ben).await;
        cleo.stop().await;
        for host in &world.hosts[1..] {
            host.drips.store(true, Ordering::Relaxed);
        }
        world.pass(4 * DAY).await;
        let sessions: Vec<u64> =
            world.hosts.iter().map(|host| host.sessions.load(Ordering::Relaxed)).collect();
        // Every two hours on average, as always.
        assert!(sessions[0] >= 30, "{sessions:?}");
        // Two of them are read beside it: after minutes, then hours, then a day.
        let bad: u64 = sessions[1..].iter().sum();
        assert!((6..=40).contains(&bad), "{sessions:?}");
        ben.stop().await;
    });
}

/// When the record says that it was made.
async fn made(node: &Node, other: &Node) -> mail::Wall {
    let record = node.offline().record_for(&node.account(), other.key()).await.unwrap().unwrap();
    MailboxRecord::decode(&record).unwrap().made
}

#[test]
fn one_jump_of_the_clock_spoils_the_own_record_for_hours_not_for_as_long_as_the_jump_was() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[0]));
        anna.befriend(&ben).await;
        anna.start().await;
        ben.start().await;
        world.pass(HOUR).await;
        anna.greet(&ben).await;
        let now = || world.clock.wall();
        world.clock.set_ahead(200 * DAY);
        world.pass(3 * HOUR).await;
        anna.greet(&ben).await;
        world.clock.set_ahead(Duration::ZERO);
        world.pass(Duration::from_secs(600)).await;
        assert!(made(&anna, &ben).await > now().plus(100 * DAY), "nobody knows yet which time is right");
        world.pass(2 * HOUR).await;
        let after = made(&anna, &ben).await;
        assert!(after <= now(), "made at {after:?}, and it is {:?}", now());
        // And whoever holds the one that was made then takes this one.
        let record = anna.offline().record_for(&anna.account(), ben.key()).await.unwrap().unwrap();
        ben.offline().record_received(&ben.account(), anna.key(), &record).await.unwrap();
        let held = ben.offline().shared().with(&ben.account(), |state| state.records[&anna.key()].made);
        assert_eq!(held, Some(after));
        anna.stop().await;
        ben.stop().await;
    });
}

#[test]
fn an_acknowledgement_that_was_lost_is_given_again_when_the_same_parcel_is_posted_again() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[0]));
        anna.befriend(&ben).await;
        // Posted again after a third of a week: in the same period, so that the parcel is the same.
        *lock(&anna.selector.ttl_days) = Some(7);
        let id = anna.submit(&ben, "did you get this?").await;
        anna.start().await;
        world.pass(2 * HOUR).await;
        anna.stop().await;
        // The board says that it has Ben's acknowledgement, and has not.
        world.hosts[0].loses.store(1000, Ordering::Relaxed);
        ben.start().await;
        world.pass(DAY).await;
        ben.stop().await;
        assert_eq!(ben.mails(), ["did you get this?"]);
        assert_eq!(world.deposits(), 2, "the mail and the word about it");
        world.hosts[0].loses.store(0, Ordering::Relaxed);
        anna.start().await;
        world.pass(2 * DAY).await;
        assert_eq!(anna.offline().story(id).unwrap().reposts, 1);
        assert!(anna.ended(id).is_none());
        anna.stop().await;
        take_turns(&world, &[&ben, &anna], 4).await;
        assert_eq!(anna.ended(id), Some("delivered"));
        assert_eq!(ben.mails().len(), 1);
        assert_eq!(world.deposits(), 4, "no more words than it takes");
    });
}

#[test]
fn three_weeks_become_the_longest_time_that_does_not_outlast_the_mail() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[0]));
        anna.befriend(&ben).await;
        *lock(&anna.selector.ttl_days) = Some(21);
        let id = anna.submit(&ben, "hold this as long as you can").await;
        // By the time somebody is found to be offline, less than three weeks remain.
        world.pass(Duration::from_secs(1)).await;
        anna.start().await;
        world.pass(2 * HOUR).await;
        let story = anna.offline().story(id).unwrap();
        assert_eq!(story.boards[0].ttl_days, 14, "{story:?}");
        assert_eq!(story.boards[0].receipts.len(), 1);
        anna.stop().await;
    });
}

#[test]
fn a_board_nobody_reads_is_visited_again_for_an_audit_that_failed() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[]));
        anna.befriend(&ben).await;
        world.hosts[0].loses.store(1000, Ordering::Relaxed);
        let id = anna.submit(&ben, "hold this").await;
        anna.start().await;
        world.pass(HOUR / 2).await;
        let story = anna.offline().story(id).unwrap();
        assert_eq!((story.boards[0].receipts.len(), story.boards[0].missing), (1, false), "{story:?}");
        // From here on only the audit leads there.
        lock(&anna.boards.known).clear();
        world.hosts[0].is_up.store(false, Ordering::Relaxed);
        world.pass(DAY).await;
        assert!(!anna.offline().story(id).unwrap().boards[0].missing, "nothing was heard of it");
        world.hosts[0].is_up.store(true, Ordering::Relaxed);
        world.pass(2 * DAY).await;
        let story = anna.offline().story(id).unwrap();
        assert!(story.boards[0].missing, "{story:?}");
        anna.stop().await;
    });
}

#[test]
fn an_audit_that_came_before_its_segment_was_closed_is_made_again() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[]));
        anna.befriend(&ben).await;
        let id = anna.submit(&ben, "hold this").await;
        anna.start().await;
        world.pass(HOUR / 2).await;
        let board = world.hosts[0].key;
        let shared = Arc::clone(anna.offline().shared());
        // The receipt names a segment that is not closed for days.
        let receipt = anna.offline().story(id).unwrap().boards[0].receipts[0];
        let late = Receipt { name: Name([5; 32]), segment: receipt.segment + 40, until: receipt.until };
        shared.state().audits.expect(board, late, Ttl::TwoWeeks, world.clock.wall());
        lock(&anna.boards.known).clear();
        world.pass(4 * DAY).await;
        assert!(shared.state().audits.boards().is_empty(), "the last look was too early");
        anna.stop().await;
    });
}

#[test]
fn a_document_that_cannot_be_read_is_told_and_nothing_else_of_its_kind_is_lost() {
    simulated(async {
        let world = World::new(1);
        let (anna, ben) = (world.node("anna", &[0]), world.node("ben", &[0]));
        anna.befriend(&ben).await;
        anna.submit(&ben, "first").await;
        take_turns(&world, &[&anna, &ben], 3).await;
        // Of each kind the first is damaged. Parts are no loss: their boards have them.
        let damaged: Vec<_> = {
            let mut documents = lock(&anna.disk.documents);
            let mut damaged = vec![];
            for (name, document) in documents.iter_mut().filter(|(name, _)| name.0 != PARTS) {
                if damaged.iter().all(|(kind, ..): &(String, String, Vec<u8>)| *kind != name.0) {
                    *document = b"\xFFno document".to_vec();
                    damaged.push(name.clone());
                }
            }
            damaged
        };
        assert!(damaged.len() >= 4, "{damaged:?}");
        anna.start().await;
        let told: Vec<_> = lock(&anna.disk.unreadable).iter().cloned().collect();
        assert_eq!(told, damaged);
        anna.stop().await;
        let id = anna.submit(&ben, "second").await;
        take_turns(&world, &[&anna, &ben], 5).await;
        assert_eq!((ben.mails().len(), anna.ended(id)), (2, Some("delivered")));
    });
}
