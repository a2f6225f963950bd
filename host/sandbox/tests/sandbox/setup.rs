//! A sandbox over tables in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use mail::decision::mail_filter::MessageBytes;
use mail::{AccountName, Address, Cause, Clock, ComponentDigest, MailId, PublicKey, Wall};
use sandbox::capabilities::{
    Capabilities, Contact, Contacts, Dns, DnsError, Recorder, State, StateError, StateTurn, TxtAnswer,
};
use sandbox::{
    CompileMode, DecisionRecord, Engine, EntryConfig, FellBack, Library, Limits, Lines, Sandbox, Settings,
    ShadowDiffers, Slot, SlotsConfig, SlotsKeeper, StateVersion, Turns,
};
use tempfile::TempDir;

/// A public Tox ID, of the contact `ben`.
pub const BEN: &str = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";

/// The time of all calls.
pub const NOW: Wall = Wall(1_700_000_000_000);

/// The machine's clock.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(clock::SystemClock::new())
}

/// What components see and what they did.
#[derive(Default)]
pub struct World {
    pub records: Mutex<Vec<DecisionRecord>>,
    /// What was asked about which mail.
    pub mails: Mutex<Vec<(String, Option<MailId>)>>,
    pub saved: Mutex<Vec<SlotsConfig>>,
    pub fell_back: Mutex<Vec<FellBack>>,
    pub differs: Mutex<Vec<ShadowDiffers>>,
    pub dns: Mutex<BTreeMap<String, Result<TxtAnswer, DnsError>>>,
    /// How long DNS takes.
    pub dns_delay: Mutex<Duration>,
    /// While it is held, DNS is silent.
    pub dns_silence: Mutex<()>,
    pub lookups: Mutex<u32>,
    pub lookups_now: Mutex<u32>,
    /// How long a question about accounts takes.
    pub contacts_delay: Mutex<Duration>,
    questions_now: Mutex<u32>,
    pub most_questions_at_once: Mutex<u32>,
    state: Mutex<BTreeMap<(String, AccountName, String), Vec<u8>>>,
    lines: Mutex<Lines>,
    /// How long reading the state takes.
    pub state_delay: Mutex<Duration>,
    turns: Arc<Turns>,
}

impl World {
    /// Bytes of state the components of an entry (`slot/entry`) keep, keys and values, over all accounts.
    pub fn state_bytes(&self, entry: &str) -> usize {
        let state = self.state.lock().unwrap();
        let is_in = |at: &str| at.strip_prefix(entry).is_some_and(|rest| rest.starts_with('/'));
        let ours = state.iter().filter(|((at, _, _), _)| is_in(at));
        ours.map(|((_, _, key), value)| key.len() + value.len()).sum()
    }
}

impl World {
    /// All values that the components of an entry (`slot/entry`) keep.
    pub fn state_values(&self, entry: &str) -> Vec<Vec<u8>> {
        let state = self.state.lock().unwrap();
        let ours = state.iter().filter(|((at, _, _), _)| at.starts_with(entry));
        ours.map(|(_, value)| value.clone()).collect()
    }
}

impl State for World {
    fn turn(&self, entry: &str, account: &AccountName, longest: Duration) -> Result<StateTurn, StateError> {
        match self.turns.take(entry, account, longest) {
            Some(turn) => Ok(Box::new(turn)),
            None => Err(StateError::Unavailable("other calls have it".to_owned())),
        }
    }

    fn goes_live(&self, version: &StateVersion) -> Result<(), StateError> {
        let Some(step) = self.lines.lock().unwrap().goes_live(version) else { return Ok(()) };
        let mut state = self.state.lock().unwrap();
        if let Some(from) = step.copy_from {
            let begun = state.iter().filter(|((at, ..), _)| *at == from);
            let begun = begun.map(|((_, of, key), value)| {
                ((version.space.clone(), of.clone(), key.clone()), value.clone())
            });
            let begun: Vec<_> = begun.collect();
            state.extend(begun);
        }
        state.retain(|(at, ..), _| !step.forget.contains(at));
        Ok(())
    }

    fn get(&self, entry: &str, account: &AccountName, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        let key = (entry.to_owned(), account.clone(), key.to_owned());
        let value = self.state.lock().unwrap().get(&key).cloned();
        // As a disk does: others get in between reading and writing if they can.
        std::thread::sleep(*self.state_delay.lock().unwrap());
        Ok(value)
    }

    fn set(
        &self,
        entry: &str,
        account: &AccountName,
        key: &str,
        value: &[u8],
        quota: u64,
    ) -> Result<(), StateError> {
        let mut state = self.state.lock().unwrap();
        let used: usize = state
            .iter()
            .filter(|((at, of, name), _)| at == entry && of == account && name != key)
            .map(|((_, _, name), value)| name.len() + value.len())
            .sum();
        if (used + key.len() + value.len()) as u64 > quota {
            return Err(StateError::QuotaExceeded(quota));
        }
        state.insert((entry.to_owned(), account.clone(), key.to_owned()), value.to_vec());
        Ok(())
    }

    fn delete(&self, entry: &str, account: &AccountName, key: &str) -> Result<(), StateError> {
        self.state.lock().unwrap().remove(&(entry.to_owned(), account.clone(), key.to_owned()));
        Ok(())
    }

    fn keys(
        &self,
        entry: &str,
        account: &AccountName,
        prefix: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<String>, StateError> {
        let state = self.state.lock().unwrap();
        let ours = state.keys().filter(|(at, of, _)| at == entry && of == account).map(|(_, _, key)| key);
        let wanted =
            ours.filter(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
        Ok(wanted.take(max).cloned().collect())
    }

    fn snapshot(&self, entry: &str, account: &AccountName) -> Result<BTreeMap<String, Vec<u8>>, StateError> {
        let state = self.state.lock().unwrap();
        let ours = state.iter().filter(|((at, of, _), _)| at == entry && of == account);
        Ok(ours.map(|((_, _, key), value)| (key.clone(), value.clone())).collect())
    }
}

impl Dns for World {
    fn lookup_txt(&self, name: &str, _time: Duration) -> Result<TxtAnswer, DnsError> {
        *self.lookups.lock().unwrap() += 1;
        let delay = *self.dns_delay.lock().unwrap();
        *self.lookups_now.lock().unwrap() += 1;
        std::thread::sleep(delay);
        drop(self.dns_silence.lock().unwrap());
        *self.lookups_now.lock().unwrap() -= 1;
        self.dns.lock().unwrap().get(name).cloned().unwrap_or(Err(DnsError::NoRecord))
    }
}

fn ben() -> Contact {
    let id: mail::ToxId = BEN.parse().unwrap();
    Contact {
        alias: "ben".into(),
        key: id.key,
        tox_id: Some(id),
        addresses: vec!["ben@example.org".parse().unwrap()],
        confirmed: true,
    }
}

impl Contacts for World {
    fn by_alias(&self, _account: &AccountName, alias: &str) -> Result<Option<Contact>, Cause> {
        match alias {
            "ben" => Ok(Some(ben())),
            "broken" => Err(Cause::new("the store is broken")),
            _ => Ok(None),
        }
    }

    fn by_key(&self, _account: &AccountName, key: PublicKey) -> Result<Option<Contact>, Cause> {
        Ok((key == ben().key).then(ben))
    }

    fn by_address(&self, _account: &AccountName, address: &Address) -> Result<Option<Contact>, Cause> {
        Ok(ben().addresses.contains(address).then(ben))
    }

    fn account_of(&self, address: &Address) -> Result<Option<AccountName>, Cause> {
        let now = {
            let mut now = self.questions_now.lock().unwrap();
            *now += 1;
            *now
        };
        {
            let mut most = self.most_questions_at_once.lock().unwrap();
            *most = now.max(*most);
        }
        std::thread::sleep(*self.contacts_delay.lock().unwrap());
        *self.questions_now.lock().unwrap() -= 1;
        Ok((address.is_tox() && address.local() == "anna").then(anna))
    }
}

impl Recorder for World {
    fn record(&self, record: DecisionRecord, mail: Option<MailId>) {
        self.mails.lock().unwrap().push((record.function.clone(), mail));
        self.records.lock().unwrap().push(record);
    }
}

impl SlotsKeeper for World {
    fn save(&self, config: &SlotsConfig) -> Result<(), Cause> {
        self.saved.lock().unwrap().push(config.clone());
        Ok(())
    }

    fn fell_back(&self, event: FellBack) {
        self.fell_back.lock().unwrap().push(event);
    }

    fn shadow_differs(&self, event: ShadowDiffers) {
        self.differs.lock().unwrap().push(event);
    }
}

/// A mail in memory.
pub struct Mail(pub Vec<u8>);

impl MessageBytes for Mail {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, offset: u64, max: usize) -> Result<Bytes, Cause> {
        let start = (offset as usize).min(self.0.len());
        let end = start.saturating_add(max).min(self.0.len());
        Ok(Bytes::copy_from_slice(&self.0[start..end]))
    }
}

pub fn mail(text: &str) -> Arc<dyn MessageBytes> {
    Arc::new(Mail(text.replace('\n', "\r\n").into_bytes()))
}

pub fn anna() -> AccountName {
    "anna".parse().unwrap()
}

/// A running sandbox and all that stands around it.
pub struct Bench {
    pub sandbox: Arc<Sandbox>,
    pub library: Arc<Library>,
    pub world: Arc<World>,
    /// Removed at the end.
    _directory: TempDir,
}

/// The components of one entry.
pub fn entry(slot: Slot, component: ComponentDigest) -> EntryConfig {
    EntryConfig {
        slot,
        entry: slot.name().to_owned(),
        component,
        last_good: None,
        settings: vec![],
        limits: Limits::default(),
        keeps_settings: false,
        past: sandbox::Past::default(),
    }
}

pub fn engine() -> Arc<Engine> {
    let settings = Settings { longest_wait: Duration::from_secs(30), ..Settings::default() };
    Arc::new(Engine::new(&settings, clock()).unwrap())
}

pub fn private_directory() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o700)).tempdir().unwrap()
}

/// All built-in components and test guests.
pub async fn fill(library: &Library) {
    for builtin in builtin::components().iter().chain(builtin::test_guests()) {
        library.add_builtin(builtin.name, builtin.bytes).await.unwrap();
    }
}

impl Bench {
    /// The four defaults.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The four defaults, changed.
    pub async fn with(change: impl FnOnce(&mut SlotsConfigOf<'_>)) -> Self {
        Self::with_engine(engine(), change).await
    }

    /// The four defaults, changed, on another engine.
    pub async fn with_engine(engine: Arc<Engine>, change: impl FnOnce(&mut SlotsConfigOf<'_>)) -> Self {
        let directory = private_directory();
        let library =
            Arc::new(Library::open(Arc::clone(&engine), directory.path(), CompileMode::InProcess).unwrap());
        fill(&library).await;
        let entries = Slot::ALL
            .into_iter()
            .map(|slot| entry(slot, library.find(&format!("default-{slot}")).unwrap().sha256))
            .collect();
        let mut config = SlotsConfig { entries, ..SlotsConfig::default() };
        change(&mut SlotsConfigOf { library: &library, config: &mut config });
        let world = Arc::new(World::default());
        let sandbox = Sandbox::start(
            engine,
            Arc::clone(&library),
            capabilities(&world),
            Arc::clone(&world) as _,
            config,
        )
        .await
        .unwrap();
        Self { sandbox: Arc::new(sandbox), library, world, _directory: directory }
    }

    /// The evil component in one slot, told what to do, with more time than it needs for that on a busy machine; but not for ever.
    pub async fn evil(slot: Slot, what: &str) -> Self {
        Self::evil_within(slot, what, if what == "spin" { 200 } else { 20_000 }).await
    }

    /// The same with this time limit, in milliseconds.
    pub async fn evil_within(slot: Slot, what: &str, call_ms: u64) -> Self {
        Self::with(|set| {
            set.put(slot, &format!("evil-{slot}"));
            set.entry(slot).settings = vec![("do".into(), what.into())];
            set.entry(slot).limits.call_ms = call_ms;
        })
        .await
    }

    pub fn sha256(&self, name: &str) -> ComponentDigest {
        self.library.find(name).unwrap().sha256
    }

    /// The records so far, once there are `count`: they come after the answer.
    pub async fn records(&self, count: usize) -> Vec<DecisionRecord> {
        for _ in 0..2000 {
            let records = self.world.records.lock().unwrap().clone();
            if records.len() >= count {
                return records;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("there are not {count} records");
    }
}

pub fn capabilities(world: &Arc<World>) -> Capabilities {
    Capabilities {
        state: Arc::clone(world) as _,
        dns: Arc::clone(world) as _,
        contacts: Arc::clone(world) as _,
        recorder: Arc::clone(world) as _,
    }
}

/// A configuration that is being put together.
pub struct SlotsConfigOf<'a> {
    library: &'a Library,
    pub config: &'a mut SlotsConfig,
}

impl SlotsConfigOf<'_> {
    pub fn entry(&mut self, slot: Slot) -> &mut EntryConfig {
        self.config.entries.iter_mut().find(|entry| entry.slot == slot).unwrap()
    }

    pub fn put(&mut self, slot: Slot, name: &str) {
        self.entry(slot).component = self.library.find(name).unwrap().sha256;
    }

    pub fn add(&mut self, slot: Slot, name: &str, component: &str, what: &str) {
        let component = self.library.find(component).unwrap().sha256;
        let settings = vec![("do".into(), what.into())];
        let added = EntryConfig { entry: name.into(), settings, ..entry(slot, component) };
        self.config.entries.push(added);
    }

    pub fn remove(&mut self, slot: Slot) {
        self.config.entries.retain(|entry| entry.slot != slot);
    }
}
