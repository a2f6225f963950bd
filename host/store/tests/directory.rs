//! The data directory: modes, lock, formats, damage.

#![allow(clippy::unwrap_used, reason = "what fails here is a failed test")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use redb::{Database, TableDefinition};
use store::{LOCK_FILE, OpenError, STORE_FILE, Store};

mod common;

use common::{assert_sound, open, options, with_accounts};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn everything_is_private() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("a/b");
    let store = with_accounts(&dir).await;
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&dir.join(STORE_FILE)), 0o600);
    assert_eq!(mode(&dir.join(LOCK_FILE)), 0o600);
    drop(store);
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    let store = open(&dir);
    assert_eq!(mode(&dir), 0o700);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_second_opening_is_refused_with_the_pid() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let error = Store::open(dir.path(), options()).unwrap_err();
    let pid = std::process::id();
    assert!(matches!(error, OpenError::InUse { pid: Some(found), .. } if found == pid), "{error}");
    assert!(error.to_string().contains(&format!("process {pid}")), "{error}");
    // A handle that is closed frees the directory, also while clones are around.
    let clone = store.clone();
    store.close();
    open(dir.path());
    assert_eq!(clone.mailbox_count(&common::alice()).await, Err(store::Error::Closed));
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    set_format(dir.path(), store::FORMAT + 1);
    let error = Store::open(dir.path(), options()).unwrap_err();
    assert!(error.to_string().contains("install the newer version"), "{error}");
    let newer = store::FORMAT + 1;
    assert!(
        matches!(error, OpenError::NewerFormat { found, known: store::FORMAT, .. } if found == newer),
        "{error}"
    );
    set_format(dir.path(), store::FORMAT);
    drop(open(dir.path()));
}

fn set_format(dir: &Path, format: u64) {
    let system: TableDefinition<'_, &str, u64> = TableDefinition::new("system");
    let database = Database::open(dir.join(STORE_FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(system).unwrap().insert("format", format).unwrap();
    transaction.commit().unwrap();
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(STORE_FILE);
    for content in [b"not a store at all".to_vec(), vec![0; 100_000], vec![0xA5; 100_000]] {
        std::fs::write(&file, &content).unwrap();
        let error = Store::open(dir.path(), options()).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("restore it from a backup"), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), content);
    }
}

#[test]
fn a_database_of_somebody_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(Database::create(dir.path().join(STORE_FILE)).unwrap());
    let error = Store::open(dir.path(), options()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[test]
fn a_first_start_that_was_cut_off_is_repeated() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("store.new"), b"half").unwrap();
    drop(open(dir.path()));
    assert!(!dir.path().join("store.new").exists());
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), b"").unwrap();
    let error = Store::open(dir.path().join("file/data"), options()).unwrap_err();
    assert!(error.to_string().contains("file/data"), "{error}");
}
