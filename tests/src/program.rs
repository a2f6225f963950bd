//! Other people's programs.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs a program to its end, with `input` on its standard input.
///
/// # Panics
/// If it is not installed.
#[must_use]
pub fn run(directory: &Path, program: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env("HOME", directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} does not start ({error}): run tests/setup.sh tests"));
    // A program that refuses early may not read everything.
    let _ = child.stdin.take().expect("its input").write_all(input);
    child.wait_with_output().expect("it ends")
}

/// The same for a program that has to succeed; returns what it printed.
///
/// # Panics
/// If it fails.
#[must_use]
pub fn output(directory: &Path, program: &str, arguments: &[&str], input: &[u8]) -> String {
    let output = run(directory, program, arguments, input);
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success(),
        "{program} {} failed with {}:\n{text}",
        arguments.join(" "),
        output.status
    );
    text
}
