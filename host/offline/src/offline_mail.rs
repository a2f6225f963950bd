//! The handle the daemon holds.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use drops::cell::BoardKey;
use drops::rand_core::CryptoRngCore;
use mail::record::OutboxEntry;
use mail::{AccountName, MailId, PublicKey, Wall};
use tokio::task::JoinHandle;

use crate::board_state::BoardReport;
use crate::outgoing;
use crate::ports::{Failure, Ports};
use crate::readers;
use crate::records;
use crate::settings::Settings;
use crate::shared::{Shared, State, lock};
use crate::story::Story;
use crate::upkeep;

/// What the outbox is told about the copies of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copies {
    /// Boards that have the whole mail.
    pub complete: usize,
    /// Until when an acknowledgement may come; None if nothing waits anywhere.
    pub answer_until: Option<Wall>,
    /// Whether the recipient may have found the mail on a board at some time.
    pub may_have_arrived: bool,
    /// Why no board is used, one line.
    pub note: Option<String>,
}

/// Mail to and from people who are offline.
pub struct OfflineMail {
    shared: Arc<Shared>,
    runner: Mutex<Option<JoinHandle<()>>>,
}

impl OfflineMail {
    /// On these ports; `dice` is the operating system's random source outside of tests. Nothing runs before [`start`](Self::start).
    #[must_use]
    pub fn new(ports: Ports, settings: Settings, dice: Box<dyn CryptoRngCore + Send>) -> Self {
        let shared = Shared::new(ports, settings, dice, State::default());
        Self { shared, runner: Mutex::new(None) }
    }

    /// Reads what is stored of these accounts. Call it once, before the core's outbox asks for anything.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(&self, accounts: &[AccountName]) -> Result<(), Failure> {
        upkeep::load_boards(&self.shared).await?;
        upkeep::forget_ended(&self.shared).await?;
        for account in accounts {
            upkeep::load(&self.shared, account).await?;
            crate::keys::renew(&self.shared, account).await?;
        }
        Ok(())
    }

    /// Begins to read boards and to answer. Call it in a tokio runtime, once, when the core runs.
    pub fn start(&self) {
        let shared = Arc::clone(&self.shared);
        *lock(&self.runner) = Some(supervisor::keep("offline", move || upkeep::run(Arc::clone(&shared))));
    }

    /// Stops: sessions end where they are, and lose nothing.
    pub async fn stop(&self) {
        self.shared.stopping.cancel();
        let runner = lock(&self.runner).take();
        if let Some(runner) = runner {
            tokio::select! {
                _ended = runner => {}
                () = self.shared.ports.clock.sleep(upkeep::STOP_WAIT) => {}
            }
        }
    }

    /// The recipient of a mail is offline: sees to copies on boards, where there is something to do.
    ///
    /// # Errors
    /// [`Failure`]: nothing was begun; it is asked again at the next visit to the mail.
    pub async fn leave_copies(&self, entry: &OutboxEntry) -> Result<(), Failure> {
        outgoing::leave_copies(&self.shared, entry).await
    }

    /// What is known of the copies of a mail.
    #[must_use]
    pub fn copies(&self, id: MailId) -> Option<Copies> {
        let now = self.shared.wall();
        let state = self.shared.state();
        let story = state.stories.get(&id)?;
        Some(Copies {
            complete: story.complete(now),
            answer_until: story.answer_until(),
            may_have_arrived: story.may_have_arrived(),
            note: story.note.clone(),
        })
    }

    /// The whole story of the copies of a mail, for API and dashboard.
    #[must_use]
    pub fn story(&self, id: MailId) -> Option<Story> {
        self.shared.state().stories.get(&id).cloned()
    }

    /// The drop relays that a contact's gateway said it reads.
    #[must_use]
    pub fn relays_of(&self, account: &AccountName, contact: PublicKey) -> Vec<PublicKey> {
        let boards = self
            .shared
            .with(account, |state| state.records.get(&contact).map(|record| record.boards.clone()));
        boards.flatten().unwrap_or_default()
    }

    /// A mail has left the outbox, in whatever way.
    pub async fn ended(&self, id: MailId) {
        outgoing::ended(&self.shared, id).await;
    }

    /// Whether there is a board by which somebody could be reached who was never met.
    #[must_use]
    pub fn reaches_strangers(&self) -> bool {
        !self.shared.ports.boards.known().is_empty()
    }

    /// The account's mailbox record for a contact, with tokens for their deposits; None while there is nothing to tell.
    ///
    /// # Errors
    /// When it cannot be stored what they are given.
    pub async fn record_for(
        &self,
        account: &AccountName,
        contact: PublicKey,
    ) -> Result<Option<Vec<u8>>, Failure> {
        records::for_contact(&self.shared, account, contact).await
    }

    /// The account's mailbox record without tokens; None while there is nothing to tell.
    ///
    /// # Errors
    /// When it cannot be stored that there is a new one.
    pub async fn own_record(&self, account: &AccountName) -> Result<Option<Vec<u8>>, Failure> {
        records::own(&self.shared, account).await
    }

    /// The mailbox record that a contact was given last, or the account's as it was last made, whichever is newer; at once, for a
    /// hello. None before the first.
    #[must_use]
    pub fn record(&self, account: &AccountName, contact: PublicKey) -> Option<Vec<u8>> {
        self.shared.with(account, |state| records::last(state, contact)).flatten()
    }

    /// A contact's mailbox record came in a hello.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn record_received(
        &self,
        account: &AccountName,
        sender: PublicKey,
        record: &[u8],
    ) -> Result<(), Failure> {
        records::received(&self.shared, account, sender, record).await
    }

    /// An account is being removed, or there is none of this name: nothing that was kept for one is left, so that the next account of
    /// the name finds nothing.
    ///
    /// # Errors
    /// When its keys cannot be erased: call it again.
    pub async fn forget(&self, account: &AccountName) -> Result<(), Failure> {
        upkeep::forget(&self.shared, account).await
    }

    /// Strangers whose letters wait here until there is room for another friend request: the user is asked when some were answered.
    #[must_use]
    pub fn strangers_unasked(&self, account: &AccountName) -> usize {
        self.shared.with(account, |state| state.letterbox.unasked()).unwrap_or(0)
    }

    /// Something changed outside: accounts, contacts, boards.
    pub fn changed(&self) {
        self.shared.changed.notify_one();
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    #[cfg(test)]
    pub(crate) fn clock(&self) -> Arc<dyn mail::Clock> {
        Arc::clone(&self.shared.ports.clock)
    }

    /// How the boards behaved.
    #[must_use]
    pub fn boards(&self) -> Vec<BoardReport> {
        let (now, read) = (self.shared.wall(), readers::read_here(&self.shared));
        let mut keys: Vec<BoardKey> = read.iter().copied().collect();
        let known = self.shared.ports.boards.known();
        let state = self.shared.state();
        keys.extend(state.boards.keys().filter(|key| !read.contains(key)));
        let others: BTreeSet<BoardKey> = state.supplied().filter(|key| !keys.contains(key)).collect();
        keys.extend(others);
        let report = |key: BoardKey| {
            let unknown = crate::board_state::BoardState::default();
            let board = state.boards.get(&key).unwrap_or(&unknown);
            let owner = state.accounts.values().find_map(|account| account.owner(&known, key, None));
            let tokens = state.supply(key, now);
            BoardReport { owner, tokens, ..board.report(key, read.contains(&key), now) }
        };
        keys.into_iter().map(report).collect()
    }
}

impl Drop for OfflineMail {
    fn drop(&mut self) {
        self.shared.stopping.cancel();
    }
}
