//! The disk fails or dies at the n-th write or sync of a scripted run, for every n: everything that was answered Ok is there after
//! opening again, nothing is half done, and after a passing failure the store goes on by itself.

#![allow(clippy::unwrap_used, reason = "what fails here is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mail::record::{Contact, ContactState, Direction, OutboxEntry, Outcome, QuarantineEntry};
use mail::storage::{Bodies as _, Outbox as _, People as _, Quarantine as _, Reception as _, StorageError};
use mail::{Clock, Wall};
use store::faults::{Fault, Faults};
use store::{NewMail, OpenOptions, Store};

mod common;

use common::*;

/// What can be seen of the store, by name.
type Facts = BTreeMap<String, String>;

/// What may be seen, by name: more than one value while it is unknown whether a change happened.
#[derive(Default)]
struct Expected {
    facts: BTreeMap<String, BTreeSet<String>>,
    /// Lazy changes answered Ok, durable with the next durable one.
    lazy: Vec<(String, String)>,
    /// Of changes that failed, the effects that would show: all of one or none.
    unknown: Vec<Vec<Effect>>,
    /// How often each fact was touched.
    touched: BTreeMap<String, u32>,
}

/// A fact, its value after the change, and how often it had been touched then.
type Effect = (String, String, u32);

impl Expected {
    fn allow(&mut self, (fact, value): &(String, String)) {
        // What was never set is not seen.
        self.facts
            .entry(fact.clone())
            .or_insert_with(|| BTreeSet::from(["-".to_owned()]))
            .insert(value.clone());
        *self.touched.entry(fact.clone()).or_default() += 1;
    }

    fn is(&mut self, (fact, value): (String, String)) {
        *self.touched.entry(fact.clone()).or_default() += 1;
        self.facts.insert(fact, BTreeSet::from([value]));
    }

    /// Whether a fact is known and would show a change to `value`.
    fn would_show(&self, (fact, value): &(String, String)) -> bool {
        match self.facts.get(fact) {
            None => value != "-",
            Some(allowed) => allowed.len() == 1 && !allowed.contains(value),
        }
    }

    /// A durable change.
    fn durable(&mut self, result: &Result<(), StorageError>, effects: &[(&str, &str)]) {
        let effects: Vec<_> =
            effects.iter().map(|(fact, value)| ((*fact).to_owned(), (*value).to_owned())).collect();
        if result.is_ok() {
            for effect in std::mem::take(&mut self.lazy) {
                self.is(effect);
            }
            effects.into_iter().for_each(|effect| self.is(effect));
        } else {
            self.lazy.clear();
            let (shown, hidden): (Vec<_>, Vec<_>) =
                effects.into_iter().partition(|effect| self.would_show(effect));
            shown.iter().chain(&hidden).for_each(|effect| self.allow(effect));
            let times = |fact: &String| self.touched.get(fact).copied().unwrap_or(0);
            self.unknown.push(
                shown
                    .into_iter()
                    .map(|(fact, value)| {
                        let times = times(&fact);
                        (fact, value, times)
                    })
                    .collect(),
            );
        }
    }

    fn lazy(&mut self, result: &Result<(), StorageError>, fact: &str, value: &str) {
        let effect = (fact.to_owned(), value.to_owned());
        self.allow(&effect);
        if result.is_ok() {
            self.lazy.push(effect);
        }
    }

    fn check(&self, facts: &Facts, when: &str) {
        let seen = |fact: &str| facts.get(fact).map_or("-", String::as_str);
        for (fact, allowed) in &self.facts {
            let found = seen(fact);
            assert!(allowed.contains(found), "{when}: {fact} is {found}, not one of {allowed:?}");
        }
        for fact in facts.keys() {
            assert!(self.facts.contains_key(fact), "{when}: {fact} came from nowhere");
        }
        for effects in &self.unknown {
            // Only what nothing later has touched.
            let untouched = effects.iter().filter(|(fact, _, times)| self.touched.get(fact) == Some(times));
            let happened: BTreeSet<bool> = untouched.map(|(fact, value, _)| seen(fact) == value).collect();
            assert!(happened.len() <= 1, "{when}: half of {effects:?}: {facts:?}");
        }
    }
}

/// Everything there is to see.
async fn observe(store: &Store) -> Facts {
    let mut facts = Facts::new();
    for entry in store.outbox_page(None, 1_000).await.unwrap() {
        let body = store.read_body(entry.body, 0, usize::MAX).await.unwrap();
        assert_eq!(body.len() + PREFIX.len(), entry.size as usize);
        facts.insert(format!("outbox {}", entry.id.0[0]), format!("{} after {}", body[0], entry.attempts));
    }
    for account in store.accounts().await.unwrap() {
        let name = account.name.clone();
        facts.insert(format!("account {name}"), store.credential(&name).await.unwrap().unwrap());
        for mail in mails(store, &name).await {
            facts.insert(format!("mail {} of {name}", mail[PREFIX.len()]), mail.len().to_string());
        }
        for entry in store.quarantine(&name).await.unwrap() {
            facts.insert(format!("quarantine {name}"), entry.reason);
        }
        for ended in store.recent_outcomes(&name, 100).await.unwrap() {
            facts.insert(format!("ended {}", ended.id.0[0]), format!("{:?}", ended.outcome));
        }
        for contact in store.contacts(&name).await.unwrap() {
            facts.insert(format!("contact {}", contact.alias), name.to_string());
        }
        for (key, value) in store.state_snapshot("spam", &name).unwrap() {
            facts.insert(
                format!("state {}", String::from_utf8(key).unwrap()),
                format!("{} bytes", value.len()),
            );
        }
    }
    for number in 1..=3 {
        if store.arrival(&arrival_key(number)).await.unwrap().is_some() {
            facts.insert(format!("arrival {number}"), "yes".to_owned());
        }
    }
    facts
}

fn contact() -> Contact {
    Contact {
        alias: "carl".parse().unwrap(),
        key: key(3),
        tox_id: None,
        addresses: Vec::new(),
        state: ContactState::Requested,
        since: Wall(1),
    }
}

/// A mail whose first byte is `mark`.
fn text(mark: u8, size: usize) -> Bytes {
    let mut text = bytes(size, 0).to_vec();
    text[0] = mark;
    text.into()
}

async fn enqueue(store: &Store, mark: u8, size: usize, recipients: &[u8]) -> Result<(), StorageError> {
    let body = stage(store, &text(mark, size)).await?;
    let entries = recipients.iter().map(|number| entry(id(*number), body)).collect();
    store.enqueue(body, entries, Vec::new()).await
}

async fn enqueue_quarantined(store: &Store, number: u8) -> Result<(), StorageError> {
    let body = stage(store, &text(b'q', 100)).await?;
    let outgoing = entry(id(number), body);
    let quarantined = QuarantineEntry {
        mail: mail(alice(), body.id, body.size).entry,
        reason: "odd".to_owned(),
        direction: Direction::Outgoing,
        outgoing: Some(outgoing),
        delete_at: None,
    };
    store.enqueue(body, Vec::new(), vec![quarantined]).await
}

async fn bounce(store: &Store, number: u8) -> Result<(), StorageError> {
    let body = stage(store, &text(b'b', 200)).await?;
    store.finish_outbox(id(number), Outcome::Cancelled, vec![(mail(alice(), body.id, body.size), body)]).await
}

async fn deliver_local(store: &Store, number: u8) -> Result<(), StorageError> {
    let entry = store.outbox_entry(id(number)).await?.ok_or(StorageError::NotFound)?;
    let mail = mail(bob(), entry.body, entry.size - PREFIX.len() as u64);
    store.deliver_local(id(number), mail, Vec::new()).await
}

/// A mail that comes in in three pieces, of which the first two are to be on disk before the third comes.
async fn receive(
    store: &Store,
    clock: &ManualClock,
    number: u8,
    mark: u8,
    size: usize,
) -> Result<(), StorageError> {
    let (text, key) = (text(mark, size), arrival_key(number));
    let begun = store.begin_partial(&key, partial(size as u64)).await?;
    let mut at = 0;
    for end in [size / 3, size / 2, size] {
        store.append_partial(&key, at as u64, text.slice(at..end)).await?;
        at = end;
        clock.advance(Duration::from_secs(2));
        store.meta_put("tick", None).await?;
    }
    store.settle_partial(&key).await?;
    let readable = store.read_body(begun.body, 0, usize::MAX).await?;
    assert_eq!(readable, text);
    store.finish_partial(&key, Some(mail(bob(), begun.body, size as u64)), arrival()).await
}

async fn release(store: &Store) -> Result<(), StorageError> {
    let waiting = store.quarantine(&alice()).await?;
    let first = waiting.first().ok_or(StorageError::NotFound)?;
    store.release(&alice(), first.mail.uidl).await.map(drop)
}

async fn delete(store: &Store, mark: u8) -> Result<(), StorageError> {
    let mut numbers = Vec::new();
    for item in store.mailbox_list(&bob()).await? {
        let mail = store.mailbox_read(&bob(), item.number, 0, 100).await?;
        if mail.get(PREFIX.len()) == Some(&mark) {
            numbers.push(item.number);
        }
    }
    if numbers.is_empty() {
        return Err(StorageError::NotFound);
    }
    store.mailbox_delete(&bob(), numbers).await?;
    Ok(())
}

async fn retry(store: &Store, number: u8) -> Result<(), StorageError> {
    let entry = store.outbox_entry(id(number)).await?.ok_or(StorageError::NotFound)?;
    store.update_outbox(OutboxEntry { attempts: 1, ..entry }).await
}

/// Something of everything. A failed step leaves its effects unknown; later ones that need them fail too.
async fn script(store: &Store, clock: &ManualClock, expected: &mut Expected) {
    let size = |size: usize| (size + PREFIX.len()).to_string();
    let hash = || "hash".to_owned();
    let step = store.create_account(account(alice(), true), None, hash()).await;
    expected.durable(&step, &[("account alice", "hash")]);
    let step = store.create_account(account(bob(), false), None, hash()).await;
    expected.durable(&step, &[("account bob", "hash")]);
    let step = store.put_contact(&alice(), contact()).await;
    expected.durable(&step, &[("contact carl", "alice")]);
    let step = enqueue(store, b's', 3000, &[1, 2]).await;
    expected.durable(&step, &[("outbox 1", "115 after 0"), ("outbox 2", "115 after 0")]);
    let step = enqueue(store, b'l', 150_000, &[3]).await;
    expected.durable(&step, &[("outbox 3", "108 after 0")]);
    let step = store.state_set("spam", &alice(), b"count", bytes(100, 0), 1000);
    expected.lazy(&step.map_err(Into::into), "state count", "100 bytes");
    store.append_decision("policy", component(1), &alice(), None, bytes(100, 0)).unwrap();
    let step = retry(store, 3).await;
    expected.lazy(&step, "outbox 3", "108 after 1");
    let step = deliver_local(store, 1).await;
    expected.durable(&step, &[("outbox 1", "-"), ("ended 1", "Delivered"), ("mail 115 of bob", &size(3000))]);
    let step = bounce(store, 2).await;
    expected.durable(&step, &[("outbox 2", "-"), ("ended 2", "Cancelled"), ("mail 98 of alice", &size(200))]);
    let step = receive(store, clock, 1, b'r', 100_000).await;
    expected.durable(&step, &[("arrival 1", "yes"), ("mail 114 of bob", &size(100_000))]);
    let step = receive(store, clock, 2, b't', 500).await;
    expected.durable(&step, &[("arrival 2", "yes"), ("mail 116 of bob", &size(500))]);
    let step = store.finish_partial(&arrival_key(3), None, arrival()).await;
    expected.durable(&step, &[("arrival 3", "yes")]);
    let step = enqueue_quarantined(store, 4).await;
    expected.durable(&step, &[("quarantine alice", "odd")]);
    let step = release(store).await;
    expected.durable(&step, &[("quarantine alice", "-"), ("outbox 4", "113 after 0")]);
    let step = delete(store, b'r').await;
    expected.durable(&step, &[("mail 114 of bob", "-")]);
    let dropped = stage(store, &text(b'd', 100_000)).await;
    if let Ok(body) = dropped {
        // Whether it was there still, or a fault has taken it already.
        let _gone = store.discard_body(body).await;
    }
    let own = stage(store, &text(b'o', 10)).await;
    let step = match own {
        Ok(body) => store.deliver_own(NewMail { quarantine: None, ..mail(alice(), body.id, 10) }, body).await,
        Err(error) => Err(error),
    };
    expected.durable(&step, &[("mail 111 of alice", &size(10))]);
}

/// One run with a fault at the `n`-th operation after opening. False if the run was over before.
async fn run(dir: &Path, n: u64, fault: Fault) -> bool {
    let faults = Faults::new(n);
    let clock = Arc::new(common::clock());
    let options = || OpenOptions {
        faults: Some(faults.clone()),
        reserve_bytes: 0,
        ..OpenOptions::new(Arc::clone(&clock) as Arc<dyn Clock>)
    };
    drop(Store::open(dir, options()).unwrap());
    faults.plan(n, fault);
    let when = format!("{fault:?} at {n}");
    let mut expected = Expected::default();
    let opened = Store::open(dir, options());
    let mut happened = !faults.is_waiting();
    if let Ok(store) = opened {
        script(&store, &clock, &mut expected).await;
        happened = !faults.is_waiting();
        if fault != Fault::Die {
            // It has recovered by itself, and takes changes again.
            expected.check(&observe(&store).await, &when);
            assert_eq!(store.verify().await.unwrap().problems, Vec::<String>::new(), "{when}");
            while let Err(error) = store.meta_put("after", Some(Bytes::new())).await {
                assert!(!happened, "{when}: {error}");
                happened = !faults.is_waiting();
            }
        }
        store.close();
        happened |= !faults.is_waiting();
    }
    let store = Store::open(dir, OpenOptions::new(clock)).unwrap();
    let report = store.verify().await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new(), "{when}, opened again");
    expected.check(&observe(&store).await, &format!("{when}, opened again"));
    happened
}

/// On a disk in memory where there is one: the syncs that count are those of the test's own disk.
fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

async fn every_n(fault: Fault) {
    let mut n = 0;
    loop {
        let dir = directory();
        if !run(dir.path(), n, fault).await {
            break;
        }
        n += 1;
    }
    assert!(n > 100, "only {n} operations");
    println!("{n} faults");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_runs_through_without_a_fault() {
    let dir = directory();
    let clock = common::clock();
    let store = open(dir.path());
    let mut expected = Expected::default();
    script(&store, &clock, &mut expected).await;
    assert!(expected.unknown.is_empty(), "{:?}", expected.unknown);
    expected.check(&observe(&store).await, "without a fault");
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machine_dies_at_every_write() {
    every_n(Fault::Die).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_finds_the_disk_full() {
    every_n(Fault::Fail(ErrorKind::StorageFull)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_fails_otherwise() {
    every_n(Fault::Fail(ErrorKind::Other)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_fails_once_is_repeated() {
    let dir = directory();
    let store = with_accounts(dir.path()).await;
    enqueue(&store, b's', 3000, &[1]).await.unwrap();
    store.state_set("spam", &alice(), b"count", bytes(100, 0), 1000).unwrap();
    drop(store);
    // Nothing stays in the cache, so that every read asks the disk.
    let open = |faults: &Faults| {
        let options = OpenOptions { faults: Some(faults.clone()), cache_bytes: 0, ..options() };
        Store::open(dir.path(), options).unwrap()
    };
    let faults = Faults::new(1);
    let store = open(&faults);
    faults.fail_next_read();
    assert!(store.outbox_entry(id(1)).await.unwrap().is_some());
    assert!(!faults.is_read_waiting());
    faults.fail_next_read();
    assert_eq!(store.outbox_page(None, 1_000).await.unwrap().len(), 1);
    assert!(!faults.is_read_waiting());
    faults.fail_next_read();
    assert!(store.state_delete("spam", &alice(), b"count").unwrap());
    assert!(!faults.is_read_waiting());
    assert_eq!(store.state_get("spam", &alice(), b"count").unwrap(), None);
    // One that the writer thread meets fails the change, and the next one works.
    faults.fail_next_read();
    let failed = store.put_contact(&alice(), contact()).await;
    assert!(matches!(failed, Err(StorageError::Failed(_))) && !faults.is_read_waiting(), "{failed:?}");
    store.put_contact(&alice(), contact()).await.unwrap();
    assert_sound(&store).await;
}
