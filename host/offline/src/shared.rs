//! What all parts share: the ports, the settings, and what is kept in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use drops::audit::Audits;
use drops::cell::BoardKey;
use drops::mailbox::KeyRing;
use drops::parcel::{Assembly, Key};
use drops::rand_core::CryptoRngCore;
use drops::record::MailboxRecord;
use drops::schedule::Slots;
use drops::wallet::Wallet;
use mail::{AccountName, MailId, Monotonic, PublicKey, Wall};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::board_state::BoardState;
use crate::fetch::Fetch;
use crate::given::{Given, OwnRecord};
use crate::limits::{DEPOSIT_SESSIONS, VISITS};
use crate::owed::Owed;
use crate::ports::Ports;
use crate::settings::Settings;
use crate::story::Story;

/// The randomness that was handed in.
pub(crate) type Dice<'a> = &'a mut (dyn CryptoRngCore + Send);

/// Ports, settings and memory.
pub(crate) struct Shared {
    pub ports: Ports,
    pub settings: Settings,
    dice: Mutex<Box<dyn CryptoRngCore + Send>>,
    state: Mutex<State>,
    /// Deposit sessions at once.
    pub deposits: Semaphore,
    /// Visits at once.
    pub visits: Semaphore,
    /// Held while tokens are taken, passed on and written: what was written last is the newest.
    pub tokens: tokio::sync::Mutex<()>,
    /// Something became due.
    pub changed: Notify,
    pub stopping: CancellationToken,
}

/// What is kept in memory: an index of what is stored, and what may be lost.
#[derive(Default)]
pub(crate) struct State {
    pub accounts: BTreeMap<AccountName, AccountState>,
    pub boards: BTreeMap<BoardKey, BoardState>,
    pub stories: HashMap<MailId, Story>,
    /// Handovers under way, to be stopped when their mail has left the outbox.
    pub running: HashMap<MailId, CancellationToken>,
    pub audits: Audits,
}

/// One account.
pub(crate) struct AccountState {
    pub ring: KeyRing,
    pub own: OwnRecord,
    /// Mailbox records of contacts.
    pub records: BTreeMap<PublicKey, MailboxRecord>,
    pub wallet: Wallet,
    /// When tokens that rested at the last look may be spent, and passed on.
    pub rests_until: Option<Wall>,
    /// Tokens being fetched or to be, by board.
    pub fetches: BTreeMap<BoardKey, Fetch>,
    /// Records contacts were given.
    pub given: BTreeMap<PublicKey, Given>,
    pub assembly: Assembly,
    /// Parts of unfinished mails that are not stored yet.
    pub loose: Vec<(Key, u8, Vec<u8>)>,
    /// Parts that are stored, by mail.
    pub parts: HashMap<Key, BTreeSet<u8>>,
    pub taken: HashMap<Key, Wall>,
    /// Mails of strangers, and their bytes.
    pub strangers: BTreeMap<Key, (Wall, usize)>,
    pub owed: BTreeMap<(PublicKey, MailId), Owed>,
    pub slots: Slots,
}

impl Shared {
    pub fn new(
        ports: Ports,
        settings: Settings,
        dice: Box<dyn CryptoRngCore + Send>,
        state: State,
    ) -> Arc<Self> {
        Arc::new(Self {
            ports,
            settings,
            dice: Mutex::new(dice),
            state: Mutex::new(state),
            deposits: Semaphore::new(DEPOSIT_SESSIONS),
            visits: Semaphore::new(VISITS),
            tokens: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
            stopping: CancellationToken::new(),
        })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Looks at or changes an account; None if it is not known (yet).
    pub fn with<T>(&self, account: &AccountName, f: impl FnOnce(&mut AccountState) -> T) -> Option<T> {
        self.state().accounts.get_mut(account).map(f)
    }

    pub fn wall(&self) -> Wall {
        self.ports.clock.wall()
    }

    pub fn monotonic(&self) -> Monotonic {
        self.ports.clock.monotonic()
    }

    /// A time drawn between the two.
    pub fn draw(&self, (least, most): (std::time::Duration, std::time::Duration)) -> std::time::Duration {
        self.roll(|dice| drops::schedule::between(least, most, dice))
    }

    /// How long until a board is read, again or for the first time.
    pub fn draw_reading(&self) -> std::time::Duration {
        let mean = self.settings.read_every;
        self.roll(|dice| drops::schedule::reading(mean, dice))
    }

    /// Hands out the randomness.
    pub fn roll<T>(&self, f: impl FnOnce(&mut Dice<'_>) -> T) -> T {
        let mut dice = lock(&self.dice);
        let mut dice: Dice<'_> = &mut **dice;
        f(&mut dice)
    }
}

/// Locks, also after a panic elsewhere.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
