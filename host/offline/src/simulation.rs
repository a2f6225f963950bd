//! Gateways that are away for days and weeks, with drop relays in between, and everything that can
//! go wrong, from a seed. The core, offline mail and the boards are the real ones.
//!
//! Every accepted mail is delivered exactly once, or its sender reads exactly one bounce. One case
//! can be both, and no protocol can avoid it: the recipient has the mail, and their word did not
//! come before it was given up. Then the bounce says that the mail may have arrived.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateway::testing::{Fault, Faults, SeededRandom, address};
use mail::record::Outcome;
use mail::{MailId, Notify, ReversePath};

use crate::shared::lock;
use crate::testing::{Node, Sim, World, next_death, simulated, tox_id};

const NODES: [&[&str]; 3] = [&["anna"], &["ben"], &["carla", "dora"]];
const NAMES: [&str; 4] = ["anna", "ben", "carla", "dora"];
const BOARDS: u8 = 2;
const HOUR: u64 = 3600;

struct Sent {
    from: &'static str,
    to: &'static str,
    id: MailId,
}

/// What became of the mails of a run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ends {
    delivered: usize,
    bounced: usize,
    /// Delivered, and bounced with the word that it may have arrived.
    both: usize,
    /// Bounced with that word, and not delivered.
    in_doubt: usize,
}

struct Simulation {
    world: World,
    random: SeededRandom,
    sent: BTreeMap<String, Sent>,
}

impl Simulation {
    async fn new(seed: u64) -> Self {
        let world = World::of(seed, &NODES, BOARDS);
        for (number, one) in NAMES.iter().enumerate() {
            for other in &NAMES[number + 1..] {
                world.sim.introduce(one, other).await;
            }
        }
        for node in &world.nodes {
            node.reads(&world.hosts.iter().collect::<Vec<_>>());
            node.start().await;
        }
        let random = SeededRandom::new(!seed);
        Self { world, random, sent: BTreeMap::new() }
    }

    fn sim(&self) -> &Arc<Sim> {
        &self.world.sim
    }

    /// Of a thousand cells, boards lose so many from now on.
    fn boards_lose(&self, cells: u64) {
        self.world.hosts.iter().for_each(|host| host.loses.store(cells, Ordering::Relaxed));
    }

    /// Each board is there from now on with this chance in four. Drawn apart from the steps: a seed
    /// leads through the same ones.
    fn boards_are_up(&self, chance: u64) {
        for host in &self.world.hosts {
            host.is_up.store(self.sim().random.below(4) < chance, Ordering::Relaxed);
        }
    }

    fn below(&self, end: usize) -> usize {
        usize::try_from(self.random.below(end as u64)).unwrap()
    }

    async fn submit(&mut self, number: usize) {
        let (from, to) = (NAMES[self.below(NAMES.len())], NAMES[self.below(NAMES.len())]);
        if from == to {
            return;
        }
        let token = format!("t{number}t");
        let text =
            format!("From: <{from}@tox>\r\nSubject: {token}\r\n\r\n{}\r\n", "z".repeat(self.below(10_000)));
        let recipient = format!("{}@tox", tox_id(to));
        let reverse_path = ReversePath::Mailbox(address(&format!("{from}@tox")));
        let accepted =
            self.sim().submit_as(from, reverse_path, &[&recipient], Notify::default(), &text).await;
        if let Ok(ids) = accepted {
            self.sent.insert(token, Sent { from, to, id: ids[0] });
        }
    }

    async fn step(&mut self, number: usize) {
        let node = self.below(NODES.len());
        match self.below(100) {
            0..40 => self.submit(number).await,
            40..60 => {
                let is_there = self.below(3) == 0;
                self.sim().set_reachable(node, is_there).await;
            }
            60..68 if !self.sim().is_dead(node) => {
                let n = 1 + self.random.below(20);
                let fault = if self.below(2) == 0 { Fault::DieBefore(n) } else { Fault::DieAfter(n) };
                self.sim().storage(node).plan(fault);
            }
            68..72 => self.sim().crash(node, 0).await,
            78..81 => self.away(node).await,
            72..78 => {
                let chance = |most: usize| u32::try_from(self.below(most)).unwrap();
                let faults = Faults { broken: chance(200), ack_lost: chance(400), twice: chance(300) };
                lock(&self.sim().net.state).faults = faults;
                self.boards_lose(self.random.below(1000));
                self.boards_are_up(2);
            }
            _ => self.sim().let_pass(Duration::from_secs(self.random.below(36 * HOUR))).await,
        }
        self.sim().let_pass(Duration::from_secs(self.random.below(HOUR))).await;
        for node in 0..NODES.len() {
            if self.sim().is_dead(node) && self.below(3) == 0 {
                self.sim().crash(node, 0).await;
                self.sim().start(node).await;
            }
        }
    }

    /// A gateway is off for weeks; or it is reached by drop relays alone, which lose what it says.
    async fn away(&self, node: usize) {
        let weeks = Duration::from_secs((10 + self.random.below(15)) * 24 * HOUR);
        if self.below(2) == 0 {
            self.sim().crash(node, 0).await;
        } else {
            self.sim().set_reachable(node, false).await;
            self.boards_lose(1000);
        }
        self.sim().let_pass(weeks).await;
    }

    /// Everything works again.
    async fn heal(&self) {
        lock(&self.sim().net.state).faults = Faults::default();
        self.boards_lose(0);
        self.boards_are_up(4);
        for node in 0..NODES.len() {
            self.sim().crash(node, 0).await;
            self.sim().start(node).await;
            self.sim().set_reachable(node, true).await;
        }
        self.sim()
            .wait_for("empty outboxes", |world| world.nodes.iter().all(|node| node.disk.outbox().is_empty()))
            .await;
        // What is still on boards comes too, late, and nothing of it twice.
        self.sim().let_pass(Duration::from_secs(24 * HOUR)).await;
    }

    fn sum(&self, counter: impl Fn(&Node) -> &AtomicU64) -> usize {
        let sum: u64 = self.world.nodes.iter().map(|node| counter(node).load(Ordering::Relaxed)).sum();
        usize::try_from(sum).unwrap()
    }

    fn check(&self) -> Ends {
        let mut ends = Ends::default();
        for (token, sent) in &self.sent {
            let subject = format!("\r\nSubject: {token}\r\n");
            let is_copy =
                |mail: &&String| !mail.starts_with("Return-Path: <>\r\n") && mail.contains(&subject);
            let copies = self.sim().mailbox(sent.to).iter().filter(is_copy).count();
            let log_id = format!("Final-Log-Id: {}\r\n", sent.id);
            let own = self.sim().mailbox(sent.from);
            let bounces: Vec<&String> = own
                .iter()
                .filter(|mail| mail.contains(&log_id) && mail.contains("Action: failed\r\n"))
                .collect();
            let node = self.sim().whereabouts(sent.from).0;
            let outcome = self.sim().nodes[node].disk.outcome(sent.id);
            let what = format!("{token} from {} to {}: {outcome:?}", sent.from, sent.to);
            match outcome {
                Some(Outcome::Delivered) => {
                    assert_eq!((copies, bounces.len()), (1, 0), "{what}");
                    ends.delivered += 1;
                }
                Some(Outcome::Bounced(_)) => {
                    assert!(copies <= 1 && bounces.len() == 1, "{copies}, {}: {what}", bounces.len());
                    // Folded over lines.
                    let text = bounces[0].split_whitespace().collect::<Vec<_>>().join(" ");
                    let is_in_doubt = text.contains("may have arrived");
                    assert!(copies == 0 || is_in_doubt, "delivered, and the bounce is sure: {what}");
                    match (copies, is_in_doubt) {
                        (1, _) => ends.both += 1,
                        (_, true) => ends.in_doubt += 1,
                        _ => ends.bounced += 1,
                    }
                }
                other => panic!("{what}: {other:?}"),
            }
        }
        for node in &self.sim().nodes {
            assert!(lock(&node.disk.0).partials.is_empty(), "an unfinished mail remains");
            node.disk.assert_no_orphans();
        }
        ends
    }
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn with_drop_relays_every_mail_is_delivered_once_or_bounces_once_and_says_so_where_it_is_in_doubt() {
    let named = number_from("TOXMAIL_SIMULATION_SEED");
    let seeds = match named {
        Some(seed) => seed..seed + 1,
        None => 0..number_from("TOXMAIL_SIMULATION_RUNS").unwrap_or(1),
    };
    let (mut received, mut reposts, mut all) = (0, 0, Ends::default());
    for seed in seeds {
        eprintln!("TOXMAIL_SIMULATION_SEED={seed} repeats this run");
        let ends = simulated(async {
            let mut simulation = Simulation::new(seed).await;
            for number in 0..120 {
                simulation.step(number).await;
            }
            simulation.heal().await;
            received += simulation.sum(|node| &node.disk.taken);
            reposts += simulation.sum(|node| &node.selector.reposts);
            simulation.check()
        });
        all.delivered += ends.delivered;
        all.bounced += ends.bounced;
        all.both += ends.both;
        all.in_doubt += ends.in_doubt;
    }
    // Everything that can happen did.
    let counts = [all.delivered, all.both, all.in_doubt, received, reposts];
    assert!(
        named.is_some() || counts.iter().all(|count| *count > 0),
        "{all:?}, {received} by boards, {reposts} reposts"
    );
}

/// A mail to somebody who is away; each time one side dies at the next change of its disk.
#[test]
fn a_death_at_any_change_loses_and_doubles_nothing_that_goes_by_drop_relay() {
    for dying in [0, 1] {
        for after in [false, true] {
            let mut n = 1;
            while simulated(one_death(dying, n, after)) {
                n = next_death(n);
            }
            assert!(n > 4, "only {n} changes: the script does too little");
        }
    }
}

/// False if the process did not live to its n-th change.
async fn one_death(dying: usize, n: u64, after: bool) -> bool {
    let world = World::of(n, &[&["anna"], &["ben"]], 1);
    let sim = &world.sim;
    // They are never online together: only the relays carry it.
    sim.set_reachable(1, false).await;
    sim.introduce("anna", "ben").await;
    for node in &world.nodes {
        node.reads(&[&world.hosts[0]]);
        node.tries_every(Duration::from_secs(6 * HOUR));
        node.start().await;
    }
    let text = "From: <anna@tox>\r\nSubject: t1t\r\n\r\nby drop relay\r\n";
    let ben = format!("{}@tox", tox_id("ben"));
    sim.storage(dying).plan(if after { Fault::DieAfter(n) } else { Fault::DieBefore(n) });
    let accepted = sim.submit("anna", &[&ben], text).await;
    let mut died = false;
    for _ in 0..40 {
        sim.let_pass(Duration::from_secs(HOUR)).await;
        if sim.is_dead(dying) {
            died = true;
            sim.crash(dying, 0).await;
            sim.start(dying).await;
        }
    }
    let copies = sim.mailbox("ben").len();
    let place = format!("{dying} died at {n}, after: {after}");
    match accepted {
        Ok(ids) => {
            assert_eq!(copies, 1, "{place}");
            let outcome = sim.nodes[0].disk.outcome(ids[0]);
            assert_eq!(outcome, Some(Outcome::Delivered), "{place}");
        }
        // It died with the answer: the mail is there or not, and never twice.
        Err(_) => assert!(copies <= 1, "{place}"),
    }
    died
}
