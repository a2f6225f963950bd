//! Packet numbers: 32 bits on the wire, 64 here, so that nothing has to mind the end of 32 bits.

/// The number here that stands for number 0 on the wire at the start of a session. It lies high enough
/// that a wire number slightly in the past can be told.
pub(super) const FIRST: u64 = 1 << 32;

/// What a packet carries of a number: its low half.
pub(super) fn narrow(number: u64) -> u32 {
    let [.., a, b, c, d] = number.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// The number nearest to `near` that a packet would carry as `wire`.
pub(super) fn widen(near: u64, wire: u32) -> u64 {
    let ahead = wire.wrapping_sub(narrow(near));
    near.saturating_add_signed(i64::from(ahead.cast_signed()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_near_the_other_comes_back(near in FIRST.., ahead in -40_000_i64..40_000) {
            let number = near.saturating_add_signed(ahead);
            prop_assert_eq!(widen(near, narrow(number)), number);
        }
    }

    #[test]
    fn the_end_of_32_bits_is_an_ordinary_step() {
        let last = FIRST + u64::from(u32::MAX);
        assert_eq!(narrow(last + 1), 0);
        assert_eq!(widen(last, 3), last + 4);
        assert_eq!(widen(last + 4, u32::MAX), last);
    }
}
