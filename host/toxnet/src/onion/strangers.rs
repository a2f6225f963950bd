//! DHT keys of people who are no friends yet: whoever accepts a request shortly after need not wait
//! for the next.

use std::collections::VecDeque;
use std::time::Duration;

use crate::key::PublicKey;
use crate::limits;
use crate::packet::onion::DhtKey;

/// The newest of each.
#[derive(Debug, Default)]
pub(super) struct Strangers(VecDeque<(Duration, PublicKey, DhtKey)>);

impl Strangers {
    pub(super) fn put(&mut self, now: Duration, sender: PublicKey, content: DhtKey) {
        self.0.retain(|(at, other, _)| is_fresh(now, *at) && *other != sender);
        if self.0.len() >= limits::STRANGERS {
            self.0.pop_front();
        }
        self.0.push_back((now, sender, content));
    }

    pub(super) fn take(&mut self, now: Duration, sender: &PublicKey) -> Option<DhtKey> {
        let index = self.0.iter().position(|(_, other, _)| other == sender)?;
        let (at, _, content) = self.0.remove(index)?;
        is_fresh(now, at).then_some(content)
    }
}

fn is_fresh(now: Duration, at: Duration) -> bool {
    now.saturating_sub(at) < limits::STRANGER_TIME
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::List;

    #[test]
    fn the_newest_of_sixty_four_for_ten_seconds() {
        let content = |no_replay| DhtKey { no_replay, key: PublicKey([1; 32]), nodes: List::default() };
        let (mut strangers, now) = (Strangers::default(), Duration::from_secs(1000));
        for number in 0..100 {
            strangers.put(now, PublicKey([number; 32]), content(1));
            strangers.put(now, PublicKey([number; 32]), content(2));
            assert!(strangers.0.len() <= limits::STRANGERS);
        }
        assert_eq!(strangers.take(now, &PublicKey([35; 32])), None);
        assert_eq!(strangers.take(now, &PublicKey([36; 32])), Some(content(2)));
        assert_eq!(strangers.take(now, &PublicKey([36; 32])), None);
        assert_eq!(strangers.take(now + limits::STRANGER_TIME, &PublicKey([99; 32])), None);
    }
}
