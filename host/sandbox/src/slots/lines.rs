//! Which versions of a component have state in an entry. Each has its own: a version that is new there begins with a copy of the state of
//! the version of its name that was live last, and one that comes back finds its own as it was.
//!
//! So what a bad version wrote, or filled, is not in the way of the version that a rollback brings back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::limits::STATE_VERSIONS;

/// A version of a component that goes live in an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateVersion {
    /// What all versions of its name have in common: `slot/entry/component`.
    pub line: String,
    /// The name of its state.
    pub space: String,
    /// State of versions that the entry may go back to.
    pub keep: Vec<String>,
}

/// What to do with state before a version goes live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The state that it begins with a copy of; None if it has its own.
    pub copy_from: Option<String>,
    /// State that no version goes back to any more.
    pub forget: Vec<String>,
}

/// The versions of each line that have state, in the order in which they were live; the last is the live one, or was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lines(BTreeMap<String, Vec<String>>);

impl Lines {
    /// What to do before a version goes live; None if nothing changes. Earlier programs kept one
    /// state for all versions of a line, under the name of the line: the first version begins with
    /// that state.
    pub fn goes_live(&mut self, version: &StateVersion) -> Option<Step> {
        let spaces = self.0.entry(version.line.clone()).or_default();
        if spaces.last() == Some(&version.space) {
            return None;
        }
        let mut step = Step::default();
        if let Some(place) = spaces.iter().position(|space| *space == version.space) {
            spaces.remove(place);
        } else {
            let last = spaces.last().unwrap_or(&version.line);
            step.copy_from = Some(last.clone());
            if spaces.is_empty() {
                step.forget.push(version.line.clone());
            }
        }
        spaces.push(version.space.clone());
        while spaces.len() > STATE_VERSIONS {
            let needed = |space: &String| *space == version.space || version.keep.contains(space);
            let Some(place) = spaces.iter().position(|space| !needed(space)) else { break };
            step.forget.push(spaces.remove(place));
        }
        Some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u32, keep: &[u32]) -> StateVersion {
        let space = |number: &u32| format!("line/{number}");
        StateVersion { line: "line".into(), space: space(&number), keep: keep.iter().map(space).collect() }
    }

    fn step(copy_from: Option<&str>, forget: &[&str]) -> Option<Step> {
        let forget = forget.iter().map(|space| (*space).to_owned()).collect();
        Some(Step { copy_from: copy_from.map(str::to_owned), forget })
    }

    #[test]
    fn a_new_version_copies_and_one_that_comes_back_has_its_own() {
        let mut lines = Lines::default();
        assert_eq!(lines.goes_live(&version(1, &[])), step(Some("line"), &["line"]));
        assert_eq!(lines.goes_live(&version(1, &[])), None);
        assert_eq!(lines.goes_live(&version(2, &[1])), step(Some("line/1"), &[]));
        assert_eq!(lines.goes_live(&version(1, &[2])), step(None, &[]));
        assert_eq!(lines.goes_live(&version(3, &[1])), step(Some("line/1"), &[]));
    }

    #[test]
    fn what_nobody_goes_back_to_is_forgotten_and_what_is_needed_stays() {
        let mut lines = Lines::default();
        for number in 1..=4 {
            lines.goes_live(&version(number, &[1]));
        }
        assert_eq!(lines.goes_live(&version(5, &[1, 4])), step(Some("line/4"), &["line/2"]));
        assert_eq!(lines.goes_live(&version(6, &[1, 3, 4, 5])), step(Some("line/5"), &[]));
        assert_eq!(lines.goes_live(&version(7, &[6])), step(Some("line/6"), &["line/1", "line/3"]));
    }

    #[test]
    fn lines_have_nothing_to_do_with_each_other() {
        let mut lines = Lines::default();
        lines.goes_live(&version(1, &[]));
        let other = StateVersion { line: "other".into(), ..version(9, &[]) };
        assert_eq!(lines.goes_live(&other), step(Some("other"), &["other"]));
    }
}
