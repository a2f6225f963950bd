use super::*;

#[test]
fn bytes_are_taken_only_at_the_end() {
    let mut growing = Growing::default();
    growing.begin(1, Owner::Staged, 0);
    assert!(growing.append(1, 0, b"abc"));
    assert!(!growing.append(1, 0, b"abc"));
    assert!(!growing.append(1, 4, b"abc"));
    assert!(!growing.append(2, 0, b"abc"));
    assert_eq!(growing.get(1).map(Grow::end), Some(3));
}

#[test]
fn what_is_written_leaves_memory_and_is_saved_later() {
    let mut growing = Growing::default();
    growing.begin(1, Owner::Staged, 100);
    assert!(growing.append(1, 100, &[7; ROW_BYTES + 10]));
    assert_eq!(growing.get(1).map(|grow| grow.whole_rows().len()), Some(ROW_BYTES));
    growing.advance(1, ROW_BYTES);
    assert_eq!(growing.get(1).map(|grow| grow.buffer().len()), Some(10));
    assert_eq!(growing.unsaved(), ROW_BYTES as u64 + 10);
    growing.saved();
    assert_eq!(growing.unsaved(), 10);
    growing.advance(1, 10);
    growing.saved();
    assert!(growing.get(1).is_some_and(|grow| !grow.is_unsaved() && grow.end() == 110 + ROW_BYTES as u64));
}

#[test]
fn much_in_memory_asks_for_rows() {
    let mut growing = Growing::default();
    for body in 0..100 {
        growing.begin(body, Owner::Staged, 0);
        assert!(!growing.must_spill());
        assert!(growing.append(body, 0, &[0; SMALL_BODY_BYTES - 1]));
        if growing.must_spill() {
            assert!((body + 1) as usize * SMALL_BODY_BYTES > GROWING_MEMORY_BYTES);
            growing.clear();
            assert!(!growing.must_spill());
            return;
        }
    }
    panic!("100 bodies of 64 KiB fit in the bound");
}
