//! Every bound on components, with its reason: per call and component in [`Limits`], the fixed ones as constants.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one component may use. Settings of its entry in the policy set; the defaults let an interpreter (JavaScript, Python)
/// work, components in Rust stay far below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Running time of one call in milliseconds, waiting for DNS left out. At most [`CALL_MS_MOST`]. An interpreter starts within
    /// 3 ms; a second leaves room for a busy machine and is short enough for a mail program that waits.
    pub call_ms: u64,
    /// Linear memory of one call in bytes, all of the component's memories together; at most the engine's
    /// [`memory_ceiling`](crate::Settings::memory_ceiling). Python starts with about 30 MB.
    pub memory_bytes: u64,
    /// Elements of each table. Python's function table has about 10 000.
    pub table_elements: u64,
    /// Stack of one call in bytes: a power of two from [`STACK_LEAST`] to the engine's [`stack_bytes`](crate::Settings::stack_bytes), others
    /// are rounded down. JavaScript engines want a megabyte. Languages that keep a stack of their own in linear memory have that beside.
    pub stack_bytes: u64,
    /// Bytes one answer or one call of a capability may hand to the host, roughly.
    pub output_bytes: u64,
    /// Things one answer may list: header fields, relays, attributes. Not more than [`HEADERS_ADDED`], [`RELAYS_CHOSEN`] and [`ATTRIBUTES`]
    /// have any effect.
    pub output_items: u32,
    /// Log lines of one call; further lines are dropped and counted.
    pub log_lines: u32,
    /// Bytes of log text of one call; further text is dropped and counted.
    pub log_bytes: u32,
    /// Calls of capabilities in one call. Reading a mail of 50 MB in pieces of 64 KB takes 800.
    pub capability_calls: u32,
    /// Look-ups in DNS in one call.
    pub dns_lookups: u32,
    /// Time one call may wait for DNS, in milliseconds. A mail program waits minutes at RCPT (RFC 5321 section
    /// 4.5.3.2.3), a user seconds.
    pub dns_wait_ms: u64,
    /// Bytes of state kept for each account and component: keys and values together, and
    /// [`STATE_ROW_BYTES`](mail::limits::STATE_ROW_BYTES) for each key, so that it is what the disk holds.
    pub state_bytes: u64,
    /// Bytes of the component's compiled form: a larger one does not go live in this entry. At most [`COMPILED_BYTES`], which ends the
    /// compilation itself.
    pub compiled_bytes: u64,
    /// Calls that run at once; further ones wait. Not more than the threads of a slot have any effect. A call that waits for DNS does
    /// not count meanwhile.
    pub concurrency: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call_ms: 1000,
            memory_bytes: 64 << 20,
            table_elements: 100_000,
            stack_bytes: 1 << 20,
            output_bytes: 4 << 20,
            output_items: 32,
            log_lines: 100,
            log_bytes: 32 << 10,
            capability_calls: 10_000,
            dns_lookups: 8,
            dns_wait_ms: 10_000,
            state_bytes: 1 << 20,
            compiled_bytes: COMPILED_BYTES,
            concurrency: 4,
        }
    }
}

impl Limits {
    /// The running time of one call.
    #[must_use]
    pub fn call_time(&self) -> Duration {
        Duration::from_millis(self.call_ms.min(CALL_MS_MOST))
    }

    /// The time one call may wait for DNS.
    #[must_use]
    pub fn dns_wait(&self) -> Duration {
        Duration::from_millis(self.dns_wait_ms.min(CALL_MS_MOST))
    }
}

/// How long a call goes on at most when nobody waits for its answer any more: it is looked at this often, which costs nothing.
pub const ABANDONED_TIME: Duration = Duration::from_millis(50);

/// Calls that may wait for DNS at once, without a place of their slot; in further ones DNS counts as unavailable. Each holds the memory
/// of its component: 16 in Python take half a gigabyte, 16 of the default resolver 20 MB.
pub const DNS_ASIDE: usize = 16;

/// No setting makes the stack of a call smaller (bytes): some hundred frames, without which nothing runs.
pub const STACK_LEAST: u64 = 64 << 10;

/// No setting makes a call last longer (milliseconds): somebody waits for every answer.
pub const CALL_MS_MOST: u64 = 60_000;

/// Largest component file. componentize-py makes 18 MB, componentize-js 12 MB.
pub const COMPONENT_BYTES: u64 = 64 << 20;

/// Largest compiled form. Python's is about 70 MB; a bomb would be gigabytes.
pub const COMPILED_BYTES: u64 = 512 << 20;

/// Processor seconds the compiling child may use. Python takes 25 on a busy machine.
pub const COMPILE_CPU_SECONDS: u64 = 300;

/// Wall time the compiling child may take.
pub const COMPILE_TIME: Duration = Duration::from_secs(300);

/// Address space of the compiling child in bytes.
pub const COMPILE_MEMORY_BYTES: u64 = 4 << 30;

/// Log lines are cut to this many bytes.
pub const LOG_LINE_BYTES: usize = 2048;

/// Longest key of component state in bytes, as the WIT package says.
pub const STATE_KEY_BYTES: usize = 256;

/// Longest wait for a turn at the state: longer than all calls of an entry take that may run at once, each as long as it usually may.
pub const STATE_WAIT: Duration = Duration::from_secs(10);

/// Versions of a component of one name that have state in an entry, besides the versions that the
/// entry may go back to. A version that comes back finds its own state. Each may take the quota of
/// the entry.
pub const STATE_VERSIONS: usize = 4;

/// Most keys one listing of the state returns, as the WIT package says.
pub const STATE_KEYS: u32 = 1000;

/// Most bytes one read of a mail returns, as the WIT package says.
pub const MESSAGE_READ_BYTES: u32 = 1 << 20;

/// Largest mail that is taken apart for filters; of larger ones they get headers and bytes. A mail that is taken apart is held in memory
/// once, and what was encoded in it once more; both count as memory of the call.
pub const PARSED_MAIL_BYTES: u64 = 8 << 20;

/// Most parts of a mail that is taken apart, as the WIT package says.
pub const MAIL_PARTS: usize = 1000;

/// Levels of parts and mails in mails that are taken apart; of a deeper mail filters get headers and bytes. People forward what was
/// forwarded some ten times, and each has two levels.
pub const MAIL_LEVELS: usize = 100;

/// Mails in mails that are taken apart although they came encoded, one in the other: RFC 2046 section 5.2.1 does not allow that, and
/// each is decoded.
pub const ENCODED_LEVELS: usize = 3;

/// Most header names listed, as the WIT package says.
pub const HEADER_NAMES: usize = 1000;

/// Handles of resources (streams of WASI and the like) that one call may hold. Each costs memory of the host; a toolchain's start-up takes
/// a few.
pub const HANDLES: usize = 4096;

/// Header fields one filter may add: enough for tags and scores.
pub const HEADERS_ADDED: usize = 32;

/// Longest name of an added header field, as the WIT package says.
pub const HEADER_NAME_BYTES: usize = 76;

/// Longest value of an added header field, as the WIT package says: with its name within the 998 bytes of a line (RFC 5322
/// section 2.1.1).
pub const HEADER_VALUE_BYTES: usize = 900;

/// Longest reason or explanation for people; longer ones are cut.
pub const REASON_BYTES: usize = mail::limits::REFUSAL_TEXT_BYTES;

/// Relays one plan may name. Each is a copy of the mail.
pub const RELAYS_CHOSEN: usize = 16;

/// Attributes of one answer.
pub const ATTRIBUTES: usize = 32;

/// Longest name and value of an attribute.
pub const ATTRIBUTE_NAME_BYTES: usize = 64;
/// Longest value of an attribute.
pub const ATTRIBUTE_VALUE_BYTES: usize = 1024;

/// Longest value of a setting: a list of addresses or words fits.
pub const SETTING_BYTES: usize = 4096;

/// Longest time to the next attempt: a schedule that forgets a mail for longer is a mistake.
pub const RETRY_LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Bytes of capability answers one record keeps; further ones are counted.
pub const RECORD_BYTES: usize = 64 << 10;

/// Largest case file of the test bench: it is written by hand.
pub const CASE_BYTES: usize = 1 << 20;

/// Calls of one case file.
pub const CASE_CALLS: usize = 10_000;

/// Largest mail a case file may name: as large as the largest that is taken apart.
pub const CASE_MAIL_BYTES: usize = 8 << 20;

/// Filters in a chain: each costs a call for each mail.
pub const FILTERS: usize = 16;

/// Components kept in the library.
pub const COMPONENTS: usize = 200;

/// Longest name of a component or an entry.
pub const NAME_BYTES: usize = 64;

/// Calls that may wait for the thread of shadows; further ones are not made, and counted. Enough for a burst, and each may hold
/// [`SHADOW_MAIL_BYTES`].
pub const SHADOW_WAITING: usize = 32;

/// Bytes of a mail kept in memory for a shadow, of those the live filter read: the mail may be gone when the shadow has its turn. Of larger
/// mails the shadow reads the rest from storage, if it is still there.
pub const SHADOW_MAIL_BYTES: usize = 2 << 20;

/// Differences of a shadow that are kept, the newest: a person looks at them.
pub const SHADOW_DIFFERENCES: usize = 100;

/// Differences of a replay that are listed, the first; further ones are counted.
pub const REPLAY_DIFFERENCES: usize = 1000;

/// Bytes of the differences a replay lists.
pub const REPLAY_DIFFERENCE_BYTES: usize = 4 << 20;

/// How many different reasons for not replaying a report lists.
pub const REPLAY_REASONS: usize = 20;

/// How long a replay may go on: somebody waits for it.
pub const REPLAY_TIME: Duration = Duration::from_secs(240);

/// Bytes of facts, and of each answer, that a difference keeps.
pub const DIFFERENCE_BYTES: usize = 8 << 10;

/// Failures in a row, in one function and direction, after which a component is replaced: fewer happen by a few odd mails.
pub const FAILURES_IN_A_ROW: u32 = 5;

/// Calls that the share of failures is counted over, at most 32.
pub const HEALTH_WINDOW: u32 = 20;

/// Failures among the last [`HEALTH_WINDOW`] calls after which a component is replaced: a filter
/// that misses every second mail does not filter.
pub const FAILED_OF_WINDOW: u32 = 10;

/// Real calls a component has to answer before it is one to go back to.
pub const GOOD_ANSWERS: u64 = 5;

/// Accounts and functions whose failures are counted apart, for one component.
pub const HEALTH_ROWS: usize = 4096;

/// Failures in a row after which a shadow is no longer asked: it has shown what it can.
pub const SHADOW_FAILURES: u32 = 20;

/// Time a shadow may spend in calls that fail, in a row: one that spins would keep a processor busy for ever.
pub const SHADOW_FAILING_TIME: Duration = Duration::from_secs(30);

/// Most random bytes one call of WASI returns: each takes some thirty bytes of the host on its way.
pub const WASI_RANDOM_BYTES: u64 = 64 << 10;

/// Output that a component believes it may write at once: it is thrown away.
pub const WASI_WRITE_BYTES: u64 = 1 << 20;

/// Stack of the thread on which a bench asks: the component's, and what parsing a mail and the engine take.
pub const BENCH_STACK_BYTES: usize = 8 << 20;

/// Header fields a whole chain of filters may add: twice what one may.
pub const HEADERS_OF_CHAIN: usize = 64;
