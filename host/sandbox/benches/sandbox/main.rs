//! Measures the sandbox: `cargo bench -p sandbox --bench sandbox -- [FILE...]`; the results are in BENCHMARKS.md.
//!
//! FILEs are components for slot `policy`, of other languages for instance: `policies/quiet-hours/quiet-hours.wasm` shows QuickJS (aim: a
//! fresh call under 300 us), `tests/guests/python/evil.wasm` Python, once `policies/build-all.sh` has built them.
//!
//! `fresh` is what every decision costs on its thread: store, instance, typed call, checks. `round trip` adds the way to the thread and back.
//! `warm` is a typed call into an instance that is there already, which the sandbox never does: it shows what freshness costs.

mod others;
mod outside;

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clock::SystemClock;
use mail::decision::Attributes;
use mail::decision::policy::Submission;
use mail::decision::resolver::Resolve;
use mail::{AccountName, Address, Cause, ComponentDigest, MailId, PublicKey, ReversePath, Wall};
use sandbox::capabilities::{
    Capabilities, Contact, Contacts, Dns, DnsError, Recorder, State, StateError, TxtAnswer,
};
use sandbox::{
    CompileMode, DecisionRecord, Engine, EntryConfig, FellBack, Library, Limits, Sandbox, Settings,
    ShadowDiffers, Slot, SlotsConfig, SlotsKeeper,
};

const CALLS: u32 = 20_000;

/// The one that all mails go to.
static BEN: LazyLock<Address> = LazyLock::new(|| {
    #[allow(clippy::expect_used, reason = "it is an address")]
    "ben@tox".parse().expect("an address")
});

/// A gateway that knows nothing and keeps nothing.
struct Nothing;

impl State for Nothing {
    fn get(&self, _: &str, _: &AccountName, _: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(None)
    }
    fn set(&self, _: &str, _: &AccountName, _: &str, _: &[u8], _: u64) -> Result<(), StateError> {
        Ok(())
    }
    fn delete(&self, _: &str, _: &AccountName, _: &str) -> Result<(), StateError> {
        Ok(())
    }
    fn keys(
        &self,
        _: &str,
        _: &AccountName,
        _: &str,
        _: Option<&str>,
        _: usize,
    ) -> Result<Vec<String>, StateError> {
        Ok(vec![])
    }
    fn snapshot(&self, _: &str, _: &AccountName) -> Result<BTreeMap<String, Vec<u8>>, StateError> {
        Ok(BTreeMap::new())
    }
}

impl Dns for Nothing {
    fn lookup_txt(&self, _: &str, _: Duration) -> Result<TxtAnswer, DnsError> {
        Err(DnsError::NoRecord)
    }
}

impl Contacts for Nothing {
    fn by_alias(&self, _: &AccountName, _: &str) -> Result<Option<Contact>, Cause> {
        Ok(None)
    }
    fn by_key(&self, _: &AccountName, _: PublicKey) -> Result<Option<Contact>, Cause> {
        Ok(None)
    }
    fn by_address(&self, _: &AccountName, _: &Address) -> Result<Option<Contact>, Cause> {
        Ok(None)
    }
    fn account_of(&self, _: &Address) -> Result<Option<AccountName>, Cause> {
        Ok(None)
    }
}

/// Adds up how long calls took on their threads.
#[derive(Default)]
struct Durations(Mutex<(Duration, u32)>);

impl Durations {
    fn mean(&self) -> Duration {
        let (sum, count) = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        sum / count.max(1)
    }
}

impl Recorder for Durations {
    fn record(&self, record: DecisionRecord, _: Option<MailId>) {
        let mut total = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        total.0 += record.duration;
        total.1 += 1;
    }
}

impl SlotsKeeper for Nothing {
    fn save(&self, _: &SlotsConfig) -> Result<(), Cause> {
        Ok(())
    }
    fn fell_back(&self, _: FellBack) {}
    fn shadow_differs(&self, _: ShadowDiffers) {}
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [outside::DECIDE, socket] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return outside::serve(socket);
    }
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        outside::measure(directory.path()).await?;
        measure(&directory.path().join("components"), &arguments).await
    })
}

/// Whether a figure is as small as it should be.
fn aim(figure: Duration, under: Duration) -> String {
    format!("(aim: under {under:?}, {})", if figure < under { "met" } else { "missed" })
}

/// What all are asked.
fn submission() -> Submission {
    Submission {
        // Both are addresses of plain letters.
        reverse_path: "anna@tox".parse().map_or(ReversePath::Null, ReversePath::Mailbox),
        forward_path: BEN.clone(),
        declared_size: Some(4000),
        queued: 0,
        attributes: Attributes::default(),
    }
}

/// An entry with default limits and no settings.
fn entry(slot: Slot, name: &str, component: ComponentDigest, limits: Limits) -> EntryConfig {
    let (entry, settings) = (name.to_owned(), vec![]);
    EntryConfig {
        slot,
        entry,
        component,
        last_good: None,
        settings,
        limits,
        keeps_settings: false,
        past: Default::default(),
    }
}

async fn measure(directory: &Path, files: &[String]) -> Result<(), Box<dyn Error>> {
    let begin = now();
    let engine = Arc::new(Engine::new(&Settings::default(), Arc::new(SystemClock::new()))?);
    println!("engine start              {:>10.2?}", begin.elapsed());
    for what in ["compile, in process", "cached load and link"] {
        let library = Library::open(Arc::clone(&engine), directory, CompileMode::InProcess)?;
        for builtin in builtin::components() {
            let begin = now();
            library.add_builtin(builtin.name, builtin.bytes).await?;
            let took = begin.elapsed();
            let (name, size) = (builtin.name, builtin.bytes.len());
            let aim =
                if what.starts_with("cached") { aim(took, Duration::from_millis(5)) } else { String::new() };
            println!("{what:<21} {took:>14.2?}  {name} ({size} bytes) {aim}");
        }
    }
    let library = Arc::new(Library::open(Arc::clone(&engine), directory, CompileMode::InProcess)?);
    let mut entries = Vec::new();
    for slot in Slot::ALL {
        let bytes = builtin::components().iter().find(|builtin| builtin.slot == slot.name());
        let Some(builtin) = bytes else { continue };
        let component = library.add_builtin(builtin.name, builtin.bytes).await?.sha256;
        entries.push(entry(slot, slot.name(), component, Limits::default()));
    }
    let nothing = Arc::new(Nothing);
    let durations = Arc::new(Durations::default());
    let capabilities = Capabilities {
        state: Arc::clone(&nothing) as _,
        dns: Arc::clone(&nothing) as _,
        contacts: Arc::clone(&nothing) as _,
        recorder: Arc::clone(&durations) as _,
    };
    let sandbox = Arc::new(
        Sandbox::start(
            engine,
            Arc::clone(&library),
            capabilities,
            nothing,
            SlotsConfig { entries, ..SlotsConfig::default() },
        )
        .await?,
    );
    calls(&sandbox, &durations).await?;
    warm::measure()?;
    others::memory(&sandbox, &library).await?;
    for file in files {
        others::measure(&sandbox, &library, &durations, Path::new(file)).await?;
    }
    Ok(())
}

async fn calls(sandbox: &Arc<Sandbox>, durations: &Durations) -> Result<(), Box<dyn Error>> {
    let account: AccountName = "anna".parse()?;
    let submission = submission();
    let begin = now();
    for _ in 0..CALLS {
        black_box(sandbox.allow_submission(&account, Wall(0), submission.clone()).await?);
    }
    println!("policy, round trip        {:>10.2?}  one caller", begin.elapsed() / CALLS);
    let fresh = durations.mean();
    let aim_fresh = aim(fresh, Duration::from_micros(30));
    println!("policy, fresh             {fresh:>10.2?}  one caller {aim_fresh}");

    let begin = now();
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (sandbox, account, submission) = (Arc::clone(sandbox), account.clone(), submission.clone());
            tokio::spawn(async move {
                for _ in 0..CALLS {
                    black_box(sandbox.allow_submission(&account, Wall(0), submission.clone()).await).ok();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await?;
    }
    println!("policy, round trip        {:>10.2?}  four callers, each call", begin.elapsed() / CALLS / 4);
    println!("policy, fresh             {:>10.2?}  four callers, from begin to end", durations.mean());

    let address: Address =
        "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5@tox".parse()?;
    let begin = now();
    for _ in 0..CALLS {
        black_box(
            sandbox.resolve(&account, Wall(0), Resolve { address: address.clone(), mail: None }).await?,
        );
    }
    println!("resolver, round trip      {:>10.2?}  one caller", begin.elapsed() / CALLS);
    println!("resolver, fresh           {:>10.2?}  one caller", durations.mean());
    Ok(())
}

/// The same component and engine configuration, without the sandbox.
mod warm {
    use wasmtime::component::{Component, HasSelf, Linker};
    use wasmtime::{Config, Engine, Store};

    use super::{CALLS, Duration, Error, aim, black_box, now};
    use toxmail::gateway::{log, state, types};

    wasmtime::component::bindgen!({ path: "../../wit", world: "policy" });

    struct Host;

    impl types::Host for Host {}

    impl log::Host for Host {
        fn write(&mut self, _: log::Level, _: String) {}
    }

    impl state::Host for Host {
        fn get(&mut self, _: String) -> Result<Option<Vec<u8>>, state::StateError> {
            Ok(None)
        }
        fn set(&mut self, _: String, _: Vec<u8>) -> Result<(), state::StateError> {
            Ok(())
        }
        fn delete(&mut self, _: String) -> Result<(), state::StateError> {
            Ok(())
        }
        fn keys(&mut self, _: String, _: Option<String>, _: u32) -> Result<Vec<String>, state::StateError> {
            Ok(vec![])
        }
    }

    /// An instance for each caller: one serves one call at a time.
    fn four_callers(
        engine: &Engine,
        component: &Component,
        linker: &Linker<Host>,
        context: &types::Context,
        submission: &exports::toxmail::gateway::policy_decisions::Submission,
    ) -> Result<(), Box<dyn Error>> {
        let call = || -> wasmtime::Result<()> {
            let mut store = Store::new(engine, Host);
            store.set_epoch_deadline(u64::MAX / 2);
            let policy = Policy::instantiate(&mut store, component, linker)?;
            let decisions = policy.toxmail_gateway_policy_decisions();
            for _ in 0..CALLS {
                black_box(decisions.call_allow_submission(&mut store, context, submission)?);
            }
            Ok(())
        };
        let begin = now();
        std::thread::scope(|scope| {
            let callers: Vec<_> = (0..4).map(|_| scope.spawn(call)).collect();
            callers.into_iter().try_for_each(|caller| caller.join().unwrap_or(Ok(())))
        })?;
        println!("policy, warm              {:>10.2?}  four callers, each call", begin.elapsed() / CALLS / 4);
        Ok(())
    }

    pub fn measure() -> Result<(), Box<dyn Error>> {
        let mut config = Config::new();
        config.epoch_interruption(true).concurrency_support(false);
        let engine = Engine::new(&config)?;
        let policy = builtin::components().iter().find(|builtin| builtin.slot == "policy");
        let bytes = policy.map(|policy| policy.bytes).unwrap_or_default();
        let component = Component::new(&engine, bytes)?;
        let mut linker = Linker::new(&engine);
        Policy::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host)?;
        let mut store = Store::new(&engine, Host);
        store.set_epoch_deadline(u64::MAX / 2);
        let policy = Policy::instantiate(&mut store, &component, &linker)?;
        let context = types::Context { account: "anna".into(), now: 0, settings: vec![] };
        let submission = exports::toxmail::gateway::policy_decisions::Submission {
            envelope: types::Envelope {
                reverse_path: Some("anna@tox".into()),
                forward_path: "ben@tox".into(),
            },
            declared_size: Some(4000),
            queued: 0,
            attributes: vec![],
        };
        let decisions = policy.toxmail_gateway_policy_decisions();
        let begin = now();
        for _ in 0..CALLS {
            black_box(decisions.call_allow_submission(&mut store, &context, &submission)?);
        }
        let warm = begin.elapsed() / CALLS;
        let aim_warm = aim(warm, Duration::from_micros(1));
        println!("policy, warm              {warm:>10.2?}  one caller {aim_warm}");
        four_callers(&engine, &component, &linker, &context, &submission)?;

        let pre = PolicyPre::new(linker.instantiate_pre(&component)?)?;
        let begin = now();
        for _ in 0..CALLS {
            let mut store = Store::new(&engine, Host);
            store.set_epoch_deadline(u64::MAX / 2);
            black_box(pre.instantiate(&mut store)?);
        }
        println!("policy, instance start    {:>10.2?}  one caller", begin.elapsed() / CALLS);
        Ok(())
    }
}
