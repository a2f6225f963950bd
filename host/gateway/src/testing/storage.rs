//! Storage in memory that models durability.
//!
//! What is lazy (attempts, partials) is undone by a crash, in whole or from some point on; every other change makes all before it
//! durable. A process that died (its call number came up, or the test killed it) gets errors only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mail::record::{
    Account, Arrival, ArrivalKey, BodyId, Contact, Direction, FriendRequest, MailboxEntry, NewMail,
    OutboxEntry, Outcome, Partial, Pin, QuarantineEntry, Route, SetAside, StagedBody,
};
use mail::storage::{Bodies, BodyWriter, Outbox, People, Quarantine, Reception, StorageError};
use mail::{AccountName, Address, MailId, PublicKey, Wall};

use crate::lock::lock;

/// What is stored, durable and not.
#[derive(Default)]
pub struct State {
    /// All accounts.
    pub accounts: Vec<Account>,
    /// Their contacts.
    pub contacts: BTreeMap<(AccountName, PublicKey), Contact>,
    /// Friend requests that wait for their users.
    pub requests: BTreeMap<(AccountName, PublicKey), FriendRequest>,
    /// Keys whose requests are ignored.
    pub declined: BTreeSet<(AccountName, PublicKey)>,
    /// Names, and the keys they are pinned to.
    pub pins: BTreeMap<(AccountName, Address), Pin>,
    /// Names whose pins cannot be read.
    pub unreadable_pins: BTreeSet<(AccountName, Address)>,
    /// The bytes of all mails.
    pub bodies: BTreeMap<BodyId, Bytes>,
    /// Of these, the ones that no record has taken yet.
    pub staged: BTreeSet<BodyId>,
    /// Mails that wait for their recipients.
    pub outbox: BTreeMap<MailId, OutboxEntry>,
    /// How mails left the outbox.
    pub outcomes: BTreeMap<MailId, Outcome>,
    /// Mails that came.
    pub mailboxes: BTreeMap<AccountName, Vec<MailboxEntry>>,
    /// Mails that were set aside.
    pub quarantine: BTreeMap<AccountName, Vec<QuarantineEntry>>,
    /// Decisions about mails of peers.
    pub arrivals: BTreeMap<ArrivalKey, Arrival>,
    /// Mails of peers that are not whole yet.
    pub partials: BTreeMap<ArrivalKey, Partial>,
    /// Who was written to.
    pub written_to: BTreeSet<(AccountName, PublicKey)>,
    /// Mails a mailbox takes.
    pub mailbox_limit: usize,
    /// Friend requests of one account that can wait.
    pub request_limit: usize,
    /// Contacts one account can have.
    pub contact_limit: usize,
    undo: Vec<Undo>,
    next_number: u64,
    account_numbers: u64,
}

/// How to take back a change that is not durable.
enum Undo {
    Outbox(MailId, Box<OutboxEntry>),
    Partial(ArrivalKey, Option<Box<(Partial, Bytes)>>),
}

/// A disk: survives the process.
#[derive(Clone)]
pub struct Disk(
    /// What is on it.
    pub Arc<Mutex<State>>,
);

impl Default for Disk {
    /// An empty one, with room for everything.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            mailbox_limit: usize::MAX,
            request_limit: usize::MAX,
            contact_limit: usize::MAX,
            ..State::default()
        })))
    }
}

impl Disk {
    /// The machine stopped: of what was not durable, the last `undone` changes are gone, and all staged bodies.
    pub fn crash(&self, undone: usize) {
        let mut state = lock(&self.0);
        for _ in 0..undone {
            match state.undo.pop() {
                Some(Undo::Outbox(id, entry)) => {
                    if state.outbox.contains_key(&id) {
                        state.outbox.insert(id, *entry);
                    }
                }
                Some(Undo::Partial(key, Some(before))) => {
                    let (partial, bytes) = *before;
                    state.bodies.insert(partial.body, bytes);
                    state.partials.insert(key, partial);
                }
                Some(Undo::Partial(key, None)) => {
                    if let Some(partial) = state.partials.remove(&key) {
                        state.bodies.remove(&partial.body);
                    }
                }
                None => break,
            }
        }
        state.undo.clear();
        for body in std::mem::take(&mut state.staged) {
            state.bodies.remove(&body);
        }
    }

    /// Bodies that no record has taken yet.
    pub fn staged(&self) -> usize {
        lock(&self.0).staged.len()
    }

    /// Changes that are not durable.
    pub fn lazy_changes(&self) -> usize {
        lock(&self.0).undo.len()
    }

    /// An account that was always there; the first is the owner.
    pub fn add_account(&self, name: &AccountName, addresses: Vec<Address>) {
        let mut state = lock(&self.0);
        let owner = state.accounts.is_empty();
        state.account_numbers += 1;
        let id = state.account_numbers;
        state.accounts.push(Account { id, name: name.clone(), owner, addresses, created: Wall(0) });
    }

    /// Every pin of an account cannot be read any more.
    pub fn damage_pins(&self, account: &AccountName) {
        let mut state = lock(&self.0);
        let (damaged, others): (BTreeMap<_, _>, _) =
            std::mem::take(&mut state.pins).into_iter().partition(|((owner, _), _)| owner == account);
        state.pins = others;
        state.unreadable_pins.extend(damaged.into_keys());
    }

    /// A pin as an earlier version wrote it.
    pub fn add_pin(&self, account: &AccountName, pin: Pin) {
        lock(&self.0).pins.insert((account.clone(), pin.address.clone()), pin);
    }

    /// Removes an account with its mails and contacts.
    pub fn remove_account(&self, name: &AccountName) {
        let mut state = lock(&self.0);
        state.accounts.retain(|account| account.name != *name);
        state.contacts.retain(|(account, _), _| account != name);
        state.mailboxes.remove(name);
    }

    /// The mails of an account, with their text.
    pub fn mailbox(&self, account: &AccountName) -> Vec<(MailboxEntry, String)> {
        let state = lock(&self.0);
        let entries = state.mailboxes.get(account).cloned().unwrap_or_default();
        let text = |entry: &MailboxEntry| {
            let body = state.bodies.get(&entry.body).expect("a mail without its body");
            String::from_utf8_lossy(&[&entry.prefix[..], body].concat()).into_owned()
        };
        entries.iter().map(|entry| (entry.clone(), text(entry))).collect()
    }

    /// All mails that wait.
    pub fn outbox(&self) -> Vec<OutboxEntry> {
        lock(&self.0).outbox.values().cloned().collect()
    }

    /// How a mail left the outbox, if it did.
    pub fn outcome(&self, id: MailId) -> Option<Outcome> {
        lock(&self.0).outcomes.get(&id).cloned()
    }

    /// Every body belongs to a record, and every record has its body.
    pub fn assert_no_orphans(&self) {
        let state = lock(&self.0);
        let mut used = state.staged.clone();
        used.extend(state.outbox.values().map(|entry| entry.body));
        used.extend(state.mailboxes.values().flatten().map(|entry| entry.body));
        used.extend(state.quarantine.values().flatten().map(|entry| entry.mail.body));
        used.extend(state.partials.values().map(|partial| partial.body));
        let there: BTreeSet<BodyId> = state.bodies.keys().copied().collect();
        assert_eq!(used, there);
    }
}

impl State {
    fn new_body(&mut self) -> BodyId {
        self.next_number += 1;
        BodyId(self.next_number)
    }

    fn put_mail(&mut self, mut mail: NewMail) {
        self.next_number += 1;
        mail.entry.number = self.next_number;
        mail.entry.uidl = MailId(u128::from(self.next_number).to_be_bytes());
        assert!(self.bodies.contains_key(&mail.entry.body), "a mail without its body");
        let size = mail.entry.prefix.len() as u64 + self.bodies[&mail.entry.body].len() as u64;
        assert_eq!(mail.entry.size, size, "the size of a mail is that of its bytes");
        match mail.quarantine {
            None => self.mailboxes.entry(mail.account).or_default().push(mail.entry),
            Some(SetAside { reason, delete_at }) => {
                let entry = QuarantineEntry {
                    mail: mail.entry,
                    reason,
                    direction: Direction::Incoming,
                    outgoing: None,
                    delete_at,
                };
                self.quarantine.entry(mail.account).or_default().push(entry);
            }
        }
    }

    fn end_partial(
        &mut self,
        key: &ArrivalKey,
        mail: Option<&NewMail>,
        arrival: Arrival,
    ) -> Result<Partial, StorageError> {
        let partial = self.partials.get(key).cloned().ok_or(StorageError::NotFound)?;
        if let Some(mail) = mail
            && self.mailboxes.get(&mail.account).map_or(0, Vec::len) >= self.mailbox_limit
        {
            return Err(StorageError::LimitReached("the mailbox is full".to_owned()));
        }
        if mail.is_some() && self.bodies[&partial.body].len() as u64 != partial.size {
            return Err(StorageError::failed("bytes of the mail are missing"));
        }
        self.partials.remove(key);
        assert!(self.arrivals.insert(key.clone(), arrival).is_none(), "an arrival decided twice");
        Ok(partial)
    }

    fn put_reports(&mut self, reports: Vec<(NewMail, StagedBody)>) {
        for (mail, body) in reports {
            assert!(self.staged.remove(&body.id), "its body must be staged");
            self.put_mail(mail);
        }
    }

    /// Removes a body that nothing uses.
    fn release(&mut self, body: BodyId) {
        let used = self.outbox.values().any(|entry| entry.body == body)
            || self.mailboxes.values().flatten().any(|entry| entry.body == body)
            || self.quarantine.values().flatten().any(|entry| entry.mail.body == body);
        if !used {
            self.bodies.remove(&body);
        }
    }

    fn end(&mut self, id: MailId, outcome: Outcome) -> Result<OutboxEntry, StorageError> {
        let entry = self.outbox.remove(&id).ok_or(StorageError::NotFound)?;
        let before = self.outcomes.insert(id, outcome);
        assert!(before.is_none(), "an entry ended twice");
        Ok(entry)
    }
}

/// What befalls the n-th change from now on (1 is the next).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before it is made.
    DieBefore(u64),
    /// The process dies after it is made, before anybody hears of it.
    DieAfter(u64),
    /// It fails with this error, and nothing changes.
    Fail(u64, StorageError),
}

/// One process's view of the disk.
pub struct MemoryStorage {
    disk: Disk,
    dead: Arc<AtomicBool>,
    changes: AtomicU64,
    faults: Mutex<Vec<Fault>>,
}

impl MemoryStorage {
    /// That of a process that starts now.
    pub fn new(disk: Disk) -> Self {
        Self { disk, dead: Arc::default(), changes: AtomicU64::new(0), faults: Mutex::default() }
    }

    /// Becomes true when the process is dead.
    pub fn dead(&self) -> Arc<AtomicBool> {
        self.dead.clone()
    }

    /// Plans a fault; counted from now.
    pub fn plan(&self, fault: Fault) {
        let made = self.changes();
        let fault = match fault {
            Fault::DieBefore(n) => Fault::DieBefore(made + n),
            Fault::DieAfter(n) => Fault::DieAfter(made + n),
            Fault::Fail(n, error) => Fault::Fail(made + n, error),
        };
        lock(&self.faults).push(fault);
    }

    /// A durable change of something else that this process keeps on the same disk.
    pub async fn step(&self, change: impl FnOnce() + Send) -> Result<(), StorageError> {
        self.change(|_| {
            change();
            Ok(())
        })
        .await
    }

    /// Changes made or tried so far.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn check_alive(&self) -> Result<(), StorageError> {
        let dead = self.dead.load(Ordering::Relaxed);
        if dead { Err(StorageError::failed("the process is dead")) } else { Ok(()) }
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, StorageError> {
        self.check_alive()?;
        Ok(read(&lock(&self.disk.0)))
    }

    async fn durable<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, StorageError> + Send,
    ) -> Result<T, StorageError> {
        self.change(|state| {
            let changed = change(state)?;
            state.undo.clear();
            Ok(changed)
        })
        .await
    }

    async fn change<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, StorageError> + Send,
    ) -> Result<T, StorageError> {
        // Disks take their time: everything else gets its turn.
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.check_alive()?;
        let number = self.changes.fetch_add(1, Ordering::Relaxed) + 1;
        let faults = lock(&self.faults).clone();
        let mut die_after = false;
        for fault in faults {
            match fault {
                Fault::DieBefore(n) if n == number => self.dead.store(true, Ordering::Relaxed),
                Fault::DieAfter(n) if n == number => die_after = true,
                Fault::Fail(n, error) if n == number => return Err(error),
                _ => {}
            }
        }
        self.check_alive()?;
        let result = change(&mut lock(&self.disk.0));
        if die_after {
            self.dead.store(true, Ordering::Relaxed);
        }
        self.check_alive()?;
        result
    }
}

struct MemoryWriter {
    disk: Disk,
    dead: Arc<AtomicBool>,
    bytes: Vec<u8>,
}

#[async_trait]
impl BodyWriter for MemoryWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        assert!(bytes.len() <= 512 * 1024, "bodies are handled in pieces");
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<StagedBody, StorageError> {
        if self.dead.load(Ordering::Relaxed) {
            return Err(StorageError::failed("the process is dead"));
        }
        let mut state = lock(&self.disk.0);
        let id = state.new_body();
        let size = self.bytes.len() as u64;
        state.bodies.insert(id, Bytes::from(self.bytes));
        state.staged.insert(id);
        Ok(StagedBody { id, size })
    }
}

#[async_trait]
impl Bodies for MemoryStorage {
    fn new_body(&self) -> Box<dyn BodyWriter> {
        Box::new(MemoryWriter { disk: self.disk.clone(), dead: self.dead.clone(), bytes: Vec::new() })
    }

    fn read_body_blocking(&self, body: BodyId, offset: u64, max: usize) -> Result<Bytes, StorageError> {
        let bytes = self.read(|state| state.bodies.get(&body).cloned())?.ok_or(StorageError::NotFound)?;
        let start = usize::try_from(offset).unwrap().min(bytes.len());
        Ok(bytes.slice(start..start.saturating_add(max).min(bytes.len())))
    }

    async fn read_body(&self, body: BodyId, offset: u64, max: usize) -> Result<Bytes, StorageError> {
        self.read_body_blocking(body, offset, max)
    }

    async fn discard_body(&self, body: StagedBody) -> Result<(), StorageError> {
        self.check_alive()?;
        let mut state = lock(&self.disk.0);
        if !state.staged.remove(&body.id) {
            return Err(StorageError::NotFound);
        }
        state.bodies.remove(&body.id);
        Ok(())
    }
}

#[async_trait]
impl Outbox for MemoryStorage {
    async fn enqueue(
        &self,
        body: StagedBody,
        entries: Vec<OutboxEntry>,
        quarantined: Vec<QuarantineEntry>,
    ) -> Result<(), StorageError> {
        self.durable(|state| {
            assert!(state.staged.remove(&body.id), "a submitted body must be staged");
            for entry in entries {
                assert_eq!(entry.size, entry.prefix.len() as u64 + body.size);
                if let Route::Remote(destination) = &entry.route {
                    state.written_to.insert((entry.account.clone(), destination.key()));
                }
                assert!(state.outbox.insert(entry.id, entry).is_none(), "an id used twice");
            }
            for entry in quarantined {
                let account = entry.outgoing.as_ref().unwrap().account.clone();
                state.quarantine.entry(account).or_default().push(entry);
            }
            Ok(())
        })
        .await
    }

    async fn outbox_page(&self, after: Option<MailId>, max: usize) -> Result<Vec<OutboxEntry>, StorageError> {
        let comes_after = |entry: &&OutboxEntry| after.is_none_or(|after| entry.id > after);
        self.read(|state| state.outbox.values().filter(comes_after).take(max).cloned().collect())
    }

    async fn outbox_entry(&self, id: MailId) -> Result<Option<OutboxEntry>, StorageError> {
        self.read(|state| state.outbox.get(&id).cloned())
    }

    async fn update_outbox(&self, entry: OutboxEntry) -> Result<(), StorageError> {
        self.change(|state| {
            let before = state.outbox.get(&entry.id).cloned().ok_or(StorageError::NotFound)?;
            state.undo.push(Undo::Outbox(entry.id, Box::new(before)));
            state.outbox.insert(entry.id, entry);
            Ok(())
        })
        .await
    }

    async fn finish_outbox(
        &self,
        id: MailId,
        outcome: Outcome,
        reports: Vec<(NewMail, StagedBody)>,
    ) -> Result<(), StorageError> {
        self.durable(|state| {
            let entry = state.end(id, outcome)?;
            state.put_reports(reports);
            state.release(entry.body);
            Ok(())
        })
        .await
    }

    async fn record_ended(&self, ended: Vec<(OutboxEntry, Outcome)>) -> Result<(), StorageError> {
        self.durable(|state| {
            state.outcomes.extend(ended.into_iter().map(|(entry, outcome)| (entry.id, outcome)));
            Ok(())
        })
        .await
    }

    async fn deliver_local(
        &self,
        id: MailId,
        mail: NewMail,
        reports: Vec<(NewMail, StagedBody)>,
    ) -> Result<(), StorageError> {
        self.durable(|state| {
            if state.mailboxes.get(&mail.account).map_or(0, Vec::len) >= state.mailbox_limit {
                return Err(StorageError::LimitReached("the mailbox is full".to_owned()));
            }
            state.end(id, Outcome::Delivered)?;
            state.put_mail(mail);
            state.put_reports(reports);
            Ok(())
        })
        .await
    }

    async fn has_written_to(&self, account: &AccountName, key: PublicKey) -> Result<bool, StorageError> {
        self.read(|state| state.written_to.contains(&(account.clone(), key)))
    }
}

#[async_trait]
impl Reception for MemoryStorage {
    async fn arrival(&self, key: &ArrivalKey) -> Result<Option<Arrival>, StorageError> {
        self.read(|state| state.arrivals.get(key).cloned())
    }

    async fn partial(&self, key: &ArrivalKey) -> Result<Option<Partial>, StorageError> {
        self.read(|state| state.partials.get(key).cloned())
    }

    async fn begin_partial(&self, key: &ArrivalKey, partial: Partial) -> Result<Partial, StorageError> {
        self.change(|state| {
            let body = state.new_body();
            let partial = Partial { body, durable: 0, ..partial };
            state.bodies.insert(body, Bytes::new());
            let before = state.partials.insert(key.clone(), partial.clone());
            let before = before.map(|before| {
                let bytes = state.bodies.remove(&before.body).unwrap();
                Box::new((before, bytes))
            });
            state.undo.push(Undo::Partial(key.clone(), before));
            Ok(partial)
        })
        .await
    }

    async fn append_partial(&self, key: &ArrivalKey, offset: u64, bytes: Bytes) -> Result<u64, StorageError> {
        self.change(|state| {
            let partial = state.partials.get(key).cloned().ok_or(StorageError::NotFound)?;
            let before = state.bodies[&partial.body].clone();
            if offset > before.len() as u64 {
                return Err(StorageError::failed("a gap in a partial"));
            }
            let overlap = before.len() - usize::try_from(offset).unwrap();
            let after = [&before[..], bytes.get(overlap..).unwrap_or_default()].concat();
            assert!(after.len() as u64 <= partial.size, "more than announced");
            state.undo.push(Undo::Partial(key.clone(), Some(Box::new((partial.clone(), before)))));
            let durable = after.len() as u64;
            state.bodies.insert(partial.body, Bytes::from(after));
            // What is said to be durable lags behind what is here by half.
            let durable = partial.durable.max(durable / 2);
            state.partials.insert(key.clone(), Partial { durable, ..partial });
            Ok(durable)
        })
        .await
    }

    async fn settle_partial(&self, _key: &ArrivalKey) -> Result<(), StorageError> {
        // Here every byte can be read at once.
        self.check_alive()
    }

    async fn drop_partial(&self, key: &ArrivalKey) -> Result<(), StorageError> {
        self.durable(|state| {
            let partial = state.partials.remove(key).ok_or(StorageError::NotFound)?;
            state.bodies.remove(&partial.body);
            Ok(())
        })
        .await
    }

    async fn parked_bytes(&self, sender: PublicKey) -> Result<(u64, u64), StorageError> {
        self.read(|state| {
            let all = state.partials.values().map(|partial| partial.size).sum();
            let own = state.partials.iter().filter(|(key, _)| key.sender == sender);
            (own.map(|(_, partial)| partial.size).sum(), all)
        })
    }

    async fn partials_of(&self, sender: PublicKey) -> Result<Vec<ArrivalKey>, StorageError> {
        self.read(|state| {
            let own = state.partials.iter().filter(|(key, _)| key.sender == sender);
            let mut own: Vec<_> = own.map(|(key, partial)| (partial.touched, key.clone())).collect();
            own.sort_unstable();
            own.into_iter().map(|(_, key)| key).collect()
        })
    }

    async fn finish_partial(
        &self,
        key: &ArrivalKey,
        mail: Option<NewMail>,
        arrival: Arrival,
    ) -> Result<(), StorageError> {
        self.durable(|state| {
            let partial = state.end_partial(key, mail.as_ref(), arrival)?;
            match mail {
                Some(mail) => state.put_mail(mail),
                None => drop(state.bodies.remove(&partial.body)),
            }
            Ok(())
        })
        .await
    }

    async fn finish_partial_with(
        &self,
        key: &ArrivalKey,
        mail: NewMail,
        body: StagedBody,
        arrival: Arrival,
    ) -> Result<(), StorageError> {
        self.durable(|state| {
            let partial = state.end_partial(key, Some(&mail), arrival)?;
            state.bodies.remove(&partial.body);
            state.put_reports(vec![(mail, body)]);
            Ok(())
        })
        .await
    }

    async fn deliver_own(&self, mail: NewMail, body: StagedBody) -> Result<(), StorageError> {
        self.durable(|state| {
            if state.mailboxes.get(&mail.account).map_or(0, Vec::len) >= state.mailbox_limit {
                return Err(StorageError::LimitReached("the mailbox is full".to_owned()));
            }
            state.put_reports(vec![(mail, body)]);
            Ok(())
        })
        .await
    }

    async fn sweep(&self, arrivals_before: Wall, partials_before: Wall) -> Result<(), StorageError> {
        self.durable(|state| {
            state.arrivals.retain(|_, arrival| arrival.when >= arrivals_before);
            let old = |partial: &Partial| partial.touched < partials_before;
            let swept: Vec<_> = state
                .partials
                .iter()
                .filter(|(_, partial)| old(partial))
                .map(|(key, _)| key.clone())
                .collect();
            for key in swept {
                let partial = state.partials.remove(&key).unwrap();
                state.bodies.remove(&partial.body);
            }
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl Quarantine for MemoryStorage {
    async fn quarantine(&self, account: &AccountName) -> Result<Vec<QuarantineEntry>, StorageError> {
        self.read(|state| state.quarantine.get(account).cloned().unwrap_or_default())
    }

    async fn release(
        &self,
        account: &AccountName,
        uidl: MailId,
    ) -> Result<Option<OutboxEntry>, StorageError> {
        self.durable(|state| {
            let entries = state.quarantine.entry(account.clone()).or_default();
            let at =
                entries.iter().position(|entry| entry.mail.uidl == uidl).ok_or(StorageError::NotFound)?;
            let entry = entries.remove(at);
            match &entry.outgoing {
                Some(outgoing) => drop(state.outbox.insert(outgoing.id, outgoing.clone())),
                None => state.mailboxes.entry(account.clone()).or_default().push(entry.mail),
            }
            Ok(entry.outgoing)
        })
        .await
    }

    async fn delete_quarantined(&self, account: &AccountName, uidl: MailId) -> Result<(), StorageError> {
        self.durable(|state| {
            let entries = state.quarantine.entry(account.clone()).or_default();
            let at =
                entries.iter().position(|entry| entry.mail.uidl == uidl).ok_or(StorageError::NotFound)?;
            let entry = entries.remove(at);
            state.release(entry.mail.body);
            Ok(())
        })
        .await
    }

    async fn empty_bin(&self, now: Wall) -> Result<u64, StorageError> {
        self.durable(|state| {
            let is_over = |entry: &QuarantineEntry| entry.delete_at.is_some_and(|time| time <= now);
            let mut over = Vec::new();
            for entries in state.quarantine.values_mut() {
                over.extend(entries.extract_if(.., |entry| is_over(entry)));
            }
            for entry in &over {
                state.release(entry.mail.body);
            }
            Ok(over.len() as u64)
        })
        .await
    }
}

#[async_trait]
impl People for MemoryStorage {
    async fn accounts(&self) -> Result<Vec<Account>, StorageError> {
        self.read(|state| state.accounts.clone())
    }

    async fn contacts(&self, account: &AccountName) -> Result<Vec<Contact>, StorageError> {
        self.read(|state| {
            let all = state.contacts.iter().filter(|((of, _), _)| of == account);
            all.map(|(_, contact)| contact.clone()).collect()
        })
    }

    async fn put_contact(&self, account: &AccountName, contact: Contact) -> Result<(), StorageError> {
        self.durable(|state| {
            let mut others =
                state.contacts.iter().filter(|((of, key), _)| of == account && *key != contact.key);
            if others.any(|(_, other)| other.alias == contact.alias) {
                return Err(StorageError::Exists(contact.alias.to_string()));
            }
            if state.contacts.keys().filter(|(of, _)| of == account).count() >= state.contact_limit {
                return Err(StorageError::LimitReached("contacts".to_owned()));
            }
            state.requests.remove(&(account.clone(), contact.key));
            state.declined.remove(&(account.clone(), contact.key));
            state.contacts.insert((account.clone(), contact.key), contact);
            Ok(())
        })
        .await
    }

    async fn remove_contact(&self, account: &AccountName, key: PublicKey) -> Result<(), StorageError> {
        self.durable(|state| {
            state.contacts.remove(&(account.clone(), key)).map(drop).ok_or(StorageError::NotFound)
        })
        .await
    }

    async fn friend_requests(&self, account: &AccountName) -> Result<Vec<FriendRequest>, StorageError> {
        self.read(|state| {
            let all = state.requests.iter().filter(|((of, _), _)| of == account);
            all.map(|(_, request)| request.clone()).collect()
        })
    }

    async fn put_friend_request(
        &self,
        account: &AccountName,
        request: FriendRequest,
    ) -> Result<(), StorageError> {
        self.durable(|state| {
            if state.requests.keys().filter(|(of, _)| of == account).count() >= state.request_limit {
                return Err(StorageError::LimitReached("friend requests".to_owned()));
            }
            state.requests.insert((account.clone(), request.key), request);
            Ok(())
        })
        .await
    }

    async fn decline(&self, account: &AccountName, key: PublicKey, _now: Wall) -> Result<(), StorageError> {
        self.durable(|state| {
            state.requests.remove(&(account.clone(), key));
            state.declined.insert((account.clone(), key));
            Ok(())
        })
        .await
    }

    async fn is_declined(&self, account: &AccountName, key: PublicKey) -> Result<bool, StorageError> {
        self.read(|state| state.declined.contains(&(account.clone(), key)))
    }

    async fn pins(&self, account: &AccountName) -> Result<Vec<Pin>, StorageError> {
        self.read(|state| {
            let ours = state.pins.iter().filter(|((owner, _), _)| owner == account);
            ours.map(|(_, pin)| pin.clone()).collect()
        })
    }

    async fn unreadable_pins(&self, account: &AccountName) -> Result<Vec<Address>, StorageError> {
        self.read(|state| {
            let ours = state.unreadable_pins.iter().filter(|(owner, _)| owner == account);
            ours.map(|(_, address)| address.clone()).collect()
        })
    }

    async fn put_pin(&self, account: &AccountName, pin: Pin) -> Result<(), StorageError> {
        self.durable(|state| {
            state.unreadable_pins.remove(&(account.clone(), pin.address.clone()));
            state.pins.insert((account.clone(), pin.address.clone()), pin);
            Ok(())
        })
        .await
    }
}
