//! The WebAssembly engine and the threads that components run on.

pub(crate) mod bindings;
pub(crate) mod guest;
pub(crate) mod lane;
pub(crate) mod memory;
pub(crate) mod run;
pub(crate) mod seat;
mod seen;
pub(crate) mod ticker;
pub(crate) mod turns;
pub(crate) mod version;
pub(crate) mod wasi;
pub(crate) mod wasm;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mail::Clock;
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::engine::lane::{Lane, LaneSettings};
use crate::engine::ticker::{Running, Ticker};
use crate::engine::wasm::Wasm;
use crate::limits::{DNS_ASIDE, STACK_LEAST};
use crate::slot::Slot;
use crate::trials::shadow::lane::ShadowLane;

/// Settings of the whole sandbox; the settings of one component are [`Limits`](crate::Limits).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Threads of each slot: calls of a slot that run at once. 1 to 64.
    pub threads_per_slot: usize,
    /// Calls of a slot that may wait for a thread; further ones fail at once. Many sessions at RCPT are normal.
    pub most_waiting: usize,
    /// How long a call waits for a thread before it fails.
    pub longest_wait: Duration,
    /// Most linear memory any component can be given, in bytes.
    pub memory_ceiling: usize,
    /// Stack of a call in bytes; JavaScript engines want a megabyte.
    pub stack_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threads_per_slot: 4,
            most_waiting: 1000,
            longest_wait: Duration::from_secs(10),
            memory_ceiling: 256 << 20,
            stack_bytes: 1 << 20,
        }
    }
}

/// The engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// WebAssembly cannot run here.
    #[error("WebAssembly cannot run here: {0}. Under systemd, `MemoryDenyWriteExecute=` has to be off")]
    Unsupported(String),
    /// No thread could be started.
    #[error("no thread could be started: {0}")]
    Threads(#[from] std::io::Error),
}

/// Compiles and runs components. One for the whole process; share it in an [`Arc`].
pub struct Engine {
    wasm: Arc<Wasm>,
    smaller: Smaller,
    lanes: [Lane; 4],
    shadows: ShadowLane,
    ticker: Ticker,
    clock: Arc<dyn Clock>,
    stack_bytes: usize,
    memory_ceiling: u64,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Engine")
    }
}

impl Engine {
    /// Starts the engine, its ticker and the threads of the slots.
    ///
    /// # Errors
    /// If the machine does not let WebAssembly run, or no thread can be started.
    pub fn new(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, EngineError> {
        let unsupported = |error: wasmtime::Error| EngineError::Unsupported(format!("{error:#}"));
        let mut config = configuration(settings.stack_bytes);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)));
        let wasm = Arc::new(Wasm::new(&config).map_err(unsupported)?);
        let smaller = Smaller::default();

        let (beat, others) = (Arc::clone(&wasm), Arc::clone(&smaller));
        let ticker = Ticker::start(move || {
            beat.engine().increment_epoch();
            for (_, wasm) in others.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                wasm.engine().increment_epoch();
            }
        })?;
        let lane = |slot| Lane::start(slot, lane_settings(slot, settings), Arc::clone(&clock));
        let lanes =
            [lane(Slot::Policy)?, lane(Slot::Resolver)?, lane(Slot::RelaySelector)?, lane(Slot::MailFilter)?];
        let shadows = ShadowLane::start(thread_stack(settings))?;
        let (stack_bytes, memory_ceiling) = (settings.stack_bytes, settings.memory_ceiling as u64);
        Ok(Self { wasm, smaller, lanes, shadows, ticker, clock, stack_bytes, memory_ceiling })
    }

    /// The engine underneath, with the stack that most components have.
    pub(crate) fn wasm(&self) -> &Wasm {
        &self.wasm
    }

    /// Most linear memory of any call in bytes.
    pub(crate) fn memory_ceiling(&self) -> u64 {
        self.memory_ceiling
    }

    pub(crate) fn stack_bytes(&self) -> usize {
        self.stack_bytes
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn lane(&self, slot: Slot) -> &Lane {
        let [policy, resolver, relay_selector, mail_filter] = &self.lanes;
        match slot {
            Slot::Policy => policy,
            Slot::Resolver => resolver,
            Slot::RelaySelector => relay_selector,
            Slot::MailFilter => mail_filter,
        }
    }

    /// The thread of all shadows.
    pub(crate) fn shadows(&self) -> &ShadowLane {
        &self.shadows
    }

    /// A call begins: time is counted until the result is dropped.
    pub(crate) fn run(&self) -> Running {
        self.ticker.run()
    }

    /// The engine whose calls have a stack of that many bytes: of the next power of two below, not less than [`STACK_LEAST`] and not more than
    /// the settings of the sandbox say.
    pub(crate) fn with_stack(&self, bytes: u64) -> wasmtime::Result<Arc<Wasm>> {
        let bytes = usize::try_from(bytes.max(STACK_LEAST)).unwrap_or(usize::MAX);
        if bytes >= self.stack_bytes {
            return Ok(Arc::clone(&self.wasm));
        }
        let bytes = 1 << bytes.ilog2();
        let mut smaller = self.smaller.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, wasm)) = smaller.iter().find(|(stack, _)| *stack == bytes) {
            return Ok(Arc::clone(wasm));
        }
        // Without a pool: that would reserve address space for as many calls again.
        let wasm = Arc::new(Wasm::new(&configuration(bytes))?);
        smaller.push((bytes, Arc::clone(&wasm)));
        Ok(wasm)
    }
}

/// Engines beside the first, by stack limit: a few, because limits are powers of two.
type Smaller = Arc<Mutex<Vec<(usize, Arc<Wasm>)>>>;

/// What compiled code depends on: the same here and in the compiling child.
pub(crate) fn configuration(stack_bytes: usize) -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.epoch_interruption(true);
    // No component of ours is asynchronous, and a call costs a third without.
    config.concurrency_support(false);
    config.max_wasm_stack(stack_bytes);
    // The same answer on every machine: replays compare answers.
    config.cranelift_nan_canonicalization(true);
    config.relaxed_simd_deterministic(true);
    config
}

/// Room for every thread to run one component, even Python with its many inner modules.
fn pool(settings: &Settings) -> PoolingAllocationConfig {
    /// Calls beside those of the slots: two uploads or replays, the shadow, and room for a policy set being loaded.
    const BESIDE: usize = 6;
    let calls = settings.threads_per_slot * Slot::ALL.len() + DNS_ASIDE + BESIDE;
    let calls = u32::try_from(calls).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls);
    pool.max_core_instances_per_component(64);
    pool.total_core_instances(calls.saturating_mul(64));
    pool.max_component_instance_size(4 << 20);
    pool.max_core_instance_size(4 << 20);
    pool.max_memories_per_component(4);
    pool.total_memories(calls.saturating_mul(4));
    pool.max_tables_per_component(8);
    pool.total_tables(calls.saturating_mul(8));
    pool.table_elements(100_000);
    pool.max_memory_size(settings.memory_ceiling);
    // What a Rust component touches is cleared in place, which is quicker than giving the pages back; more than this is slower where
    // the kernel (before 6.7) cannot say which pages were touched. `benches/sandbox` measures it.
    pool.linear_memory_keep_resident(64 << 10);
    pool.table_keep_resident(16 << 10);
    pool.pagemap_scan(wasmtime::Enabled::Auto);
    pool
}

fn lane_settings(slot: Slot, settings: &Settings) -> LaneSettings {
    LaneSettings {
        threads: settings.threads_per_slot.clamp(1, 64),
        // Of all slots, this one alone is granted DNS (wit/resolver.wit).
        aside: if slot == Slot::Resolver { DNS_ASIDE } else { 0 },
        stack_bytes: thread_stack(settings),
        most_waiting: settings.most_waiting,
        longest_wait: settings.longest_wait,
    }
}

/// The component's part, and what parsing a mail and the engine itself take.
fn thread_stack(settings: &Settings) -> usize {
    settings.stack_bytes + (4 << 20)
}
