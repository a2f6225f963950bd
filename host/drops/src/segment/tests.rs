use mail::PublicKey;

use super::*;
use crate::limits::DAY_SECONDS;

const BOARD: BoardKey = PublicKey([9; 32]);

fn entry(byte: u8, ttl: Ttl) -> Entry {
    Entry { name: Name([byte; 32]), ttl, digest: [byte; 32] }
}

#[test]
fn classes_leave_one_after_the_other() {
    let entries: Vec<Entry> = Ttl::ALL.iter().zip(1..).map(|(ttl, byte)| entry(byte, *ttl)).collect();
    let closed = Wall(1_000_000);
    let segment = ClosedSegment::new(&BOARD, 5, closed, &entries);
    assert_eq!(segment.editions.map(|facts| facts.count), [4, 3, 2, 1]);
    let at = |days: u64| segment.edition(Wall(closed.0 + days * DAY_SECONDS * 1000));
    assert_eq!([0, 1, 6, 7, 14, 20, 21, 400].map(at), [0, 1, 1, 2, 3, 3, 4, 4]);
    assert_eq!(segment.edition(Wall(0)), 0, "the clock went back");
    assert!(segment.facts(3).is_some() && segment.facts(4).is_none());
}

#[test]
fn the_hash_depends_on_everything() {
    let entries = [entry(1, Ttl::Week), entry(2, Ttl::Week)];
    let hash = segment_hash(&BOARD, 5, 0, &entries);
    assert_ne!(segment_hash(&PublicKey([8; 32]), 5, 0, &entries), hash);
    assert_ne!(segment_hash(&BOARD, 6, 0, &entries), hash);
    assert_ne!(segment_hash(&BOARD, 5, 1, &entries), hash);
    assert_ne!(segment_hash(&BOARD, 5, 0, &entries[..1]), hash);
    assert_ne!(segment_hash(&BOARD, 5, 0, &[entries[1], entries[0]]), hash);
    let held_longer = [entries[0], entry(2, Ttl::TwoWeeks)];
    assert_ne!(segment_hash(&BOARD, 5, 0, &held_longer), hash);
}
