//! Plugs `offline` into the core, and everything it needs into `offline`: copies of mails wait on drop relays.

mod boards;
mod core;
mod files;
mod selector;
mod workers;

use std::sync::Arc;

use gateway::Gateway;
use mail::storage::{People as _, StorageError};
use mail::{AccountName, Clock};
use offline::{OfflineMail, Ports, Settings};
use rand_core::OsRng;
use sandbox::Sandbox;
use store::Store;
use store::secrets::{SecretError, Secrets};

use crate::directory::DataDirectory;
use crate::relays::Relays;
use net::ToxNetwork;

/// What offline mail is built from.
pub struct Parts<'a> {
    /// The core.
    pub gateway: &'a Arc<Gateway>,
    /// Identities of the accounts.
    pub network: &'a Arc<ToxNetwork>,
    /// Sessions with boards.
    pub relays: &'a Arc<Relays>,
    /// The relay-selector component.
    pub sandbox: &'a Arc<Sandbox>,
    /// The store of the documents.
    pub store: &'a Store,
    /// Where mailbox keys lie.
    pub directory: &'a DataDirectory,
    /// The clock.
    pub clock: &'a Arc<dyn Clock>,
    /// When things happen.
    pub settings: Settings,
}

/// Why offline mail does not work.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The directory of mailbox keys.
    #[error("mailbox keys cannot be kept: {0}")]
    Keys(#[from] SecretError),
    /// The accounts cannot be read.
    #[error(transparent)]
    Store(#[from] StorageError),
    /// Threads for scanning and stamps.
    #[error("no thread for scanning drop relays: {0}")]
    Threads(#[from] std::io::Error),
    /// The stored documents cannot be read.
    #[error("offline mail cannot start: {0}")]
    Start(#[from] offline::ports::Failure),
}

/// Builds offline mail, reads what is stored of it, and tells the core. It does nothing before [`OfflineMail::start`].
///
/// # Errors
/// [`OfflineError`]
pub async fn connect(parts: &Parts<'_>) -> Result<Arc<OfflineMail>, OfflineError> {
    let secrets = Secrets::open(&parts.directory.mailbox_keys())?;
    let ports = Ports {
        boards: Arc::new(boards::ToxBoards(Arc::clone(parts.relays))),
        documents: Arc::new(files::StoredDocuments(parts.store.clone())),
        keys: Arc::new(files::StoredKeys { secrets, store: parts.store.clone() }),
        core: Arc::new(core::GatewayCore::new(parts)),
        selector: Arc::new(selector::ComponentSelector {
            sandbox: Arc::clone(parts.sandbox),
            gateway: Arc::downgrade(parts.gateway),
        }),
        workers: Arc::new(workers::Threads::start()?),
        clock: Arc::clone(parts.clock),
    };
    let offline = Arc::new(OfflineMail::new(ports, parts.settings, Box::new(OsRng)));
    let accounts = parts.store.accounts().await?;
    let accounts: Vec<AccountName> = accounts.into_iter().map(|account| account.name).collect();
    // What was kept of a contact's mail is put back as a contact's.
    parts.gateway.load_people().await?;
    offline.load(&accounts).await?;
    parts.gateway.use_relays(Arc::clone(&offline) as _);
    parts.network.use_offline(&offline);
    Ok(offline)
}
