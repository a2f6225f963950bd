//! What stock toolchains build: WASI is imported and used, answers, and reaches nothing.

use mail::decision::policy::SubmissionAnswer;
use sandbox::{CompileMode, Library, Slot};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::defaults::submission;
use crate::setup::{Bench, NOW, anna, engine, private_directory};

/// The parts of WASI 0.2 that the module below imports, as its toolchain would know them.
const WASI: &str = "
package test:stock;
package wasi:io@VERSION {
    interface error { resource error; }
    interface streams {
        use error.{error};
        variant stream-error { last-operation-failed(error), closed }
        resource output-stream {
            blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
        }
    }
}
package wasi:cli@VERSION {
    interface environment { get-environment: func() -> list<tuple<string, string>>; }
    interface stdout {
        use wasi:io/streams@VERSION.{output-stream};
        get-stdout: func() -> output-stream;
    }
}
package wasi:clocks@VERSION {
    interface wall-clock {
        record datetime { seconds: u64, nanoseconds: u32 }
        now: func() -> datetime;
    }
}
package wasi:random@VERSION {
    interface random { get-random-u64: func() -> u64; }
}
world stock {
    import wasi:cli/environment@VERSION;
    import wasi:cli/stdout@VERSION;
    import wasi:io/streams@VERSION;
    import wasi:clocks/wall-clock@VERSION;
    import wasi:random/random@VERSION;
    include toxmail:gateway/policy@0.1.0;
}";

/// A policy as a compiler with a WASI library leaves it: before it allows a submission it reads the environment (and traps unless that is
/// empty), the clock (and traps unless it shows the time of the call), a random number, and writes to standard output.
const MODULE: &str = r#"(module
    (import "wasi:cli/environment@VERSION" "get-environment" (func $environment (param i32)))
    (import "wasi:cli/stdout@VERSION" "get-stdout" (func $stdout (result i32)))
    (import "wasi:io/streams@VERSION" "[method]output-stream.blocking-write-and-flush"
        (func $write (param i32 i32 i32 i32)))
    (import "wasi:io/streams@VERSION" "[resource-drop]output-stream" (func $drop (param i32)))
    (import "wasi:clocks/wall-clock@VERSION" "now" (func $now (param i32)))
    (import "wasi:random/random@VERSION" "get-random-u64" (func $random (result i64)))
    (memory (export "memory") 2)
    (data (i32.const 128) "hello")
    (data (i32.const 176) "\00\00\00\00\00\00\00\00\3c")
    (global $next (mut i32) (i32.const 4096))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at))
    (func (export "toxmail:gateway/policy-decisions@0.1.0#allow-submission")
        (param i32 i32) (param $time i64) (param i32 i32) (param i32 i32 i32 i32 i32) (param i32 i64) (param i64)
        (param i32 i32) (result i32) (local $stream i32)
        (call $environment (i32.const 64))
        (if (i32.load (i32.const 68)) (then unreachable))
        (call $now (i32.const 80))
        (if (i64.ne (i64.load (i32.const 80)) (i64.div_u (local.get $time) (i64.const 1000))) (then unreachable))
        (drop (call $random))
        (local.set $stream (call $stdout))
        (call $write (local.get $stream) (i32.const 128) (i32.const 5) (i32.const 96))
        (if (i32.load8_u (i32.const 96)) (then unreachable))
        (call $drop (local.get $stream))
        (i32.const 160))
    (func (export "toxmail:gateway/policy-decisions@0.1.0#accept-friend")
        (param i32 i32 i64 i32 i32) (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 1))
    (func (export "toxmail:gateway/policy-decisions@0.1.0#next-attempt")
        (param i32 i32 i64 i32 i32) (param i32 i64 i64 i32) (param i32 i32 i32 i32) (param i64 i32 i32) (result i32)
        (i32.const 176))
    (func (export "toxmail:gateway/policy-decisions@0.1.0#allow-deposit")
        (param i32 i32 i64 i32 i32) (param i32 i32 i32 i64 i64 i64 i32 i32) (result i32) (i32.const 160)))"#;

/// The component, for a patch version of WASI.
fn stock(version: &str) -> Vec<u8> {
    stock_of(MODULE, version)
}

fn stock_of(module: &str, version: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit")).unwrap();
    let package = resolve.push_str("stock.wit", &WASI.replace("VERSION", version)).unwrap();
    let world = resolve.select_world(&[package], Some("stock")).unwrap();
    let mut module = wat::parse_str(module.replace("VERSION", version)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

#[tokio::test]
async fn components_with_inert_wasi_load_and_decide() {
    // Toolchains write one or another patch version.
    for version in ["0.2.0", "0.2.6", "0.2.12"] {
        let bench = Bench::new().await;
        let added = bench.library.add("stock", stock(version), NOW).await.unwrap();
        assert_eq!(added.slots, [Slot::Policy]);
        bench.sandbox.use_component(Slot::Policy, None, added.sha256).await.unwrap();
        let answer = bench.sandbox.allow_submission(&anna(), NOW, submission()).await;
        assert_eq!(answer, Ok(SubmissionAnswer::Allow), "WASI {version}");
    }
}

#[tokio::test]
async fn the_next_wasi_is_refused_by_name() {
    let directory = private_directory();
    let library = Library::open(engine(), directory.path(), CompileMode::InProcess).unwrap();
    let refused = library.add("stock", stock("0.3.0"), NOW).await.unwrap_err().to_string();
    assert!(
        refused.contains("wasi:") && refused.contains("@0.3.0") && refused.contains("WASI 0.2"),
        "{refused}"
    );
}

#[tokio::test]
async fn handles_that_are_never_given_back_end_the_call() {
    let bench = Bench::new().await;
    // It opens standard output so often before it goes on.
    let opening = |times: u32| {
        let set = "(local.set $stream (call $stdout))";
        let open = format!(
            "(loop $again (drop (call $stdout)) (local.set $stream (i32.add (local.get $stream) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $stream) (i32.const {times})))) {set}"
        );
        stock_of(&MODULE.replace(set, &open), "0.2.6")
    };
    let few = bench.library.add("few", opening(1000), NOW).await.unwrap();
    bench.sandbox.use_component(Slot::Policy, None, few.sha256).await.unwrap();
    let answer = bench.sandbox.allow_submission(&anna(), NOW, submission()).await;
    assert_eq!(answer, Ok(SubmissionAnswer::Allow));
    // Every component is asked before it is added.
    let refused = bench.library.add("many", opening(10_000), NOW).await.unwrap_err().to_string();
    assert!(refused.contains("handle"), "{refused}");
}
