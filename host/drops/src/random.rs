//! Small helpers on the randomness that is handed in.

use std::time::Duration;

use rand_core::RngCore;

/// A number below `end`, evenly; 0 if `end` is 0.
pub(crate) fn below(end: u64, rng: &mut impl RngCore) -> u64 {
    // The product's upper half: uneven by less than end / 2^64.
    u64::try_from((u128::from(rng.next_u64()) * u128::from(end)) >> 64).unwrap_or(0)
}

/// A time from `least` to `most`, evenly, in milliseconds.
pub(crate) fn duration_between(least: Duration, most: Duration, rng: &mut impl RngCore) -> Duration {
    let span = u64::try_from(most.saturating_sub(least).as_millis()).unwrap_or(u64::MAX);
    least + Duration::from_millis(below(span.saturating_add(1), rng))
}

/// Puts `items` into a random order (Fisher and Yates).
pub(crate) fn shuffle<T>(items: &mut [T], rng: &mut impl RngCore) {
    for last in (1..items.len()).rev() {
        let other = usize::try_from(below(last as u64 + 1, rng)).unwrap_or(0);
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn numbers_stay_below_their_end_and_reach_everything() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut counts = [0; 7];
        for _ in 0..7_000 {
            counts[below(7, &mut rng) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
        assert_eq!(below(0, &mut rng), 0);
        let (least, most) = (Duration::from_secs(3), Duration::from_secs(5));
        for _ in 0..100 {
            assert!((least..=most).contains(&duration_between(least, most, &mut rng)));
        }
        assert_eq!(duration_between(most, least, &mut rng), most, "an empty span");
    }

    #[test]
    fn shuffling_keeps_everything() {
        let mut items: Vec<u32> = (0..50).collect();
        shuffle(&mut items, &mut ChaCha20Rng::seed_from_u64(2));
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<u32>>());
    }
}
