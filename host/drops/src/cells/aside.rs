//! Sets a damaged store aside, so that the board begins again.
//!
//! Cells are copies: their senders still have the mail. The board derives its issuing keys again
//! from its identity, so its readers and guests go on using it. Invitations and spent marks are
//! lost: each token can be spent once more. A backup has both.

use std::io;
use std::path::{Path, PathBuf};

use mail::Wall;
use redb::Builder;

use super::copy::begin_with;
use super::{commit, prepare};
use crate::board::shelf::Totals;
use crate::cell::BoardKey;
use crate::stamp;

/// Moves the store of a board out of the way, under a name that is free, and makes an empty one in its place. It begins with a
/// segment number that the board did not reach before: readers remember what segments held. Returns where the old file is now.
/// Blocks; nobody may have the file open.
///
/// # Errors
/// A file cannot be moved or made; then the old one is where it was, or where the error says.
pub fn set_aside(path: &Path, board: &BoardKey, now: Wall) -> io::Result<PathBuf> {
    let aside = free_name(path)?;
    std::fs::rename(path, &aside)?;
    begin(path, board, now).map_err(io::Error::other)?;
    Ok(aside)
}

fn free_name(path: &Path) -> io::Result<PathBuf> {
    for number in 1_u32.. {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        if !Path::new(&name).try_exists()? {
            return Ok(name.into());
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn begin(path: &Path, board: &BoardKey, now: Wall) -> Result<(), redb::Error> {
    let database = Builder::new().create(path)?;
    prepare(&database, board)?;
    let transaction = database.begin_write()?;
    // Segments close far more seldom than once a second; a restored backup skips as many as twelve days have seconds.
    let number = u32::try_from(now.0 / 1000).unwrap_or(u32::MAX / 2);
    begin_with(
        &transaction,
        board,
        number,
        Totals { opened: now, day: stamp::day(now), ..Totals::default() },
    )?;
    Ok(commit(transaction)?)
}
