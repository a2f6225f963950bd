//! One gateway: the ports it was handed, its settings, what it keeps in memory, its start and its end. What it does with
//! mails, contacts and names is in the files of the crate, each with its own `impl Gateway`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use mail::decision::{DecisionFailure, Decisions};
use mail::record::{Contact, FriendRequest, Pin, QuarantineEntry};
use mail::storage::{Storage, StorageError};
use mail::{AccountName, Address, Clock, MailId, PublicKey, Refusal, Wall};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::harmless::Harmless;
use crate::lock::lock;
use crate::moment::{Moment, millis};
use crate::outbox;
use crate::outbox::memory::Outbox;
use crate::people::People;
use crate::ports::{Copies, DropRelays, Event, Events, Network, Random};
use crate::reception::active::Receptions;
use crate::request_schedule::RequestSchedule;
use crate::settings::Settings;

/// The core of one gateway: all accounts, one store, one clock. Cheap calls may come from any task at any time after
/// [`start`](Self::start).
pub struct Gateway {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) decisions: Arc<dyn Decisions>,
    pub(crate) events: Arc<dyn Events>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    /// How long mails are tried; the user may change it meanwhile.
    pub(crate) patience: Mutex<Patience>,
    /// Largest mail, in and out, bytes; the user may change it meanwhile.
    pub(crate) max_mail_bytes: AtomicU64,
    /// How long mails that a filter threw away are kept, milliseconds; the user may change it meanwhile.
    pub(crate) bin_time: AtomicU64,
    pub(crate) people: People,
    pub(crate) outbox: Outbox,
    pub(crate) receptions: Receptions,
    pub(crate) requests: RequestSchedule,
    /// Drop relays, once they are there.
    pub(crate) relays: OnceLock<Arc<dyn DropRelays>>,
    /// Cancelled when the gateway stops: transfers end, commits under way are finished.
    pub(crate) stopping: CancellationToken,
    /// The task that runs the schedule, between start and stop.
    runner: Mutex<Option<JoinHandle<()>>>,
}

/// How long mails are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// Until they bounce.
    pub expiry: Duration,
    /// Until the sender is told.
    pub delay_notice: Duration,
}

impl Gateway {
    /// A gateway on these ports. It does nothing before [`start`](Self::start).
    #[must_use]
    #[allow(clippy::too_many_arguments, reason = "one argument for each port")]
    pub fn new(
        storage: Arc<dyn Storage>,
        network: Arc<dyn Network>,
        decisions: Arc<dyn Decisions>,
        events: Arc<dyn Events>,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        Self {
            storage,
            network,
            decisions,
            events: Arc::new(Harmless(events)),
            random,
            clock,
            patience: Mutex::new(Patience { expiry: settings.expiry, delay_notice: settings.delay_notice }),
            max_mail_bytes: AtomicU64::new(settings.max_mail_bytes),
            bin_time: AtomicU64::new(millis(settings.bin_time)),
            settings,
            people: People::default(),
            outbox: Outbox::default(),
            receptions: Receptions::default(),
            requests: RequestSchedule::default(),
            relays: OnceLock::new(),
            stopping: CancellationToken::new(),
            runner: Mutex::new(None),
        }
    }

    /// Reads accounts, contacts and outbox, holds the Tox friend lists against the contacts, and runs the schedule. Call it in
    /// a tokio runtime, once, when the network port knows its accounts.
    ///
    /// # Errors
    /// When the store cannot be read; nothing runs then.
    pub async fn start(self: &Arc<Self>) -> Result<(), StorageError> {
        self.load_outbox().await?;
        self.reload_accounts().await?;
        let gateway = self.clone();
        *lock(&self.runner) = Some(supervisor::keep("outbox", move || outbox::run(gateway.clone())));
        Ok(())
    }

    /// Stops the schedule: transfers end where they are, commits under way are waited for, 3 s at most. The schedule holds the
    /// gateway: dropping all other handles does not stop it.
    pub async fn stop(&self) {
        self.stopping.cancel();
        let runner = lock(&self.runner).take();
        if let Some(runner) = runner
            && let Err(error) = runner.await
        {
            tracing::error!(%error, "the schedule had failed");
        }
    }

    /// Reads accounts and contacts. What asks for them before [`Gateway::start`] needs this first;
    /// starting reads them again.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load_people(&self) -> Result<(), StorageError> {
        self.people.load(&*self.storage).await
    }

    /// Accounts were added, removed or changed in the store.
    ///
    /// # Errors
    /// When the store cannot be read; what was known stays.
    pub async fn reload_accounts(&self) -> Result<(), StorageError> {
        self.load_people().await?;
        for person in self.people.all() {
            self.announce_addresses(&person);
            self.reconcile(&person).await;
        }
        Ok(())
    }

    /// Sets how long mails are tried from now on until they bounce, and until the sender is told.
    /// Mails under way keep the time they bounce at.
    pub fn set_patience(&self, expiry: Duration, delay_notice: Duration) {
        *lock(&self.patience) = Patience { expiry, delay_notice };
    }

    /// Sets the largest mail that is accepted from now on, in and out. A larger mail on its way in
    /// is refused at its next bytes; peers are told when they connect again.
    pub fn set_max_mail_bytes(&self, bytes: u64) {
        self.max_mail_bytes.store(bytes, Ordering::Relaxed);
    }

    /// How long mails that a filter throws away from now on can be restored; zero: not at all.
    pub fn set_bin_time(&self, time: Duration) {
        self.bin_time.store(millis(time), Ordering::Relaxed);
    }

    /// From now on copies of mails wait on drop relays while recipients are offline. Call it before [`start`](Self::start); a second
    /// call changes nothing.
    pub fn use_relays(&self, relays: Arc<dyn DropRelays>) {
        let _first_one_stays = self.relays.set(relays);
    }

    /// The relay-selector gave no usable answer.
    pub fn selector_failed(&self, account: &AccountName, reason: String) {
        let failure = DecisionFailure { reason, is_busy: false };
        self.decision_failed(account, "relay-selector", &failure);
    }

    /// Something about an entry changed; one line for people.
    pub fn tell_outbox_changed(&self, account: &AccountName, id: MailId, what: &str) {
        self.outbox_changed(account, id, what);
    }

    /// All accounts.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountName> {
        self.people.all().iter().map(|person| person.name().clone()).collect()
    }

    /// The addresses of an account: what MAIL FROM may be, and what to tell people.
    #[must_use]
    pub fn addresses(&self, account: &AccountName) -> Vec<Address> {
        let person = self.people.get(account);
        let tox_id = self.network.tox_id(account);
        person.map(|person| crate::addresses::of(&person.account, tox_id)).unwrap_or_default()
    }

    /// Entries an account has in the outbox.
    #[must_use]
    pub fn queued(&self, account: &AccountName) -> u64 {
        self.outbox.queued(account)
    }

    /// The quarantined mails of an account.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn quarantine(&self, account: &AccountName) -> Result<Vec<QuarantineEntry>, StorageError> {
        self.storage.quarantine(account).await
    }

    /// Deletes a quarantined mail.
    ///
    /// # Errors
    /// `NotFound` if there is none, or when the store fails.
    pub async fn delete_quarantined(&self, account: &AccountName, uidl: MailId) -> Result<(), StorageError> {
        self.storage.delete_quarantined(account, uidl).await
    }

    /// A peer is online: its mail goes out. (Part of [`peer_hello`](Self::peer_hello).)
    pub fn peer_online(&self, account: &AccountName, key: PublicKey) {
        self.outbox.peer_online(account, key, self.now());
    }

    /// A peer is gone.
    pub fn peer_offline(&self, account: &AccountName, key: PublicKey) {
        self.outbox.peer_offline(account, key, self.now());
        self.receptions.peer_gone(account, key);
    }

    /// The contacts of an account, by alias.
    #[must_use]
    pub fn contacts(&self, account: &AccountName) -> Vec<Contact> {
        let mut contacts = self.people.get(account).map(|person| person.contacts()).unwrap_or_default();
        contacts.sort_by(|one, other| one.alias.cmp(&other.alias));
        contacts
    }

    /// The contact with this key.
    #[must_use]
    pub fn contact(&self, account: &AccountName, key: PublicKey) -> Option<Contact> {
        self.people.contact(account, key)
    }

    /// The addresses claimed by a contact's gateway that count now.
    #[must_use]
    pub fn counting_addresses(&self, account: &AccountName, contact: &Contact) -> Vec<Address> {
        let person = self.people.get(account);
        person.map(|person| self.counting(&person, contact)).unwrap_or_default()
    }

    /// Friend requests that wait for the user.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn friend_requests(&self, account: &AccountName) -> Result<Vec<FriendRequest>, StorageError> {
        self.storage.friend_requests(account).await
    }

    /// The pin of a name, if it has one.
    #[must_use]
    pub fn pin(&self, account: &AccountName, address: &Address) -> Option<Pin> {
        self.people.get(account)?.pin(&address.name())
    }

    pub(crate) fn patience(&self) -> Patience {
        *lock(&self.patience)
    }

    /// Largest mail that is taken now, bytes.
    #[must_use]
    pub fn max_mail_bytes(&self) -> u64 {
        self.max_mail_bytes.load(Ordering::Relaxed)
    }

    /// Until when the bin keeps a mail that a filter throws away now; none where the user has no bin.
    pub(crate) fn bin_until(&self) -> Option<Wall> {
        match self.bin_time.load(Ordering::Relaxed) {
            0 => None,
            time => Some(self.clock.wall().plus(Duration::from_millis(time))),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment { mono: millis(self.clock.monotonic().0), wall: self.clock.wall() }
    }

    /// A component failed and the failure rule of its slot is being applied.
    pub(crate) fn decision_failed(
        &self,
        account: &AccountName,
        slot: &'static str,
        failure: &DecisionFailure,
    ) {
        tracing::warn!(%account, slot, reason = %failure.reason, "a component gave no usable answer");
        self.events.publish(Event::DecisionFailed {
            account: account.clone(),
            slot,
            why: failure.reason.clone(),
        });
    }

    /// Tells what is known of the copies of a mail on drop relays.
    pub(crate) fn copies(&self, id: MailId) -> Copies {
        self.relays.get().map(|relays| relays.copies(id)).unwrap_or_default()
    }

    /// A mail has left the outbox.
    pub(crate) fn left_outbox(&self, id: MailId) {
        if let Some(relays) = self.relays.get() {
            relays.ended(id);
        }
    }

    /// Whether drop relays reach somebody of whom only the key is known.
    pub(crate) fn reaches_strangers(&self) -> bool {
        self.relays.get().is_some_and(|relays| relays.reaches_strangers())
    }

    pub(crate) fn contacts_changed(&self, account: &AccountName) {
        if let Some(relays) = self.relays.get() {
            relays.contacts_changed(account);
        }
        self.events.publish(Event::ContactsChanged { account: account.clone() });
    }
}

/// The answer to a mail program or peer when the store fails; it tries again by itself.
pub(crate) fn storage_refusal(error: &StorageError) -> Refusal {
    tracing::warn!(%error, "the store refused");
    match error {
        StorageError::Full => Refusal::transient(
            3,
            1,
            "the disk of the gateway is full: free some space where its data directory is, then send again",
        ),
        StorageError::LimitReached(what) => Refusal::transient(2, 2, what),
        other => Refusal::transient(
            3,
            0,
            &format!("the gateway could not store this ({other}): try again, and see its log if it stays so"),
        ),
    }
}
