use std::io;
use std::sync::{Arc, Mutex};

use mail::PublicKey;

use super::*;
use crate::board::shelf::{MemoryShelf, NewCell};
use crate::limits::CELL_BYTES;

const BOARD: BoardKey = PublicKey([9; 32]);
const CACHE: usize = 8 * 1024 * 1024;

fn new_cell(number: u32, segment: u32) -> NewCell {
    let mut bytes = vec![0_u8; CELL_BYTES];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    let cell = Cell::try_from(Bytes::from(bytes)).unwrap();
    let ttl = Ttl::ALL[number as usize % 4];
    let held = Held { segment, digest: cell.digest(), ttl, until: Wall(u64::from(number)) };
    NewCell { name: cell.name(), held, cell }
}

fn closed(number: u32) -> ClosedSegment {
    let facts = |byte: u8| EditionFacts { count: u16::from(byte), hash: [byte; 32] };
    ClosedSegment { number, closed: Wall(77), editions: [facts(4), facts(3), facts(2), facts(1)] }
}

/// Batches that use every table, and take back some of it.
fn batches() -> Vec<Batch> {
    let mark = |period: u32| SpentMark { period: Period(period), input: [period as u8; 32] };
    let invitation = Invitation { period: Period(5), issued: 6 };
    let totals = |cells: u64| Totals { cells, day: 1, open: 2, opened: Wall(3), ..Totals::default() };
    vec![
        Batch {
            cells: (0..20).map(|number| new_cell(number, 1 + number % 3)).collect(),
            marks: vec![mark(1), mark(2), mark(3)],
            invitations: vec![([1; 32], invitation), ([2; 32], invitation)],
            closed: Some(closed(1)),
            keys: vec![(Period(1), [1; 32]), (Period(2), [2; 32]), (Period(3), [3; 32])],
            totals: totals(20),
            ..Batch::default()
        },
        Batch { closed: Some(closed(2)), totals: totals(20), ..Batch::default() },
        Batch {
            cells: vec![new_cell(50, 4)],
            erased: (0..5).map(|number| (1 + number % 3, new_cell(number, 0).name)).collect(),
            uninvited: vec![[1; 32]],
            gone: vec![1],
            keys_before: Some(Period(2)),
            totals: totals(16),
            ..Batch::default()
        },
    ]
}

/// Everything a shelf can be asked, as text, for comparing.
fn content(shelf: &impl Shelf) -> String {
    let loaded = shelf.load().unwrap();
    let mut text = format!("{loaded:?}\n");
    for segment in 0..6 {
        for entry in shelf.entries(segment).unwrap() {
            let cell = shelf.cell(segment, &entry.name).unwrap().unwrap();
            text += &format!("{segment} {entry:?} {:?} {:?}\n", shelf.held(&entry.name), cell.1.digest());
        }
    }
    for number in 0..60 {
        text += &format!("{:?}\n", shelf.held(&new_cell(number, 0).name));
    }
    for period in 0..5 {
        let mark = SpentMark { period: Period(period), input: [period as u8; 32] };
        text += &format!("{:?}\n", shelf.is_spent(&mark));
    }
    text
}

#[test]
fn the_disk_answers_as_memory_does_also_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cells.redb");
    let memory = MemoryShelf::default();
    let mut disk = CellStore::open(&path, &BOARD, CACHE).unwrap();
    assert_eq!(content(&disk), content(&memory));
    for batch in batches() {
        memory.commit(&batch).unwrap();
        disk.commit(&batch).unwrap();
        assert_eq!(content(&disk), content(&memory));
        drop(disk);
        disk = CellStore::open(&path, &BOARD, CACHE).unwrap();
        assert_eq!(content(&disk), content(&memory));
    }
    assert_eq!(disk.cells().unwrap(), 16);
}

#[test]
fn another_boards_file_a_newer_one_and_garbage_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cells.redb");
    drop(CellStore::open(&path, &BOARD, CACHE).unwrap());
    let other = CellStore::open(&path, &PublicKey([8; 32]), CACHE).unwrap_err();
    assert!(matches!(other, OpenError::OtherBoard { .. }), "{other}");
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(SYSTEM).unwrap().insert("format", &[FORMAT + 1][..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let newer = CellStore::open(&path, &BOARD, CACHE).unwrap_err();
    assert!(matches!(newer, OpenError::NewerFormat { found: 2, .. }), "{newer}");
    let garbage = dir.path().join("garbage");
    std::fs::write(&garbage, b"not a database at all").unwrap();
    let error = CellStore::open(&garbage, &BOARD, CACHE).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[test]
fn two_openings_of_one_file_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cells.redb");
    let _first = CellStore::open(&path, &BOARD, CACHE).unwrap();
    assert!(matches!(CellStore::open(&path, &BOARD, CACHE), Err(OpenError::File { .. })));
}

#[test]
fn a_cell_takes_one_page() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cells.redb");
    let disk = CellStore::open(&path, &BOARD, CACHE).unwrap();
    for first in (0..2_000).step_by(100) {
        let cells = (first..first + 100).map(|number| new_cell(number, 1 + number / 500)).collect();
        disk.commit(&Batch { cells, ..Batch::default() }).unwrap();
    }
    let transaction = disk.opened().unwrap().as_ref().unwrap().begin_write().unwrap();
    let stats = transaction.stats().unwrap();
    let used = stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
    let per_cell = used as f64 / 2_000.0 / CELL_BYTES as f64;
    assert!(per_cell < 1.1, "{per_cell}");
}

/// A disk that fails at a chosen call, and whose power can be cut: of what was written since the last sync only some arrives.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<DiskState>>);

#[derive(Debug, Default)]
struct DiskState {
    now: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
    calls: usize,
    fails_at: Option<usize>,
}

impl Disk {
    fn with<T>(&self, f: impl FnOnce(&mut DiskState) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    /// Counts a call that changes something; from the chosen one on, all fail.
    fn change(&self, f: impl FnOnce(&mut DiskState)) -> io::Result<()> {
        self.with(|state| {
            state.calls += 1;
            if state.fails_at.is_some_and(|fails_at| state.calls > fails_at) {
                return Err(io::Error::other("the disk fails"));
            }
            f(state);
            Ok(())
        })
    }

    /// What a new machine would find: everything synced, and every `keep`-th write after that.
    fn cut_power(&self, keep: usize) -> Self {
        self.with(|state| {
            let mut left = state.synced.clone();
            for (number, (offset, data)) in state.unsynced.iter().enumerate() {
                if number % keep == 0 {
                    left.resize(left.len().max(offset + data.len()), 0);
                    left[*offset..offset + data.len()].copy_from_slice(data);
                }
            }
            Self(Arc::new(Mutex::new(DiskState { now: left.clone(), synced: left, ..DiskState::default() })))
        })
    }

    fn open(&self) -> Result<CellStore, OpenError> {
        let disk = self.clone();
        let opener = move || Builder::new().set_cache_size(CACHE).create_with_backend(disk.clone());
        CellStore::open_with(Path::new("disk"), &BOARD, Box::new(opener))
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.with(|state| state.now.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let from = offset as usize;
        self.with(|state| out.copy_from_slice(&state.now[from..from + out.len()]));
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|state| {
            state.now.resize(len as usize, 0);
            state.synced.resize(len as usize, 0);
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(|state| {
            state.synced = state.now.clone();
            state.unsynced.clear();
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(|state| {
            let from = offset as usize;
            state.now[from..from + data.len()].copy_from_slice(data);
            state.unsynced.push((from, data.to_vec()));
        })
    }
}

#[test]
fn whatever_call_fails_and_wherever_the_power_is_cut_batches_are_whole_and_receipts_true() {
    // What a shelf holds after each number of batches.
    let mut contents = vec![];
    let memory = MemoryShelf::default();
    contents.push(content(&memory));
    for batch in batches() {
        memory.commit(&batch).unwrap();
        contents.push(content(&memory));
    }
    let untroubled = Disk::default();
    let store = untroubled.open().unwrap();
    let before = untroubled.with(|state| state.calls);
    batches().iter().for_each(|batch| store.commit(batch).unwrap());
    let calls = untroubled.with(|state| state.calls);
    assert!(calls > before + 10);
    for fails_at in before..calls {
        let disk = Disk::default();
        let store = disk.open().unwrap();
        disk.with(|state| state.fails_at = Some(fails_at));
        let receipts = batches().iter().take_while(|batch| store.commit(batch).is_ok()).count();
        for keep in [1, 2, 3, usize::MAX] {
            let found = content(&disk.cut_power(keep).open().unwrap());
            let stands = contents.iter().position(|content| *content == found);
            // What was not receipted may have become durable all the same.
            assert!(
                stands.is_some_and(|stands| stands == receipts || stands == receipts + 1),
                "call {fails_at}, {receipts} receipts, {stands:?}"
            );
        }
        // The disk works again: the store goes on by itself.
        disk.with(|state| state.fails_at = None);
        for batch in batches().iter().skip(receipts) {
            store.commit(batch).unwrap();
        }
        assert_eq!(content(&store), *contents.last().unwrap(), "call {fails_at}");
    }
}

#[test]
fn whoever_opens_the_store_says_whether_there_is_room_for_cells() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cells.redb");
    let has_room = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let asked = Arc::clone(&has_room);
    let room = move || asked.load(std::sync::atomic::Ordering::Relaxed);
    let store = CellStore::open(&path, &BOARD, CACHE).unwrap().within(Box::new(room));
    assert!(!store.has_room());
    has_room.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(store.has_room());
}

/// Open or not, the copy is the same board, without cells, and beyond any segment that readers know.
#[test]
fn a_copy_without_cells_keeps_keys_invitations_and_spent_tokens_and_shows_no_known_segment() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy, cold) = (dir.path().join("cells"), dir.path().join("copy"), dir.path().join("cold"));
    let disk = CellStore::open(&path, &BOARD, CACHE).unwrap();
    batches().iter().for_each(|batch| disk.commit(batch).unwrap());
    disk.copy_without_cells(&copy).unwrap();
    let before = disk.load().unwrap();
    drop(disk);
    copy_without_cells(&path, &cold).unwrap();
    for path in [copy, cold] {
        let copied = CellStore::open(&path, &BOARD, CACHE).unwrap();
        let loaded = copied.load().unwrap();
        assert_eq!((&loaded.invitations, &loaded.keys), (&before.invitations, &before.keys));
        assert!(!loaded.keys.is_empty() && !loaded.invitations.is_empty());
        assert!(copied.is_spent(&SpentMark { period: Period(3), input: [3; 32] }).unwrap());
        assert_eq!(copied.cells().unwrap(), 0);
        let totals = loaded.totals.unwrap();
        let [only] = loaded.closed.as_slice() else { panic!("{:?}", loaded.closed) };
        // Readers want: the oldest segment, the last one, and one after the other.
        assert_eq!((totals.cells, totals.open), (0, only.number + 1));
        assert!(only.number > 1_000_000);
    }
    let other = CellStore::open(&dir.path().join("copy"), &PublicKey([1; 32]), CACHE);
    assert!(matches!(other, Err(OpenError::OtherBoard { .. })));
}
