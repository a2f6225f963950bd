//! What all parts share: the ports, the settings, and what is kept in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use drops::assembly::Assembly;
use drops::audit::Audits;
use drops::cell::BoardKey;
use drops::limits::CLOCK_SKEW;
use drops::mailbox::{KeyRing, Period};
use drops::point::Point;
use drops::rand_core::CryptoRngCore;
use drops::record::MailboxRecord;
use mail::{AccountName, MailId, Monotonic, PublicKey, Wall};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::answers::Answers;
use crate::board_state::BoardState;
use crate::given::{Given, OwnRecord};
use crate::letterbox::Letterbox;
use crate::limits::{DEPOSIT_SESSIONS, VISITS};
use crate::ports::Ports;
use crate::purse::Purse;
use crate::seats::Seats;
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
    pub deposits: Seats,
    /// Visits at once.
    pub visits: Seats,
    /// Held while an account is looked after, and while one is forgotten.
    pub looking: tokio::sync::Mutex<()>,
    /// Held while tokens are taken, passed on and written: what was written last is the newest.
    pub tokens: tokio::sync::Mutex<()>,
    /// Held while parts of unfinished mails are written and erased.
    pub parts: tokio::sync::Mutex<()>,
    /// Whether the clocks have agreed long enough for the time of day to be believed.
    pub is_clock_steady: AtomicBool,
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
    /// Parts of unfinished mails of all accounts.
    pub assembly: Assembly<AccountName>,
    /// Names of parts that are still on disk and held no more.
    pub erasing: BTreeSet<(AccountName, Vec<u8>)>,
}

/// The state of one account.
pub(crate) struct AccountState {
    /// Cancelled when the account is forgotten: another one may have its name from then on.
    pub life: CancellationToken,
    pub ring: KeyRing,
    /// The public halves of what is in the ring for a period and the next: costly, and asked for
    /// with every look.
    pub public: Option<(Period, Vec<(Period, Point)>)>,
    pub own: OwnRecord,
    /// Mailbox records of contacts.
    pub records: BTreeMap<PublicKey, MailboxRecord>,
    /// Records contacts were given.
    pub given: BTreeMap<PublicKey, Given>,
    /// The tokens that pay for deposits.
    pub purse: Purse,
    /// Parcels and letters that came in.
    pub letterbox: Letterbox,
    /// Acknowledgements that are owed to senders.
    pub answers: Answers,
}

impl AccountState {
    /// The public mailbox keys of the current and the next period.
    pub fn public_keys(&mut self, now: Wall) -> Vec<(Period, Point)> {
        let period = Period::at(now);
        let known = self.public.take().filter(|(of, _)| *of == period);
        let (_, keys) = self.public.insert(known.unwrap_or_else(|| (period, self.ring.public(now))));
        keys.clone()
    }
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
            deposits: Seats::new(DEPOSIT_SESSIONS),
            visits: Seats::new(VISITS),
            looking: tokio::sync::Mutex::new(()),
            tokens: tokio::sync::Mutex::new(()),
            parts: tokio::sync::Mutex::new(()),
            is_clock_steady: AtomicBool::new(false),
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

    /// Runs work for an account, until the account is forgotten.
    pub fn spawn_for(&self, account: &AccountName, work: impl Future<Output = ()> + Send + 'static) {
        let Some(life) = self.with(account, |state| state.life.clone()) else { return };
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = life.cancelled() => {}
                () = work => {}
            }
        });
    }

    pub fn wall(&self) -> Wall {
        self.ports.clock.wall()
    }

    pub fn monotonic(&self) -> Monotonic {
        self.ports.clock.monotonic()
    }

    /// Whether this was written while the clock was ahead: it is later than anything can be, by a clock that can be believed.
    pub fn is_from_the_future(&self, when: Wall) -> bool {
        self.is_clock_steady.load(Ordering::Relaxed) && when > self.wall().plus(CLOCK_SKEW)
    }

    /// Whether so much time has passed since `when`; yes for what was written while the clock was ahead.
    pub fn has_passed(&self, when: Wall, time: std::time::Duration) -> bool {
        self.wall().since(when) >= time || self.is_from_the_future(when)
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
