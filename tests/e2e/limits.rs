//! `LIMITS.md` shows every bound of the program; this compares it with the code.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const END: &str = "<!-- end -->";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every `limits.rs` of the host, relative to the root, in order.
fn files() -> Vec<String> {
    let crates = std::fs::read_dir(root().join("host")).expect("the crates");
    let mut files: Vec<String> = crates
        .map(|entry| format!("host/{}/src/limits.rs", entry.expect("a crate").file_name().to_string_lossy()))
        .filter(|path| root().join(path).exists())
        .collect();
    files.sort();
    files
}

/// The constants of a file as rows of a table.
fn table(path: &str) -> String {
    let text = std::fs::read_to_string(root().join(path)).expect("limits.rs");
    let mut rows = "\n| bound | value | why |\n| --- | --- | --- |\n".to_owned();
    let mut reason: Vec<&str> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(words) = line.trim_start().strip_prefix("///") {
            reason.push(words.trim());
        } else if let Some(declaration) =
            line.strip_prefix("pub const ").filter(|rest| !rest.starts_with("fn "))
        {
            let mut declaration = declaration.to_owned();
            while !declaration.ends_with(';') {
                let Some(more) = lines.next() else { break };
                declaration = format!("{declaration} {}", more.trim());
            }
            let (name, value) = declaration.split_once(':').expect("a type");
            let value = value.split_once(" = ").map_or(value, |(_, value)| value).trim_end_matches(';');
            let why = reason.join(" ").replace('|', "\\|");
            assert!(!why.is_empty(), "{path}: {name} has no reason");
            let _ = writeln!(rows, "| `{name}` | `{value}` | {why} |");
            reason.clear();
        } else {
            reason.clear();
        }
    }
    rows + "\n"
}

/// The page with its tables written anew; what stands between them stays.
fn renewed(page: &str) -> String {
    let mut renewed = String::new();
    let mut rest = page;
    for path in files() {
        let start = format!("<!-- from {path} -->\n");
        let (before, behind) = rest
            .split_once(&start)
            .unwrap_or_else(|| panic!("LIMITS.md lacks the line {start}or has it out of order"));
        let (_, behind) = behind.split_once(END).unwrap_or_else(|| panic!("no end behind {start}"));
        let _ = write!(renewed, "{before}{start}{}{END}", table(&path));
        rest = behind;
    }
    renewed + rest
}

#[test]
fn the_page_of_limits_says_what_the_code_says() {
    let path = root().join("tests/LIMITS.md");
    let page = std::fs::read_to_string(&path).expect("tests/LIMITS.md");
    let renewed = renewed(&page);
    if std::env::var_os("TOXMAIL_WRITE_LIMITS").is_some() {
        std::fs::write(&path, renewed).expect("it is written");
        return;
    }
    assert!(
        page == renewed,
        "tests/LIMITS.md is not up to date: TOXMAIL_WRITE_LIMITS=1 cargo test --release -p tests the_page_of_limits"
    );
}
