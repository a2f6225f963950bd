//! The data directory and its lock.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::error::OpenError;

/// The file whose lock says that a daemon uses the directory; holds its process id.
pub const LOCK_FILE: &str = "lock";

/// Longest text read from a lock file: a process id.
const PID_BYTES: u64 = 20;

/// Makes the directory (mode 0700) if it is not there, and takes access from everybody else if it is.
pub(crate) fn prepare(dir: &Path) -> Result<(), OpenError> {
    let failed = |what| move |source| OpenError::Io { what, path: dir.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed("create the directory"))?;
    let mode = std::fs::metadata(dir).map_err(failed("read the directory"))?.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))
            .map_err(failed("take access from others to"))?;
    }
    Ok(())
}

/// Takes the directory for this process. The lock lasts as long as the file is open; the system drops it when the
/// process dies.
pub(crate) fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK_FILE);
    let failed = |what| {
        let path = path.clone();
        move |source| OpenError::Io { what, path, source }
    };
    let mut file = private_file(&path).map_err(failed("open the lock file"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(OpenError::InUse { dir: dir.to_owned(), pid: holder(&mut file) });
        }
        Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
    }
    file.set_len(0).map_err(failed("write"))?;
    file.seek(SeekFrom::Start(0)).map_err(failed("write"))?;
    writeln!(file, "{}", std::process::id()).map_err(failed("write"))?;
    Ok(file)
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(PID_BYTES).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Opens a file for reading and writing, making it with mode 0600 if it is not there.
pub(crate) fn private_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Makes new names in a directory durable.
pub(crate) fn sync(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Free bytes for this user on the disk of `dir`; None where the system does not tell.
pub(crate) fn free_bytes(dir: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}
