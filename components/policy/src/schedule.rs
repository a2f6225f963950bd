//! When a failed delivery is tried again.
//!
//! A recipient who is offline wakes the mail up by coming online: the wait is only a safety net and grows with
//! the mail's age. One who is online but did not take the mail has some trouble (a full mailbox, a lost
//! connection): ask again soon, then less and less often.

use crate::bindings::exports::toxmail::gateway::policy_decisions::Retry;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// First wait when the recipient is online; each further one is twice as long.
const ONLINE_FIRST: u64 = 15;

/// Longest wait when the recipient is online.
const ONLINE_LONGEST: u64 = 30 * MINUTE;

/// Seconds until the next attempt: at least 1, never past the moment the mail is given up.
pub fn wait(retry: &Retry) -> u64 {
    let wait = if retry.peer_online { online(retry.attempts) } else { offline(retry.age) };
    wait.min(retry.remaining).max(1)
}

fn online(attempts: u32) -> u64 {
    let doublings = attempts.saturating_sub(1).min(16);
    (ONLINE_FIRST << doublings).min(ONLINE_LONGEST)
}

fn offline(age: u64) -> u64 {
    match age {
        ..HOUR => 5 * MINUTE,
        HOUR..DAY => 30 * MINUTE,
        _ => 2 * HOUR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::toxmail::gateway::policy_decisions::Refusal;

    fn retry(peer_online: bool, attempts: u32, age: u64, remaining: u64) -> Retry {
        let problem = Refusal { status: "4.4.1".into(), text: "not online".into() };
        Retry { attempts, age, remaining, peer_online, problem, size: 1000, attributes: vec![] }
    }

    #[test]
    fn an_online_recipient_is_asked_soon_and_then_less_often() {
        let waits: Vec<u64> = (1..=9).map(|attempts| wait(&retry(true, attempts, 0, DAY))).collect();
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 960, 1800, 1800]);
    }

    #[test]
    fn an_offline_recipient_is_asked_by_age() {
        assert_eq!(wait(&retry(false, 1, 10, DAY)), 5 * MINUTE);
        assert_eq!(wait(&retry(false, 40, 2 * HOUR, DAY)), 30 * MINUTE);
        assert_eq!(wait(&retry(false, 90, 2 * DAY, DAY)), 2 * HOUR);
    }

    #[test]
    fn the_end_is_not_slept_through() {
        assert_eq!(wait(&retry(false, 90, 2 * DAY, 100)), 100);
        assert_eq!(wait(&retry(false, 90, 2 * DAY, 0)), 1);
    }

    #[test]
    fn extreme_numbers_do_not_overflow() {
        assert_eq!(wait(&retry(true, u32::MAX, u64::MAX, u64::MAX)), ONLINE_LONGEST);
        assert_eq!(wait(&retry(true, 0, 0, u64::MAX)), ONLINE_FIRST);
    }
}
