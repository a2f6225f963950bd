//! What happens by time: nodes are asked again, searches go on, and the first nodes are asked until
//! one answers.

use std::time::Duration;

use rand_core::CryptoRngCore;

use super::Dht;
use super::known::Known;
use crate::address::UdpNode;
use crate::key::PublicKey;
use crate::limits;

/// The clocks of a node.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    /// When something is due next.
    deadline: Option<Duration>,
    bootstrap: Vec<UdpNode>,
    /// When the first nodes are asked again, and how long is waited after that.
    next_bootstrap: Duration,
    bootstrap_wait: Duration,
    /// For the own neighbourhood: see [`super::search::Search::next_random`].
    next_random: Duration,
    randoms: u32,
    /// Newcomers pinged since the beginning of this span.
    span: Duration,
    pinged: usize,
    /// Newcomers to be pinged in the next one.
    newcomers: Vec<UdpNode>,
}

impl Upkeep {
    pub(super) fn wake(&mut self, at: Duration) {
        self.deadline = Some(self.deadline.map_or(at, |deadline| deadline.min(at)));
    }

    /// Whether it is new, and there is room for it.
    pub(super) fn add_bootstrap(&mut self, node: UdpNode) -> bool {
        let new = self.bootstrap.len() < limits::BOOTSTRAP_NODES && !self.bootstrap.contains(&node);
        if new {
            self.bootstrap.push(node);
        }
        new
    }

    /// Whether a newcomer may be pinged now; if so it is counted. If not, its turn comes, or others
    /// have come before it and it has to ask again.
    pub(super) fn may_ping(&mut self, now: Duration, node: &UdpNode) -> bool {
        if now >= self.span + limits::NEWCOMER_SPAN {
            (self.span, self.pinged) = (now, 0);
        }
        if self.pinged < limits::NEWCOMERS {
            self.pinged += 1;
            return true;
        }
        if self.newcomers.len() < limits::NEWCOMERS && !self.newcomers.contains(node) {
            self.newcomers.push(*node);
            self.wake(self.span + limits::NEWCOMER_SPAN);
        }
        false
    }

    /// Those whose turn it is.
    fn waiting_newcomers(&mut self, now: Duration, next: &mut Duration) -> Vec<UdpNode> {
        if self.newcomers.is_empty() {
            return Vec::new();
        }
        let turn = self.span + limits::NEWCOMER_SPAN;
        if now >= turn {
            return std::mem::take(&mut self.newcomers);
        }
        *next = (*next).min(turn);
        Vec::new()
    }
}

/// When a node chosen at random is asked after this many times: often at first, then seldom.
fn random_wait(times: u32) -> Duration {
    if times < limits::FIRST_RANDOM_ASKS { limits::FIRST_ASKS } else { limits::RANDOM_ASKS }
}

/// Those of `nodes` that are to be asked now; they count as asked. Lowers `next` to when the next
/// one is.
fn due<'a>(now: Duration, nodes: impl Iterator<Item = &'a mut Known>, next: &mut Duration) -> Vec<UdpNode> {
    let mut due = Vec::new();
    for known in nodes {
        if known.due() <= now {
            known.asked = now;
            due.push(known.node);
        }
        *next = (*next).min(known.due());
    }
    due
}

impl<R: CryptoRngCore> Dht<R> {
    /// When [`Self::timeout`] is to be called.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.upkeep.deadline
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Duration) {
        if self.upkeep.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        self.upkeep.deadline = None;
        let mut next = now + limits::RANDOM_ASKS;
        self.keep_close(now, &mut next);
        let keys: Vec<PublicKey> = self.searches.keys().copied().collect();
        for key in keys {
            self.keep_search(now, key, &mut next);
        }
        self.ask_first_nodes(now, &mut next);
        for node in self.upkeep.waiting_newcomers(now, &mut next) {
            self.newcomer(now, node);
        }
        self.upkeep.wake(next);
    }

    fn keep_close(&mut self, now: Duration, next: &mut Duration) {
        let own = self.key();
        for node in due(now, self.close.living(now), next) {
            self.ask_known(now, node, own);
        }
        if self.upkeep.next_random <= now {
            let good: Vec<UdpNode> = self.close.good(now).collect();
            let Some(node) = self.choose(&good) else { return };
            self.ask_known(now, node, own);
            self.upkeep.next_random = now + random_wait(self.upkeep.randoms);
            self.upkeep.randoms = self.upkeep.randoms.saturating_add(1);
        }
        *next = (*next).min(self.upkeep.next_random);
    }

    fn keep_search(&mut self, now: Duration, key: PublicKey, next: &mut Duration) {
        let Some(search) = self.searches.get_mut(&key) else { return };
        let mut asked = due(now, search.living(now), next);
        let good: Vec<UdpNode> = search.good(now).collect();
        if !good.is_empty() {
            if search.next_random <= now {
                let first = search.randoms < limits::FIRST_RANDOM_ASKS && search.address(now).is_none();
                search.next_random = now + random_wait(search.randoms);
                search.randoms = search.randoms.saturating_add(1);
                if first {
                    // Those nearest to the target are the first to hear of it.
                    asked.extend(good.iter().take(limits::ANSWERED_NODES));
                }
                asked.extend(self.choose(&good));
            }
            if let Some(search) = self.searches.get(&key) {
                *next = (*next).min(search.next_random);
            }
        }
        for node in asked {
            self.ask_known(now, node, key);
        }
    }

    fn choose(&mut self, nodes: &[UdpNode]) -> Option<UdpNode> {
        let last = u32::try_from(nodes.len().checked_sub(1)?).ok()?;
        let at = usize::try_from(self.random.next_u32() % (last + 1)).ok()?;
        nodes.get(at).copied()
    }

    /// While no node answers, those to start from are asked, each time after twice the wait before.
    fn ask_first_nodes(&mut self, now: Duration, next: &mut Duration) {
        if self.upkeep.bootstrap.is_empty() {
            return;
        }
        if self.is_connected(now) {
            self.upkeep.bootstrap_wait = Duration::ZERO;
            return;
        }
        if self.upkeep.next_bootstrap <= now {
            let own = self.key();
            for node in self.upkeep.bootstrap.clone() {
                self.ask_known(now, node, own);
            }
            let wait = self.upkeep.bootstrap_wait * 2;
            let wait = wait.clamp(limits::BOOTSTRAP_FIRST_WAIT, limits::BOOTSTRAP_LONGEST_WAIT);
            (self.upkeep.bootstrap_wait, self.upkeep.next_bootstrap) = (wait, now + wait);
        }
        *next = (*next).min(self.upkeep.next_bootstrap);
    }
}
