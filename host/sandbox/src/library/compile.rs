//! Compiling components. It takes seconds for an interpreter and is given bytes from anywhere, so it happens in a
//! child process that has little memory, little time and nothing else to lose.

use std::ffi::OsString;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, nice, setrlimit};
use sha2::{Digest, Sha256};

use crate::awaited::Awaited;
use crate::engine::configuration;
use crate::library::wrap::{InvalidModule, encode};
use crate::limits::{
    COMPILE_CPU_SECONDS, COMPILE_MEMORY_BYTES, COMPILE_TIME, COMPILED_BYTES, COMPONENT_BYTES,
};
use crate::questions::validate::one_line;

/// Where components are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompileMode {
    /// In this process: for tests and the offline test bench.
    InProcess,
    /// In a child process. `exe` with `args` has to call [`compile_child_main`] and nothing else; more arguments are added.
    Child {
        /// The program, usually the daemon's own.
        exe: PathBuf,
        /// Its arguments: a hidden verb.
        args: Vec<OsString>,
        /// The limits of the compiler.
        limits: CompileLimits,
    },
}

/// What one compilation may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Address space in bytes.
    pub memory_bytes: u64,
    /// Processor time in seconds.
    pub cpu_seconds: u64,
    /// Time by the clock.
    pub time: Duration,
    /// Largest compiled form.
    pub compiled_bytes: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            memory_bytes: COMPILE_MEMORY_BYTES,
            cpu_seconds: COMPILE_CPU_SECONDS,
            time: COMPILE_TIME,
            compiled_bytes: COMPILED_BYTES,
        }
    }
}

/// Why a component could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler says no; its words.
    #[error(
        "it is damaged or not valid, and cannot be compiled: {0}. Build it again, or copy it again from where it was built"
    )]
    Invalid(String),
    /// The child was stopped because it took too long.
    #[error("compiling it takes more than the {0} s the gateway allows, and was stopped: make it smaller")]
    TooLong(u64),
    /// The child ended because it got no more memory.
    #[error(
        "compiling it takes more memory than the {0} bytes the gateway allows, and was stopped: make it smaller"
    )]
    TooMuchMemory(u64),
    /// The child was stopped because the compiled form grew too large.
    #[error(
        "its compiled form is larger than the {0} bytes the gateway allows, and was not kept: make it smaller"
    )]
    TooLarge(u64),
    /// Nobody waits for it any more, and the child was stopped.
    #[error("compiling it was stopped, since nobody waited for it any more")]
    Abandoned,
    /// The child could not be run.
    #[error("the compiler could not be run: {0}")]
    Failed(#[from] std::io::Error),
}

/// What compiled code depends on: it runs only in an engine with the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compatibility(pub [u8; 32]);

impl Compatibility {
    /// The compatibility of an engine.
    pub fn of(engine: &wasmtime::Engine) -> Self {
        let mut hasher = Sha256Hasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Self(hasher.0.finalize().into())
    }
}

/// Feeds what is hashed to SHA-256: unlike the standard hasher it is the same in every process.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }
}

/// Compiles a component for `engine`. Blocks, for up to [`COMPILE_TIME`]. In a child it ends soon when nobody waits any more.
///
/// # Errors
/// See [`CompileError`].
pub fn compile(
    mode: &CompileMode,
    engine: &wasmtime::Engine,
    stack_bytes: usize,
    component: &[u8],
    awaited: &Awaited,
) -> Result<Vec<u8>, CompileError> {
    match mode {
        CompileMode::InProcess => engine
            .precompile_component(component)
            .map_err(|error| CompileError::Invalid(one_line(&format!("{error:#}"), 1000))),
        CompileMode::Child { exe, args, limits } => {
            let compatibility = hex::encode(Compatibility::of(engine).0);
            in_child(exe, args, limits, [stack_bytes.to_string(), compatibility], component, awaited)
        }
    }
}

/// Makes a component of a core module, in a child process.
///
/// # Errors
/// See [`CompileError`].
pub(crate) fn encode_in_child(
    exe: &Path,
    args: &[OsString],
    limits: &CompileLimits,
    module: &[u8],
) -> Result<Vec<u8>, CompileError> {
    let task = ["0".to_owned(), ENCODE.to_owned()];
    in_child(exe, args, limits, task, module, &Awaited::default())
}

fn in_child(
    exe: &Path,
    args: &[OsString],
    limits: &CompileLimits,
    task: [String; 2],
    bytes: &[u8],
    awaited: &Awaited,
) -> Result<Vec<u8>, CompileError> {
    let mut command = Command::new(exe);
    command.args(args);
    for number in [limits.memory_bytes, limits.cpu_seconds, limits.compiled_bytes] {
        command.arg(number.to_string());
    }
    command.args(task);
    let mut input = tempfile::tempfile()?;
    input.write_all(bytes)?;
    input.seek(SeekFrom::Start(0))?;
    let mut output = tempfile::tempfile()?;
    let mut errors = tempfile::tempfile()?;
    let child = command
        .env_clear()
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output.try_clone()?))
        .stderr(Stdio::from(errors.try_clone()?))
        .spawn()?;
    let Some(status) = wait(child, limits.time, awaited)? else {
        return Err(match awaited.is_abandoned() {
            true => CompileError::Abandoned,
            false => CompileError::TooLong(limits.time.as_secs()),
        });
    };
    match status.code() {
        Some(0) => Ok(read_back(&mut output, limits.compiled_bytes)?),
        Some(code) if code == i32::from(INVALID) => {
            let words = read_back(&mut errors, 4096)?;
            Err(CompileError::Invalid(one_line(String::from_utf8_lossy(&words).trim(), 1000)))
        }
        Some(code) if code == i32::from(UNUSABLE) => {
            let words = read_back(&mut errors, 4096)?;
            Err(std::io::Error::other(one_line(String::from_utf8_lossy(&words).trim(), 1000)).into())
        }
        _ => Err(stopped(status, limits)),
    }
}

/// Tells which limit stopped the child.
fn stopped(status: ExitStatus, limits: &CompileLimits) -> CompileError {
    let is = |signal: Signal| status.signal() == Some(signal.as_raw());
    if is(Signal::XCPU) || is(Signal::KILL) {
        CompileError::TooLong(limits.cpu_seconds)
    } else if is(Signal::XFSZ) {
        CompileError::TooLarge(limits.compiled_bytes)
    } else {
        // Without memory Rust aborts, and a thread that cannot be started is a panic.
        CompileError::TooMuchMemory(limits.memory_bytes)
    }
}

/// Waits for the child; None if it was stopped because it took too long or nobody waits any more.
fn wait(mut child: Child, time: Duration, awaited: &Awaited) -> std::io::Result<Option<ExitStatus>> {
    const STEP: Duration = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    while waited < time && !awaited.is_abandoned() {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(STEP);
        waited += STEP;
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn read_back(file: &mut File, most: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Takes the place of the compatibility if a module becomes a component and nothing is compiled.
const ENCODE: &str = "encode";

/// Exit code of the child where the component is to blame.
const INVALID: u8 = 3;

/// Exit code of the child where it could not begin.
const UNUSABLE: u8 = 4;

/// The whole life of the compiling child: limits itself, compiles what stands on standard input (or makes a component of it), writes what comes of it
/// to standard output. Call it first thing in `main` where the hidden verb is given.
#[must_use]
pub fn compile_child_main() -> ExitCode {
    match child() {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, words)) => {
            eprintln!("{words}");
            ExitCode::from(code)
        }
    }
}

fn child() -> Result<(), (u8, String)> {
    let unusable = |words: &dyn std::fmt::Display| (UNUSABLE, words.to_string());
    let arguments = child_arguments().ok_or_else(|| unusable(&"arguments are missing"))?;
    limit_this_process(arguments.limits).map_err(|error| unusable(&error))?;
    let Arguments { stack_bytes, wanted, .. } = arguments;
    let mut input = Vec::new();
    std::io::stdin().take(COMPONENT_BYTES).read_to_end(&mut input).map_err(|error| unusable(&error))?;
    let made = match wanted.as_str() {
        ENCODE => encode(&input).map_err(|InvalidModule(words)| (INVALID, words))?,
        _ => precompile(stack_bytes, &wanted, &input)?,
    };
    let mut output = std::io::stdout().lock();
    output.write_all(&made).and_then(|()| output.flush()).map_err(|error| unusable(&error))
}

fn precompile(stack_bytes: usize, wanted: &str, component: &[u8]) -> Result<Vec<u8>, (u8, String)> {
    let unusable = |words: &dyn std::fmt::Display| (UNUSABLE, words.to_string());
    let engine = wasmtime::Engine::new(&configuration(stack_bytes)).map_err(|error| unusable(&error))?;
    if hex::encode(Compatibility::of(&engine).0) != wanted {
        return Err(unusable(&"the gateway runs another version of the engine: restart it"));
    }
    engine.precompile_component(component).map_err(|error| (INVALID, format!("{error:#}")))
}

/// The instructions for the child.
struct Arguments {
    /// Memory in bytes, processor seconds, bytes of the compiled form.
    limits: [u64; 3],
    stack_bytes: usize,
    /// What the compiled code must be compatible with, or [`ENCODE`].
    wanted: String,
}

/// The last five arguments.
fn child_arguments() -> Option<Arguments> {
    let mut arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.into_string().ok()).collect::<Option<_>>()?;
    let wanted = arguments.pop()?;
    let stack_bytes = arguments.pop()?.parse().ok()?;
    let mut number = || arguments.pop()?.parse().ok();
    let (compiled, cpu, memory) = (number()?, number()?, number()?);
    Some(Arguments { limits: [memory, cpu, compiled], stack_bytes, wanted })
}

fn limit_this_process([memory, cpu, compiled]: [u64; 3]) -> rustix::io::Result<()> {
    let limit = |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    limit(Resource::As, memory)?;
    // A second between the signal that can be told apart and the one that cannot be survived.
    setrlimit(Resource::Cpu, Rlimit { current: Some(cpu), maximum: Some(cpu.saturating_add(1)) })?;
    limit(Resource::Fsize, compiled)?;
    limit(Resource::Core, 0)?;
    // Nobody waits any more when the gateway is gone.
    #[cfg(target_os = "linux")]
    die_first();
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Mail comes first.
    nice(10).map(|_| ())
}

/// When memory runs short the kernel is to end the compilation, and not the gateway (proc(5), `oom_score_adj`). Where `/proc` is not there or
/// may not be written, the limit of address space is all there is.
#[cfg(target_os = "linux")]
fn die_first() {
    // Whether that worked makes no difference to what is compiled.
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE_MOST);
}

/// The most that `oom_score_adj` can be.
#[cfg(target_os = "linux")]
const OOM_SCORE_MOST: &str = "1000";
