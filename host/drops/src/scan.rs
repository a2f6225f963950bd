//! Scanning: which cells of a board are for us, found by trying every key on every cell.
//!
//! The view tag is tried first; one X25519 for each pair of cell and key is nearly all of the work. Each cell's point is
//! lifted once for all keys. A [`Scanner`] is shared by threads: each takes cells of its own.

use subtle::ConstantTimeEq;

use crate::cell::{BoardKey, Cell, OpenError, Opened, open_shared, view_tag};
use crate::point::{Lifted, Point, Secret};

/// A private key cells are tried with.
#[derive(Clone, Debug)]
pub struct ScanKey<T> {
    /// The caller's label for the key: account and period.
    pub label: T,
    secret: Secret,
    mailbox: Point,
}

impl<T> ScanKey<T> {
    /// The key `secret`.
    #[must_use]
    pub fn new(label: T, secret: Secret) -> Self {
        let mailbox = secret.point();
        Self { label, secret, mailbox }
    }
}

/// A cell that is for one of the keys.
#[derive(Clone, Debug)]
pub struct Hit<'a, T> {
    /// Its number among the cells tried.
    pub cell: usize,
    /// The key it is for.
    pub label: &'a T,
    /// The content of the cell, or why the cell cannot be used although its view tag fits.
    pub opened: Result<Opened, OpenError>,
}

/// The keys of all accounts of a gateway, tried on the cells of one board.
#[derive(Clone, Debug)]
pub struct Scanner<T> {
    board: BoardKey,
    keys: Vec<ScanKey<T>>,
}

impl<T> Scanner<T> {
    /// Tries `keys` on cells of `board`.
    #[must_use]
    pub fn new(board: BoardKey, keys: Vec<ScanKey<T>>) -> Self {
        Self { board, keys }
    }

    /// Tries all keys on all `cells`. Call it from several threads with slices of a few dozen cells, so that mail
    /// traffic gets its turn in between.
    #[must_use]
    pub fn scan(&self, cells: &[Cell]) -> Vec<Hit<'_, T>> {
        cells.iter().enumerate().filter_map(|(number, cell)| self.try_cell(number, cell)).collect()
    }

    fn try_cell(&self, number: usize, cell: &Cell) -> Option<Hit<'_, T>> {
        let (point, view) = (cell.point(), cell.view());
        let lifted = Lifted::new(&point).ok()?;
        self.keys.iter().find_map(|key| {
            let shared = key.secret.agree_lifted(&lifted).ok()?;
            let tag = view_tag(&shared, &self.board, &point, &key.mailbox);
            bool::from(tag.ct_eq(&view)).then(|| Hit {
                cell: number,
                label: &key.label,
                opened: open_shared(cell, &self.board, &key.secret, &key.mailbox, &shared),
            })
        })
    }
}

#[cfg(test)]
mod tests;
