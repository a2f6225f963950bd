//! When friend requests are sent again.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use mail::{AccountName, PublicKey};

use crate::limits;
use crate::lock::lock;
use crate::moment::Moment;

/// When to send friend requests again that were not answered.
#[derive(Debug, Default)]
pub(crate) struct RequestSchedule(Mutex<BTreeMap<(AccountName, PublicKey), Repeat>>);

#[derive(Clone, Copy, Debug)]
struct Repeat {
    /// Monotonic milliseconds.
    due: u64,
    sent: usize,
}

impl RequestSchedule {
    pub fn sent(&self, account: &AccountName, key: PublicKey, now: Moment) {
        let mut all = lock(&self.0);
        let repeat = all.entry((account.clone(), key)).or_insert(Repeat { due: 0, sent: 0 });
        let longest = Duration::from_secs(24 * 3600);
        repeat.due = now.after(limits::REQUEST_AGAIN.get(repeat.sent).copied().unwrap_or(longest));
        repeat.sent = repeat.sent.saturating_add(1);
    }

    pub fn forget(&self, account: &AccountName, key: PublicKey) {
        lock(&self.0).remove(&(account.clone(), key));
    }

    /// The account is being removed.
    pub fn forget_account(&self, account: &AccountName) {
        lock(&self.0).retain(|(of, _), _| of != account);
    }

    pub fn due(&self, now: Moment) -> Vec<(AccountName, PublicKey)> {
        let all = lock(&self.0);
        all.iter().filter(|(_, repeat)| repeat.due <= now.mono).map(|(who, _)| who.clone()).collect()
    }

    pub fn at_once(&self, account: &AccountName, key: PublicKey) {
        if let Some(repeat) = lock(&self.0).get_mut(&(account.clone(), key)) {
            *repeat = Repeat { due: 0, sent: 0 };
        }
    }
}
