//! What a drop relay can find out about who writes to whom: a simulation that drives the production state machines, and an
//! adversary who is one of the boards.
//!
//! Short, as part of the tests: `cargo test --release -p drops --test privacy -- --nocapture`.
//! Long, with the report of PRIVACY.md (two hours of one core): `cargo test --release -p drops --test privacy -- --ignored --nocapture`.
//! `DROPS_PRIVACY_SEEDS` (20), `DROPS_PRIVACY_DAYS` (60) and `DROPS_PRIVACY_MINUTES` (no limit) make it shorter: after so many minutes
//! nothing new is begun, and the report says how many seeds each row has.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.
#![allow(clippy::needless_range_loop)] // Users are numbers, in many tables.

mod attack;
mod report;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use attack::{Adversary, Scores};
use report::{Both, Case, Summary};
use world::{HOUR, Reading, Scheme, World};

/// The seeds of the report; the attack was made with others (1 to 9).
const FIRST_SEED: u64 = 1_000;

const FOLLOW: Scheme =
    Scheme { name: "readers stay and follow", reading: Reading::Follow, ..Scheme::DEFAULT };
const HOURS: Scheme = Scheme { name: "deposits within 8 hours", within: 8 * HOUR, ..Scheme::DEFAULT };
const ALWAYS_ON: Scheme = Scheme { name: "all gateways run all day", always_on: true, ..Scheme::DEFAULT };
const ALL_COPIES: Scheme = Scheme { name: "copies of every mail", copies_of_all: true, ..Scheme::DEFAULT };
const ALL_AND_HOURS: Scheme = Scheme {
    name: "copies of every mail within 8 hours",
    copies_of_all: true,
    within: 8 * HOUR,
    ..Scheme::DEFAULT
};
const OLD: Scheme = Scheme { name: "the scheme of 2014", supernode: true, ..Scheme::DEFAULT };
const OWN_IDENTITY: Scheme = Scheme { name: "without throwaways", throwaways: false, ..Scheme::DEFAULT };
const OWN_CELLS: Scheme =
    Scheme { name: "without whole-board reading", whole_board: false, ..Scheme::DEFAULT };
const AT_ONCE: Scheme = Scheme { name: "without delays", delays: false, ..Scheme::DEFAULT };
const MARKED: Scheme = Scheme { name: "sessions marked, confirmed first", tagging: true, ..Scheme::DEFAULT };
const MARKED_BLINDLY: Scheme =
    Scheme { name: "sessions marked, not confirmed", tagging: true, confirm: false, ..Scheme::DEFAULT };

/// What is simulated: a world, and who of its boards work together against it.
const CASES: [(Scheme, &[&[usize]]); 12] = [
    (Scheme::DEFAULT, &[&[0], &[0, 1]]),
    (HOURS, &[&[0]]),
    (ALL_COPIES, &[&[0]]),
    (ALL_AND_HOURS, &[&[0]]),
    (ALWAYS_ON, &[&[0]]),
    (FOLLOW, &[&[0]]),
    (OWN_IDENTITY, &[&[0]]),
    (OWN_CELLS, &[&[0]]),
    (AT_ONCE, &[&[0]]),
    (OLD, &[&[0]]),
    (MARKED, &[&[0]]),
    (MARKED_BLINDLY, &[&[0]]),
];

/// Runs everything with every seed on all cores, the scheme as specified first; nothing new is begun after `time`.
#[allow(clippy::disallowed_methods)] // How long a test may run is a matter of the real clock.
fn run(days: u64, seeds: &[u64], time: Option<Duration>) -> Vec<Case> {
    let begun = Instant::now();
    let of = |worlds: std::ops::Range<usize>| {
        seeds.iter().flat_map(move |seed| worlds.clone().map(move |world| (world, *seed)))
    };
    let tasks: Vec<(usize, u64)> = of(0..1).chain(of(1..CASES.len())).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(vec![]));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while time.is_none_or(|time| begun.elapsed() < time)
                    && let Some((world, seed)) = tasks.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let (scheme, adversaries) = CASES[*world];
                    let log = World::run(scheme, days, *seed);
                    let attacks: Vec<Both> = adversaries
                        .iter()
                        .map(|boards| {
                            [false, true]
                                .map(|refined| Adversary::new(&log, scheme, boards).attack(*seed, refined))
                        })
                        .collect();
                    found.lock().unwrap().push((*world, *seed, attacks, Summary::of(&log)));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(world, seed, ..)| (*world, *seed));
    let mut cases = vec![];
    for (world, (scheme, adversaries)) in CASES.into_iter().enumerate() {
        for (number, boards) in adversaries.iter().enumerate() {
            let name = match boards.len() {
                1 => scheme.name.to_owned(),
                _ => format!("{}, two boards collude", scheme.name),
            };
            let mut case = Case { name, scores: vec![], logs: vec![] };
            for (_, _, attacks, summary) in found.iter().filter(|(of, ..)| *of == world) {
                case.scores.push(attacks[number]);
                case.logs.push(*summary);
            }
            cases.push(case);
        }
    }
    cases
}

/// Runs every scheme, prints the report, and holds what must hold at any length.
fn run_and_report(days: u64, seeds: &[u64], time: Option<Duration>) {
    let cases = run(days, seeds, time);
    report::print(days, &cases);
    assert!(cases.iter().all(|case| !case.scores.is_empty()), "too little time for one seed of each");
    let [default, _, _, _, _, always_on, follow, own_identity, own_cells, at_once, old, marked, blindly] =
        cases.as_slice()
    else {
        panic!("a case is missing")
    };

    // The attack works where it must.
    assert!(old.linked(|scores| scores.reader) >= 90.0, "the scheme of 2014");
    assert!(old.linked(|scores| scores.session) >= 90.0, "the scheme of 2014");
    let session = default.advantage(|scores| scores.session);
    let reader = default.advantage(|scores| scores.reader);
    assert!(own_identity.advantage(|scores| scores.session) > session + 20.0, "without throwaways");
    assert!(own_cells.advantage(|scores| scores.reader) > reader + 4.0, "without whole-board reading");
    assert!(at_once.advantage(|scores| scores.session) > session + 10.0, "without delays");
    assert!(follow.advantage(|scores| scores.session) > session + 10.0, "following to the end");
    // What the adversary knows beside its log is most of what it can do: where presence says nothing, little is left.
    assert!(always_on.advantage(|scores| scores.session) < session, "presence is what is left");
    // Marks say nothing to a board whose readers confirm first, and cost it its readers.
    let answered = |case: &Case| case.logs.iter().map(|log| log.answered).sum::<usize>();
    assert_eq!(answered(marked), 0);
    assert!(marked.logs.iter().map(|log| log.left).sum::<usize>() > 0);
    assert!(answered(blindly) > 0, "the attack works where nothing is confirmed");
    // Mail arrives.
    for log in &default.logs {
        assert!(log.acknowledged * 10 > log.mails * 5, "{} of {}", log.acknowledged, log.mails);
    }
}

/// A question the adversary is scored on.
type Question = fn(&Scores) -> attack::Score;

#[test]
fn the_privacy_simulation_in_short() {
    run_and_report(8, &[1], None);
}

#[test]
#[ignore = "hours; the report of PRIVACY.md"]
fn the_privacy_simulation_whole() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds: Vec<u64> = (FIRST_SEED..FIRST_SEED + number("DROPS_PRIVACY_SEEDS").unwrap_or(20)).collect();
    let time = number("DROPS_PRIVACY_MINUTES").map(|minutes| Duration::from_secs(60 * minutes));
    run_and_report(number("DROPS_PRIVACY_DAYS").unwrap_or(60), &seeds, time);
}
