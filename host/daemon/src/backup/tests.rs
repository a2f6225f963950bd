use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use futures::TryStreamExt as _;

use super::*;
use clock::SystemClock;

fn open(directory: &Path) -> Store {
    Store::open(directory, store::OpenOptions::new(Arc::new(SystemClock::new()))).unwrap()
}

async fn backup_of(directory: &Path) -> Vec<u8> {
    let store = open(directory);
    let archive = archive(&store, directory, None, Arc::new(SystemClock::new()), |_| true).await.unwrap();
    let size = archive.size;
    let pieces: Vec<Bytes> = archive.pieces().try_collect().await.unwrap();
    let bytes = pieces.concat();
    assert_eq!(bytes.len() as u64, size);
    store.close();
    bytes
}

async fn restored(backup: &Path, directory: &Path) -> Result<(), RestoreError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    restore(backup, directory, &clock, |_, _| {}).await
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
    restored(&file, &directory).await.unwrap();
    assert_eq!(std::fs::read_to_string(directory.join("config.toml")).unwrap(), "[mail]\n");
    assert_eq!(std::fs::read_to_string(directory.join(component())).unwrap(), "wasm");
    assert!(!directory.join("admin-token").exists());
    assert!(!directory.join("compiled/cache.key").exists());
    for (path, mode) in [("", 0o700), (STORE_FILE, 0o600), ("compiled", 0o700), (&component(), 0o600)] {
        let permissions = directory.join(path).metadata().unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{path}");
    }
    open(&directory).verify().await.unwrap();

    let again = restored(&file, &directory).await.unwrap_err().to_string();
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

#[tokio::test]
async fn nothing_is_written_for_what_is_no_backup() {
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
        assert!(restored(&file, &directory).await.is_err());
        assert!(!directory.exists());
        assert!(!place.path().join("evil").exists());
    }
}

/// The offer of each file is in the list, as `sha256sum --check` wants it.
#[tokio::test]
async fn a_backup_holds_keys_and_identities_and_the_sum_of_each_file() {
    let (place, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in [
        "secrets/board-identity",
        "mailbox-keys/owner_period_7",
        "mailbox-keys/owner_period_8.new",
        "secrets/.x",
    ] {
        let path = place.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, name).unwrap();
    }
    let bytes = backup_of(place.path()).await;
    let file = target.path().join("backup.tar");
    std::fs::write(&file, &bytes).unwrap();
    check(&file).unwrap();
    let directory = target.path().join("data");
    restored(&file, &directory).await.unwrap();
    for name in ["secrets/board-identity", "mailbox-keys/owner_period_7"] {
        assert_eq!(std::fs::read_to_string(directory.join(name)).unwrap(), name);
    }
    assert!(!directory.join("mailbox-keys/owner_period_8.new").exists());
    assert!(!directory.join("secrets/.x").exists());
    // Any byte that is another one is found, wherever it is, and what was written is removed.
    let store = bytes.windows(5).position(|window| window == b"redb\x1a").unwrap();
    for at in [store + 100_000, bytes.len() - 1_600] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        std::fs::write(&file, &damaged).unwrap();
        assert!(check(&file).is_err(), "{at}");
        let other = target.path().join("other");
        assert!(restored(&file, &other).await.is_err());
        assert!(!other.exists());
    }
    // So is one that was cut, also between two files.
    for end in (512..bytes.len()).step_by(512).filter(|end| *end < 4096 || *end > bytes.len() - 8192) {
        std::fs::write(&file, &bytes[..end]).unwrap();
        let other = target.path().join("other");
        let whole = bytes.len() - end <= 1024;
        assert_eq!(restored(&file, &other).await.is_ok(), whole, "{end} of {}", bytes.len());
        let _ = std::fs::remove_dir_all(other);
    }
}

#[tokio::test]
async fn one_backup_is_made_at_a_time_and_the_next_one_when_it_is_over() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path());
    let clock = || Arc::new(SystemClock::new());
    let first = archive(&store, place.path(), None, clock(), |_| true).await.unwrap();
    let second = archive(&store, place.path(), None, clock(), |_| true).await.err().unwrap();
    assert!(matches!(second, BackupError::Busy), "{second}");
    // Read to its end, or given up in the middle.
    let _: Vec<Bytes> = first.pieces().try_collect().await.unwrap();
    let third = archive(&store, place.path(), None, clock(), |_| true).await.unwrap();
    drop(third.pieces());
    archive(&store, place.path(), None, clock(), |_| true).await.unwrap();
    store.close();
}

/// What was found before: the other backup removed the copy, and the archive was made without it.
#[tokio::test]
async fn there_is_no_archive_without_a_store() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("password"), "x").unwrap();
    let lock = lock(place.path()).unwrap();
    let empty = tempfile::tempdir().unwrap();
    let (path, error) = collect(place.path(), empty.path(), Wall(1), lock).err().unwrap();
    assert!(path.ends_with(STORE_FILE));
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[tokio::test]
async fn a_backup_of_version_0_1_0_which_has_no_sums_is_still_restored() {
    let place = tempfile::tempdir().unwrap();
    open(place.path()).close();
    let mut builder = tar::Builder::new(Vec::new());
    let store = std::fs::read(place.path().join(STORE_FILE)).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(store.len() as u64);
    builder.append_data(&mut header, STORE_FILE, store.as_slice()).unwrap();
    let file = place.path().join("backup.tar");
    std::fs::write(&file, builder.into_inner().unwrap()).unwrap();
    restored(&file, &place.path().join("data")).await.unwrap();
    // As a new one it would not do.
    assert!(check(&file).is_err());
}

#[tokio::test]
async fn what_a_killed_restore_left_is_refused_and_the_next_restore_begins_anew() {
    let (place, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(place.path().join("config.toml"), "[mail]\n").unwrap();
    let file = target.path().join("backup.tar");
    std::fs::write(&file, backup_of(place.path()).await).unwrap();
    let directory = target.path().join("data");
    let killed = || {
        std::fs::create_dir_all(directory.join("secrets")).unwrap();
        for name in [".restoring", STORE_FILE, store::LOCK_FILE, "config.toml", "secrets/old"] {
            std::fs::write(directory.join(name), "half").unwrap();
        }
    };
    killed();
    let refused = refuse_unfinished(&directory).unwrap_err().to_string();
    assert!(refused.contains("toxmail restore"), "{refused}");
    restored(&file, &directory).await.unwrap();
    refuse_unfinished(&directory).unwrap();
    assert_eq!(std::fs::read_to_string(directory.join("config.toml")).unwrap(), "[mail]\n");
    assert!(!directory.join("secrets").exists());

    // Files that no restore wrote are not removed, and nothing is restored beside them.
    std::fs::remove_dir_all(&directory).unwrap();
    killed();
    std::fs::write(directory.join("my-notes"), "mine").unwrap();
    assert!(matches!(restored(&file, &directory).await.unwrap_err(), RestoreError::NotEmpty(_)));
    assert_eq!(std::fs::read_to_string(directory.join("my-notes")).unwrap(), "mine");
    assert!(!directory.join(STORE_FILE).exists());
}

#[tokio::test]
async fn of_two_restores_into_one_directory_the_second_one_is_refused() {
    let (place, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = target.path().join("backup.tar");
    std::fs::write(&file, backup_of(place.path()).await).unwrap();
    let directory = target.path().join("data");
    let first = mark::Marked::begin(&directory).unwrap();
    assert!(matches!(restored(&file, &directory).await.unwrap_err(), RestoreError::Busy(_)));
    assert!(refuse_unfinished(&directory).is_err());
    drop(first);
    restored(&file, &directory).await.unwrap();
}

#[tokio::test]
async fn a_backup_whose_store_no_gateway_could_open_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("backup.tar");
    std::fs::write(&file, archive_of(&[(STORE_FILE, tar::EntryType::Regular)])).unwrap();
    let directory = place.path().join("data");
    let refused = restored(&file, &directory).await.unwrap_err();
    assert!(matches!(refused, RestoreError::Store(_)), "{refused}");
    assert!(!directory.exists());
}
