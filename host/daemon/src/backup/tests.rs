use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use futures::TryStreamExt as _;

use super::*;
use crate::clock::SystemClock;

fn open(directory: &Path) -> Store {
    Store::open(directory, store::OpenOptions::new(Arc::new(SystemClock::new()))).unwrap()
}

async fn backup_of(directory: &Path) -> Vec<u8> {
    let store = open(directory);
    let archive = archive(&store, directory, Wall(1_000_000), |_| true).await.unwrap();
    let size = archive.size;
    let pieces: Vec<Bytes> = archive.pieces().try_collect().await.unwrap();
    let bytes = pieces.concat();
    assert_eq!(bytes.len() as u64, size);
    store.close();
    bytes
}

fn component() -> String {
    format!("compiled/{}.wasm", "ab".repeat(32))
}

#[tokio::test]
async fn a_directory_comes_back_without_what_is_made_anew() {
    let (place, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(place.path().join("compiled")).unwrap();
    std::fs::create_dir(place.path().join(".backup-old")).unwrap();
    for (name, text) in [
        ("config.toml", "[mail]\n"),
        ("admin-token", "x"),
        ("compiled/cache.key", "k"),
        (&component(), "wasm"),
    ] {
        std::fs::write(place.path().join(name), text).unwrap();
    }
    let bytes = backup_of(place.path()).await;
    assert!(!place.path().join(".backup-old").exists());
    let left = std::fs::read_dir(place.path()).unwrap().flatten();
    assert!(left.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with(TEMPORARY)));

    let file = target.path().join("backup.tar");
    std::fs::write(&file, &bytes).unwrap();
    let directory = target.path().join("data");
    restore(&file, &directory, &mut |_, _| {}).unwrap();
    assert_eq!(std::fs::read_to_string(directory.join("config.toml")).unwrap(), "[mail]\n");
    assert_eq!(std::fs::read_to_string(directory.join(component())).unwrap(), "wasm");
    assert!(!directory.join("admin-token").exists());
    assert!(!directory.join("compiled/cache.key").exists());
    for (path, mode) in [("", 0o700), (STORE_FILE, 0o600), ("compiled", 0o700), (&component(), 0o600)] {
        let permissions = directory.join(path).metadata().unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{path}");
    }
    open(&directory).verify().await.unwrap();

    let again = restore(&file, &directory, &mut |_, _| {}).unwrap_err().to_string();
    assert!(again.contains("not empty") && again.contains("--data"), "{again}");
}

fn archive_of(entries: &[(&str, tar::EntryType)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind) in entries {
        let mut header = tar::Header::new_gnu();
        // Not `set_path`, which refuses hostile names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(1);
        header.set_entry_type(*kind);
        header.set_cksum();
        builder.append(&header, &b"x"[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn nothing_is_written_for_what_is_no_backup() {
    let place = tempfile::tempdir().unwrap();
    let regular = tar::EntryType::Regular;
    let whole = archive_of(&[(STORE_FILE, regular)]);
    for bytes in [
        b"no archive at all".to_vec(),
        Vec::new(),
        whole[..512].to_vec(),
        archive_of(&[("config.toml", regular)]),
        archive_of(&[(STORE_FILE, regular), ("../evil", regular)]),
        archive_of(&[(STORE_FILE, regular), ("/etc/evil", regular)]),
        archive_of(&[(STORE_FILE, regular), ("compiled/../../evil", regular)]),
        archive_of(&[(STORE_FILE, tar::EntryType::Symlink)]),
        archive_of(&[(STORE_FILE, regular), (STORE_FILE, regular)]),
    ] {
        let file = place.path().join("backup.tar");
        std::fs::write(&file, &bytes).unwrap();
        let directory = place.path().join("data");
        assert!(restore(&file, &directory, &mut |_, _| {}).is_err());
        assert!(!directory.exists());
        assert!(!place.path().join("evil").exists());
    }
}
