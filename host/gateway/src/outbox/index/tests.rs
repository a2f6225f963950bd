use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::testing::{account, key};

fn moment(mono: u64) -> Moment {
    Moment { mono, wall: Wall(1_000_000_000 + mono) }
}

fn waiting(number: u64, size: u64) -> Waiting {
    Waiting {
        id: id(number),
        owner: Owner { account: account("anna"), peer: Some(key("ben")) },
        online: false,
        size,
        created: Wall(number),
        try_at: 0,
        delay_at: u64::MAX,
        deadline: millis(Duration::from_secs(5 * 24 * 3600)),
    }
}

fn id(number: u64) -> MailId {
    MailId(u128::from(number).to_be_bytes())
}

fn online(index: &mut Index, now: u64) {
    index.peer_online(&account("anna"), key("ben"), moment(now));
}

fn transfers(jobs: &[Job]) -> Vec<MailId> {
    jobs.iter().filter(|job| matches!(job, Job::Transfer(_))).map(|job| job.id()).collect()
}

#[test]
fn large_mails_get_a_part_of_the_places_and_one_at_least() {
    let mut index = Index::default();
    for number in 0..10 {
        index.insert(waiting(number, limits::LARGE_BYTES + number));
    }
    online(&mut index, 0);
    assert_eq!(index.take(moment(0)).len(), limits::LARGE_IN_FLIGHT_PER_PEER);
    for number in 100..200 {
        index.insert(waiting(number, 10));
    }
    let small = transfers(&index.take(moment(1)));
    assert_eq!(small.len(), limits::IN_FLIGHT_PER_PEER - limits::LARGE_IN_FLIGHT_PER_PEER);
    assert!(small.iter().all(|id| *id >= super::tests::id(100)), "small ones do not wait for large ones");
}

#[test]
fn peers_take_turns_within_the_total() {
    let mut index = Index::default();
    for peer in 0..20 {
        for number in 0..40 {
            let owner = Owner { account: account("anna"), peer: Some(PublicKey([peer; 32])) };
            index.insert(Waiting { owner, ..waiting(u64::from(peer) * 1000 + number, 10) });
        }
    }
    for peer in 0..20 {
        index.peer_online(&account("anna"), PublicKey([peer; 32]), moment(0));
    }
    let jobs = transfers(&index.take(moment(0)));
    assert_eq!(jobs.len(), limits::IN_FLIGHT);
    for peer in 0..20_u64 {
        let own = jobs.iter().filter(|id| u128::from_be_bytes(id.0) / 1000 == u128::from(peer)).count();
        assert!((12..=13).contains(&own), "peer {peer} has {own}");
    }
    for id in jobs {
        index.finish(id, Next::Gone, moment(1));
    }
    assert_eq!(transfers(&index.take(moment(1))).len(), limits::IN_FLIGHT);
}

#[test]
fn visits_are_bounded() {
    let mut index = Index::default();
    for number in 0..100 {
        index.insert(waiting(number, 10));
    }
    let jobs = index.take(moment(0));
    assert_eq!(jobs.len(), limits::VISITS);
    assert_eq!(index.next_due(), None, "who has no place does not spin");
    index.finish(jobs[0].id(), Next::Gone, moment(1));
    assert_eq!(index.take(moment(1)).len(), 1);
}

#[test]
fn a_claimed_entry_is_nobody_elses() {
    let mut index = Index::default();
    index.insert(waiting(1, 10));
    assert!(index.claim(id(1)));
    assert!(!index.claim(id(1)) && index.is_running(id(1)));
    online(&mut index, 0);
    assert!(index.take(moment(0)).is_empty());
    index.finish(id(1), Next::Gone, moment(0));
    assert!(!index.claim(id(1)));
    assert_eq!(index.queued(&account("anna")), 0);
}

#[test]
fn a_hundred_thousand_entries_are_quick_and_small() {
    let mut index = Index::default();
    for number in 0..100_000 {
        let owner = Owner { account: account("anna"), peer: Some(PublicKey([(number % 100) as u8; 32])) };
        let try_at = 1 + number % 1000;
        index.insert(Waiting { owner, try_at, ..waiting(number, 4000 + number % 50) });
    }
    assert_eq!(index.queued(&account("anna")), 100_000);
    for peer in 0..100 {
        index.peer_online(&account("anna"), PublicKey([peer; 32]), moment(0));
    }
    // A hash table keeps an eighth free and a byte for each place; nodes of a B-tree are half full at least, and an entry is in two
    // of the three sets (`members`, and `due` or `ready`).
    let slots = index.slots.capacity() / 7 * 8 * (std::mem::size_of::<(MailId, Slot)>() + 1);
    let sets = (index.due.len() + 2 * index.queued(&account("anna")) as usize) * 24 * 2;
    assert!(slots + sets < 30_000_000, "{slots} and {sets} bytes");
}

/// What can happen to an index.
#[derive(Clone, Debug)]
enum Step {
    Insert(u8, bool),
    Online,
    Offline,
    Take,
    Finish(u8, u8, u16),
    Claim(u8),
    RetryNow(u8),
    Pass(u32),
    Jump(i32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (any::<u8>(), any::<bool>()).prop_map(|(number, large)| Step::Insert(number, large)),
        Just(Step::Online),
        Just(Step::Offline),
        Just(Step::Take),
        Just(Step::Take),
        (any::<u8>(), 0_u8..5, any::<u16>()).prop_map(|(at, next, wait)| Step::Finish(at, next, wait)),
        any::<u8>().prop_map(Step::Claim),
        any::<u8>().prop_map(Step::RetryNow),
        (0_u32..10_000_000).prop_map(Step::Pass),
        (-100_000_000_i32..100_000_000).prop_map(Step::Jump),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    /// Whatever happens, no entry is given out twice, the bounds hold, and in the end every entry is looked at.
    #[test]
    fn nothing_is_lost_or_given_out_twice(steps in steps()) {
        let mut index = Index::default();
        let (mut mono, mut offset) = (0_u64, 1_000_000_000_i64);
        let mut running: Vec<Job> = Vec::new();
        let mut there = std::collections::BTreeSet::new();
        let now = |mono: u64, offset: i64| Moment { mono, wall: Wall(mono.saturating_add_signed(offset)) };
        index.observe(now(mono, offset));
        for step in steps {
            let moment = now(mono, offset);
            match step {
                Step::Insert(number, large) => {
                    if there.insert(id(number.into())) {
                        index.insert(waiting(number.into(), if large { limits::LARGE_BYTES } else { 10 }));
                    }
                }
                Step::Online => index.peer_online(&account("anna"), key("ben"), moment),
                Step::Offline => index.peer_offline(&account("anna"), key("ben"), moment),
                Step::Take => {
                    index.observe(moment);
                    for job in index.take(moment) {
                        prop_assert!(!running.iter().any(|other| other.id() == job.id()), "{job:?} twice");
                        prop_assert!(there.contains(&job.id()));
                        running.push(job);
                    }
                    let transfers = running.iter().filter(|job| matches!(job, Job::Transfer(_))).count();
                    prop_assert!(transfers <= limits::IN_FLIGHT_PER_PEER);
                }
                Step::Finish(at, next, wait) => {
                    if running.is_empty() { continue }
                    let job = running.swap_remove(usize::from(at) % running.len());
                    let at = mono + u64::from(wait) * 1000;
                    let next = match next {
                        0 => Next::Gone,
                        1 => Next::Wait { try_at: at, not_before: 0 },
                        2 => Next::Wait { try_at: mono, not_before: at },
                        3 => Next::Told,
                        _ => Next::Later(at),
                    };
                    if next == Next::Gone { there.remove(&job.id()); }
                    index.finish(job.id(), next, moment);
                }
                Step::Claim(number) => {
                    let number = id(number.into());
                    let free = there.contains(&number) && !running.iter().any(|job| job.id() == number);
                    prop_assert_eq!(index.claim(number), free);
                    if free { running.push(Job::Visit(number)); }
                }
                Step::RetryNow(number) => index.retry_now(id(number.into()), moment),
                Step::Pass(milliseconds) => mono += u64::from(milliseconds),
                Step::Jump(milliseconds) => offset += i64::from(milliseconds),
            }
            prop_assert_eq!(index.queued(&account("anna")), there.len() as u64);
        }
        for job in running.drain(..) {
            index.finish(job.id(), Next::Wait { try_at: mono, not_before: 0 }, now(mono, offset));
        }
        mono += millis(Duration::from_secs(30 * 24 * 3600));
        index.observe(now(mono, offset));
        while !there.is_empty() {
            let jobs = index.take(now(mono, offset));
            prop_assert!(!jobs.is_empty(), "{} entries are stuck", there.len());
            for job in jobs {
                there.remove(&job.id());
                index.finish(job.id(), Next::Gone, now(mono, offset));
            }
        }
    }
}
