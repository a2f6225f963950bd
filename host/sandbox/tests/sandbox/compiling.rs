//! Compiling in a child process.

use std::path::PathBuf;

use sandbox::{CompileError, CompileMode, Library, LibraryError};

use crate::setup::{NOW, engine, private_directory};

/// The example beside this test: cargo builds it with the tests.
fn child() -> CompileMode {
    let this = std::env::current_exe().unwrap();
    let exe: PathBuf = this.parent().unwrap().parent().unwrap().join("examples/compile_child");
    assert!(exe.exists(), "build the example first: cargo test builds it");
    CompileMode::Child { exe, args: vec![] }
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
    let mode = CompileMode::Child { exe: "/does/not/exist".into(), args: vec![] };
    let library = Library::open(engine(), directory.path(), mode).unwrap();
    let error = library.add("mine", builtin::components()[0].bytes.to_vec(), NOW).await.unwrap_err();
    assert!(matches!(error, LibraryError::Compile(CompileError::Failed(_))), "{error:?}");
}
