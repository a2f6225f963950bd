//! Drop relays: the board this gateway serves, sessions with those of others, and which are known.

mod known;
mod owner;
mod policy;

use std::path::PathBuf;
use std::sync::Arc;

use drops::board::Quotas;
use drops::record::OwnerMark;
use mail::{AccountName, Clock};
use relay::{Identity, ServeError, Serving, Sessions, Setup};
use sandbox::Sandbox;
use store::Store;
use store::secrets::{SecretError, Secrets};
use tox::{InvalidSavedData, Options, SavedData};

pub use known::{Behaviour, KnownError, KnownRelay, KnownRelays};
use policy::ComponentPolicy;

/// The name of the board's identity among the secrets.
const IDENTITY: &str = "board-identity";

/// How drop relays are used and served.
pub struct RelaySettings {
    /// How throwaways reach the network.
    pub sessions: relay::Settings,
    /// The board to serve.
    pub serve: Option<ServeSettings>,
}

/// How a board is served.
pub struct ServeSettings {
    /// How its Tox instance is started, without saved data.
    pub tox: Options,
    /// How much it takes.
    pub quotas: Quotas,
    /// The mark of its owner, where the configuration says one; else one is made.
    pub owner: Option<OwnerMark>,
    /// The file of its cells.
    pub cells: PathBuf,
    /// The directory of secrets.
    pub secrets: PathBuf,
}

/// Everything about drop relays.
pub struct Relays {
    /// Opens sessions with boards.
    pub sessions: Sessions,
    /// Which boards there are to use, and how they behaved.
    pub known: KnownRelays,
    secrets: Option<Arc<Secrets>>,
}

/// Why drop relays do not work.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The board.
    #[error("the drop relay is not served: {0}")]
    Serve(#[from] ServeError),
    /// Its identity cannot be kept.
    #[error("the identity of the drop relay: {0}")]
    Secret(#[from] SecretError),
    /// Its identity is damaged.
    #[error("the identity of the drop relay is damaged ({0}): restore the data directory from a backup")]
    Identity(#[from] InvalidSavedData),
    /// The mark of its owner cannot be kept.
    #[error("the mark of the drop relay's owner: {0}")]
    Owner(#[from] store::Error),
    /// What is known of boards cannot be read.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// A blocking call was cut off.
    #[error("the gateway is stopping")]
    Stopping,
}

impl Relays {
    /// Starts serving, where that is wanted, in the name of `owner`, and gets ready to use boards.
    ///
    /// # Errors
    /// [`RelayError`]
    pub async fn start(
        settings: RelaySettings,
        owner: AccountName,
        store: &Store,
        sandbox: &Arc<Sandbox>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, RelayError> {
        let nodes = settings.sessions.nodes.clone();
        let sessions = Sessions::start(settings.sessions, Arc::clone(clock)).await;
        let known = KnownRelays::load(store.clone(), Arc::clone(clock)).await?;
        let mut relays = Self { sessions, known, secrets: None };
        if let Some(serve) = settings.serve {
            let secrets = Arc::new(blocking(move || Secrets::open(&serve.secrets)).await??);
            let identity = identity(&secrets, serve.tox).await?;
            let policy = ComponentPolicy { sandbox: Arc::clone(sandbox), owner, clock: Arc::clone(clock) };
            let owner_mark = owner::mark(store, serve.owner).await?;
            let setup = Setup {
                cells: serve.cells,
                quotas: serve.quotas,
                owner: owner_mark,
                nodes,
                policy: Arc::new(policy),
                clock: Arc::clone(clock),
            };
            let serving = Serving::start(identity, setup).await?;
            tracing::info!(address = %serving.address(), "a drop relay is served");
            relays.sessions.serve(serving);
            relays.secrets = Some(secrets);
        }
        if !relays.known.list().is_empty() {
            relays.sessions.prepare();
        }
        Ok(relays)
    }

    /// The board that is served here.
    pub fn serving(&self) -> Option<&Serving> {
        self.sessions.served()
    }

    /// Stops serving and throws spare throwaways away.
    pub async fn stop(&self) {
        self.sessions.stop();
        let Some((serving, secrets)) = self.serving().zip(self.secrets.clone()) else { return };
        // With the nodes of now the next start finds the network sooner.
        match serving.identity().saved().await {
            Ok(saved) => {
                if let Err(error) = keep(&secrets, saved).await {
                    tracing::warn!(%error, "the drop relay's Tox data were not stored; it starts from older ones");
                }
            }
            Err(error) => tracing::debug!(%error, "nothing to save"),
        }
        serving.stop().await;
    }
}

/// The board's identity; a new one is stored before it is used.
async fn identity(secrets: &Arc<Secrets>, options: Options) -> Result<Identity, RelayError> {
    let reading = Arc::clone(secrets);
    let saved = blocking(move || reading.read(IDENTITY)).await??;
    let saved = saved.map(|bytes| SavedData::new(bytes.to_vec())).transpose()?;
    let is_new = saved.is_none();
    let identity = Identity::start(Options { saved, ..options }).await?;
    if is_new {
        keep(secrets, identity.saved().await?).await?;
    }
    Ok(identity)
}

async fn keep(secrets: &Arc<Secrets>, saved: SavedData) -> Result<(), RelayError> {
    let secrets = Arc::clone(secrets);
    Ok(blocking(move || secrets.write(IDENTITY, saved.as_bytes())).await??)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, RelayError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| RelayError::Stopping)
}
