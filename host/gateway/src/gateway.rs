//! The handle the daemon holds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use mail::record::{Contact, ContactState, FriendRequest, OutboxEntry, Pin, QuarantineEntry};
use mail::{
    AccountName, Acknowledgement, Address, BodyDigest, Clock, Envelope, MailId, PublicKey, Refusal, Return,
    ReversePath, ToxId,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::by_relay::Received;
use crate::core::{Core, Patience};
use crate::friendship::ContactError;
use crate::hello::HelloError;
use crate::lock::lock;
use crate::outbox::memory::Outbox;
use crate::outbox::{self, Cancelled};
use crate::people::People;
use crate::ports::decisions::DecisionFailure;
use crate::ports::{Decisions, DropRelays, Events, Network, Random, Storage, StorageError};
use crate::reception::active::Receptions;
use crate::reception::{Offer, Offered, ReceptionError};
use crate::request_schedule::RequestSchedule;
use crate::settings::Settings;
use crate::submission::Submission;

/// The core of one gateway: all accounts, one store, one clock. Cheap calls may come from any task at any time after
/// [`start`](Self::start).
pub struct Gateway {
    core: Arc<Core>,
    runner: Mutex<Option<JoinHandle<()>>>,
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
        let core = Core {
            storage,
            network,
            decisions,
            events,
            random,
            clock,
            patience: Mutex::new(Patience { expiry: settings.expiry, delay_notice: settings.delay_notice }),
            max_mail_bytes: AtomicU64::new(settings.max_mail_bytes),
            settings,
            people: People::default(),
            outbox: Outbox::default(),
            receptions: Receptions::default(),
            requests: RequestSchedule::default(),
            relays: OnceLock::new(),
            stopping: CancellationToken::new(),
        };
        Self { core: Arc::new(core), runner: Mutex::new(None) }
    }

    /// Reads accounts, contacts and outbox, holds the Tox friend lists against the contacts, and runs the schedule. Call it in
    /// a tokio runtime, once, when the network port knows its accounts.
    ///
    /// # Errors
    /// When the store cannot be read; nothing runs then.
    pub async fn start(&self) -> Result<(), StorageError> {
        self.core.people.load(&*self.core.storage).await?;
        self.core.load_outbox().await?;
        for person in self.core.people.all() {
            self.core.announce_addresses(&person);
            self.core.reconcile(&person).await;
        }
        *lock(&self.runner) = Some(tokio::spawn(outbox::run(self.core.clone())));
        Ok(())
    }

    /// Stops the schedule: transfers end where they are, commits under way are waited for, 3 s at most.
    pub async fn stop(&self) {
        self.core.stopping.cancel();
        let runner = lock(&self.runner).take();
        if let Some(runner) = runner
            && let Err(error) = runner.await
        {
            tracing::error!(%error, "the schedule had failed");
        }
    }

    /// Accounts were added, removed or changed in the store.
    ///
    /// # Errors
    /// When the store cannot be read; what was known stays.
    pub async fn reload_accounts(&self) -> Result<(), StorageError> {
        self.core.people.load(&*self.core.storage).await?;
        for person in self.core.people.all() {
            self.core.announce_addresses(&person);
            self.core.reconcile(&person).await;
        }
        Ok(())
    }

    /// How long mails are tried from now on until they bounce, and until the sender is told. Mails under way keep the time they
    /// bounce at.
    pub fn set_patience(&self, expiry: Duration, delay_notice: Duration) {
        *lock(&self.core.patience) = Patience { expiry, delay_notice };
    }

    /// Largest mail that is taken now, bytes.
    #[must_use]
    pub fn max_mail_bytes(&self) -> u64 {
        self.core.max_mail_bytes()
    }

    /// Largest mail that is taken from now on, in and out. One that is being taken and is larger is refused at its next bytes;
    /// peers are told when they connect anew.
    pub fn set_max_mail_bytes(&self, bytes: u64) {
        self.core.max_mail_bytes.store(bytes, Ordering::Relaxed);
    }

    // Drop relays.

    /// From now on copies of mails wait on drop relays while recipients are offline. Call it before [`start`](Self::start); a second
    /// call changes nothing.
    pub fn use_relays(&self, relays: Arc<dyn DropRelays>) {
        let _first_one_stays = self.core.relays.set(relays);
    }

    /// A mail came by a drop relay from somebody who proved their key.
    pub async fn receive_whole(
        &self,
        account: &AccountName,
        from: PublicKey,
        mail: MailId,
        envelope: Envelope,
        body: Bytes,
    ) -> Received {
        self.core.receive_whole(account, from, mail, envelope, body).await
    }

    /// The word of `from` about a mail came by a drop relay. Nothing happens where there is no such mail to them.
    ///
    /// # Errors
    /// When the store fails: hand it in again.
    pub async fn acknowledged(
        &self,
        account: &AccountName,
        from: PublicKey,
        id: MailId,
        digest: BodyDigest,
        word: Acknowledgement,
    ) -> Result<(), StorageError> {
        self.core.acknowledged(account, from, id, digest, word).await
    }

    /// An entry of the outbox as its recipient is to see it, with all bytes of the mail if they are at most `max`. None: it has left the
    /// outbox.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn outgoing(
        &self,
        id: MailId,
        max: usize,
    ) -> Result<Option<(OutboxEntry, Option<Bytes>)>, StorageError> {
        self.core.outgoing(id, max).await
    }

    /// Somebody who proved their key writes to an account: the rules for friend requests apply. How far they have got then.
    ///
    /// # Errors
    /// [`ContactError`].
    pub async fn knock(
        &self,
        account: &AccountName,
        key: PublicKey,
        text: &str,
    ) -> Result<Option<ContactState>, ContactError> {
        self.core.knock(account, key, text).await
    }

    /// The relay-selector gave no usable answer.
    pub fn selector_failed(&self, account: &AccountName, reason: String) {
        self.core.decision_failed(account, "relay-selector", &DecisionFailure { reason });
    }

    /// Something about an entry changed; one line for people.
    pub fn tell_outbox_changed(&self, account: &AccountName, id: MailId, what: &str) {
        self.core.outbox_changed(account, id, what);
    }

    /// All accounts.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountName> {
        self.core.people.all().iter().map(|person| person.name().clone()).collect()
    }

    // Submission.

    /// MAIL: begins a mail of an account.
    ///
    /// # Errors
    /// 5.7.1 when the reverse-path is not the account's (the text names those that are), 5.3.4 when it is too large.
    pub fn begin(
        &self,
        account: &AccountName,
        reverse_path: ReversePath,
        declared_size: Option<u64>,
        ret: Return,
        envelope_id: Option<String>,
    ) -> Result<Submission, Refusal> {
        let person = self.core.people.get(account).ok_or_else(|| {
            Refusal::permanent(
                7,
                1,
                "this account was removed: log in with another one (toxmail account list)",
            )
        })?;
        Submission::begin(self.core.clone(), person, reverse_path, declared_size, ret, envelope_id)
    }

    /// The addresses of an account: what MAIL FROM may be, and what to tell people.
    #[must_use]
    pub fn addresses(&self, account: &AccountName) -> Vec<Address> {
        let person = self.core.people.get(account);
        let tox_id = self.core.network.tox_id(account);
        person.map(|person| crate::addresses::of(&person.account, tox_id)).unwrap_or_default()
    }

    /// The account that has this address, for a resolver that asks for accounts of this gateway.
    #[must_use]
    pub fn account_with_address(&self, address: &Address) -> Option<AccountName> {
        let people = self.core.people.all();
        people.iter().find(|person| self.core.owned_by(person, address)).map(|person| person.name().clone())
    }

    // Outbox.

    /// A page of an account's outbox, oldest first: at most `limit` entries (1 000 at most) after `after`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(
        &self,
        account: &AccountName,
        after: Option<MailId>,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>, StorageError> {
        self.core.list_outbox(account, after, limit).await
    }

    /// One entry, if it is the account's.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn outbox_entry(
        &self,
        account: &AccountName,
        id: MailId,
    ) -> Result<Option<OutboxEntry>, StorageError> {
        self.core.outbox_entry(account, id).await
    }

    /// Entries an account has in the outbox.
    #[must_use]
    pub fn queued(&self, account: &AccountName) -> u64 {
        self.core.outbox.queued(account)
    }

    /// Tries an entry now. False if the account has no such entry.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn retry_now(&self, account: &AccountName, id: MailId) -> Result<bool, StorageError> {
        self.core.retry_now(account, id).await
    }

    /// Takes a mail back.
    ///
    /// # Errors
    /// When the store fails; the mail stays.
    pub async fn cancel(&self, account: &AccountName, id: MailId) -> Result<Cancelled, StorageError> {
        self.core.cancel(account, id).await
    }

    // Quarantine.

    /// Releases a quarantined mail into mailbox or outbox. An outgoing one gets its full time from now.
    ///
    /// # Errors
    /// `NotFound` if there is none, or when the store fails.
    pub async fn release(&self, account: &AccountName, uidl: MailId) -> Result<(), StorageError> {
        self.core.release(account, uidl).await
    }

    /// The quarantined mails of an account.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn quarantine(&self, account: &AccountName) -> Result<Vec<QuarantineEntry>, StorageError> {
        self.core.storage.quarantine(account).await
    }

    /// Deletes a quarantined mail.
    ///
    /// # Errors
    /// `NotFound` if there is none, or when the store fails.
    pub async fn delete_quarantined(&self, account: &AccountName, uidl: MailId) -> Result<(), StorageError> {
        self.core.storage.delete_quarantined(account, uidl).await
    }

    // Reception: called by the adapter of the peer protocol.

    /// A peer offers a mail.
    pub async fn offer(
        &self,
        account: &AccountName,
        from: PublicKey,
        mail: MailId,
        offered: Offered,
    ) -> Offer {
        self.core.offer(account, from, mail, offered).await
    }

    /// Bytes of an offered mail, from `offset` on. Returns how many bytes from the start are durable.
    ///
    /// # Errors
    /// [`ReceptionError`].
    pub async fn write(
        &self,
        account: &AccountName,
        from: PublicKey,
        mail: MailId,
        offset: u64,
        bytes: Bytes,
    ) -> Result<u64, ReceptionError> {
        self.core.receive(account, from, mail, offset, bytes).await
    }

    /// All bytes of an offered mail came. The acknowledgement is durable when this returns it.
    ///
    /// # Errors
    /// [`ReceptionError`].
    pub async fn complete(
        &self,
        account: &AccountName,
        from: PublicKey,
        mail: MailId,
    ) -> Result<Acknowledgement, ReceptionError> {
        self.core.complete(account, from, mail).await
    }

    /// The peer took an offered mail back.
    ///
    /// # Errors
    /// When the store fails; what came is swept later.
    pub async fn abandon(
        &self,
        account: &AccountName,
        from: PublicKey,
        mail: MailId,
    ) -> Result<(), StorageError> {
        self.core.abandon(account, from, mail).await
    }

    // Presence.

    /// A peer is online and said hello: its contact is brought up to date and its mail goes out.
    ///
    /// # Errors
    /// [`HelloError`]; with `ForeignToxId` the peer broke the protocol.
    pub async fn peer_hello(
        &self,
        account: &AccountName,
        key: PublicKey,
        tox_id: ToxId,
        addresses: Vec<Address>,
    ) -> Result<(), HelloError> {
        self.core.peer_hello(account, key, tox_id, addresses).await
    }

    /// A peer is online: its mail goes out. (Part of [`peer_hello`](Self::peer_hello).)
    pub fn peer_online(&self, account: &AccountName, key: PublicKey) {
        self.core.outbox.peer_online(account, key, self.core.now());
    }

    /// A peer is gone.
    pub fn peer_offline(&self, account: &AccountName, key: PublicKey) {
        self.core.outbox.peer_offline(account, key, self.core.now());
        self.core.receptions.peer_gone(account, key);
    }

    /// A Tox friend connection came up, whether or not a gateway is behind it: who was asked has accepted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn friend_connected(&self, account: &AccountName, key: PublicKey) -> Result<(), ContactError> {
        self.core.friend_connected(account, key).await
    }

    /// Somebody sent a friend request.
    ///
    /// # Errors
    /// When the store fails; they ask again.
    pub async fn friend_request(
        &self,
        account: &AccountName,
        key: PublicKey,
        message: &str,
    ) -> Result<(), ContactError> {
        self.core.friend_request(account, key, message).await
    }

    // Contacts.

    /// The contacts of an account, by alias.
    #[must_use]
    pub fn contacts(&self, account: &AccountName) -> Vec<Contact> {
        let mut contacts = self.core.people.get(account).map(|person| person.contacts()).unwrap_or_default();
        contacts.sort_by(|one, other| one.alias.cmp(&other.alias));
        contacts
    }

    /// The contact with this key.
    #[must_use]
    pub fn contact(&self, account: &AccountName, key: PublicKey) -> Option<Contact> {
        self.core.people.contact(account, key)
    }

    /// The contact an address means: by alias, key, Tox ID, or an address its gateway told.
    #[must_use]
    pub fn find_contact(&self, account: &AccountName, address: &Address) -> Option<Contact> {
        self.core.find_contact(account, address)
    }

    /// Whom an address means, for adding them as a contact: a Tox ID in it, or what the resolver finds.
    ///
    /// # Errors
    /// A [`Refusal`] that tells the user what to do.
    pub async fn look_up(&self, account: &AccountName, address: &Address) -> Result<ToxId, Refusal> {
        self.core.look_up(account, address).await
    }

    /// Adds a contact and sends a friend request (a greeting where `message` is empty).
    ///
    /// # Errors
    /// [`ContactError`].
    pub async fn add_contact(
        &self,
        account: &AccountName,
        alias: AccountName,
        id: ToxId,
        message: &str,
    ) -> Result<Contact, ContactError> {
        self.core.add_contact(account, alias, id, message).await
    }

    /// Friend requests that wait for the user.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn friend_requests(&self, account: &AccountName) -> Result<Vec<FriendRequest>, StorageError> {
        self.core.storage.friend_requests(account).await
    }

    /// Accepts a waiting friend request; without alias the contact gets one made of its key.
    ///
    /// # Errors
    /// [`ContactError`].
    pub async fn accept_request(
        &self,
        account: &AccountName,
        key: PublicKey,
        alias: Option<AccountName>,
    ) -> Result<Contact, ContactError> {
        self.core.accept_request(account, key, alias).await
    }

    /// Declines a waiting friend request; the other side is not told.
    ///
    /// # Errors
    /// [`ContactError`].
    pub async fn decline_request(&self, account: &AccountName, key: PublicKey) -> Result<(), ContactError> {
        self.core.decline_request(account, key).await
    }

    /// Removes a contact and ends the friendship.
    ///
    /// # Errors
    /// [`ContactError`].
    pub async fn remove_contact(&self, account: &AccountName, key: PublicKey) -> Result<(), ContactError> {
        self.core.remove_contact(account, key).await
    }

    // Pins.

    /// The pin of a name, if it has one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pin(&self, account: &AccountName, address: &Address) -> Result<Option<Pin>, StorageError> {
        self.core.storage.pin(account, &address.canonical()).await
    }

    /// The user confirms that a name leads to the key DNS answers now. Returns the new pin, or None if nothing waited.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn confirm_pin(
        &self,
        account: &AccountName,
        address: &Address,
    ) -> Result<Option<Pin>, StorageError> {
        self.core.confirm_pin(account, address).await
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.core.stopping.cancel();
    }
}
