use bytes::Bytes;
use mail::{MailId, PublicKey};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::cell::{Place, Sealer};

const BOARD: BoardKey = PublicKey([9; 32]);

fn seal(rng: &mut ChaCha20Rng, to: &Secret) -> Cell {
    let sender = Secret::from_bytes([1; 32]);
    let place = Place { mail: MailId([0; 16]), index: 0, count: 1, digest: [0; 32] };
    Sealer { sender: &sender, mailbox: &to.point(), board: &BOARD }.seal(rng, &place, b"part").unwrap()
}

#[test]
fn every_key_finds_its_own_and_nothing_else() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let keys: Vec<Secret> = (0..4).map(|_| Secret::random(&mut rng)).collect();
    // Cell n is for key n; keys 1 and 3 are ours.
    let cells: Vec<Cell> = keys.iter().map(|key| seal(&mut rng, key)).collect();
    let ours = vec![ScanKey::new("one", keys[1].clone()), ScanKey::new("three", keys[3].clone())];
    let hits: Vec<(usize, &str, bool)> = Scanner::new(BOARD, ours)
        .scan(&cells)
        .iter()
        .map(|hit| (hit.cell, *hit.label, hit.opened.is_ok()))
        .collect();
    assert_eq!(hits, [(1, "one", true), (3, "three", true)]);
}

#[test]
fn a_damaged_cell_of_ours_is_found_and_named() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let key = Secret::random(&mut rng);
    let mut bytes = seal(&mut rng, &key).bytes().to_vec();
    bytes[100] ^= 1;
    let cell = Cell::try_from(Bytes::from(bytes)).unwrap();
    let scanner = Scanner::new(BOARD, vec![ScanKey::new((), key)]);
    let hits = scanner.scan(&[cell]);
    assert_eq!(hits[0].opened, Err(OpenError::Sealed));
}

#[test]
fn threads_share_a_scanner() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let key = Secret::random(&mut rng);
    let cells: Vec<Cell> = (0..8).map(|_| seal(&mut rng, &key)).collect();
    let scanner = Scanner::new(BOARD, vec![ScanKey::new((), key)]);
    let found: usize = std::thread::scope(|scope| {
        let halves: Vec<_> = cells.chunks(4).map(|half| scope.spawn(|| scanner.scan(half).len())).collect();
        halves.into_iter().map(|half| half.join().unwrap()).sum()
    });
    assert_eq!(found, 8);
}
