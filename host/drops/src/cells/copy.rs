//! A copy of what makes a board the same board: issuing keys, invitations, spent tokens. Not its cells.
//!
//! Cells are copies: who left them still has the mail. An old copy of them would be worse than none, because readers remember what
//! segments held. So the copy has one segment, an empty one, with a number that the board it is of does not reach: readers find
//! nothing that differs from what they know.

use std::path::Path;

use redb::{Builder, Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _};

use super::{
    CLOSED, CellStore, FORMAT, Failure, INVITATIONS, KEYS, MARKS, SYSTEM, commit, decode_totals,
    encode_closed, encode_totals, prepare,
};
use crate::board::shelf::{ShelfError, Totals};
use crate::cell::BoardKey;
use crate::limits::SEGMENTS_SKIPPED;
use crate::segment::ClosedSegment;

fn failed(error: impl Into<redb::Error>) -> ShelfError {
    ShelfError(error.into().to_string())
}

impl CellStore {
    /// Writes the copy into a new file at `to`. Blocks.
    ///
    /// # Errors
    /// The store cannot be read, or the file not written.
    pub fn copy_without_cells(&self, to: &Path) -> Result<(), ShelfError> {
        let guard = self.opened()?;
        let database = guard.as_ref().ok_or_else(super::unavailable)?;
        write(&database.begin_read().map_err(failed)?, to)
    }
}

/// The same of a store that nobody has open. Blocks.
///
/// # Errors
/// As [`CellStore::copy_without_cells`]; also where somebody has it open.
pub fn copy_without_cells(from: &Path, to: &Path) -> Result<(), ShelfError> {
    let database = Database::open(from).map_err(failed)?;
    write(&database.begin_read().map_err(failed)?, to)
}

fn write(from: &ReadTransaction, to: &Path) -> Result<(), ShelfError> {
    let known = head(from).map_err(|failure| ShelfError(failure.to_string()))?;
    let database = Builder::new().create(to).map_err(failed)?;
    prepare(&database, &known.0).map_err(failed)?;
    let transaction = database.begin_write().map_err(failed)?;
    copy(from, &transaction, known).map_err(failed)?;
    commit(transaction).map_err(failed)
}

/// The board it belongs to, and how far it has got.
fn head(from: &ReadTransaction) -> Result<(BoardKey, Option<Totals>), Failure> {
    let system = from.open_table(SYSTEM)?;
    let format = system.get("format")?.and_then(|value| value.value().first().copied());
    let board = system.get("board")?.and_then(|value| value.value().try_into().ok());
    let (Some(FORMAT), Some(board)) = (format, board) else { return Err(Failure::Damaged) };
    let totals = system.get("totals")?.map(|row| decode_totals(row.value())).transpose()?;
    Ok((mail::PublicKey(board), totals))
}

/// One closed segment of this number, an empty one, and nothing before it.
pub(super) fn begin_with(
    to: &redb::WriteTransaction,
    board: &BoardKey,
    number: u32,
    totals: Totals,
) -> Result<(), redb::Error> {
    let empty = ClosedSegment::new(board, number, totals.opened, &[]);
    to.open_table(CLOSED)?.insert(number, encode_closed(&empty).as_slice())?;
    let totals = Totals { open: number.saturating_add(1), ..totals };
    to.open_table(SYSTEM)?.insert("totals", encode_totals(&totals).as_slice())?;
    Ok(())
}

fn copy(
    from: &ReadTransaction,
    to: &redb::WriteTransaction,
    (board, totals): (BoardKey, Option<Totals>),
) -> Result<(), redb::Error> {
    if let Some(totals) = totals {
        let number = totals.open.saturating_add(SEGMENTS_SKIPPED);
        begin_with(
            to,
            &board,
            number,
            Totals { opened: totals.opened, day: totals.day, ..Totals::default() },
        )?;
    }
    let mut marks = to.open_table(MARKS)?;
    for row in from.open_table(MARKS)?.iter()? {
        marks.insert(row?.0.value(), ())?;
    }
    let mut invitations = to.open_table(INVITATIONS)?;
    for row in from.open_table(INVITATIONS)?.iter()? {
        let (name, invitation) = row?;
        invitations.insert(name.value(), invitation.value())?;
    }
    let mut keys = to.open_table(KEYS)?;
    for row in from.open_table(KEYS)?.iter()? {
        let (period, key) = row?;
        keys.insert(period.value(), key.value())?;
    }
    Ok(())
}
