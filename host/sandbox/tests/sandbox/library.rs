//! Uploads are checked, kept by SHA-256, and compiled once.

use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io};

use sandbox::{CompileMode, Library, LibraryError, Refused, Slot};

use crate::setup::{Bench, NOW, engine, private_directory};

fn open(directory: &std::path::Path) -> Library {
    Library::open(engine(), directory, CompileMode::InProcess).unwrap()
}

async fn refused(bytes: &[u8]) -> Refused {
    let directory = private_directory();
    let library = open(directory.path());
    match library.add("candidate", bytes.to_vec(), NOW).await {
        Err(LibraryError::Refused(refused)) => refused,
        other => panic!("{other:?}"),
    }
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn what_is_no_component_is_refused_with_advice() {
    let core = component("(module)");
    assert_eq!(refused(&core).await, Refused::CoreModule);
    assert!(refused(&core).await.to_string().contains("wasm-tools component new"));
    assert_eq!(refused(b"(component)").await, Refused::Text);
    assert_eq!(refused(b"\x7fELF\x02\x01").await, Refused::Compiled);
    assert!(matches!(refused(b"").await, Refused::NotWasm(_)));
    assert!(matches!(refused(b"\0asm\x0d\0\x01\0\x07\xff\xff\xff").await, Refused::NotWasm(_)));
    assert_eq!(refused(&component("(component)")).await, Refused::NoSlot);
}

/// A component that claims to be a policy and imports an empty instance of this name.
fn importing(import: &str) -> Vec<u8> {
    component(&format!(
        "(component
            (import \"{import}\" (instance))
            (instance $empty)
            (export \"toxmail:gateway/policy-decisions@0.1.0\" (instance $empty)))"
    ))
}

#[tokio::test]
async fn a_forbidden_import_is_named_with_what_removes_it() {
    for (import, advice) in [
        ("wasi:http/outgoing-handler@0.2.6", "--disable http"),
        ("wasi:sockets/tcp@0.2.0", "--stub-wasi"),
        ("wasi:filesystem/types@0.2.9", "wasm32-unknown-unknown"),
        ("wasi:io/streams@0.3.0", "WASI 0.2"),
        ("toxmail:gateway/dns@0.1.0", "the slot grants types, log, state"),
        ("somebody:else/thing", "leave it out"),
    ] {
        let refused = refused(&importing(import)).await;
        let text = refused.to_string();
        assert!(matches!(refused, Refused::Forbidden { slot: Slot::Policy, .. }), "{text}");
        assert!(text.contains(import) && text.contains(advice), "{text}");
    }
}

#[tokio::test]
async fn another_version_of_the_interface_is_told() {
    let newer = "(component
        (instance $empty)
        (export \"toxmail:gateway/policy-decisions@0.9.0\" (instance $empty)))";
    assert!(
        matches!(refused(&component(newer)).await, Refused::OtherVersion(name) if name.contains("0.9.0"))
    );
    let import = importing("toxmail:gateway/log@0.2.0");
    assert!(matches!(refused(&import).await, Refused::OtherVersion(_)));
}

#[tokio::test]
async fn an_interface_without_its_functions_does_not_fit() {
    // Inert WASI is no reason to refuse it; that it exports none of the functions is.
    let empty = importing("wasi:io/streams@0.2.12");
    assert!(matches!(refused(&empty).await, Refused::WrongTypes(_)));
}

#[tokio::test]
async fn components_are_found_by_name_and_digest_also_after_a_restart() {
    let directory = private_directory();
    let library = open(directory.path());
    let bytes = builtin::test_guests()[0].bytes.to_vec();
    let added = library.add("mine", bytes, NOW).await.unwrap();
    assert_eq!((added.slots.as_slice(), added.builtin), ([Slot::Policy].as_slice(), false));
    drop(library);

    let library = open(directory.path());
    assert_eq!(library.find("mine").unwrap(), added);
    assert_eq!(library.find(&added.sha256.to_string()).unwrap(), added);
    assert_eq!(library.find(&added.sha256.to_string()[..8]).unwrap(), added);
    assert!(matches!(library.find("other"), Err(LibraryError::Unknown(_))));
    library.remove(added.sha256).await.unwrap();
    assert!(library.list().is_empty());
    let left: Vec<_> = names(directory.path()).into_iter().filter(|name| name != "cache.key").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_name_is_a_plain_word() {
    let directory = private_directory();
    let library = open(directory.path());
    for name in ["", "../x", "a b", &"a".repeat(65), &"ab".repeat(32)] {
        let refused = library.add(name, vec![], NOW).await;
        assert!(matches!(refused, Err(LibraryError::InvalidName(_))), "{name}");
    }
}

#[test]
fn a_directory_others_can_use_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let directory = private_directory();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let error = Library::open(engine(), directory.path(), CompileMode::InProcess).unwrap_err();
    assert!(error.to_string().contains("chmod 700"), "{error}");
}

fn names(directory: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn compiled_form(directory: &std::path::Path) -> PathBuf {
    let name = names(directory).into_iter().find(|name| name.ends_with(".compiled")).unwrap();
    directory.join(name)
}

/// When the file was written: by another write it gets another number on disk.
fn inode(path: &std::path::Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(path)?.ino())
}

async fn add_policy(directory: &std::path::Path) -> PathBuf {
    let policy = &builtin::components()[0];
    open(directory).add_builtin(policy.name, policy.bytes).await.unwrap();
    compiled_form(directory)
}

#[tokio::test]
async fn a_compiled_form_is_used_again() {
    let directory = private_directory();
    let path = add_policy(directory.path()).await;
    let first = inode(&path).unwrap();
    add_policy(directory.path()).await;
    assert_eq!(inode(&path).unwrap(), first, "it was not written again");
}

#[tokio::test]
async fn a_changed_compiled_form_is_made_anew_and_never_loaded() {
    use std::os::unix::fs::PermissionsExt;
    let directory = private_directory();
    let path = add_policy(directory.path()).await;
    let genuine = fs::read(&path).unwrap();
    let mut changed = genuine.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for damaged in [changed, genuine[..100].to_vec(), Vec::new()] {
        fs::write(&path, damaged).unwrap();
        add_policy(directory.path()).await;
        assert_eq!(fs::read(&path).unwrap(), genuine);
    }
    // Written by this user, but others could have changed it.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    add_policy(directory.path()).await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // A link leads anywhere.
    let elsewhere = directory.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    add_policy(directory.path()).await;
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
}

#[tokio::test]
async fn a_compiled_form_of_another_gateway_is_not_loaded() {
    let ours = private_directory();
    let theirs = private_directory();
    let our_file = add_policy(ours.path()).await;
    let their_file = add_policy(theirs.path()).await;
    let genuine = fs::read(&our_file).unwrap();
    fs::copy(&their_file, &our_file).unwrap();
    add_policy(ours.path()).await;
    assert_eq!(fs::read(&our_file).unwrap(), genuine);
}

#[tokio::test]
async fn a_damaged_component_file_is_told() {
    let directory = private_directory();
    let library = Arc::new(open(directory.path()));
    let added = library.add("mine", builtin::test_guests()[0].bytes.to_vec(), NOW).await.unwrap();
    fs::remove_file(compiled_form(directory.path())).unwrap();
    let file = directory.path().join(format!("{}.wasm", added.sha256));
    let mut bytes = fs::read(&file).unwrap();
    bytes.pop();
    fs::write(&file, bytes).unwrap();
    let bench = Bench::new().await;
    let mut config = bench.sandbox.config();
    config.entries[0].component = added.sha256;
    for builtin in builtin::components() {
        library.add_builtin(builtin.name, builtin.bytes).await.unwrap();
    }
    let started = sandbox::Sandbox::start(
        engine(),
        library,
        crate::setup::capabilities(&bench.world),
        Arc::clone(&bench.world) as _,
        config,
    )
    .await
    .unwrap();
    let status = started.status()[0].clone();
    assert_eq!(status.name, "default-policy", "the gateway starts with the built-in one");
    let why = status.fallback.unwrap().why;
    assert!(why.contains("damaged"), "{why}");
}

#[tokio::test]
async fn compiled_forms_that_nothing_uses_are_swept() {
    let directory = private_directory();
    let used = add_policy(directory.path()).await;
    let mine = builtin::test_guests()[0].bytes.to_vec();
    open(directory.path()).add("mine", mine, NOW).await.unwrap();
    // Of a component that is gone, of another engine, and half written.
    let of_another_engine =
        used.to_str().unwrap().replace(".compiled", "").rsplit_once('-').unwrap().0.to_owned();
    let left = [
        directory.path().join(format!("{}-01234567.compiled", "ab".repeat(32))),
        PathBuf::from(format!("{of_another_engine}-01234567.compiled")),
        directory.path().join(".new-abc"),
    ];
    for path in &left {
        fs::write(path, "x").unwrap();
    }
    let library = open(directory.path());
    let policy = &builtin::components()[0];
    library.add_builtin(policy.name, policy.bytes).await.unwrap();
    let (before, inode_before) = (names(directory.path()).len(), inode(&used).unwrap());
    library.sweep().await;
    assert_eq!(names(directory.path()).len(), before - left.len());
    assert!(left.iter().all(|path| !path.exists()));
    assert_eq!(inode(&used).unwrap(), inode_before);
    assert!(library.find("mine").is_ok() && open(directory.path()).find("mine").is_ok());
}
