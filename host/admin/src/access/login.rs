//! Passwords of the browser's users: who checks them, and how often one may be tried.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mail::{AccountName, Monotonic};

use crate::limits::{LOGIN_FAILURES, LOGIN_FAILURES_PER_NAME, LOGIN_WINDOW};
use crate::management::Result;

/// Checks the passwords that open mail and web: implemented by the daemon.
#[async_trait]
pub trait Login: Send + Sync + 'static {
    /// The account, if this is its name (or mail address) and its password; None otherwise.
    ///
    /// # Errors
    /// The gateway could not look it up.
    async fn check(&self, login: &str, password: &str) -> Result<Option<AccountName>>;

    /// Where a user finds the right password, in one sentence; it is shown to whoever asks, so it is no secret.
    fn hint(&self) -> String;
}

/// Counts logins within the last [`LOGIN_WINDOW`], so that passwords cannot be guessed.
///
/// A login counts from its start and is forgotten when it succeeds: many at the same time get no further than many in a row.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    all: VecDeque<(Monotonic, u64)>,
    /// The attempts of each name; no more of them than `all` has.
    names: HashMap<String, VecDeque<(Monotonic, u64)>>,
    next: u64,
}

/// A login that has begun.
#[derive(Debug)]
pub(crate) struct Attempt {
    name: String,
    number: u64,
}

impl Attempts {
    /// Begins a login.
    ///
    /// # Errors
    /// Too many failed: how long to wait.
    pub(crate) fn begin(&self, name: &str, now: Monotonic) -> std::result::Result<Attempt, Duration> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.forget_before(now);
        let name = name.to_ascii_lowercase();
        let of_name = window.names.get(&name);
        let blocking = [(Some(&window.all), LOGIN_FAILURES), (of_name, LOGIN_FAILURES_PER_NAME)];
        let wait = blocking
            .into_iter()
            .filter_map(|(attempts, most)| attempts.filter(|attempts| attempts.len() >= most)?.front())
            .map(|(oldest, _)| LOGIN_WINDOW.saturating_sub(now.since(*oldest)))
            .max();
        if let Some(wait) = wait {
            return Err(wait);
        }
        let number = window.next;
        window.next += 1;
        window.all.push_back((now, number));
        window.names.entry(name.clone()).or_default().push_back((now, number));
        Ok(Attempt { name, number })
    }

    /// The login succeeded: neither it nor what failed before under this name counts against its user any more.
    pub(crate) fn succeeded(&self, attempt: &Attempt) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.names.remove(&attempt.name);
        window.all.retain(|(_, number)| *number != attempt.number);
    }
}

impl Window {
    fn forget_before(&mut self, now: Monotonic) {
        let is_old = |(at, _): &(Monotonic, u64)| now.since(*at) >= LOGIN_WINDOW;
        while self.all.front().is_some_and(is_old) {
            self.all.pop_front();
        }
        self.names.retain(|_, attempts| {
            while attempts.front().is_some_and(is_old) {
                attempts.pop_front();
            }
            !attempts.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    #[test]
    fn a_name_may_fail_some_times_and_then_waits() {
        let attempts = Attempts::default();
        for second in 0..LOGIN_FAILURES_PER_NAME as u64 {
            attempts.begin("anna", at(second)).unwrap();
        }
        assert_eq!(attempts.begin("ANNA", at(60)).unwrap_err(), LOGIN_WINDOW - Duration::from_secs(60));
        assert!(attempts.begin("bob", at(60)).is_ok());
        assert!(attempts.begin("anna", at(LOGIN_WINDOW.as_secs())).is_ok());
    }

    #[test]
    fn success_forgives() {
        let attempts = Attempts::default();
        for _ in 0..LOGIN_FAILURES + 1 {
            let attempt = attempts.begin("anna", at(1)).unwrap();
            attempts.succeeded(&attempt);
        }
    }

    #[test]
    fn all_names_together_have_a_bound() {
        let attempts = Attempts::default();
        for number in 0..LOGIN_FAILURES {
            attempts.begin(&format!("name{number}"), at(1)).unwrap();
        }
        assert_eq!(attempts.begin("another", at(2)).unwrap_err(), LOGIN_WINDOW - Duration::from_secs(1));
        assert!(attempts.begin("another", at(1 + LOGIN_WINDOW.as_secs())).is_ok());
    }
}
