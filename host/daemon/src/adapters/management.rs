//! Plugs the gateway into the web API: what every verb does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use admin::dto::{
    Account, Arrival, Attention, Component, ComponentName, ComponentRef, ComponentSignature,
    ConfigurationKey, Connection, Contact, ContactAddress, ContactRequest, ContactStatus, Credentials,
    Decision, DecisionQuery, Health, History, Identity, ImportedAccount, ImportedMail, Invitation,
    InvitationGiven, Listing, Log, MailSettings, MailboxMail, MailboxStatus, Mark, NewAccount, NewContact,
    NewRelay, OutboxEntry, OutboxStatus, Outcome, OutcomeKind, Page, Password, Pin, QuarantineEntry, Relay,
    Reloaded, Slot, SlotEntry, Status, Timestamp, TimingBucket, ToxStatus,
};
use admin::management::Result;
use admin::metrics::{Kind, Metric, Sample};
use admin::{Backup, Management, ManagementError};
use async_trait::async_trait;
use bytes::Bytes;
use gateway::ports::{Network as _, StorageError};
use gateway::{Cancelled, ContactError, Gateway};
use mail::record::{Direction, QuarantineEntry as QuarantinedMail};
use mail::{AccountName, Address, Clock, MailId, PublicKey, ReversePath, ToxId};
use offline::OfflineMail;
use sandbox::mail_filter::UserDecision;
use sandbox::{DecisionRecord, EntryStatus, Library, LibraryError, Sandbox, SwapError};
use serde_json::{Value, json};
use store::Store;
use zeroize::Zeroizing;

use super::copies;
use super::decisions::{first_entry, with_policy_set};
use super::feedback::feedback;
use super::imports::Imports;
use super::network::ToxNetwork;
use super::relays;
use crate::accounts::{AccountError, Accounts};
use crate::backup;
use crate::policy_set;
use crate::relays::Relays;
use crate::reload::Reloader;

/// The gateway, as the web API sees it.
pub struct GatewayManagement {
    /// The core.
    pub gateway: Arc<Gateway>,
    /// Accounts.
    pub accounts: Arc<Accounts>,
    /// Identities.
    pub network: Arc<ToxNetwork>,
    /// Slots.
    pub sandbox: Arc<Sandbox>,
    /// Components.
    pub library: Arc<Library>,
    /// The store.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The configuration.
    pub reloader: Arc<Reloader>,
    /// Mails put in by hand.
    pub imports: Imports,
    /// Figures of the last hour and days.
    pub history: admin::History,
    /// Drop relays.
    pub relays: Arc<Relays>,
    /// Offline mail; a drop relay alone has none.
    pub offline: Option<Arc<OfflineMail>>,
    /// The end of the log.
    pub log: admin::RecentLog,
    /// Who hears how far long work is.
    pub events: admin::EventLog,
    /// Where SMTP and POP3 listen; a drop relay alone has neither.
    pub mail: Option<(SocketAddr, SocketAddr)>,
    /// The file with the certificate, where TLS is.
    pub certificate: Option<PathBuf>,
}

/// What is shown of a contact's message when it asks; longer ones are refused by Tox.
const GREETING: &str = "";

fn storage(error: StorageError) -> ManagementError {
    let text = error.to_string();
    match error {
        StorageError::NotFound => ManagementError::NotFound(text),
        StorageError::Exists(_) => ManagementError::Conflict(text),
        StorageError::LimitReached(_) => ManagementError::TooLarge(text),
        StorageError::Full => ManagementError::Unavailable(text),
        StorageError::Failed(_) => ManagementError::Internal(text),
    }
}

pub fn stored(error: store::Error) -> ManagementError {
    storage(super::storage::storage_error(error))
}

fn contact_error(error: ContactError) -> ManagementError {
    let text = error.to_string();
    match error {
        ContactError::NoAccount(_) | ContactError::NoContact | ContactError::NoRequest => {
            ManagementError::NotFound(text)
        }
        ContactError::Storage(error) => storage(error),
        _ => ManagementError::Conflict(text),
    }
}

fn account_error(error: AccountError) -> ManagementError {
    let text = error.to_string();
    match error {
        AccountError::Store(error) => stored(error),
        AccountError::Password(_) => ManagementError::Unprocessable(text),
        AccountError::KnownIdentity(_) | AccountError::Owner => ManagementError::Conflict(text),
        AccountError::Tox { .. } => ManagementError::Unavailable(text),
        _ => ManagementError::Internal(text),
    }
}

pub fn library_error(error: LibraryError) -> ManagementError {
    let text = error.to_string();
    match error {
        LibraryError::Unknown(_) => ManagementError::NotFound(text),
        LibraryError::Full => ManagementError::TooLarge(text),
        LibraryError::Directory { .. } => ManagementError::Internal(text),
        LibraryError::Stopped => ManagementError::Unavailable(text),
        _ => ManagementError::Unprocessable(text),
    }
}

pub fn swap_error(error: SwapError) -> ManagementError {
    let text = error.to_string();
    match error {
        SwapError::Library(error) => library_error(error),
        SwapError::NoEntry { .. } => ManagementError::NotFound(text),
        SwapError::NothingToRollBack(_) | SwapError::WhichEntry(_) => ManagementError::Conflict(text),
        SwapError::Invalid(_) | SwapError::TooLarge { .. } => ManagementError::Unprocessable(text),
        SwapError::Keeper(_) | SwapError::State(_) | SwapError::Replay(_) => ManagementError::Internal(text),
    }
}

/// Waiting mails of a removed account cancelled at a time.
const OUTBOX_AT_A_TIME: usize = 1000;

pub const fn sandbox_slot(slot: Slot) -> sandbox::Slot {
    match slot {
        Slot::Policy => sandbox::Slot::Policy,
        Slot::Resolver => sandbox::Slot::Resolver,
        Slot::RelaySelector => sandbox::Slot::RelaySelector,
        Slot::MailFilter => sandbox::Slot::MailFilter,
    }
}

/// A slot as the web API names it.
pub const fn shown_slot(slot: sandbox::Slot) -> Slot {
    match slot {
        sandbox::Slot::Policy => Slot::Policy,
        sandbox::Slot::Resolver => Slot::Resolver,
        sandbox::Slot::RelaySelector => Slot::RelaySelector,
        sandbox::Slot::MailFilter => Slot::MailFilter,
    }
}

fn connection(connection: tox::Connection) -> Connection {
    match connection {
        tox::Connection::None => Connection::None,
        tox::Connection::Tcp => Connection::Tcp,
        tox::Connection::Udp => Connection::Udp,
    }
}

impl GatewayManagement {
    async fn known(&self, account: &AccountName) -> Result<mail::record::Account> {
        self.store.account(account).await.map_err(stored)?.ok_or_else(|| {
            ManagementError::NotFound(format!(
                "there is no account `{account}`: `toxmail account list` shows those there are"
            ))
        })
    }

    async fn contact_by_alias(
        &self,
        account: &AccountName,
        alias: &AccountName,
    ) -> Result<mail::record::Contact> {
        self.known(account).await?;
        let found = self.gateway.contacts(account).into_iter().find(|contact| contact.alias == *alias);
        found.ok_or_else(|| {
            ManagementError::NotFound(format!(
                "there is no contact `{alias}`: `toxmail contact list` shows those there are"
            ))
        })
    }

    fn shown_contact(&self, account: &AccountName, contact: &mail::record::Contact) -> Contact {
        let relays = self.offline.as_ref().map(|offline| offline.relays_of(account, contact.key));
        let online = self.network.is_online(account, contact.key);
        Contact { relays: relays.unwrap_or_default(), ..Contact::from_record(contact, online) }
    }

    /// How the account reaches the network; where there is nothing but a drop relay, how that does.
    fn reached(&self, account: &AccountName) -> tox::Connection {
        match (self.mail, self.relays.serving()) {
            (None, Some(serving)) => serving.connection(),
            _ => self.network.connection(account),
        }
    }

    fn slot_entries(&self) -> Result<Vec<SlotEntry>> {
        let mut entries: Vec<SlotEntry> = Vec::new();
        for status in self.sandbox.status() {
            let slot = shown_slot(status.slot);
            let before = entries.iter().filter(|entry| entry.slot == slot).count();
            entries.push(slot_entry(slot, u32::try_from(before).unwrap_or(u32::MAX), status)?);
        }
        Ok(entries)
    }

    fn entries_of(&self, slot: Slot) -> Result<Vec<SlotEntry>> {
        Ok(self.slot_entries()?.into_iter().filter(|entry| entry.slot == slot).collect())
    }

    async fn tox_id_of(&self, account: &AccountName, address: &ContactAddress) -> Result<ToxId> {
        match address {
            ContactAddress::ToxId(id) => Ok(*id),
            ContactAddress::Name(name) => self.gateway.look_up(account, name).await.map_err(|refusal| {
                if refusal.status.is_permanent() {
                    ManagementError::Unprocessable(refusal.text().to_owned())
                } else {
                    ManagementError::Unavailable(refusal.text().to_owned())
                }
            }),
        }
    }

    /// Tells filters that learn what the user decided. That one fails changes nothing about the mail.
    async fn teach(&self, account: &AccountName, id: MailId, decision: UserDecision) {
        if let Ok(Some(entry)) = self.store.quarantined(account, id) {
            self.teach_entry(account, &entry, decision).await;
        }
    }

    /// A mail of the mailbox, as if it had been set aside.
    async fn mailbox_mail(&self, account: &AccountName, id: MailId) -> Result<Option<QuarantinedMail>> {
        let items = self.store.mailbox_list(account).await.map_err(stored)?;
        let Some(item) = items.into_iter().find(|item| item.uidl == id) else { return Ok(None) };
        let mail = self.store.mailbox_entry(account, item.number).map_err(stored)?;
        let (reason, direction) = (String::new(), Direction::Incoming);
        Ok(Some(QuarantinedMail { mail, reason, direction, outgoing: None }))
    }

    async fn teach_entry(&self, account: &AccountName, entry: &QuarantinedMail, decision: UserDecision) {
        let contacts = self.gateway.contacts(account);
        let is_contact =
            entry.mail.sender.is_some_and(|key| contacts.iter().any(|contact| contact.key == key));
        let (feedback, mail) = feedback(&self.store, entry, is_contact, decision);
        if let Err(error) = self.sandbox.learn(account, self.clock.wall(), feedback, mail).await {
            tracing::warn!(%error, %account, "a filter did not learn what was decided");
        }
    }

    /// An entry with what is known of its copies on drop relays.
    fn with_copies(&self, entry: &mail::record::OutboxEntry) -> OutboxEntry {
        let story = self.offline.as_ref().and_then(|offline| offline.story(entry.id));
        let copies = story.map(|story| copies::shown(&story, self.clock.wall()));
        OutboxEntry { copies, ..OutboxEntry::from(entry) }
    }

    /// Tells the owner's listeners how far a backup is, at each twentieth.
    fn backup_watch(&self, owner: AccountName) -> impl FnMut(store::Progress) -> bool + Send + 'static {
        let (events, mut told) = (self.events.clone(), None);
        move |store::Progress { rows, of }| {
            let percent = rows.saturating_mul(100).checked_div(of).unwrap_or(100) / 5 * 5;
            if told != Some(percent) {
                told = Some(percent);
                events.publish("backup", Some(&owner), &json!({ "percent": percent }));
            }
            true
        }
    }

    fn no_entry(id: MailId) -> ManagementError {
        ManagementError::NotFound(format!(
            "there is no mail {id} in the outbox (any more): `toxmail outbox list` shows those there are"
        ))
    }
}

fn slot_entry(slot: Slot, position: u32, status: EntryStatus) -> Result<SlotEntry> {
    let internal = |error: admin::dto::InvalidComponentName| ManagementError::Internal(error.to_string());
    Ok(SlotEntry {
        slot,
        position,
        entry: status.entry,
        name: status.name.parse().map_err(internal)?,
        sha256: status.sha256,
        health: if status.health.consecutive_failures == 0 { Health::Ok } else { Health::Failing },
        calls: status.health.calls,
        failures: status.health.failures,
        last_failure: status.health.last_failure,
        timing: timing(&status.health.durations),
        previous: status.last_good,
    })
}

/// One bucket for each bound, and one for what took longer.
fn timing(durations: &[u64]) -> Vec<TimingBucket> {
    let bounds = sandbox::TIMING_BUCKETS.into_iter().map(Some).chain([None]);
    bounds.zip(durations).map(|(up_to, calls)| TimingBucket { up_to, calls: *calls }).collect()
}

/// A decision as it was recorded; None for a record of a version that wrote other ones.
fn decision(recorded: &store::Decision) -> Option<Decision> {
    let record: DecisionRecord = serde_json::from_slice(&recorded.record)
        .inspect_err(|error| tracing::warn!(id = recorded.id, %error, "a decision cannot be read"))
        .ok()?;
    // What a component was told and answered is JSON within the record.
    let value = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let (answer, failure) = match &record.outcome {
        Ok(answer) => (Some(value(answer)), None),
        Err(failure) => (None, Some(failure.to_string())),
    };
    Some(Decision {
        id: recorded.id,
        time: recorded.time.into(),
        slot: shown_slot(record.slot),
        account: record.account,
        entry: record.entry,
        function: record.function,
        component: record.component,
        facts: value(&record.facts),
        answer,
        failure,
        calls: record.capability_calls.iter().filter_map(|call| serde_json::to_value(call).ok()).collect(),
        log: record.log.into_iter().map(|line| line.text).collect(),
        microseconds: u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX),
    })
}

fn outcome(ended: store::Ended) -> Outcome {
    let (outcome, reason) = OutcomeKind::of(&ended.outcome);
    Outcome {
        id: ended.id,
        sender: match ended.envelope.reverse_path {
            ReversePath::Null => None,
            ReversePath::Mailbox(address) => Some(address),
        },
        recipient: ended.envelope.forward_path,
        size: ended.size,
        created: ended.created.into(),
        ended: ended.ended.into(),
        attempts: ended.attempts,
        outcome,
        reason,
    }
}

/// Where the page after the one before begins.
fn cursor<T: FromStr>(page: &Page) -> Result<Option<T>> {
    let invalid =
        |_| ManagementError::Unprocessable("the cursor is not one this list gave: start without".to_owned());
    page.after().map(|after| after.parse().map_err(invalid)).transpose()
}

/// A page of what was read: one more than it holds, where there is more.
fn listing<T>(page: &Page, items: impl Iterator<Item = T>, cursor: impl Fn(&T) -> String) -> Listing<T> {
    let mut items: Vec<T> = items.collect();
    let is_last = items.len() <= page.limit();
    items.truncate(page.limit());
    let next = if is_last { None } else { items.last().map(cursor) };
    Listing { items, next }
}

fn component(info: sandbox::ComponentInfo) -> Result<Component> {
    let internal = |error: admin::dto::InvalidComponentName| ManagementError::Internal(error.to_string());
    Ok(Component {
        name: info.name.parse().map_err(internal)?,
        sha256: info.sha256,
        size: info.size,
        slots: info.slots.into_iter().map(shown_slot).collect(),
        built_in: info.builtin,
        added: (!info.builtin).then(|| info.added.into()),
        signed_by: info.signed_by,
    })
}

#[async_trait]
impl Management for GatewayManagement {
    async fn owner(&self) -> Result<AccountName> {
        let accounts = self.store.accounts().await.map_err(stored)?;
        let owner = accounts.into_iter().find(|account| account.owner);
        owner
            .map(|account| account.name)
            .ok_or_else(|| ManagementError::Internal("there is no owner".to_owned()))
    }

    async fn log(&self) -> Result<Log> {
        Ok(Log { lines: self.log.lines() })
    }

    async fn status(&self, account: &AccountName) -> Result<Status> {
        self.known(account).await?;
        let reached = self.reached(account);
        let contacts = self.gateway.contacts(account);
        let quarantined = self.store.quarantine_count(account).map_err(stored)?;
        let (mails, bytes) = self.store.mailbox_count(account).map_err(stored)?;
        let requests = self.gateway.friend_requests(account).await.map_err(storage)?.len();
        let changed = self.store.changed_pins(account).await.map_err(stored)?.len();
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            account: account.clone(),
            tox: ToxStatus {
                online: reached != tox::Connection::None,
                connection: connection(reached),
                nodes: self.network.nodes(),
            },
            contacts: contacts
                .iter()
                .map(|contact| ContactStatus {
                    alias: contact.alias.clone(),
                    address: format!("{}@tox", contact.alias),
                    online: self.network.is_online(account, contact.key),
                })
                .collect(),
            outbox: OutboxStatus { queued: self.gateway.queued(account) },
            mailbox: MailboxStatus { mails, bytes },
            attention: Attention {
                contact_requests: requests as u64,
                quarantined,
                changed_pins: changed as u64,
            },
            slots: self.slot_entries()?,
        })
    }

    async fn identity(&self, account: &AccountName) -> Result<Identity> {
        self.known(account).await?;
        let tox_id = self.network.tox_id(account);
        let tox_id = tox_id.ok_or_else(|| ManagementError::Unavailable("Tox is not running".to_owned()))?;
        Ok(Identity { account: account.clone(), tox_id, addresses: self.gateway.addresses(account) })
    }

    async fn mail_settings(&self, account: &AccountName) -> Result<MailSettings> {
        self.known(account).await?;
        let (smtp, pop3) = self.mail.ok_or_else(|| {
            ManagementError::Conflict(
                "this is a drop relay alone, without SMTP and POP3: start a gateway with `toxmail up`"
                    .to_owned(),
            )
        })?;
        let tls = |address: SocketAddr| !address.ip().is_loopback();
        let certificate = self.certificate.as_ref().map(|path| path.display().to_string());
        let (smtp_tls, pop3_tls) = (tls(smtp), tls(pop3));
        let password_file = self.accounts.directory.password();
        let is_owner = self.owner().await? == *account;
        let password_file = (is_owner && password_file.exists()).then(|| password_file.display().to_string());
        let user = account.clone();
        Ok(MailSettings { user, smtp, pop3, smtp_tls, pop3_tls, certificate, password_file })
    }

    async fn contacts(&self, account: &AccountName, page: &Page) -> Result<Listing<Contact>> {
        self.known(account).await?;
        let contacts = self.gateway.contacts(account);
        let shown = contacts.iter().map(|contact| self.shown_contact(account, contact)).collect();
        Ok(page.cut(shown, |contact| contact.alias.to_string()))
    }

    async fn add_contact(&self, account: &AccountName, contact: NewContact) -> Result<Contact> {
        self.known(account).await?;
        let id = self.tox_id_of(account, &contact.address).await?;
        let message = contact.message.as_deref().unwrap_or(GREETING);
        let added = self.gateway.add_contact(account, contact.alias, id, message).await;
        added.map(|contact| self.shown_contact(account, &contact)).map_err(contact_error)
    }

    async fn remove_contact(&self, account: &AccountName, alias: &AccountName) -> Result<()> {
        let contact = self.contact_by_alias(account, alias).await?;
        self.gateway.remove_contact(account, contact.key).await.map_err(contact_error)
    }

    async fn contact_requests(&self, account: &AccountName) -> Result<Vec<ContactRequest>> {
        self.known(account).await?;
        let requests = self.gateway.friend_requests(account).await.map_err(storage)?;
        Ok(requests.iter().map(ContactRequest::from).collect())
    }

    async fn accept_contact(
        &self,
        account: &AccountName,
        key: PublicKey,
        alias: Option<AccountName>,
    ) -> Result<Contact> {
        self.known(account).await?;
        let accepted = self.gateway.accept_request(account, key, alias).await.map_err(contact_error)?;
        Ok(self.shown_contact(account, &accepted))
    }

    async fn outbox(&self, account: &AccountName, page: &Page) -> Result<Listing<OutboxEntry>> {
        self.known(account).await?;
        let after = cursor(page)?;
        let entries = self.gateway.list(account, after, page.limit() + 1).await.map_err(storage)?;
        Ok(listing(page, entries.iter().map(|entry| self.with_copies(entry)), |entry| entry.id.to_string()))
    }

    async fn outbox_entry(&self, account: &AccountName, id: MailId) -> Result<OutboxEntry> {
        self.known(account).await?;
        let entry = self.gateway.outbox_entry(account, id).await.map_err(storage)?;
        entry.as_ref().map(|entry| self.with_copies(entry)).ok_or_else(|| Self::no_entry(id))
    }

    async fn retry(&self, account: &AccountName, id: MailId) -> Result<()> {
        self.known(account).await?;
        let found = self.gateway.retry_now(account, id).await.map_err(storage)?;
        if found { Ok(()) } else { Err(Self::no_entry(id)) }
    }

    async fn cancel(&self, account: &AccountName, id: MailId) -> Result<()> {
        self.known(account).await?;
        match self.gateway.cancel(account, id).await.map_err(storage)? {
            Cancelled::Yes => Ok(()),
            Cancelled::NotThere => Err(Self::no_entry(id)),
        }
    }

    async fn quarantine(&self, account: &AccountName, page: &Page) -> Result<Listing<QuarantineEntry>> {
        self.known(account).await?;
        let entries =
            self.store.quarantine_page(account, cursor(page)?, page.limit() + 1).await.map_err(stored)?;
        Ok(listing(page, entries.iter().map(QuarantineEntry::from), |entry| entry.id.to_string()))
    }

    async fn arrivals(&self, account: &AccountName, page: &Page) -> Result<Listing<Arrival>> {
        self.known(account).await?;
        let mails =
            self.store.mailbox_newest(account, cursor(page)?, page.limit() + 1).await.map_err(stored)?;
        Ok(listing(page, mails.iter().map(Arrival::from), |entry| entry.number.to_string()))
    }

    async fn outcomes(&self, account: &AccountName, most: usize) -> Result<Vec<Outcome>> {
        self.known(account).await?;
        let ended = self.store.recent_outcomes(account, most).await.map_err(stored)?;
        Ok(ended.into_iter().map(outcome).collect())
    }

    async fn release(&self, account: &AccountName, id: MailId) -> Result<()> {
        self.known(account).await?;
        self.teach(account, id, UserDecision::Released).await;
        self.gateway.release(account, id).await.map_err(storage)
    }

    async fn delete_quarantined(&self, account: &AccountName, id: MailId) -> Result<()> {
        self.known(account).await?;
        self.teach(account, id, UserDecision::Deleted).await;
        self.gateway.delete_quarantined(account, id).await.map_err(storage)
    }

    async fn mark(&self, account: &AccountName, id: MailId, mark: Mark) -> Result<()> {
        self.known(account).await?;
        let entry = match self.store.quarantined(account, id).map_err(stored)? {
            Some(entry) => Some(entry),
            None => self.mailbox_mail(account, id).await?,
        };
        let entry = entry.ok_or_else(|| {
            ManagementError::NotFound(format!(
                "there is no mail {id} (any more): its id is in `toxmail quarantine list`, or what POP3 lists as UIDL"
            ))
        })?;
        let decision = match mark {
            Mark::Spam => UserDecision::Spam,
            Mark::Ham => UserDecision::NotSpam,
        };
        self.teach_entry(account, &entry, decision).await;
        Ok(())
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        let accounts = self.store.accounts().await.map_err(stored)?;
        let shown = accounts.into_iter().map(|account| {
            Ok(Account {
                tox_id: self.network.tox_id(&account.name),
                addresses: self.gateway.addresses(&account.name),
                owner: account.owner,
                created: account.created.into(),
                enabled: !self.store.is_disabled(&account.name).map_err(stored)?,
                name: account.name,
            })
        });
        shown.collect()
    }

    async fn add_account(&self, account: NewAccount) -> Result<Credentials> {
        let chosen = account.password.as_ref().map(Password::reveal);
        let made = self.accounts.add(account.name.clone(), chosen).await.map_err(account_error)?;
        self.gateway.reload_accounts().await.map_err(storage)?;
        Ok(Credentials {
            account: account.name,
            tox_id: Some(made.tox_id),
            password: made.password.map(shown_password).transpose()?,
        })
    }

    async fn set_password(&self, account: &AccountName, password: Option<Password>) -> Result<Credentials> {
        self.known(account).await?;
        let chosen = password.as_ref().map(Password::reveal);
        let made = self.accounts.set_password(account, chosen).await.map_err(account_error)?;
        Ok(Credentials {
            account: account.clone(),
            tox_id: self.network.tox_id(account),
            password: made.map(shown_password).transpose()?,
        })
    }

    async fn import_profile(
        &self,
        name: AccountName,
        profile: Zeroizing<Vec<u8>>,
        password: Option<Zeroizing<String>>,
    ) -> Result<ImportedAccount> {
        let profile = opened(profile, password).await?;
        let saved = tox::SavedData::new(profile.to_vec()).map_err(|error| {
            ManagementError::Unprocessable(format!("this is no profile of a Tox program: {error}"))
        })?;
        let (made, contacts) = self.accounts.import(name.clone(), saved).await.map_err(account_error)?;
        self.gateway.reload_accounts().await.map_err(storage)?;
        let password = made.password.map(shown_password).transpose()?;
        let credentials = Credentials { account: name, tox_id: Some(made.tox_id), password };
        Ok(ImportedAccount { credentials, contacts: contacts as u64 })
    }

    async fn remove_account(&self, account: &AccountName) -> Result<()> {
        self.known(account).await?;
        // What waits is taken back before nobody is there to ask.
        loop {
            let waiting = self.gateway.list(account, None, OUTBOX_AT_A_TIME).await.map_err(storage)?;
            for entry in &waiting {
                self.gateway.cancel(account, entry.id).await.map_err(storage)?;
            }
            if waiting.is_empty() {
                break;
            }
        }
        self.accounts.remove(account).await.map_err(account_error)?;
        self.gateway.reload_accounts().await.map_err(storage)
    }

    async fn set_account_enabled(&self, account: &AccountName, enabled: bool) -> Result<()> {
        self.known(account).await?;
        self.accounts.set_enabled(account, enabled).await.map_err(account_error)?;
        self.gateway.reload_accounts().await.map_err(storage)
    }

    async fn mailbox(&self, account: &AccountName, page: &Page) -> Result<Listing<MailboxMail>> {
        self.known(account).await?;
        let after = page.after().map_or(Ok(0), |cursor| cursor.parse().map_err(|_| wrong_cursor()))?;
        let items = self.store.mailbox_list_after(account, after).await.map_err(stored)?;
        let is_last = items.len() <= page.limit();
        let mut mails = Vec::new();
        for item in items.iter().take(page.limit()) {
            match self.store.mailbox_entry(account, item.number) {
                Ok(entry) => mails.push(MailboxMail {
                    number: item.number,
                    id: item.uidl,
                    size: item.size,
                    received: entry.received.into(),
                }),
                // Deleted meanwhile.
                Err(store::Error::NotFound) => {}
                Err(error) => return Err(stored(error)),
            }
        }
        let next =
            if is_last { None } else { items.get(page.limit() - 1).map(|item| item.number.to_string()) };
        Ok(Listing { items: mails, next })
    }

    async fn read_mail(&self, account: &AccountName, number: u64, offset: u64, max: usize) -> Result<Bytes> {
        let read = self.store.mailbox_read(account, number, offset, max).await;
        read.map_err(|error| match error {
            store::Error::NotFound => {
                ManagementError::NotFound(format!("there is no mail {number} in the mailbox of {account}"))
            }
            error => stored(error),
        })
    }

    async fn import_mail(&self, account: &AccountName, mail: Bytes) -> Result<ImportedMail> {
        self.known(account).await?;
        let put = self.imports.put(&self.store, account, &mail, self.clock.wall()).await;
        Ok(ImportedMail { is_new: put.map_err(stored)? })
    }

    async fn backup(&self) -> Result<Backup> {
        let (directory, owner) = (self.accounts.directory.path(), self.owner().await?);
        let archive =
            backup::archive(&self.store, directory, self.clock.wall(), self.backup_watch(owner)).await;
        let archive = archive.map_err(|error| match error {
            backup::BackupError::Store(error) => stored(error),
            error => ManagementError::Unavailable(error.to_string()),
        })?;
        Ok(Backup { size: archive.size, pieces: archive.pieces() })
    }

    async fn configuration(&self) -> Result<Vec<ConfigurationKey>> {
        Ok(self.reloader.keys().await)
    }

    async fn reload(&self) -> Result<Reloaded> {
        self.reloader.reload().await.map_err(ManagementError::Unprocessable)
    }

    async fn relays(&self) -> Result<Vec<Relay>> {
        relays::list(&self.relays).await
    }

    async fn add_relay(&self, relay: NewRelay) -> Result<Relay> {
        relays::add(&self.relays, &relay).await
    }

    async fn remove_relay(&self, key: PublicKey) -> Result<()> {
        relays::remove(&self.relays, key).await
    }

    async fn invite_to_relay(&self) -> Result<Invitation> {
        relays::invite(&self.relays).await
    }

    async fn invitations(&self) -> Result<Vec<InvitationGiven>> {
        relays::invitations(&self.relays).await
    }

    async fn uninvite_from_relay(&self, name: &str) -> Result<()> {
        relays::uninvite(&self.relays, name).await
    }

    async fn components(&self) -> Result<Vec<Component>> {
        self.library.list().into_iter().map(component).collect()
    }

    async fn add_component(
        &self,
        name: ComponentName,
        bytes: Bytes,
        signature: Option<ComponentSignature>,
    ) -> Result<Component> {
        let (bytes, signature) = (bytes.to_vec(), signature.map(|signature| signature.0));
        let added = self.library.add_signed(name.as_str(), bytes, signature, self.clock.wall()).await;
        component(added.map_err(library_error)?)
    }

    async fn slots(&self) -> Result<Vec<SlotEntry>> {
        self.slot_entries()
    }

    async fn use_component(
        &self,
        slot: Slot,
        component: ComponentRef,
        entry: Option<String>,
    ) -> Result<Vec<SlotEntry>> {
        let found = self.library.find(&component.to_string()).map_err(library_error)?;
        let of_slot = sandbox_slot(slot);
        match self.sandbox.use_component(of_slot, entry.as_deref(), found.sha256).await {
            Ok(_) => {}
            Err(SwapError::NoEntry { slot: sandbox::Slot::MailFilter, .. }) => {
                let entry = entry.unwrap_or_else(|| of_slot.name().to_owned());
                let filter = first_entry(of_slot, &entry, found.sha256);
                self.sandbox.add_filter(filter).await.map_err(swap_error)?;
            }
            Err(error) => return Err(swap_error(error)),
        }
        self.entries_of(slot)
    }

    async fn roll_back(&self, slot: Slot, entry: Option<String>) -> Result<Vec<SlotEntry>> {
        self.sandbox.rollback(sandbox_slot(slot), entry.as_deref()).await.map_err(swap_error)?;
        self.entries_of(slot)
    }

    async fn order_filters(&self, entries: Vec<String>) -> Result<Vec<SlotEntry>> {
        self.sandbox.order_filters(&entries).await.map_err(swap_error)?;
        self.entries_of(Slot::MailFilter)
    }

    async fn remove_filter(&self, entry: String) -> Result<Vec<SlotEntry>> {
        self.sandbox.remove_filter(&entry).await.map_err(swap_error)?;
        self.entries_of(Slot::MailFilter)
    }

    async fn use_policy_set(&self, path: PathBuf) -> Result<Vec<SlotEntry>> {
        if !path.is_absolute() {
            let why = "name the policy set with an absolute path: the gateway runs in another directory";
            return Err(ManagementError::Unprocessable(why.to_owned()));
        }
        let set = policy_set::load(&path, &self.library, self.clock.wall()).await;
        let set = set.map_err(|error| ManagementError::Unprocessable(error.to_string()))?;
        let config = with_policy_set(self.sandbox.config(), set);
        self.sandbox.configure(config).await.map_err(swap_error)?;
        tracing::info!(path = %path.display(), "a policy set was put to work");
        self.slot_entries()
    }

    async fn changed_pins(&self, account: &AccountName) -> Result<Vec<Pin>> {
        self.known(account).await?;
        let pins = self.store.changed_pins(account).await.map_err(stored)?;
        Ok(pins.iter().map(Pin::from).collect())
    }

    async fn accept_pin(&self, account: &AccountName, address: &Address) -> Result<Pin> {
        self.known(account).await?;
        let confirmed = self.gateway.confirm_pin(account, address).await.map_err(storage)?;
        confirmed.as_ref().map(Pin::from).ok_or_else(|| {
            ManagementError::NotFound(format!(
                "nothing waits for {address}: `toxmail pin list` shows what does"
            ))
        })
    }

    async fn decisions(&self, query: &DecisionQuery, page: &Page) -> Result<Listing<Decision>> {
        let time = |time: Option<Timestamp>| time.map(|Timestamp(time)| time);
        let search = store::DecisionSearch {
            slot: query.slot.map(|slot| sandbox_slot(slot).name().to_owned()),
            mail: query.mail,
            account: query.account.clone(),
            from: time(query.from),
            until: time(query.until),
            text: query.text.as_ref().map(|text| text.as_str().to_owned()),
            before: cursor(page)?,
        };
        let found = self.store.decisions_newest(search, page.limit()).await.map_err(stored)?;
        let items = found.decisions.iter().filter_map(decision).collect();
        Ok(Listing { items, next: found.next.map(|id| id.to_string()) })
    }

    async fn history(&self) -> Result<History> {
        Ok(self.history.figures())
    }

    async fn metrics(&self) -> Vec<Metric> {
        let accounts = match self.store.accounts().await {
            Ok(accounts) => accounts,
            Err(error) => {
                tracing::warn!(%error, "no metrics of accounts");
                Vec::new()
            }
        };
        let by_account = |value: &dyn Fn(&AccountName) -> f64| {
            accounts
                .iter()
                .map(|account| Sample {
                    labels: vec![("account", account.name.to_string())],
                    value: value(&account.name),
                })
                .collect::<Vec<_>>()
        };
        let count = |number: u64| {
            // Exact up to 2^53, which no count here reaches.
            #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53")]
            let number = number as f64;
            number
        };
        let mailbox = |account: &AccountName| self.store.mailbox_count(account).unwrap_or_default();
        let gauge = |name, help, samples| Metric { name, help, kind: Kind::Gauge, samples };
        let statuses = self.sandbox.status();
        let by_entry = |value: &dyn Fn(&EntryStatus) -> u64| {
            statuses
                .iter()
                .map(|status| Sample {
                    labels: vec![("slot", status.slot.to_string()), ("entry", status.entry.clone())],
                    value: count(value(status)),
                })
                .collect::<Vec<_>>()
        };
        let counter = |name, help, samples| Metric { name, help, kind: Kind::Counter, samples };
        let mut metrics = vec![
            gauge(
                "toxmail_tox_online",
                "Whether the account is connected to the Tox network.",
                by_account(&|account| {
                    f64::from(u8::from(self.network.connection(account) != tox::Connection::None))
                }),
            ),
            gauge(
                "toxmail_outbox_mails",
                "Mails waiting in the outbox.",
                by_account(&|account| count(self.gateway.queued(account))),
            ),
            gauge(
                "toxmail_mailbox_mails",
                "Mails in the mailbox.",
                by_account(&|account| count(mailbox(account).0)),
            ),
            gauge(
                "toxmail_mailbox_bytes",
                "Bytes in the mailbox.",
                by_account(&|account| count(mailbox(account).1)),
            ),
            counter(
                "toxmail_component_calls_total",
                "Calls of the live component since it went live.",
                by_entry(&|status| status.health.calls),
            ),
            counter(
                "toxmail_component_failures_total",
                "Failed calls of the live component since it went live.",
                by_entry(&|status| status.health.failures),
            ),
        ];
        metrics.extend(relays::metrics(&self.relays).await);
        metrics
    }
}

/// A profile without encryption.
async fn opened(
    profile: Zeroizing<Vec<u8>>,
    password: Option<Zeroizing<String>>,
) -> Result<Zeroizing<Vec<u8>>> {
    if !tox::is_encrypted(&profile) {
        return Ok(profile);
    }
    let password = password.ok_or_else(|| {
        ManagementError::Unprocessable("this profile is encrypted: give its password too".to_owned())
    })?;
    // Deriving the key takes a moment on purpose.
    let opened = tokio::task::spawn_blocking(move || tox::decrypt(&profile, password.as_bytes())).await;
    opened
        .map_err(|error| ManagementError::Internal(error.to_string()))?
        .map_err(|error| ManagementError::Unprocessable(error.to_string()))
}

fn wrong_cursor() -> ManagementError {
    ManagementError::Unprocessable("the cursor is not one this list gave: start without".to_owned())
}

fn shown_password(made: zeroize::Zeroizing<String>) -> Result<Password> {
    Password::new(made.to_string()).map_err(|error| ManagementError::Internal(error.to_string()))
}
