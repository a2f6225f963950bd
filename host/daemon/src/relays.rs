//! Drop relays: the board that this gateway serves, sessions with other boards, and the known
//! boards.

mod known;
mod owner;
mod policy;

use std::path::PathBuf;
use std::sync::Arc;

use drops::board::Quotas;
use drops::record::OwnerMark;
use mail::{AccountName, Clock};
use relay::{Identity, ServeError, Serving, Sessions, SetAside, Setup};
use sandbox::Sandbox;
use store::Store;
use store::secrets::{SecretError, Secrets};
use tox::{InvalidSavedData, Options, SavedData};

pub use known::{KnownError, KnownRelay, KnownRelays};
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
    /// The mark of its owner from the configuration; without one, a mark is made.
    pub owner: Option<OwnerMark>,
    /// The file of its cells.
    pub cells: PathBuf,
    /// The directory of secrets.
    pub secrets: PathBuf,
    /// Whether there is nothing to do without it: then it is an error that it cannot be served.
    pub is_all: bool,
}

/// Everything about drop relays.
pub struct Relays {
    /// Opens sessions with boards.
    pub sessions: Sessions,
    /// The boards that can be used.
    pub known: KnownRelays,
    secrets: Option<Arc<Secrets>>,
    trouble: Option<String>,
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
    #[error(
        "the file `{IDENTITY}` in the directory of secrets is damaged ({0}): restore it from a backup, or remove it to begin with another identity"
    )]
    Identity(#[from] InvalidSavedData),
    /// The mark of its owner cannot be kept.
    #[error("the mark of the drop relay's owner: {0}")]
    Owner(#[from] store::Error),
    /// The list of known boards cannot be read.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// A blocking call was cut off.
    #[error("the gateway is stopping")]
    Stopping,
}

impl Relays {
    /// Starts serving, where that is wanted, in the name of `owner`, and gets ready to use boards. A gateway goes on without a
    /// board that cannot be served.
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
        let known = KnownRelays::load(store.clone()).await?;
        let mut relays = Self { sessions, known, secrets: None, trouble: None };
        if let Some(serve) = settings.serve {
            let policy = ComponentPolicy { sandbox: Arc::clone(sandbox), owner, clock: Arc::clone(clock) };
            let is_all = serve.is_all;
            match start_serving(serve, nodes, Arc::new(policy), store, clock).await {
                Ok((serving, secrets)) => relays.serve(serving, secrets),
                Err(error) if is_all => return Err(error),
                Err(error) => {
                    tracing::error!(%error, "the drop relay is off; everything else works");
                    relays.trouble = Some(format!("{error}; the drop relay is off, everything else works"));
                }
            }
        }
        if !relays.known.list().is_empty() {
            relays.sessions.prepare();
        }
        Ok(relays)
    }

    fn serve(&mut self, serving: Serving, secrets: Arc<Secrets>) {
        tracing::info!(address = %serving.address(), "a drop relay is served");
        if let Some(SetAside { file, why }) = serving.set_aside() {
            tracing::error!(why, file = %file.display(), "the cells of the drop relay were set aside");
            self.trouble = Some(format!(
                "{why}: it was set aside as {}, and the drop relay began without cells and invitations; a backup has its \
                 invitations",
                file.display()
            ));
        }
        self.sessions.serve(serving);
        self.secrets = Some(secrets);
    }

    /// Why the board cannot be served here, one line for people.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
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

async fn start_serving(
    serve: ServeSettings,
    nodes: Vec<tox::Node>,
    policy: Arc<ComponentPolicy>,
    store: &Store,
    clock: &Arc<dyn Clock>,
) -> Result<(Serving, Arc<Secrets>), RelayError> {
    let secrets = Arc::new(blocking(move || Secrets::open(&serve.secrets)).await??);
    let identity = identity(&secrets, serve.tox).await?;
    let owner = owner::mark(store, serve.owner).await?;
    let disk = store.clone();
    let setup = Setup {
        cells: serve.cells,
        quotas: serve.quotas,
        room: Box::new(move || disk.has_spare_room()),
        owner,
        nodes,
        policy,
        clock: Arc::clone(clock),
    };
    Ok((Serving::start(identity, setup).await?, secrets))
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
    supervisor::blocking("secret", work).await.map_err(|_| RelayError::Stopping)
}
