//! Compiling in a child process.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use sandbox::{CompileError, CompileLimits, CompileMode, Library, LibraryError};

use crate::setup::{NOW, engine, private_directory};

/// The example beside this test: cargo builds it with the tests.
fn child() -> CompileMode {
    child_with(CompileLimits::default())
}

pub fn child_with(limits: CompileLimits) -> CompileMode {
    let this = std::env::current_exe().unwrap();
    let exe: PathBuf = this.parent().unwrap().parent().unwrap().join("examples/compile_child");
    assert!(exe.exists(), "build the example first: cargo test builds it");
    CompileMode::Child { exe, args: vec![], limits }
}

#[tokio::test]
async fn a_child_compiles_what_this_process_loads() {
    let directory = private_directory();
    let library = Library::open(engine(), directory.path(), child()).unwrap();
    for builtin in builtin::components() {
        let info = library.add_builtin(builtin.name, builtin.bytes).await.unwrap();
        assert_eq!(info.slots[0].name(), builtin.slot);
    }
}

#[tokio::test]
async fn what_does_not_validate_is_told_in_the_compilers_words() {
    let directory = private_directory();
    let library = Library::open(engine(), directory.path(), child()).unwrap();
    // The names are right; the module inside is not valid.
    let bytes = wat::parse_str(
        "(component
            (core module (func (result i32)))
            (instance $empty)
            (export \"toxmail:gateway/policy-decisions@0.1.0\" (instance $empty)))",
    )
    .unwrap();
    let error = library.add("broken", bytes, NOW).await.unwrap_err();
    let LibraryError::Compile(CompileError::Invalid(words)) = error else { panic!("{error:?}") };
    assert!(words.contains("type mismatch"), "{words}");
}

#[tokio::test]
async fn a_missing_compiler_is_told() {
    let directory = private_directory();
    let mode =
        CompileMode::Child { exe: "/does/not/exist".into(), args: vec![], limits: CompileLimits::default() };
    let library = Library::open(engine(), directory.path(), mode).unwrap();
    let error = library.add("mine", builtin::components()[0].bytes.to_vec(), NOW).await.unwrap_err();
    assert!(matches!(error, LibraryError::Compile(CompileError::Failed(_))), "{error:?}");
}

/// A component with as many functions as that, each a long chain of sums that cannot be shortened.
fn bomb(functions: usize) -> Vec<u8> {
    let mut module = String::new();
    for number in 0..functions {
        let chain = format!("i64.const {} i64.mul local.get 0 i64.rotl ", 2 * number + 3).repeat(30);
        let _ = write!(module, "(func (param i64) (result i64) local.get 0 {chain})");
    }
    wat::parse_str(format!(
        "(component
            (core module {module})
            (instance $empty)
            (export \"toxmail:gateway/policy-decisions@0.1.0\" (instance $empty)))"
    ))
    .unwrap()
}

/// What stops the compilation of a bomb.
async fn stopped(functions: usize, limits: CompileLimits) -> CompileError {
    let directory = private_directory();
    let library = Library::open(engine(), directory.path(), child_with(limits)).unwrap();
    let error = library.add("bomb", bomb(functions), NOW).await.unwrap_err();
    assert!(library.list().is_empty(), "nothing of it is kept");
    let LibraryError::Compile(error) = error else { panic!("{error:?}") };
    assert!(error.to_string().contains("make it smaller"), "{error}");
    error
}

#[tokio::test]
async fn what_takes_long_to_compile_is_stopped_by_processor_time_and_by_the_clock() {
    let limits = CompileLimits { cpu_seconds: 1, ..CompileLimits::default() };
    let error = stopped(20_000, limits).await;
    assert!(matches!(error, CompileError::TooLong(1)), "{error:?}");
    let limits = CompileLimits { time: Duration::from_millis(300), ..CompileLimits::default() };
    let error = stopped(20_000, limits).await;
    assert!(matches!(error, CompileError::TooLong(_)), "{error:?}");
}

#[tokio::test]
async fn what_compiles_to_too_much_is_stopped() {
    let limits = CompileLimits { compiled_bytes: 200_000, ..CompileLimits::default() };
    let error = stopped(500, limits).await;
    assert!(matches!(error, CompileError::TooLarge(200_000)), "{error:?}");
}

#[tokio::test]
async fn what_needs_too_much_memory_to_compile_is_stopped() {
    let limits = CompileLimits { memory_bytes: 256 << 20, ..CompileLimits::default() };
    // Enough for what people write.
    let directory = private_directory();
    let library = Library::open(engine(), directory.path(), child_with(limits)).unwrap();
    library.add("mine", builtin::components()[0].bytes.to_vec(), NOW).await.unwrap();
    let error = stopped(20_000, limits).await;
    assert!(matches!(error, CompileError::TooMuchMemory(_)), "{error:?}");
}

/// The compiling children of this process that are told this limit of memory.
#[cfg(target_os = "linux")]
fn children(memory_bytes: u64) -> usize {
    let is_child = |process: &std::fs::DirEntry| {
        let line = std::fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        line.contains("compile_child") && line.split('\0').any(|word| word == memory_bytes.to_string())
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter(is_child).count()
}

#[cfg(target_os = "linux")]
async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within 10 s: {what}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_compiled_on() {
    // Other tests compile too: this limit tells its compiler from theirs.
    let limits = CompileLimits { memory_bytes: (4 << 30) - 4096, ..CompileLimits::default() };
    let directory = private_directory();
    let library = Library::open(engine(), directory.path(), child_with(limits)).unwrap();
    let library = std::sync::Arc::new(library);
    let upload = std::sync::Arc::clone(&library);
    let upload = tokio::spawn(async move { upload.add("bomb", bomb(100_000), NOW).await });
    until("the compiler", || children(limits.memory_bytes) > 0).await;
    upload.abort();
    assert!(upload.await.unwrap_err().is_cancelled());
    until("the end of the compiler", || children(limits.memory_bytes) == 0).await;
    assert!(library.list().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn the_compiling_child_is_the_first_to_go_when_memory_runs_short() {
    use std::process::Stdio;

    let CompileMode::Child { exe, .. } = child() else { panic!() };
    let mut child = std::process::Command::new(exe)
        .args(["1000000000", "60", "1000000", "1000000", "encode"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It reads its standard input until that ends, and has limited itself before.
    let path = format!("/proc/{}/oom_score_adj", child.id());
    let is_so = (0..2000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        std::fs::read_to_string(&path).is_ok_and(|score| score.trim() == "1000")
    });
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(is_so);
}
