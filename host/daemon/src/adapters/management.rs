//! Plugs the gateway into the web API: what every verb does, one file a subject.

mod accounts;
mod components;
mod copies;
mod decisions;
mod errors;
mod feedback;
mod imports;
mod mails;
mod metrics;
mod pages;
mod people;
mod relays;
mod trials;
mod tuning;
mod upkeep;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use admin::dto::{
    Attention, Connection, ContactStatus, Decision, DecisionQuery, Identity, Listing, MailSettings,
    MailboxStatus, OutboxStatus, Page, Status, TaskStatus, Timestamp, ToxStatus, Unreadable, UnreadableRow,
};
use admin::management::{Management, ManagementError, Result};
use async_trait::async_trait;
use gateway::Gateway;
use gateway::ports::Network as _;
use mail::storage::People as _;
use mail::{AccountName, Clock};
use offline::OfflineMail;
use sandbox::{Library, LostFilter, Sandbox};
use store::Store;

use self::decisions::decision;
use self::errors::storage;
pub use self::imports::Imports;
use self::pages::cursor;
use super::slots::sandbox_slot;
use crate::accounts::Accounts;
use crate::limits::UNREADABLE_SHOWN;
use crate::relays::Relays;
use crate::reload::Reloader;
use net::ToxNetwork;

/// The gateway, as the web API sees it.
pub struct GatewayManagement {
    /// The core.
    pub gateway: Arc<Gateway>,
    /// The accounts.
    pub accounts: Arc<Accounts>,
    /// The identities on the network.
    pub network: Arc<ToxNetwork>,
    /// The slots.
    pub sandbox: Arc<Sandbox>,
    /// The components.
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
    /// Offline mail; a gateway that only serves a drop relay has none.
    pub offline: Option<Arc<OfflineMail>>,
    /// The end of the log.
    pub log: admin::RecentLog,
    /// Who hears how far long work is.
    pub events: admin::EventLog,
    /// Where SMTP and POP3 listen; a gateway that only serves a drop relay has neither.
    pub mail: Option<(SocketAddr, SocketAddr)>,
    /// The file with the certificate, where TLS is.
    pub certificate: Option<PathBuf>,
}

#[async_trait]
impl Management for GatewayManagement {
    async fn owner(&self) -> Result<AccountName> {
        let accounts = self.store.accounts().await.map_err(storage)?;
        let owner = accounts.into_iter().find(|account| account.owner);
        owner
            .map(|account| account.name)
            .ok_or_else(|| ManagementError::Internal("there is no owner".to_owned()))
    }

    async fn status(&self, account: &AccountName) -> Result<Status> {
        let is_owner = self.known(account).await?.owner;
        let reached = self.reached(account);
        let contacts = self.gateway.contacts(account);
        let quarantined = self.store.quarantine_count(account).await.map_err(storage)?;
        let discarded = self.store.bin_count(account).await.map_err(storage)?;
        let (mails, bytes) = self.store.mailbox_count(account).await.map_err(storage)?;
        // Who waits for room to ask belongs to those who ask.
        let unasked = self.offline.as_ref().map_or(0, |offline| offline.strangers_unasked(account));
        let requests = self.gateway.friend_requests(account).await.map_err(storage)?.len() + unasked;
        let held = self.gateway.held_names(account).len();
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
                discarded,
                changed_pins: held as u64,
            },
            slots: self.slot_entries()?,
            unreadable: if is_owner { self.unreadable()? } else { Unreadable::default() },
            faults: if is_owner { self.faults() } else { Vec::new() },
            tasks: tasks(),
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
                "only a drop relay runs here, without SMTP and POP3: start a gateway with `toxmail up`"
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
        let found = self.store.decisions_newest(search, page.limit()).await.map_err(storage)?;
        let items = found.decisions.iter().filter_map(decision).collect();
        Ok(Listing { items, next: found.next.map(|id| id.to_string()) })
    }
}

impl GatewayManagement {
    pub(super) async fn known(&self, account: &AccountName) -> Result<mail::record::Account> {
        self.store.account(account).await.map_err(storage)?.ok_or_else(|| {
            ManagementError::NotFound(format!(
                "there is no account `{account}`: `toxmail account list` shows all accounts"
            ))
        })
    }

    /// Stored rows that cannot be read.
    fn unreadable(&self) -> Result<Unreadable> {
        let all = self.store.unreadable().map_err(storage)?;
        let rows = all.len() as u64;
        let shown =
            |row: store::UnreadableRow| UnreadableRow { table: row.table, key: row.key, why: row.why };
        Ok(Unreadable { rows, first: all.into_iter().take(UNREADABLE_SHOWN).map(shown).collect() })
    }

    /// What does not work, though the gateway goes on.
    fn faults(&self) -> Vec<String> {
        let lost = self.sandbox.lost_filters().into_iter().map(|filter| {
            let LostFilter { entry, why } = filter;
            format!(
                "the filter `{entry}` cannot be read ({why}): no mail is taken from mail programs, and incoming mail is not \
                 filtered, until it is put in again (toxmail slot use mail-filter COMPONENT --entry {entry}) or taken out (toxmail \
                 slot remove {entry})"
            )
        });
        lost.chain(self.relays.trouble().map(str::to_owned)).collect()
    }

    /// How the account reaches the network; where there is nothing but a drop relay, how that does.
    fn reached(&self, account: &AccountName) -> tox::Connection {
        match (self.mail, self.relays.serving()) {
            (None, Some(serving)) => serving.connection(),
            _ => self.network.connection(account),
        }
    }
}

fn connection(connection: tox::Connection) -> Connection {
    match connection {
        tox::Connection::None => Connection::None,
        tox::Connection::Tcp => Connection::Tcp,
        tox::Connection::Udp => Connection::Udp,
    }
}

/// What the supervisor knows.
fn tasks() -> Vec<TaskStatus> {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let shown = |task: supervisor::TaskStatus| TaskStatus {
        name: task.name.to_owned(),
        kind: task.kind.as_str().to_owned(),
        running: number(task.running),
        down: number(task.down),
        panics: task.panics,
        problem: task.problem,
    };
    supervisor::status().into_iter().map(shown).collect()
}
