//! Throwaways made ahead of need, and sessions opened with them.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use mail::{Clock, Monotonic, PublicKey};
use rand_core::OsRng;
use tokio::sync::Semaphore;
use tox::{Connection, Events, Node};

use crate::error::SessionError;
use crate::hiding::{Hiding, Upstream};
use crate::limits::{CONNECT_TIME, CONNECT_TRIES, SESSIONS, SPARE_AGE, SPARE_DELAY, SPARES};
use crate::relays::{Relays, below};
use crate::serve::Serving;
use crate::session::BoardSession;
use crate::throwaway::{Maker, Throwaway, next_number};
use drops::session::Purpose;

/// How throwaways reach the network.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Nodes to start from; those with a TCP port are the Tox TCP relays there are to choose from.
    pub nodes: Vec<Node>,
    /// How connections leave this machine.
    pub upstream: Upstream,
    /// All of the network is on this machine, as in tests.
    pub is_local: bool,
}

/// Opens sessions. Clones share everything; dropping the last one drops all spare throwaways.
#[derive(Clone, Debug)]
pub struct Sessions {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    maker: Maker,
    clock: Arc<dyn Clock>,
    room: Arc<Semaphore>,
    spares: Mutex<Vec<Spares>>,
    served: OnceLock<Serving>,
}

/// Spares for one purpose: they differ in the relays they use. Tokens are fetched with those made for reading: seldom, so that
/// spares of their own would always be too old.
#[derive(Debug)]
struct Spares {
    purpose: Purpose,
    ready: VecDeque<(Throwaway, Events)>,
    /// Being made, or about to be.
    coming: usize,
}

impl Sessions {
    /// Looks up the nodes; makes no throwaway yet.
    pub async fn start(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let relays = Relays::resolve(&settings.nodes, &settings.upstream, &mut OsRng).await;
        let (upstream, is_local) = (settings.upstream, settings.is_local);
        let maker = Maker { relays, upstream, is_local, refused: Arc::default() };
        if maker.hiding() == Hiding::Visible {
            tracing::warn!(
                "no Tox TCP relay is known: drop relays used from here can learn this machine's address"
            );
        }
        let spares = [Purpose::Reading, Purpose::Depositing].map(|purpose| Spares {
            purpose,
            ready: VecDeque::new(),
            coming: 0,
        });
        let pool = Pool {
            maker,
            clock,
            room: Arc::new(Semaphore::new(SESSIONS)),
            spares: Mutex::new(spares.into()),
            served: OnceLock::new(),
        };
        Self { pool: Arc::new(pool) }
    }

    /// Who sees this machine's address when a throwaway is used.
    #[must_use]
    pub fn hiding(&self) -> Hiding {
        self.pool.maker.hiding()
    }

    /// How often throwaways were kept from going to a Tox TCP relay that was named to them and is
    /// not one of theirs.
    #[must_use]
    pub fn strange_relays(&self) -> u64 {
        self.pool.maker.refused.load(Ordering::Relaxed)
    }

    /// The board this gateway serves itself, for [`Self::open_here`]. The first one stays.
    pub fn serve(&self, serving: Serving) {
        // Set once, when the gateway starts.
        let _ = self.pool.served.set(serving);
    }

    /// The board this gateway serves itself.
    #[must_use]
    pub fn served(&self) -> Option<&Serving> {
        self.pool.served.get()
    }

    /// Has spare throwaways made, at random times from now on: call it when there are boards to use, not when there is something to do.
    pub fn prepare(&self) {
        self.pool.refill();
    }

    /// Opens a session on `board` with a throwaway that was never used before and will never be again. Waits while
    /// [`crate::limits::SESSIONS`] are open. Takes up to [`CONNECT_TRIES`] times [`CONNECT_TIME`]; may be cancelled.
    ///
    /// # Errors
    /// [`SessionError::Unreachable`], [`SessionError::Throwaway`].
    pub async fn open(&self, board: PublicKey, purpose: Purpose) -> Result<BoardSession, SessionError> {
        let pool = &self.pool;
        let room = Arc::clone(&pool.room);
        let permit = room.acquire_owned().await.map_err(|_| SessionError::Stopping)?;
        for _ in 0..CONNECT_TRIES {
            let (throwaway, mut events) = match pool.take(purpose) {
                Some(spare) => spare,
                None => pool.maker.make(purpose, pool.clock.monotonic()).await?,
            };
            pool.refill();
            let clock = Arc::clone(&pool.clock);
            tokio::select! {
                met = throwaway.meet(board, &mut events) => met?,
                () = clock.sleep(CONNECT_TIME) => continue,
            }
            return Ok(BoardSession::over(board, throwaway, events, permit, clock));
        }
        Err(SessionError::Unreachable)
    }

    /// Opens a session on a board that this gateway serves itself, within the process: no throwaway, no network.
    ///
    /// # Errors
    /// [`SessionError::NotServedHere`], [`SessionError::Stopping`].
    pub async fn open_here(&self, board: PublicKey) -> Result<BoardSession, SessionError> {
        let serving =
            self.served().filter(|serving| serving.key() == board).ok_or(SessionError::NotServedHere)?;
        let (inside, incoming) = serving.connect_inside().await?;
        Ok(BoardSession::inside(board, next_number(), inside, incoming, Arc::clone(&self.pool.clock)))
    }

    /// Ends the spares. Sessions that are open end when they are dropped.
    pub fn stop(&self) {
        self.pool.room.close();
        self.pool.spares().clear();
    }
}

impl Pool {
    fn spares(&self) -> std::sync::MutexGuard<'_, Vec<Spares>> {
        self.spares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A spare for this purpose, one that has found the network if there is one.
    fn take(&self, purpose: Purpose) -> Option<(Throwaway, Events)> {
        let now = self.clock.monotonic();
        let purpose = if purpose == Purpose::Tokens { Purpose::Reading } else { purpose };
        let mut all = self.spares();
        let spares = all.iter_mut().find(|spares| spares.purpose == purpose)?;
        spares.ready.retain(|(spare, _)| !is_old(spare, now));
        let online = spares.ready.iter().position(|(spare, _)| spare.tox.connection() != Connection::None);
        spares.ready.remove(online.unwrap_or(0))
    }

    /// Has as many spares made as are missing, each at a random time.
    fn refill(self: &Arc<Self>) {
        let now = self.clock.monotonic();
        for spares in self.spares().iter_mut() {
            spares.ready.retain(|(spare, _)| !is_old(spare, now));
            while spares.ready.len() + spares.coming < SPARES {
                spares.coming += 1;
                let coming = make_later(Arc::downgrade(self), Arc::clone(&self.clock), spares.purpose);
                supervisor::job("throwaway", coming);
            }
        }
    }
}

fn is_old(spare: &Throwaway, now: Monotonic) -> bool {
    now.since(spare.born) >= SPARE_AGE
}

/// Makes a spare at a random time.
async fn make_later(pool: std::sync::Weak<Pool>, clock: Arc<dyn Clock>, purpose: Purpose) {
    let delay = SPARE_DELAY.mul_f64(below(1000, &mut OsRng) as f64 / 1000.0);
    clock.sleep(delay).await;
    let Some(strong) = pool.upgrade() else { return };
    // However it ends, it comes no more.
    let made = supervisor::attempt("throwaway-start", strong.maker.make(purpose, clock.monotonic())).await;
    if let Some(spares) = strong.spares().iter_mut().find(|spares| spares.purpose == purpose) {
        spares.coming -= 1;
        match made {
            Some(Ok(spare)) => spares.ready.push_back(spare),
            Some(Err(error)) => tracing::warn!(%error, "no spare throwaway"),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tokens_are_fetched_with_a_spare_made_for_reading_and_nobody_gets_it_again() {
        let settings = Settings { is_local: true, ..Settings::default() };
        let sessions = Sessions::start(settings, Arc::new(clock::ManualClock::default())).await;
        let pool = &sessions.pool;
        let spare = pool.maker.make(Purpose::Reading, Monotonic::default()).await.unwrap();
        let number = spare.0.number;
        pool.spares()[0].ready.push_back(spare);
        assert!(pool.take(Purpose::Depositing).is_none());
        assert_eq!(pool.take(Purpose::Tokens).unwrap().0.number, number);
        assert!(pool.take(Purpose::Reading).is_none());
    }
}
