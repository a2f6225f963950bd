//! What a drop relay can find out about who writes to whom: a simulation that drives the production state machines, and an
//! adversary who is one of the boards.
//!
//! Short, as part of the tests: `cargo test --release -p drops --test privacy -- --nocapture`.
//! Long, with the report (hours): `cargo test --release -p drops --test privacy -- --ignored --nocapture`; set
//! `DROPS_PRIVACY_SEEDS` and `DROPS_PRIVACY_DAYS` for something in between (20 and 60).

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.
#![allow(clippy::needless_range_loop)] // Users are numbers, in many tables.

mod attack;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use attack::{Adversary, Score, Scores};
use world::{HOUR, Log, MINUTE, Reading, Scheme, World};

/// The seeds of the report; the attack was made with others (1 to 9).
const FIRST_SEED: u64 = 1_000;

const FOLLOW: Scheme =
    Scheme { name: "as specified, following", reading: Reading::Follow, ..Scheme::DEFAULT };
const HOURS: Scheme = Scheme { name: "deposits within 8 hours", within: 8 * HOUR, ..Scheme::DEFAULT };
const OLD: Scheme = Scheme { name: "2014: supernode", supernode: true, ..Scheme::DEFAULT };
const OWN_IDENTITY: Scheme = Scheme { name: "without throwaways", throwaways: false, ..Scheme::DEFAULT };
const OWN_CELLS: Scheme =
    Scheme { name: "without whole-board reading", whole_board: false, ..Scheme::DEFAULT };
const AT_ONCE: Scheme = Scheme { name: "without delays", delays: false, ..Scheme::DEFAULT };
const MARKED: Scheme = Scheme { name: "marked, confirmed first", tagging: true, ..Scheme::DEFAULT };
const MARKED_BLINDLY: Scheme =
    Scheme { name: "marked, not confirmed", tagging: true, confirm: false, ..Scheme::DEFAULT };

/// A question the adversary is scored on.
type Question = fn(&Scores) -> Score;

/// The two attacks: trusting volumes, and learning from the log.
type Both = [Scores; 2];

struct Result {
    scores: Vec<Both>,
    logs: Vec<Summary>,
}

/// What the report says of a run besides scores.
struct Summary {
    mails: usize,
    acknowledged: usize,
    latency: f64,
    marked: usize,
    answered: usize,
    left: usize,
}

fn summary(log: &Log) -> Summary {
    let mut latency: Vec<u64> = log.latency.iter().copied().filter(|latency| *latency > MINUTE).collect();
    latency.sort_unstable();
    assert_eq!(log.answered, log.answered_right, "a mark is answered by its session only");
    Summary {
        mails: log.mails,
        acknowledged: log.acknowledged,
        latency: latency.get(latency.len() / 2).map_or(0.0, |median| *median as f64 / HOUR as f64),
        marked: log.marked,
        answered: log.answered,
        left: log.left,
    }
}

/// Runs everything with every seed on all cores; results in the order of `cases`.
fn run(cases: &[(Scheme, &[usize])], days: u64, seeds: &[u64]) -> Vec<Result> {
    let tasks: Vec<(usize, u64)> =
        seeds.iter().flat_map(|seed| (0..cases.len()).map(move |case| (case, *seed))).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(vec![]));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((case, seed)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (scheme, boards) = cases[*case];
                    let log = World::run(scheme, days, *seed);
                    let attack = |refined| Adversary::new(&log, scheme, boards).attack(*seed, refined);
                    let scores = [attack(false), attack(true)];
                    found.lock().unwrap().push((*case, scores, summary(&log)));
                }
            });
        }
    });
    let mut results: Vec<Result> = cases.iter().map(|_| Result { scores: vec![], logs: vec![] }).collect();
    for (case, scores, summary) in found.into_inner().unwrap() {
        results[case].scores.push(scores);
        results[case].logs.push(summary);
    }
    results
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The upper end of a one-sided 95 % interval for the mean, by Student's t; one seed has none.
fn bound(values: &[f64]) -> String {
    let (count, mean) = (values.len() as f64, mean(values));
    if values.len() < 2 {
        return "  -  ".to_owned();
    }
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let t = match values.len() {
        2 => 6.314,
        3 => 2.920,
        4 => 2.353,
        5..=9 => 2.132,
        10..=19 => 1.833,
        _ => 1.729,
    };
    format!("{:5.1}", mean + t * (variance / count).sqrt())
}

impl Result {
    /// A value for each seed, by the attack that does better on this question: the adversary may choose.
    fn over(&self, question: impl Fn(&Scores) -> Score, value: impl Fn(&Score) -> f64) -> Vec<f64> {
        let right =
            |attack: usize| -> f64 { self.scores.iter().map(|both| question(&both[attack]).attack()).sum() };
        let best = usize::from(right(1) > right(0));
        self.scores.iter().map(|both| value(&question(&both[best]))).collect()
    }

    fn advantage(&self, question: impl Fn(&Scores) -> Score) -> f64 {
        mean(&self.over(question, Score::advantage))
    }

    fn linked(&self, question: impl Fn(&Scores) -> Score) -> f64 {
        mean(&self.over(question, Score::attack))
    }

    fn print(&self, name: &str) {
        println!("\n{name}");
        let questions: [(&str, Question); 4] = [
            ("whose reading", |scores| scores.session),
            ("whose deposit", |scores| scores.depositor),
            ("who reads a deposit", |scores| scores.reader),
            ("with whom most", |scores| scores.pair),
        ];
        for (what, question) in questions {
            let advantages = self.over(question, Score::advantage);
            let paired = self.over(question, Score::paired_advantage);
            println!(
                "  {what:20} right {:5.1} %  guess {:5.1} %  above {:5.1} (95 %: {})   of two: above {:5.1} (95 %: {})   {:6.0} cases",
                self.linked(question),
                mean(&self.over(question, Score::guess)),
                mean(&advantages),
                bound(&advantages),
                mean(&paired),
                bound(&paired),
                mean(&self.over(question, |score| score.count)),
            );
        }
        let sum = |of: fn(&Summary) -> usize| self.logs.iter().map(of).sum::<usize>();
        println!(
            "  mails {}, acknowledged {}, by drops read after {:.1} h (median)",
            sum(|log| log.mails),
            sum(|log| log.acknowledged),
            mean(&self.logs.iter().map(|log| log.latency).collect::<Vec<f64>>()),
        );
        if sum(|log| log.marked) > 0 {
            println!(
                "  sessions marked {}, known by their answer {}, readers who noticed and left {}",
                sum(|log| log.marked),
                sum(|log| log.answered),
                sum(|log| log.left)
            );
        }
    }
}

/// Runs every scheme, prints the report, and holds what must hold at any length.
fn report(days: u64, seeds: &[u64]) {
    println!("{} users, {} boards, {days} days, {} seeds", world::USERS, world::BOARDS, seeds.len());
    println!(
        "The adversary is one board; it knows everybody's presence to the millisecond, contacts, boards, volumes and the code."
    );
    let (one, two): (&[usize], &[usize]) = (&[0], &[0, 1]);
    let cases = [
        (Scheme::DEFAULT, one),
        (FOLLOW, one),
        (HOURS, one),
        (Scheme::DEFAULT, two),
        (OLD, one),
        (OWN_IDENTITY, one),
        (OWN_CELLS, one),
        (AT_ONCE, one),
        (MARKED, one),
        (MARKED_BLINDLY, one),
    ];
    let results = run(&cases, days, seeds);
    for ((scheme, boards), result) in cases.iter().zip(&results) {
        let colluding = if boards.len() > 1 { ", two boards collude" } else { "" };
        result.print(&format!("{}{colluding}", scheme.name));
    }
    let [default, follow, _, _, old, own_identity, own_cells, at_once, marked, blindly] = results.as_slice()
    else {
        panic!("a result for each case");
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
    // Marks say nothing to a board whose readers confirm first, and cost it its readers.
    let answered = |result: &Result| result.logs.iter().map(|log| log.answered).sum::<usize>();
    assert_eq!(answered(marked), 0);
    assert!(marked.logs.iter().map(|log| log.left).sum::<usize>() > 0);
    assert!(answered(blindly) > 0, "the attack works where nothing is confirmed");
    // Mail arrives.
    for log in &default.logs {
        assert!(log.acknowledged * 10 > log.mails * 5, "{} of {}", log.acknowledged, log.mails);
    }
}

#[test]
fn short() {
    report(8, &[1]);
}

#[test]
#[ignore = "hours; the report of the documentation"]
fn long() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let seeds: Vec<u64> = (FIRST_SEED..FIRST_SEED + number("DROPS_PRIVACY_SEEDS", 20)).collect();
    report(number("DROPS_PRIVACY_DAYS", 60), &seeds);
}
