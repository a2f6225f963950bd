//! Connections that the system does not hand over: out of file descriptors, of memory.

use std::io;

use tokio::time::{Instant, sleep};

use crate::limits::{ACCEPT_PAUSE, TROUBLE_SAID_EVERY};

/// Says it once, counts, and says it again after a while; a full minute of it is one line instead of six hundred.
#[derive(Debug, Default)]
pub struct AcceptTrouble {
    /// When it was said, and how often it happened since.
    said: Option<(Instant, u64)>,
}

impl AcceptTrouble {
    /// `server` could not accept a connection. Returns after a pause: trying again at once would only burn CPU.
    pub async fn pause(&mut self, server: &str, error: &io::Error) {
        if let Some(times) = self.say(Instant::now()) {
            let minutes = TROUBLE_SAID_EVERY.as_secs() / 60;
            tracing::warn!(
                server,
                %error,
                times,
                "connections cannot be accepted; it is tried on and said again after {minutes} minutes at the earliest \
                 (too few file descriptors? `ulimit -n`, LimitNOFILE)"
            );
        }
        sleep(ACCEPT_PAUSE).await;
    }

    /// How often it happened since it was said last, if it is time to say it.
    fn say(&mut self, now: Instant) -> Option<u64> {
        match &mut self.said {
            Some((at, times)) if now.duration_since(*at) < TROUBLE_SAID_EVERY => {
                *times += 1;
                None
            }
            said => {
                let times = said.map_or(0, |(_, times)| times) + 1;
                *said = Some((now, 0));
                Some(times)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn trouble_is_said_at_once_then_counted() {
        let mut trouble = AcceptTrouble::default();
        let start = Instant::now();
        let said: Vec<(u64, u64)> = (0..1_200)
            .filter_map(|tenth| {
                let now = start + Duration::from_millis(100 * tenth);
                trouble.say(now).map(|times| (tenth / 10, times))
            })
            .collect();
        let minutes = TROUBLE_SAID_EVERY.as_secs();
        let expected = (0..120).step_by(usize::try_from(minutes).unwrap());
        let expected: Vec<(u64, u64)> =
            expected.map(|at| (at, if at == 0 { 1 } else { 10 * minutes })).collect();
        assert_eq!(said, expected);
    }
}
