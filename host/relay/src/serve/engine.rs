//! The board on its thread, and the thread that commits.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use drops::board::shelf::Batch;
use drops::board::{
    Board, BoardError, BoardStatus, InvitationName, InvitationStatus, Now, Question, Quotas, SessionId,
    Shelf as _, ShelfError, Ticket,
};
use drops::cell::BoardKey;
use drops::cells::CellStore;
use drops::message::InvitationCode;
use drops::token::Issuer;
use mail::Clock;
use mail::decision::policy::DepositAnswer;
use rand_core::OsRng;
use tokio::sync::{mpsc, oneshot};

use super::{ServeError, Stopped};

/// Answers to one session, a few at a time.
pub(super) type Answers = mpsc::Receiver<Bytes>;

type Invited = oneshot::Sender<Result<(), BoardError>>;

/// Who waits for a change of the invitations to be durable.
enum Changed {
    Invited(Invited),
    Uninvited(oneshot::Sender<bool>),
}

/// A message to the engine.
pub(super) enum Event {
    /// A client is there; its answers go here.
    Connected(Client, mpsc::Sender<Bytes>, oneshot::Sender<SessionId>),
    /// It sent a message.
    Message(SessionId, Bytes),
    /// Its connection has taken an answer.
    Ready(SessionId),
    /// It is gone.
    Disconnected(SessionId),
    /// The policy's answer.
    Decided(Ticket, DepositAnswer),
    /// What became of the batch.
    Committed(Result<(), ShelfError>),
    /// A second has passed.
    Tick,
    /// The owner asks.
    Status(oneshot::Sender<BoardStatus>),
    /// The owner invites.
    Invite(InvitationCode, Invited),
    /// The owner takes an invitation back. Durable when the answer is there; false: there was none.
    Uninvite(InvitationName, oneshot::Sender<bool>),
    /// The owner asks for the invitations.
    Invitations(oneshot::Sender<Vec<InvitationStatus>>),
    /// Commit what is waiting, then end.
    Stop(oneshot::Sender<()>),
}

/// The client that connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// A throwaway.
    Guest,
    /// The owner, from within this process.
    Owner,
}

/// A client connects: gives its session.
pub(super) async fn connect(
    engine: &mpsc::Sender<Event>,
    client: Client,
    answers: mpsc::Sender<Bytes>,
) -> Result<SessionId, Stopped> {
    let (reply, session) = oneshot::channel();
    engine.send(Event::Connected(client, answers, reply)).await.map_err(|_| Stopped)?;
    session.await.map_err(|_| Stopped)
}

/// The board and its clients.
pub(super) struct Engine {
    board: Board,
    cells: Arc<CellStore>,
    clock: Arc<dyn Clock>,
    clients: HashMap<SessionId, mpsc::Sender<Bytes>>,
    /// A batch is being committed.
    in_flight: bool,
    /// Callers whose change of invitations is not in a batch yet.
    changed: Vec<Changed>,
    /// Callers whose change is in the batch that is being committed.
    committing: Vec<Changed>,
    stopping: Option<oneshot::Sender<()>>,
}

/// Where the engine hands on what others do.
struct Outward {
    questions: mpsc::UnboundedSender<Question>,
    batches: std::sync::mpsc::Sender<Batch>,
}

impl Engine {
    /// Opens the board. Blocks for the disk.
    pub fn open(
        key: BoardKey,
        issuer: Issuer,
        quotas: Quotas,
        cells: Arc<CellStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ServeError> {
        let now = Now { wall: clock.wall(), monotonic: clock.monotonic() };
        let board = Board::open(key, issuer, quotas, cells.as_ref(), now)?;
        Ok(Self {
            board,
            cells,
            clock,
            clients: HashMap::new(),
            in_flight: false,
            changed: vec![],
            committing: vec![],
            stopping: None,
        })
    }

    /// Starts both threads. They end with [`Event::Stop`], or when nobody has a handle any more.
    pub fn spawn(
        mut self,
        mut inbox: mpsc::Receiver<Event>,
        own: mpsc::WeakSender<Event>,
        questions: mpsc::UnboundedSender<Question>,
    ) -> std::io::Result<()> {
        let (batches, to_commit) = std::sync::mpsc::channel();
        let cells = Arc::clone(&self.cells);
        supervisor::vital_thread("board-commit", move || {
            for batch in to_commit {
                supervisor::checkpoint("board-commit");
                let result = cells.commit(&batch);
                if let Some(own) = own.upgrade() {
                    // The engine is gone: nobody waits for a receipt.
                    let _ = own.blocking_send(Event::Committed(result));
                }
            }
        })?;
        let outward = Outward { questions, batches };
        supervisor::vital_thread("board", move || {
            while let Some(event) = inbox.blocking_recv() {
                supervisor::checkpoint("board");
                self.handle(event);
                self.hand_on(&outward);
                if self.stopping.is_some() && !self.in_flight {
                    break;
                }
            }
            if let Some(stopped) = self.stopping.take() {
                // Whoever stopped it does not wait any more.
                let _ = stopped.send(());
            }
        })?;
        Ok(())
    }

    fn now(&self) -> Now {
        Now { wall: self.clock.wall(), monotonic: self.clock.monotonic() }
    }

    fn handle(&mut self, event: Event) {
        let now = self.now();
        match event {
            Event::Connected(client, answers, reply) => {
                let session = match client {
                    Client::Guest => self.board.connect(now),
                    Client::Owner => self.board.connect_owner(now),
                };
                if reply.send(session).is_ok() {
                    self.clients.insert(session, answers);
                } else {
                    self.board.disconnect(session);
                }
            }
            Event::Message(session, message) => {
                self.board.receive(self.cells.as_ref(), session, &message, now, &mut OsRng);
                self.feed(session, now);
            }
            Event::Ready(session) => self.feed(session, now),
            Event::Disconnected(session) => {
                self.board.disconnect(session);
                self.clients.remove(&session);
            }
            Event::Decided(ticket, answer) => {
                self.board.decide(ticket, answer);
                self.feed_all(now);
            }
            Event::Committed(result) => self.committed(result, now),
            Event::Tick => {
                self.feed_all(now);
                for session in self.board.tick(now) {
                    self.clients.remove(&session);
                }
            }
            Event::Status(reply) => {
                // Whoever asked is gone: fine.
                let _ = reply.send(self.board.status(now.wall));
            }
            Event::Invite(code, reply) => match self.board.invite(&code) {
                Ok(()) => self.changed.push(Changed::Invited(reply)),
                Err(error) => {
                    let _ = reply.send(Err(error));
                }
            },
            Event::Uninvite(name, reply) => {
                if self.board.uninvite(&name) {
                    self.changed.push(Changed::Uninvited(reply));
                } else {
                    let _ = reply.send(false);
                }
            }
            Event::Invitations(reply) => {
                let _ = reply.send(self.board.invitations(now.wall));
            }
            Event::Stop(reply) => self.stopping = Some(reply),
        }
    }

    fn committed(&mut self, result: Result<(), ShelfError>, now: Now) {
        self.in_flight = false;
        let changed = std::mem::take(&mut self.committing);
        match &result {
            Ok(()) => changed.into_iter().for_each(|waiting| match waiting {
                Changed::Invited(reply) => drop(reply.send(Ok(()))),
                Changed::Uninvited(reply) => drop(reply.send(true)),
            }),
            // Those who changed something learn it by the dropped reply.
            Err(error) => tracing::error!(%error, "the drop relay stored nothing"),
        }
        self.board.committed(result, now);
        self.feed_all(now);
    }

    /// Questions to the policy, a batch to the committing thread.
    fn hand_on(&mut self, outward: &Outward) {
        while let Some(question) = self.board.next_question() {
            // Nobody answers any more: the deposit is refused with the session's end.
            let _ = outward.questions.send(question);
        }
        if self.in_flight {
            return;
        }
        let now = self.now();
        match self.board.next_batch(self.cells.as_ref(), now) {
            Ok(Some(batch)) => {
                if !batch.invitations.is_empty() || !batch.uninvited.is_empty() {
                    self.committing = std::mem::take(&mut self.changed);
                }
                self.in_flight = outward.batches.send(batch).is_ok();
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the drop relay cannot read its cells"),
        }
    }

    /// Answers to one session, as many as its connection takes now.
    fn feed(&mut self, session: SessionId, now: Now) {
        let Some(answers) = self.clients.get(&session) else { return };
        while let Ok(room) = answers.try_reserve() {
            let Some(answer) = self.board.next_answer(self.cells.as_ref(), session, now) else { return };
            room.send(answer);
        }
    }

    fn feed_all(&mut self, now: Now) {
        let sessions: Vec<SessionId> = self.clients.keys().copied().collect();
        for session in sessions {
            self.feed(session, now);
        }
    }
}
