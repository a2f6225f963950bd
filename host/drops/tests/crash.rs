//! The cell store under `kill -9`: a board's word is worth something only if it is true after any crash.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use drops::board::Shelf;
use drops::board::shelf::{Batch, Held, NewCell, Totals};
use drops::cell::{BoardKey, Cell};
use drops::cells::CellStore;
use drops::limits::CELL_BYTES;
use drops::mailbox::Period;
use drops::token::SpentMark;
use drops::ttl::Ttl;
use mail::{PublicKey, Wall};

const BOARD: BoardKey = PublicKey([9; 32]);
const CACHE: usize = 8 * 1024 * 1024;
const IN_CHILD: &str = "DROPS_CRASH_CHILD";
const PER_BATCH: u64 = 5;

fn cell(number: u64) -> Cell {
    let mut bytes = vec![(number % 251) as u8; CELL_BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Cell::try_from(Bytes::from(bytes)).unwrap()
}

fn mark(number: u64) -> SpentMark {
    SpentMark { period: Period(1), input: cell(number).name().0 }
}

fn segment(number: u64) -> u32 {
    (number / 100) as u32
}

/// Cells `first` to `first + 4` with their marks, as one batch; every tenth batch erases an old one.
fn batch(first: u64) -> Batch {
    let cells = (first..first + PER_BATCH).map(|number| {
        let cell = cell(number);
        let held =
            Held { segment: segment(number), digest: cell.digest(), ttl: Ttl::Week, until: Wall(number) };
        NewCell { name: cell.name(), held, cell }
    });
    let erased = (first >= 500).then(|| (segment(first - 500), cell(first - 500).name()));
    Batch {
        cells: cells.collect(),
        marks: (first..first + PER_BATCH).map(mark).collect(),
        erased: erased.into_iter().collect(),
        totals: Totals { cells: first + PER_BATCH, ..Totals::default() },
        ..Batch::default()
    }
}

/// Not a test of its own: what the child process does until it is killed.
#[test]
fn child() {
    let Some(path) = std::env::var_os(IN_CHILD) else { return };
    let store = CellStore::open(Path::new(&path), &BOARD, CACHE).unwrap();
    let mut next = store.load().unwrap().totals.map_or(0, |totals| totals.cells);
    loop {
        store.commit(&batch(next)).unwrap();
        next += PER_BATCH;
        // The receipt: given only now.
        println!("receipt {next}");
    }
}

#[test]
fn no_receipt_is_given_for_anything_that_a_kill_loses() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cells.redb");
    let mut promised = 0;
    for round in 0..12_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env(IN_CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // Killed in the middle of the next commit, at another place each time.
        for _ in 0..5 + round * 3 {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the child ended by itself");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        let told = format!("{line}{rest}");
        let receipts =
            told.split("receipt ").skip(1).filter_map(|text| text.lines().next()?.parse::<u64>().ok());
        promised = receipts.max().unwrap_or(promised).max(promised);
        check(&path, promised);
    }
    assert!(promised > 500, "cells were erased too: {promised}");
}

/// Everything promised is there, nothing is there by half.
fn check(path: &Path, promised: u64) {
    let store = CellStore::open(path, &BOARD, CACHE).unwrap();
    let stored = store.load().unwrap().totals.unwrap().cells;
    assert!(stored >= promised, "{promised} promised, {stored} stored");
    let is_erased = |number: u64| number.is_multiple_of(PER_BATCH) && number + 500 < stored;
    for number in 0..stored + PER_BATCH {
        let cell = cell(number);
        let held = store.held(&cell.name()).unwrap();
        let found = store.cell(segment(number), &cell.name()).unwrap();
        let is_there = number < stored && !is_erased(number);
        assert_eq!(held.is_some(), is_there, "name {number} of {stored}");
        assert_eq!(found.map(|(_, found)| found == cell), is_there.then_some(true), "cell {number}");
        assert_eq!(store.is_spent(&mark(number)).unwrap(), number < stored, "mark {number}");
    }
    let expected = (0..stored).filter(|number| !is_erased(*number)).count() as u64;
    assert_eq!(store.cells().unwrap(), expected);
}
