use proptest::prelude::*;

use super::*;

proptest! {
    /// Any bytes get an answer: the parser neither panics nor runs away.
    #[test]
    fn any_bytes_are_slots_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), component: bool) {
        let mut file = if component { b"\0asm\x0d\0\x01\0".to_vec() } else { Vec::new() };
        file.extend(bytes);
        if let Ok(slots) = slots(&file) {
            prop_assert!(!slots.is_empty());
        }
    }

    /// Damage to a real component, too.
    #[test]
    fn a_damaged_component_is_slots_or_refused(at: prop::sample::Index, with: u8) {
        let mut file = builtin::components()[0].bytes.to_vec();
        let at = at.index(file.len());
        file[at] = with;
        if let Ok(slots) = slots(&file) {
            prop_assert_eq!(slots, [Slot::Policy]);
        }
    }
}

#[test]
fn the_defaults_fit_their_slots_and_no_other() {
    for builtin in builtin::components() {
        let slots = slots(builtin.bytes).unwrap();
        assert_eq!(slots.iter().map(|slot| slot.name()).collect::<Vec<_>>(), [builtin.slot]);
    }
}

#[test]
fn a_file_too_large_is_not_even_looked_at() {
    let bytes = vec![0; usize::try_from(COMPONENT_BYTES).unwrap() + 1];
    assert_eq!(slots(&bytes), Err(Refused::TooLarge(COMPONENT_BYTES + 1)));
}
