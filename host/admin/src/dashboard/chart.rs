//! Bar charts as paths of SVG.

use std::fmt::Write as _;

/// A chart: one bar for each value, in a square that the page stretches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chart {
    pub(super) title: &'static str,
    /// What the chart says in a sentence, for those who do not see it and above it for those who do.
    pub(super) summary: String,
    /// The highest value with its unit; None where all are zero.
    pub(super) highest: Option<String>,
    /// Width of the drawing: a unit for each value. Its height is 100.
    pub(super) width: usize,
    pub(super) path: String,
}

impl Chart {
    /// The chart of `values`; `label` writes one of them with its unit.
    pub(super) fn new(
        title: &'static str,
        summary: String,
        values: &[u64],
        label: impl Fn(u64) -> String,
    ) -> Self {
        let highest = values.iter().copied().max().unwrap_or(0);
        let mut path = String::new();
        for (index, value) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
            // A bar that is there is seen, however small.
            let height = (value.saturating_mul(100) / highest).max(2);
            // Writing to a String cannot fail.
            let _ = write!(path, "M{index}.1 100v-{height}h.8v{height}z");
        }
        Self { title, summary, highest: (highest > 0).then(|| label(highest)), width: values.len(), path }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_values() {
        let chart = Chart::new("x", String::new(), &[0, 50, 200, 1], |value| format!("{value} mails"));
        assert_eq!(chart.path, "M1.1 100v-25h.8v25zM2.1 100v-100h.8v100zM3.1 100v-2h.8v2z");
        assert_eq!((chart.width, chart.highest.as_deref()), (4, Some("200 mails")));
        let none = Chart::new("x", String::new(), &[0, 0], |value| value.to_string());
        assert_eq!((none.path.as_str(), none.highest), ("", None));
    }
}
