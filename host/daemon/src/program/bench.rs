//! `component test`: the sandbox's test bench on the command line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use sandbox::bench::{Bench, CallReport, Case, conformance_cases};
use sandbox::record::LogLevel;
use sandbox::{Awaited, Engine, Settings};
use serde_json::{Value, json};

use crate::compiler::compiler;
use crate::limits::COMPONENT_TEST_TIME;
use cli::{ClientError, Program as _, printable, read_component};
use clock::SystemClock;

/// A case and the results of its calls.
struct Ran {
    about: String,
    reports: Vec<CallReport>,
    /// Calls that were not made because [`COMPONENT_TEST_TIME`] was over.
    not_asked: usize,
}

/// Asks a component the conformance cases of its slots and those of the files. Returns what to print, and 1 as exit code if
/// anything is not as expected.
///
/// # Errors
/// If the component or a case cannot be used at all.
pub fn test(file: &Path, cases: &[PathBuf], as_json: bool) -> Result<(String, ExitCode), ClientError> {
    let input = |error: &dyn std::fmt::Display| ClientError::Input(format!("{}: {error}", file.display()));
    // Cases first: compiling takes longer.
    let cases: Vec<Case> = cases
        .iter()
        .map(|path| Case::read(path).map_err(|error| ClientError::Input(error.to_string())))
        .collect::<Result<_, _>>()?;
    let component = read_component(file, super::Toxmail::TO_COMPONENT)?;
    let engine =
        Engine::new(&Settings { threads_per_slot: 1, ..Settings::default() }, Arc::new(SystemClock::new()))
            .map_err(|error| input(&error))?;
    let compiler = compiler().map_err(|error| input(&error))?;
    let bench = Bench::new(&Arc::new(engine), &compiler, &component).map_err(|error| input(&error))?;
    let run = |case: &Case| {
        let reports = bench
            .run_within(case, COMPONENT_TEST_TIME, &Awaited::default())
            .map_err(|error| input(&error))?;
        Ok(Ran { about: case.about.clone(), not_asked: case.calls().saturating_sub(reports.len()), reports })
    };
    let conformance: Vec<Ran> = bench
        .slots()
        .into_iter()
        .map(|slot| run(&conformance_cases(slot).map_err(|error| input(&error))?))
        .collect::<Result<_, ClientError>>()?;
    let ran: Vec<Ran> = cases.iter().map(run).collect::<Result<_, ClientError>>()?;

    let slots: Vec<&str> = bench.slots().iter().map(|slot| slot.name()).collect();
    let is_right =
        |ran: &Ran| ran.not_asked == 0 && ran.reports.iter().all(|report| report.unexpected.is_none());
    let is_all_right = conformance.iter().chain(&ran).all(is_right);
    let text = if as_json {
        let value = json!({
            "size": component.len(),
            "slots": slots,
            "conformance": conformance.iter().map(to_json).collect::<Vec<_>>(),
            "cases": ran.iter().map(to_json).collect::<Vec<_>>(),
            "as_expected": is_all_right,
        });
        format!("{}\n", printable_json(&value))
    } else {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let kilobytes = component.len().div_ceil(1000);
        let mut text = format!("{}: {kilobytes} kB, for slot {}\n", printable(&name), slots.join(", "));
        for case in &conformance {
            conformance_to_text(&mut text, case);
        }
        for case in &ran {
            to_text(&mut text, case);
        }
        text.push_str(&total(&ran));
        text
    };
    Ok((text, if is_all_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}

fn to_json(ran: &Ran) -> Value {
    let call = |report: &CallReport| {
        let (answer, failure) = match &report.answer {
            Ok(answer) => (Some(answer), None),
            Err(failure) => (None, Some(failure.to_string())),
        };
        json!({
            "function": report.function,
            "answer": answer,
            "failure": failure,
            "unexpected": report.unexpected,
            "microseconds": micros(report),
            "memory_bytes": report.memory_bytes,
            "log": report.log,
        })
    };
    json!({ "case": ran.about, "not_asked": ran.not_asked, "calls": ran.reports.iter().map(call).collect::<Vec<_>>() })
}

/// JSON escapes the control characters of ASCII; what else a terminal could obey, or people could not see, is escaped here. All of it
/// stands in texts.
fn printable_json(value: &Value) -> String {
    let mut text = String::new();
    for char in format!("{value:#}").chars() {
        let mut units = [0; 2];
        if char == '\n' || printable(char.encode_utf8(&mut [0; 4])) == char.to_string() {
            text.push(char);
        } else {
            for unit in char.encode_utf16(&mut units) {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

fn micros(report: &CallReport) -> u64 {
    u64::try_from(report.duration.as_micros()).unwrap_or(u64::MAX)
}

// Writing to a String cannot fail.
fn conformance_to_text(text: &mut String, ran: &Ran) {
    let wrong = ran.reports.iter().find_map(|report| {
        report.unexpected.as_ref().map(|unexpected| format!("{}: {unexpected}", report.function))
    });
    let verdict = match wrong {
        None => format!("{} calls answered", ran.reports.len()),
        Some(wrong) => format!("WRONG  {}", printable(&wrong)),
    };
    let slowest = ran.reports.iter().map(micros).max().unwrap_or_default();
    let _ = writeln!(text, "conformance ({}): {verdict}, the slowest in {slowest} us", printable(&ran.about));
}

fn to_text(text: &mut String, ran: &Ran) {
    let _ = writeln!(text, "\n{}", printable(&ran.about));
    if ran.not_asked > 0 {
        let seconds = COMPONENT_TEST_TIME.as_secs();
        let _ = writeln!(text, "  WRONG  {} calls were not made: the others took {seconds} s", ran.not_asked);
    }
    for report in &ran.reports {
        let verdict = if report.unexpected.is_none() { "ok   " } else { "WRONG" };
        let answer = match &report.answer {
            Ok(answer) => printable(&answer.to_string()),
            Err(failure) => printable(&format!("no answer: {failure}")),
        };
        let (time, memory) = (micros(report), report.memory_bytes.div_ceil(1024));
        let _ = writeln!(text, "  {verdict}  {:<16} {time:>7} us {memory:>7} KiB  {answer}", report.function);
        if let Some(unexpected) = &report.unexpected {
            let _ = writeln!(text, "         {}", printable(unexpected));
        }
        for line in &report.log {
            let level = match line.level {
                LogLevel::Debug => "debug",
                LogLevel::Info => "info",
                LogLevel::Warn => "warn",
                LogLevel::Error => "error",
            };
            let _ = writeln!(text, "         {level}: {}", printable(&line.text));
        }
    }
}

fn total(ran: &[Ran]) -> String {
    let all: usize = ran.iter().map(|case| case.reports.len()).sum();
    let wrong =
        ran.iter().flat_map(|case| &case.reports).filter(|report| report.unexpected.is_some()).count();
    match all {
        0 => String::new(),
        _ => format!("\n{} of {all} calls as expected\n", all - wrong),
    }
}
