//! Serving a board: `drops::board` under a Tox identity of its own.
//!
//! ```text
//! Tox events -> guests (friends, messages) -> engine (the board, on a thread of its own) -> guests' writers -> Tox
//!                                                |  questions          |  batches
//!                                             the policy          a thread that commits
//! ```
//!
//! What the board computes (stamps, tokens, points) and reads happens on the engine's thread, what waits for the disk on the committing one;
//! neither ever holds up Tox.

mod engine;
mod guests;
mod identity;
mod policy;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use drops::board::{
    BoardError, BoardStatus, InvitationName, InvitationStatus, Quotas, SessionId, ShelfError,
};
use drops::cells::{CellStore, OpenError, Room};
use drops::message::InvitationCode;
use drops::record::OwnerMark;
use drops::token::Issuer;
use mail::{Clock, PublicKey};
use rand_core::{OsRng, RngCore as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tox::{Connection, Node};

pub use identity::Identity;
pub use policy::DepositPolicy;

use crate::address::BoardAddress;
use crate::error::SessionError;
use crate::limits::{BOARD_INBOX, CELL_CACHE_BYTES, SESSION_ANSWERS, SESSION_MESSAGES, STOP_TIME, TICK};
use engine::{Answers, Client, Engine, Event};

/// How a board is served.
pub struct Setup {
    /// The file its cells are in.
    pub cells: PathBuf,
    /// How much it takes.
    pub quotas: Quotas,
    /// Whether the disk its cells are on has room for more.
    pub room: Room,
    /// The mark of its owner, the same for all of their boards.
    pub owner: OwnerMark,
    /// Nodes to start from.
    pub nodes: Vec<Node>,
    /// Who may deposit.
    pub policy: Arc<dyn DepositPolicy>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Why a board is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Tox did not start.
    #[error("Tox did not start for the drop relay: {0}")]
    Tox(#[from] tox::StartError),
    /// The new instance stopped at once.
    #[error(transparent)]
    Gone(#[from] tox::Gone),
    /// Its cells cannot be opened.
    #[error(transparent)]
    Cells(#[from] OpenError),
    /// Their content cannot be used.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// Its damaged cells cannot be moved out of the way.
    #[error("the damaged cells of the drop relay cannot be set aside: {0}")]
    Aside(std::io::Error),
    /// The operating system gave no thread.
    #[error("the system gave no thread for the drop relay ({0}): raise the limit of processes")]
    Thread(#[from] std::io::Error),
}

impl ServeError {
    /// Whether the content of the file of cells makes no sense.
    fn is_damage(&self) -> bool {
        matches!(self, Self::Cells(OpenError::Damaged { .. }) | Self::Board(BoardError::Key(_)))
    }
}

/// The board was stopped, or cannot store anything at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the drop relay is stopping, or has trouble with its disk: try again, and look into the log")]
pub struct Stopped;

/// A board that is served. Clones are handles of the same one.
#[derive(Clone)]
pub struct Serving {
    inner: Arc<Inner>,
}

struct Inner {
    identity: Identity,
    engine: mpsc::Sender<Event>,
    cells: Arc<CellStore>,
    /// Where its damaged cells are, and why they are there.
    set_aside: Option<SetAside>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    quotas: Quotas,
    owner: OwnerMark,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Serving").field(&self.key()).finish()
    }
}

impl Serving {
    /// Opens the cells of `identity`'s board and serves it. The identity must be stored before: the cells are of no use to another one.
    /// Damaged cells are set aside, and the board begins with none.
    ///
    /// # Errors
    /// [`ServeError`]; nothing keeps running then.
    pub async fn start(identity: Identity, setup: Setup) -> Result<Self, ServeError> {
        let key = identity.tox.public_key();
        let (quotas, owner) = (setup.quotas, setup.owner);
        let opening = Opening {
            key,
            issuer: Issuer::new(&identity.saved().await?.secret_key()),
            path: setup.cells,
            quotas,
            room: setup.room.into(),
            clock: Arc::clone(&setup.clock),
        };
        let opening = supervisor::blocking("board-open", move || opening.open_or_begin_anew());
        let ((engine, cells), set_aside) = opening.await.map_err(std::io::Error::other)??;
        let (sender, inbox) = mpsc::channel(BOARD_INBOX);
        let (questions, asked) = mpsc::unbounded_channel();
        engine.spawn(inbox, sender.downgrade(), questions)?;
        let tasks = vec![
            supervisor::vital("board-policy", policy::answer(asked, setup.policy, sender.downgrade())),
            supervisor::vital("board-tick", tick(sender.downgrade(), Arc::clone(&setup.clock))),
            supervisor::job("board-join", identity::join(identity.tox.clone(), setup.nodes)),
            supervisor::vital(
                "board-guests",
                guests::listen(identity.clone(), sender.downgrade(), Arc::clone(&setup.clock)),
            ),
        ];
        let tasks = Mutex::new(tasks);
        let inner =
            Inner { identity, engine: sender, cells, set_aside, tasks, quotas, owner, clock: setup.clock };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The board's key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.inner.identity.tox.public_key()
    }

    /// The cells that could not be used at this start.
    #[must_use]
    pub fn set_aside(&self) -> Option<&SetAside> {
        self.inner.set_aside.as_ref()
    }

    /// What to give to those who may use it.
    #[must_use]
    pub fn address(&self) -> BoardAddress {
        BoardAddress { owner: Some(self.inner.owner), ..self.key().into() }
    }

    /// How it reaches the network.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.inner.identity.tox.connection()
    }

    /// Its identity.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    /// Writes what makes it the same board, without its cells, into a new file: for a backup.
    ///
    /// # Errors
    /// [`ShelfError`]
    pub async fn copy_without_cells(&self, to: PathBuf) -> Result<(), ShelfError> {
        let cells = Arc::clone(&self.inner.cells);
        let copying = supervisor::blocking("board-copy", move || cells.copy_without_cells(&to));
        copying.await.unwrap_or_else(|error| Err(ShelfError(error.to_string())))
    }

    /// How much it takes.
    #[must_use]
    pub fn quotas(&self) -> Quotas {
        self.inner.quotas
    }

    /// Counts; nothing about anybody.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn status(&self) -> Result<BoardStatus, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.tell(Event::Status(reply)).await?;
        answer.await.map_err(|_| Stopped)
    }

    /// Makes an invitation to tokens. It is durable when this returns.
    ///
    /// # Errors
    /// [`Stopped`], or as many invitations as a board keeps.
    pub async fn invite(&self) -> Result<Result<BoardAddress, BoardError>, Stopped> {
        let mut code: InvitationCode = [0; 16];
        OsRng.fill_bytes(&mut code);
        let (reply, answer) = oneshot::channel();
        self.tell(Event::Invite(code, reply)).await?;
        let made = answer.await.map_err(|_| Stopped)?;
        Ok(made.map(|()| BoardAddress { invitation: Some(code), ..self.address() }))
    }

    /// Takes an invitation back: it gives no more tokens when this returns. Those it gave stay good until the end of the next week. False
    /// if there is none of this name.
    ///
    /// # Errors
    /// [`Stopped`]
    pub async fn uninvite(&self, name: InvitationName) -> Result<bool, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.tell(Event::Uninvite(name, reply)).await?;
        answer.await.map_err(|_| Stopped)
    }

    /// All invitations: their names, and tokens they gave this week.
    ///
    /// # Errors
    /// [`Stopped`]
    pub async fn invitations(&self) -> Result<Vec<InvitationStatus>, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.tell(Event::Invitations(reply)).await?;
        answer.await.map_err(|_| Stopped)
    }

    async fn tell(&self, event: Event) -> Result<(), Stopped> {
        self.inner.engine.send(event).await.map_err(|_| Stopped)
    }

    /// Stops serving: friends see it go, what was to be committed is.
    pub async fn stop(&self) {
        let (reply, done) = oneshot::channel();
        let stopping = async {
            if self.tell(Event::Stop(reply)).await.is_ok() {
                // An error means that it has stopped already.
                let _ = done.await;
            }
            self.inner.identity.tox.shutdown().await;
        };
        tokio::select! {
            () = stopping => {}
            () = self.inner.clock.sleep(STOP_TIME) => tracing::warn!("the drop relay did not stop in time; nothing is lost by that"),
        }
        for task in self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }

    /// A session within this process.
    pub(crate) async fn connect_inside(
        &self,
    ) -> Result<(Inside, mpsc::Receiver<Result<Bytes, SessionError>>), SessionError> {
        let (out, answers) = mpsc::channel(SESSION_ANSWERS);
        let engine = self.inner.engine.clone();
        let session =
            engine::connect(&engine, Client::Owner, out).await.map_err(|_| SessionError::Stopping)?;
        let (sender, incoming) = mpsc::channel(SESSION_MESSAGES);
        let pump = supervisor::job("board-answers", hand_over(answers, engine.clone(), session, sender));
        Ok((Inside { engine, session, pump }, incoming))
    }
}

/// Cells that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Where they are now.
    pub file: PathBuf,
    /// What is wrong with them.
    pub why: String,
}

/// What it takes to open a board.
struct Opening {
    key: PublicKey,
    issuer: Issuer,
    path: PathBuf,
    quotas: Quotas,
    room: Arc<dyn Fn() -> bool + Send + Sync>,
    clock: Arc<dyn Clock>,
}

type Opened = (Engine, Arc<CellStore>);

impl Opening {
    /// Opens the cells. Damaged ones are moved out of the way first.
    fn open_or_begin_anew(&self) -> Result<(Opened, Option<SetAside>), ServeError> {
        match self.open() {
            Err(damage) if damage.is_damage() => {
                let why = damage.to_string();
                let file = drops::cells::set_aside(&self.path, &self.key, self.clock.wall());
                let file = file.map_err(ServeError::Aside)?;
                Ok((self.open()?, Some(SetAside { file, why })))
            }
            opened => Ok((opened?, None)),
        }
    }

    fn open(&self) -> Result<Opened, ServeError> {
        let open = || {
            let cells = CellStore::open(&self.path, &self.key, CELL_CACHE_BYTES)?;
            let room = Arc::clone(&self.room);
            let cells = Arc::new(cells.within(Box::new(move || room())));
            let (issuer, clock) = (self.issuer.clone(), Arc::clone(&self.clock));
            let engine = Engine::open(self.key, issuer, self.quotas, Arc::clone(&cells), clock)?;
            Ok((engine, cells))
        };
        // The database gives up by a panic where its file contradicts itself: that is damage, and no fault of the program.
        catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| {
            let (file, why) = (self.path.clone(), "it contradicts itself".to_owned());
            Err(OpenError::Damaged { file, why }.into())
        })
    }
}

/// The own end of a session within this process.
#[derive(Debug)]
pub(crate) struct Inside {
    engine: mpsc::Sender<Event>,
    session: SessionId,
    pump: JoinHandle<()>,
}

impl Inside {
    pub async fn send(&self, message: Bytes) -> Result<(), SessionError> {
        self.engine.send(Event::Message(self.session, message)).await.map_err(|_| SessionError::Ended)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.pump.abort();
        let (engine, session) = (self.engine.clone(), self.session);
        // Where the inbox is full, the idle time ends the session.
        let _ = engine.try_send(Event::Disconnected(session));
    }
}

/// Hands answers to a session of this process as it takes them.
async fn hand_over(
    mut answers: Answers,
    engine: mpsc::Sender<Event>,
    session: SessionId,
    sender: mpsc::Sender<Result<Bytes, SessionError>>,
) {
    while let Some(answer) = answers.recv().await {
        if sender.send(Ok(answer)).await.is_err() || engine.send(Event::Ready(session)).await.is_err() {
            return;
        }
    }
}

/// Tells the engine that time passes, as long as there is one.
async fn tick(engine: mpsc::WeakSender<Event>, clock: Arc<dyn Clock>) {
    loop {
        clock.sleep(TICK).await;
        let Some(engine) = engine.upgrade() else { return };
        if engine.send(Event::Tick).await.is_err() {
            return;
        }
    }
}
