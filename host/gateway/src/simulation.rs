//! Several gateways, thousands of mails, and everything that can go wrong, from a seed.
//!
//! Whatever happens, every mail that got Ok is delivered exactly once to each recipient (or set aside, or thrown away by a
//! filter), or its sender reads exactly one bounce. A failing run prints its seed; `TOXMAIL_SIMULATION_SEED` repeats it.
//! `TOXMAIL_SIMULATION_RUNS` makes it long (10 000 runs take some hours).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mail::record::Outcome;
use mail::{MailId, Notify, ReversePath};

use crate::lock::lock;
use crate::testing::{Fault, Faults, SeededRandom, World, address, key, tox_id};

/// Accounts of the gateways. The last is a stranger to all: the first mail makes the acquaintance.
const NODES: [&[&str]; 4] = [&["anna", "ben"], &["carla"], &["dora"], &["egon"]];
const NAMES: [&str; 5] = ["anna", "ben", "carla", "dora", "egon"];
const VERDICTS: [&str; 12] = ["", "", "", "", "", "", "", "", "reject", "quarantine", "discard", "trap"];

/// A mail that was submitted.
struct Sent {
    from: &'static str,
    to: Vec<&'static str>,
    text: String,
    verdict: &'static str,
    /// The ids of its entries, if it got Ok.
    ids: Option<Vec<MailId>>,
}

struct Simulation {
    world: Arc<World>,
    random: SeededRandom,
    sent: BTreeMap<String, Sent>,
}

impl Simulation {
    async fn new(seed: u64) -> Self {
        let world = World::new(seed, &NODES).await;
        for (one, other) in [("anna", "carla"), ("anna", "dora"), ("ben", "carla"), ("carla", "dora")] {
            world.introduce(one, other).await;
        }
        for node in &world.nodes {
            node.script.set(|answers| {
                answers.friend_request = Some(Ok(mail::decision::policy::FriendRequestAnswer::Accept));
            });
        }
        Self { world, random: SeededRandom::new(!seed), sent: BTreeMap::new() }
    }

    fn pick<T: Copy>(&self, from: &[T]) -> T {
        from[usize::try_from(self.random.below(from.len() as u64)).unwrap()]
    }

    fn node(&self) -> usize {
        usize::try_from(self.random.below(NODES.len() as u64)).unwrap()
    }

    async fn step(&mut self, number: usize) {
        match self.random.below(100) {
            0..60 => self.submit(number).await,
            60..72 => {
                let reachable = self.random.below(2) == 0;
                self.world.set_reachable(self.node(), reachable).await;
            }
            72..80 => self.plan_fault(),
            80..84 => self.crash(self.node()).await,
            84..90 => self.change_network(),
            90..91 => self.world.clock.jump(i64::try_from(self.random.below(7200)).unwrap() - 3600),
            _ => self.world.let_pass(Duration::from_secs(self.random.below(1800))).await,
        }
        self.world.let_pass(Duration::from_millis(self.random.below(300))).await;
        self.restart_dead().await;
    }

    async fn submit(&mut self, number: usize) {
        let from = self.pick(&NAMES);
        let mut to: Vec<&'static str> = (0..=self.random.below(3)).map(|_| self.pick(&NAMES)).collect();
        to.sort_unstable();
        to.dedup();
        let verdict = self.pick(&VERDICTS);
        let token = format!("t{number}t");
        let body = "x".repeat(usize::try_from(self.random.below(20_000)).unwrap());
        let text =
            format!("From: <{from}@tox>\r\nX-Verdict: {verdict}\r\nSubject: {token}\r\n\r\n{body}\r\n");
        let recipients: Vec<String> = to.iter().map(|name| format!("{}@tox", tox_id(name))).collect();
        let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
        let reverse_path = ReversePath::Mailbox(address(&format!("{from}@tox")));
        let result = self.world.submit_as(from, reverse_path, &recipients, Notify::default(), &text).await;
        self.sent.insert(token, Sent { from, to, text, verdict, ids: result.ok() });
    }

    fn plan_fault(&self) {
        let node = self.node();
        if self.world.is_dead(node) {
            return;
        }
        let n = 1 + self.random.below(30);
        let error = mail::storage::StorageError::failed("a write failed");
        let fault = match self.random.below(4) {
            0 => Fault::DieBefore(n),
            1 | 2 => Fault::DieAfter(n),
            _ => Fault::Fail(n, self.pick_error(error)),
        };
        self.world.storage(node).plan(fault);
    }

    fn pick_error(&self, failed: mail::storage::StorageError) -> mail::storage::StorageError {
        if self.random.below(2) == 0 { failed } else { mail::storage::StorageError::Full }
    }

    async fn crash(&self, node: usize) {
        let lazy = self.world.nodes[node].disk.lazy_changes() as u64;
        let undone = usize::try_from(self.random.below(lazy + 1)).unwrap();
        self.world.crash(node, undone).await;
    }

    fn change_network(&self) {
        let faults = Faults {
            broken: u32::try_from(self.random.below(200)).unwrap(),
            ack_lost: u32::try_from(self.random.below(400)).unwrap(),
            twice: u32::try_from(self.random.below(300)).unwrap(),
        };
        lock(&self.world.net.state).faults = faults;
    }

    async fn restart_dead(&self) {
        for node in 0..NODES.len() {
            if self.world.is_dead(node) && self.random.below(2) == 0 {
                self.restart(node).await;
            }
        }
    }

    async fn restart(&self, node: usize) {
        self.crash(node).await;
        self.world.start(node).await;
    }

    /// Everything works again: waits until nothing is on its way.
    async fn heal(&self) {
        lock(&self.world.net.state).faults = Faults::default();
        for node in 0..NODES.len() {
            self.restart(node).await;
            self.world.set_reachable(node, true).await;
        }
        self.world
            .wait_for("empty outboxes", |world| world.nodes.iter().all(|node| node.disk.outbox().is_empty()))
            .await;
        self.world.let_pass(Duration::from_secs(60)).await;
    }

    fn check(&self) {
        let mailboxes: BTreeMap<&str, Vec<String>> =
            NAMES.iter().map(|name| (*name, self.world.mailbox(name))).collect();
        let by_token = tokens(&mailboxes);
        for (token, sent) in &self.sent {
            let bounces = |id: &MailId| {
                let log_id = format!("Final-Log-Id: {id}\r\n");
                let reports = mailboxes[sent.from].iter().filter(|mail| mail.contains(&log_id));
                reports.filter(|mail| mail.contains("Action: failed\r\n")).count()
            };
            for (at, to) in sent.to.iter().enumerate() {
                let copies = by_token.get(&(*to, token.as_str())).cloned().unwrap_or_default();
                assert!(
                    copies.iter().all(|mail| mail.ends_with(&sent.text)),
                    "{token} was changed on its way"
                );
                let Some(ids) = &sent.ids else {
                    assert!(copies.len() <= 1, "{token} was refused, and came {} times", copies.len());
                    continue;
                };
                let set_aside = self.quarantined(to, token);
                let bounced = bounces(&ids[at]);
                let outcome = self.world.nodes[self.world.whereabouts(sent.from).0].disk.outcome(ids[at]);
                let expected = match sent.verdict {
                    "reject" => (0, 0, 1),
                    // What is thrown away stays in the bin.
                    "quarantine" | "discard" => (0, 1, 0),
                    _ => (1, 0, 0),
                };
                let found = (copies.len(), set_aside, bounced);
                assert_eq!(found, expected, "{token} to {to} ({}): {outcome:?}", sent.verdict);
                assert!(outcome.is_some(), "{token} to {to} has no outcome");
                if sent.verdict == "reject" {
                    assert!(matches!(outcome, Some(Outcome::Bounced(_))));
                }
            }
        }
        for node in &self.world.nodes {
            assert!(lock(&node.disk.0).partials.is_empty(), "an unfinished mail remains");
            node.disk.assert_no_orphans();
        }
    }

    fn quarantined(&self, name: &str, token: &str) -> usize {
        let (node, account) = self.world.whereabouts(name);
        let state = lock(&self.world.nodes[node].disk.0);
        let entries = state.quarantine.get(&account).cloned().unwrap_or_default();
        let has_token = |body| String::from_utf8_lossy(&state.bodies[&body]).contains(&subject(token));
        entries.iter().filter(|entry| has_token(entry.mail.body)).count()
    }
}

fn subject(token: &str) -> String {
    format!("\r\nSubject: {token}\r\n")
}

/// The mails of each mailbox by the token in their subject; reports are left out.
fn tokens<'a>(
    mailboxes: &'a BTreeMap<&'a str, Vec<String>>,
) -> BTreeMap<(&'a str, &'a str), Vec<&'a String>> {
    let mut found: BTreeMap<(&str, &str), Vec<&String>> = BTreeMap::new();
    for (name, mails) in mailboxes {
        for mail in mails.iter().filter(|mail| !mail.starts_with("Return-Path: <>\r\n")) {
            let token = mail.split("\r\nSubject: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            found.entry((name, token.expect("a mail without subject"))).or_default().push(mail);
        }
    }
    found
}

fn simulated<T>(run: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(run)
}

fn run(seed: u64, steps: usize) -> String {
    simulated(async {
        let mut simulation = Simulation::new(seed).await;
        for number in 0..steps {
            simulation.step(number).await;
        }
        simulation.heal().await;
        simulation.check();
        let accepted = simulation.sent.values().filter(|sent| sent.ids.is_some()).count();
        let ids: Vec<_> =
            simulation.sent.values().flat_map(|sent| sent.ids.clone().unwrap_or_default()).collect();
        format!("{accepted} of {} accepted; {ids:?}", simulation.sent.len())
    })
}

/// Names the seed of a run that fails.
struct SeedOnPanic(u64);

impl Drop for SeedOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat this run with TOXMAIL_SIMULATION_SEED={}", self.0);
        }
    }
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn every_accepted_mail_is_delivered_exactly_once_or_bounces_exactly_once() {
    let seeds = match number_from("TOXMAIL_SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_from("TOXMAIL_SIMULATION_RUNS").unwrap_or(12),
    };
    for seed in seeds {
        let _named = SeedOnPanic(seed);
        let outcome = run(seed, 400);
        assert!(!outcome.starts_with("0 of"), "nothing was accepted");
    }
}

#[test]
fn a_run_can_be_repeated() {
    assert_eq!(run(77, 120), run(77, 120));
    assert_ne!(key("anna"), key("ben"));
}

/// The same few mails again and again; each time one side dies at the next change of its disk.
#[test]
fn a_death_at_any_change_of_either_side_loses_and_doubles_nothing() {
    for dying in [0, 1] {
        for after in [false, true] {
            let mut n = 1;
            while simulated(one_death(dying, n, after)) {
                n += 1;
            }
            assert!(n > 8, "only {n} changes: the script does too little");
        }
    }
}

/// Runs the script; false if the process did not live to its n-th change.
async fn one_death(dying: usize, n: u64, after: bool) -> bool {
    let mut simulation = Simulation::new(n).await;
    simulation.world.storage(dying).plan(if after { Fault::DieAfter(n) } else { Fault::DieBefore(n) });
    let carla = format!("{}@tox", tox_id("carla"));
    for (number, verdict) in ["", "reject", "quarantine", "discard"].into_iter().enumerate() {
        let token = format!("t{number}t");
        let text = format!(
            "From: <anna@tox>\r\nX-Verdict: {verdict}\r\nSubject: {token}\r\n\r\n{}\r\n",
            "y".repeat(9000 * number)
        );
        let ids = simulation.world.submit("anna", &[&carla], &text).await.ok();
        simulation.sent.insert(token, Sent { from: "anna", to: vec!["carla"], text, verdict, ids });
    }
    simulation.world.let_pass(Duration::from_secs(60)).await;
    let died = simulation.world.is_dead(dying);
    simulation.heal().await;
    simulation.check();
    died
}
