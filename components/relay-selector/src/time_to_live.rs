//! How long relays hold a mail.

/// Days a relay can hold a cell.
const CLASSES: [u32; 4] = [21, 14, 7, 1];

/// The longest class that does not outlive a mail given up in `remaining` seconds; none if it lives less than a day.
pub fn class(remaining: u64) -> Option<u32> {
    let days = remaining / (24 * 3600);
    CLASSES.into_iter().find(|class| u64::from(*class) <= days)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    #[test]
    fn a_cell_never_outlives_its_mail() {
        assert_eq!(class(30 * DAY), Some(21));
        assert_eq!(class(21 * DAY - 1), Some(14));
        assert_eq!(class(7 * DAY), Some(7));
        assert_eq!(class(2 * DAY), Some(1));
        assert_eq!(class(DAY - 1), None);
    }
}
