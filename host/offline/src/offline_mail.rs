//! The handle the daemon holds.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use drops::cell::BoardKey;
use drops::rand_core::CryptoRngCore;
use gateway::ports::{Copies, DropRelays};
use mail::record::OutboxEntry;
use mail::{AccountName, MailId, PublicKey};
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
                () = self.shared.ports.clock.sleep(crate::limits::STOP_WAIT) => {}
            }
        }
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

    /// Removes everything that was kept for an account that is being removed, or for a name without
    /// an account, so that the next account of the name finds nothing.
    ///
    /// # Errors
    /// When its keys cannot be erased: call it again.
    pub async fn forget(&self, account: &AccountName) -> Result<(), Failure> {
        upkeep::forget(&self.shared, account).await
    }

    /// How many strangers' letters wait here until there is room for another friend request. The
    /// user is asked about them once some requests were answered.
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

/// The core's drop relays.
#[async_trait]
impl DropRelays for OfflineMail {
    async fn leave_copies(&self, entry: &OutboxEntry) -> Copies {
        let tried = outgoing::leave_copies(&self.shared, entry).await;
        let copies = self.copies(entry.id);
        match tried {
            Ok(()) => copies,
            Err(error) => Copies { note: Some(error.to_string()), ..copies },
        }
    }

    fn copies(&self, id: MailId) -> Copies {
        let now = self.shared.wall();
        let state = self.shared.state();
        let copies = |story: &Story| Copies {
            complete: story.complete(now),
            answer_until: story.answer_until(),
            may_have_arrived: story.may_have_arrived(),
            note: story.note.clone(),
        };
        state.stories.get(&id).map(copies).unwrap_or_default()
    }

    fn reaches_strangers(&self) -> bool {
        !self.shared.ports.boards.known().is_empty()
    }

    fn ended(&self, id: MailId) {
        let shared = Arc::clone(&self.shared);
        supervisor::job("copies-ended", async move { outgoing::ended(&shared, id).await });
    }

    fn contacts_changed(&self, _account: &AccountName) {
        self.changed();
    }
}

impl Drop for OfflineMail {
    fn drop(&mut self) {
        self.shared.stopping.cancel();
    }
}
