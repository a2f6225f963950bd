//! What happened when: lines for people while it goes on, JSON at the end.

use mail::{Clock as _, Monotonic};
use serde_json::{Value, json};

use crate::console::say;
use clock::SystemClock;

/// The timeline and the checks.
pub struct Report {
    clock: SystemClock,
    print: bool,
    /// Lines kept until somebody asks for them.
    kept: Option<Vec<String>>,
    steps: Vec<(f64, String)>,
    checks: Vec<(&'static str, bool, f64)>,
}

impl Report {
    /// An empty report; `print` shows each line as it comes.
    pub fn new(print: bool) -> Self {
        Self { clock: SystemClock::new(), print, kept: None, steps: Vec::new(), checks: Vec::new() }
    }

    /// A report of what goes on at the same time; its lines are printed when it is taken in.
    pub fn beside(&self) -> Self {
        Self {
            clock: self.clock.clone(),
            print: false,
            kept: self.print.then(Vec::new),
            steps: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Takes in what went on at the same time.
    pub fn take_in(&mut self, other: Self) {
        for line in other.kept.unwrap_or_default() {
            say!("{line}");
        }
        self.steps.extend(other.steps);
        self.checks.extend(other.checks);
    }

    fn show(&mut self, line: String) {
        if self.print {
            say!("{line}");
        }
        if let Some(kept) = &mut self.kept {
            kept.push(line);
        }
    }

    /// The time.
    pub fn now(&self) -> Monotonic {
        self.clock.monotonic()
    }

    /// Seconds since the start.
    fn seconds(&self) -> f64 {
        (self.now().0.as_secs_f64() * 1000.0).round() / 1000.0
    }

    /// A headline.
    pub fn act(&mut self, title: &str) {
        self.show(format!("\n{title}"));
    }

    /// Something happened.
    pub fn step(&mut self, text: impl Into<String>) {
        let (seconds, text) = (self.seconds(), text.into());
        self.show(format!("{seconds:8.3} s  {text}"));
        self.steps.push((seconds, text));
    }

    /// Something was to hold, and did or did not; `seconds` is how long it took.
    pub fn check(&mut self, name: &'static str, held: bool, seconds: f64) {
        self.checks.push((name, held, seconds));
        if !held {
            self.step(format!("FAILED: {name}"));
        }
    }

    /// Whether everything held.
    pub fn held(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|(_, held, _)| *held)
    }

    /// The whole report.
    pub fn json(&self) -> Value {
        let checks: Vec<Value> = self
            .checks
            .iter()
            .map(|(name, held, seconds)| json!({ "name": name, "ok": held, "seconds": seconds }))
            .collect();
        let steps: Vec<Value> =
            self.steps.iter().map(|(at, text)| json!({ "at_seconds": at, "what": text })).collect();
        json!({ "ok": self.held(), "seconds": self.seconds(), "checks": checks, "timeline": steps })
    }
}
