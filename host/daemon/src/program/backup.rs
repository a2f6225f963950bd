//! `backup` and `restore`.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use api::NoQuery;
use api::verbs::MakeBackup;
use cli::{ClientError, Gateway, Progress, Request, json_text};
use futures::StreamExt as _;
use serde_json::json;
use store::Store;

use crate::backup;
use crate::directory::DataDirectory;
use clock::SystemClock;

/// Writes a backup: through the gateway while one runs, else straight from the data directory. The
/// file gets its name only after it was read again and found good.
pub async fn make(directory: &Path, file: &Path, json: bool) -> Result<String, ClientError> {
    let gateway = match Gateway::find(directory) {
        Err(ClientError::NotRunning(_)) if directory.join(store::STORE_FILE).exists() => None,
        found => Some(found?),
    };
    let failed = failed(file);
    let place = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    if file.symlink_metadata().is_ok() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    remove_left_over(&place);
    let mut target = part_in(&place).map_err(&failed)?;
    let writing = async {
        match &gateway {
            Some(gateway) => from_gateway(gateway, target.as_file_mut(), file).await,
            None => from_directory(directory, target.as_file_mut(), file).await,
        }
    };
    let size = tokio::select! {
        written = writing => written?,
        _ = crate::signals::end_asked() => return Err(ClientError::Input("stopped: no backup was written".to_owned())),
    };
    target.as_file().sync_all().map_err(&failed)?;
    let written = target.path().to_owned();
    let checked = tokio::task::spawn_blocking(move || backup::check(&written)).await;
    checked
        .map_err(|error| ClientError::Broken(error.to_string()))?
        .map_err(|error| ClientError::Broken(format!("no backup was written: {error}")))?;
    target.persist_noclobber(file).map_err(|error| failed(error.error))?;
    File::open(&place).and_then(|place| place.sync_all()).map_err(&failed)?;
    if json {
        return json_text(&json!({ "file": file.display().to_string(), "size": size }));
    }
    Ok(format!(
        "{} written and checked, {} kB. It has secret keys and all mail: keep it where nobody else can read it.\n",
        file.display(),
        size / 1000
    ))
}

/// What a backup is called while it is being written: a name that is never mistaken for a backup.
const PREFIX: &str = ".toxmail-backup-";
const SUFFIX: &str = ".part";

/// How often a file is made again if another backup took it for left over in the moment before it
/// was locked.
const TRIES: usize = 8;

/// A file for a backup that is being written. It is removed when it is dropped, also by Ctrl-C and SIGTERM, and locked until then.
fn part_in(place: &Path) -> io::Result<tempfile::NamedTempFile> {
    for _ in 0..TRIES {
        let part = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(SUFFIX)
            .permissions(std::fs::Permissions::from_mode(0o600))
            .tempfile_in(place)?;
        let is_ours = !matches!(part.as_file().try_lock(), Err(TryLockError::WouldBlock));
        if is_ours && part.path().exists() {
            return Ok(part);
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// Removes files that killed backups left in a directory, which nobody has locked. They hold secret
/// keys and all mail. If a file cannot be removed, the backup is made all the same.
fn remove_left_over(place: &Path) {
    for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_part = name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        if !is_part || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(part) = File::open(entry.path()) else { continue };
        if part.try_lock().is_ok() {
            // It is another user's, or was removed meanwhile.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> ClientError {
    move |error| ClientError::Input(format!("{} cannot be written: {error}", path.display()))
}

async fn from_gateway(gateway: &Gateway, target: &mut File, path: &Path) -> Result<u64, ClientError> {
    let mut progress = Progress::of("writing the backup");
    let (mut written, mut expected) = (0_u64, None);
    let mut exchange = gateway.open().await?;
    exchange
        .stream(&Request::new(MakeBackup, None, &(), NoQuery {}, ())?, |piece, length| {
            target.write_all(piece).map_err(failed(path))?;
            written += piece.len() as u64;
            expected = length;
            progress.at(written, length.unwrap_or(written));
            Ok(())
        })
        .await?;
    if expected.is_some_and(|expected| expected != written) {
        return Err(ClientError::Broken("the backup is not whole".to_owned()));
    }
    Ok(written)
}

async fn from_directory(directory: &Path, target: &mut File, path: &Path) -> Result<u64, ClientError> {
    let input = |error: &dyn std::fmt::Display| ClientError::Input(error.to_string());
    backup::refuse_unfinished(directory).map_err(|error| input(&error))?;
    let clock = Arc::new(SystemClock::new());
    let options = store::OpenOptions::new(Arc::clone(&clock) as Arc<dyn mail::Clock>);
    let store = Store::open(directory, options).map_err(|error| input(&error))?;
    let mut progress = Progress::of("copying the store");
    let watch = move |at: store::Progress| {
        progress.at(at.rows, at.of);
        true
    };
    let archive = backup::archive(&store, directory, None, clock, watch).await;
    let archive = archive.map_err(|error| input(&error))?;
    let size = archive.size;
    let mut pieces = archive.pieces();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| input(&error))?;
        target.write_all(&piece).map_err(failed(path))?;
    }
    Ok(size)
}

/// Makes a data directory of a backup, and opens its store once to see that it is good.
pub async fn restore(file: &Path, directory: &Path, json: bool) -> Result<String, ClientError> {
    let shown = DataDirectory::new(directory)
        .map_err(|error| ClientError::Input(format!("{} cannot be used: {error}", directory.display())))?;
    let clock: Arc<dyn mail::Clock> = Arc::new(SystemClock::new());
    let mut progress = Progress::of("restoring");
    let restored = backup::restore(file, shown.path(), &clock, move |done, of| progress.at(done, of)).await;
    restored.map_err(|error| ClientError::Input(error.to_string()))?;
    if json {
        return json_text(&json!({ "directory": shown.path() }));
    }
    Ok(format!(
        "restored. Start it with: toxmail up --data {}\nDo not start the gateway of the backup any more: one identity cannot be in two places.\n",
        directory.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_backup_left_is_removed_and_what_another_one_writes_is_not() {
        let place = tempfile::tempdir().unwrap();
        let left = place.path().join(".toxmail-backup-killed.part");
        for name in [&left, &place.path().join("backup.tar"), &place.path().join(".toxmail-backup-mine")] {
            std::fs::write(name, "x").unwrap();
        }
        let other = part_in(place.path()).unwrap();
        remove_left_over(place.path());
        assert!(!left.exists() && other.path().exists());
        let written = other.path().to_owned();
        drop(other);
        assert!(!written.exists());
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2);
    }
}
