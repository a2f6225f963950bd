//! The component that chooses boards.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mail::AccountName;

use crate::ports::{BoardFacts, ChosenBoard, Failure, Plan, Selector, SessionIdentity, WaitingMail};
use crate::shared::lock;

/// Three boards the recipient reads; where that is not known, three the user chose. As the default component does.
#[derive(Default)]
pub(crate) struct FakeSelector {
    /// Wants the own identity everywhere.
    pub shows_itself: AtomicBool,
    /// Days cells are to be held, where that is not as usual.
    pub ttl_days: Mutex<Option<u32>>,
    /// Mails it was asked about again, after silence.
    pub reposts: AtomicU64,
    /// What was offered last.
    pub offered: Mutex<Vec<BoardFacts>>,
}

#[async_trait]
impl Selector for FakeSelector {
    async fn select(
        &self,
        _account: &AccountName,
        _now: mail::Wall,
        mail: WaitingMail,
        boards: Vec<BoardFacts>,
    ) -> Result<Plan, Failure> {
        lock(&self.offered).clone_from(&boards);
        self.reposts.fetch_add(u64::from(mail.reposted), Ordering::Relaxed);
        let shows_itself = self.shows_itself.load(Ordering::Relaxed);
        let is_read = boards.iter().any(|board| board.read_by_recipient);
        let rests = |board: &BoardFacts| board.last_failure.is_some_and(|ago| ago < super::HOUR);
        let usable = boards.iter().filter(|board| !rests(board) && (board.read_by_recipient || !is_read));
        let chosen = |board: &BoardFacts| ChosenBoard {
            key: board.key,
            identity: if board.served_here || shows_itself {
                SessionIdentity::Own
            } else {
                SessionIdentity::Throwaway
            },
            within: Duration::from_secs(300),
        };
        let choices: Vec<_> = usable.take(3).map(chosen).collect();
        let enough = if choices.is_empty() { 0 } else { u32::try_from(choices.len() / 2 + 1).unwrap() };
        let usual = if mail.remaining > 14 * super::DAY { 14 } else { 7 };
        let ttl_days = lock(&self.ttl_days).unwrap_or(usual);
        Ok(Plan { choices, enough, ttl_days })
    }
}
