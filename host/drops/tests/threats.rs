//! The tables of OPERATING.md name the tests that hold each row: the names must exist, as tests that run.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../OPERATING.md");

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// All Rust files below a folder, build results excepted.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The tests of a file: functions with an attribute that ends in `test`, those that are ignored left out.
fn tests_of(source: &str) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    let (mut is_test, mut is_ignored) = (false, false);
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            let attribute = line.trim_start_matches("#[").split(['(', ']', ' ']).next().unwrap_or_default();
            is_test |= attribute == "test" || attribute.ends_with("::test");
            is_ignored |= attribute == "ignore";
            continue;
        }
        if let Some((_, rest)) = line.split_once("fn ") {
            // Properties stand in a macro, with their attribute above them all the same.
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            if is_test && !is_ignored {
                tests.insert(name.to_owned());
            }
        }
        (is_test, is_ignored) = (false, false);
    }
    tests
}

/// Rows of the tables that have a column of tests: the first column, and the names in the last.
fn rows() -> Vec<(String, Vec<String>)> {
    let mut rows = vec![];
    let mut is_inside = false;
    for line in PAGE.lines() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        if !line.starts_with('|') {
            is_inside = false;
        } else if cells.last() == Some(&"test") {
            is_inside = true;
        } else if is_inside && !cells[0].starts_with("---") {
            let names = cells.last().unwrap().split('`').skip(1).step_by(2).map(str::to_owned);
            rows.push((cells[0].to_owned(), names.collect()));
        }
    }
    rows
}

#[test]
fn every_row_of_the_threat_tables_names_tests_that_exist() {
    let mut files = vec![];
    for folder in ["host", "components", "tests"] {
        sources(&root().join(folder), &mut files);
    }
    let tests: BTreeSet<String> =
        files.iter().flat_map(|file| tests_of(&std::fs::read_to_string(file).unwrap())).collect();
    assert!(tests.contains("every_row_of_the_threat_tables_names_tests_that_exist"), "the search works");
    let rows = rows();
    assert!(rows.len() >= 15, "{} rows", rows.len());
    for (row, names) in rows {
        assert!(!names.is_empty(), "no test for: {row}");
        for name in names {
            assert!(tests.contains(&name), "{row}: there is no test {name} that runs");
        }
    }
}
