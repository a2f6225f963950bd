//! A session with a board, whatever carries it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use drops::session::Unreachable;
use mail::{Clock, PublicKey};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;
use tox::{Connection, Event, Events};

use crate::error::SessionError;
use crate::hiding::Hiding;
use crate::limits::{CLOSE_TIME, SEND_TIME, SESSION_MESSAGES};
use crate::link::{self, Incoming};
use crate::serve::Inside;
use crate::throwaway::Throwaway;

/// An open session: messages of `drops::message`, whole, both ways. Dropping it ends it; the throwaway is never used again.
#[derive(Debug)]
pub struct BoardSession {
    board: PublicKey,
    number: u64,
    way: Way,
    incoming: mpsc::Receiver<Result<Bytes, SessionError>>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
enum Way {
    Tox { throwaway: Box<Throwaway>, pump: JoinHandle<()>, _permit: OwnedSemaphorePermit },
    Inside(Inside),
}

impl Drop for Way {
    fn drop(&mut self) {
        if let Self::Tox { pump, .. } = self {
            pump.abort();
        }
    }
}

impl BoardSession {
    /// A session over a throwaway that is connected to the board; events go on with `events`.
    pub(crate) fn over(
        board: PublicKey,
        throwaway: Throwaway,
        events: Events,
        permit: OwnedSemaphorePermit,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (sender, incoming) = mpsc::channel(SESSION_MESSAGES);
        let pump = supervisor::job("board-session", pump(board, events, sender));
        let number = throwaway.number;
        let way = Way::Tox { throwaway: Box::new(throwaway), pump, _permit: permit };
        Self { board, number, way, incoming, clock }
    }

    /// A session with a board of this very process.
    pub(crate) fn inside(
        board: PublicKey,
        number: u64,
        inside: Inside,
        incoming: mpsc::Receiver<Result<Bytes, SessionError>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { board, number, way: Way::Inside(inside), incoming, clock }
    }

    /// The key of the board.
    #[must_use]
    pub fn board(&self) -> PublicKey {
        self.board
    }

    /// Who could see this machine's address; none for a board of this gateway.
    #[must_use]
    pub fn hiding(&self) -> Option<Hiding> {
        match &self.way {
            Way::Tox { throwaway, .. } => Some(throwaway.hiding),
            Way::Inside(_) => None,
        }
    }

    /// Sends a message. Returns when the connection has taken all of it, not when it has arrived.
    ///
    /// # Errors
    /// [`SessionError::Ended`], [`SessionError::Stuck`]: the session is over.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), SessionError> {
        match &self.way {
            Way::Inside(inside) => inside.send(Bytes::copy_from_slice(message)).await,
            Way::Tox { throwaway, .. } => tokio::select! {
                sent = link::send(&throwaway.tox, &self.board, message) => sent.map_err(|_| SessionError::Ended),
                () = self.clock.sleep(SEND_TIME) => Err(SessionError::Stuck),
            },
        }
    }

    /// The next message of the board. Waits as long as the session lasts: how long an answer may take is known to the state machines of
    /// `drops`. May be cancelled, nothing is lost by that. What is not taken waits up to a bound, then the session ends.
    ///
    /// # Errors
    /// [`SessionError`]: the session is over.
    pub async fn receive(&mut self) -> Result<Bytes, SessionError> {
        self.incoming.recv().await.unwrap_or(Err(SessionError::Ended))
    }

    /// Ends the session and waits until the board was told, or a little while. Dropping does the same without waiting.
    pub async fn close(self) {
        if let Way::Tox { throwaway, .. } = &self.way {
            tokio::select! {
                () = throwaway.tox.shutdown() => {}
                () = self.clock.sleep(CLOSE_TIME) => {}
            }
        }
    }
}

#[async_trait]
impl drops::session::BoardSession for BoardSession {
    fn throwaway(&self) -> u64 {
        self.number
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), Unreachable> {
        Ok(Self::send(self, message).await?)
    }

    async fn receive(&mut self) -> Result<Bytes, Unreachable> {
        Ok(Self::receive(self).await?)
    }
}

/// Makes messages of what the throwaway's instance tells, until the session is over.
async fn pump(board: PublicKey, mut events: Events, sender: mpsc::Sender<Result<Bytes, SessionError>>) {
    let mut incoming = Incoming::default();
    loop {
        let told = match events.next().await {
            None => Err(SessionError::Ended),
            Some(Event::Packet { key, bytes }) if key == board => {
                incoming.packet(bytes).map_err(SessionError::from)
            }
            Some(Event::FriendConnection { key, connection: Connection::None }) if key == board => {
                Err(SessionError::Ended)
            }
            Some(Event::Overflow { key }) if key == board => Err(SessionError::TooSlow),
            Some(_) => Ok(None),
        };
        let is_over = told.is_err();
        if let Some(message) = told.transpose()
            && (sender.send(message).await.is_err() || is_over)
        {
            return;
        }
    }
}
