//! One reading of a board: everything in a window of it, tried with the keys of all accounts.

use std::sync::Arc;
use std::time::Duration;

use drops::cell::{BoardKey, Cell, Name, Opened};
use drops::confirm::Sighting;
use drops::limits::ANSWER_TIME;
use drops::message::Refusal;
use drops::point::Secret;
use drops::reader::{ReadEvent, ReadSession, Violation, Window};
use drops::scan::{ScanKey, Scanner};
use drops::session::{BoardSession, Purpose, Unreachable};
use mail::{AccountName, Monotonic};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::boards::away;
use crate::incoming::{self, Shown};
use crate::limits::{
    LINGER, LINGER_LONGEST, SCAN_CELLS, SCAN_JOBS, VISIT_LONGEST, VISIT_PACE, VISIT_PATIENCE,
};
use crate::outgoing;
use crate::parts;
use crate::ports::{Failure, SessionIdentity};
use crate::shared::Shared;
use crate::tokens;

/// Why a visit ended before it had read everything.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VisitError {
    /// Nothing was read of it.
    #[error(transparent)]
    Unreachable(Unreachable),
    /// The session ended in the middle.
    #[error("the session ended before everything was read: {0}")]
    Lost(#[from] Unreachable),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Broken(#[from] Violation),
    #[error("it took too long")]
    TooLong,
    #[error("it sends less than {VISIT_PACE} bytes a second")]
    TooSlow,
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("the gateway is stopping")]
    Stopping,
}

/// Reads a board once. When this is `Ok`, all that was found is with the core or durable here.
pub(crate) async fn visit(shared: &Arc<Shared>, board: BoardKey) -> Result<(), VisitError> {
    let (now, wall) = (shared.monotonic(), shared.wall());
    let window = Window::covering(away(&shared.state().board(board).history, wall));
    let scanner = Arc::new(Scanner::new(board, scan_keys(shared).await));
    let is_own = shared.ports.boards.known().iter().any(|known| known.key == board && known.served_here);
    let identity = if is_own { SessionIdentity::Own } else { SessionIdentity::Throwaway };
    let session = tokio::select! {
        biased;
        () = shared.stopping.cancelled() => return Err(VisitError::Stopping),
        session = shared.ports.boards.open(board, Purpose::Reading, identity) => {
            session.map_err(VisitError::Unreachable)?
        }
    };
    let throwaway = session.throwaway();
    let machine = ReadSession::new(board, window, now);
    let cells = Vec::with_capacity(SCAN_CELLS);
    let mut visit = Visit {
        shared,
        board,
        session,
        machine,
        scanner,
        throwaway,
        is_own,
        cells,
        caught_up: None,
        begun: now,
        waited: Duration::ZERO,
        bytes: 0,
    };
    visit.run().await?;
    // Parts of unfinished mails first: then this reading need not be repeated.
    parts::store(shared).await?;
    shared.remember(board, |history| history.read_before = history.last_read.replace(wall)).await;
    Ok(())
}

async fn scan_keys(shared: &Shared) -> Vec<ScanKey<Reader>> {
    let mut keys = Vec::new();
    for account in shared.ports.core.accounts() {
        let known = shared.with(&account, |state| {
            let secrets = state.ring.iter().map(|(_, secret)| secret.clone()).collect::<Vec<Secret>>();
            (state.life.clone(), secrets)
        });
        let Some((life, secrets)) = known else { continue };
        let identity = shared.ports.core.identity(&account).await;
        let all = secrets.into_iter().chain(identity.map(|identity| identity.secret));
        let reader = Reader { account, life };
        keys.extend(all.map(|secret| ScanKey::new(reader.clone(), secret)));
    }
    keys
}

/// An account whose cells are looked for.
#[derive(Clone)]
struct Reader {
    account: AccountName,
    /// Cancelled when the account is forgotten: a cell found after that belongs to nobody.
    life: CancellationToken,
}

/// A cell for an account, and what was in it.
type Found = (Reader, Name, Opened);

struct Visit<'a> {
    shared: &'a Arc<Shared>,
    board: BoardKey,
    session: Box<dyn BoardSession>,
    machine: ReadSession,
    scanner: Arc<Scanner<Reader>>,
    throwaway: u64,
    /// A board served here shows nobody anything else.
    is_own: bool,
    cells: Vec<Cell>,
    caught_up: Option<Monotonic>,
    begun: Monotonic,
    /// How long the board was waited for, without the time for handling what it sends.
    waited: Duration,
    /// Bytes it sent.
    bytes: u64,
}

impl Visit<'_> {
    async fn run(&mut self) -> Result<(), VisitError> {
        let first = self.machine.start(self.shared.monotonic());
        self.handle(first).await?;
        loop {
            let now = self.shared.monotonic();
            if self
                .caught_up
                .is_some_and(|since| now.since(since) >= LINGER_LONGEST || self.machine.is_over())
            {
                break;
            }
            if now.since(self.begun) >= VISIT_LONGEST {
                return Err(VisitError::TooLong);
            }
            if self.caught_up.is_none() && self.is_too_slow() {
                return Err(VisitError::TooSlow);
            }
            let patience =
                if self.caught_up.is_some() { LINGER } else { ANSWER_TIME + Duration::from_secs(1) };
            let clock = Arc::clone(&self.shared.ports.clock);
            let message = tokio::select! {
                biased;
                () = self.shared.stopping.cancelled() => return Err(VisitError::Stopping),
                message = self.session.receive() => match message {
                    // Everything is here: its seat was needed.
                    Err(_) if self.caught_up.is_some() => break,
                    message => Some(message?),
                },
                () = clock.sleep(patience) => None,
            };
            self.waited += self.shared.monotonic().since(now);
            let Some(message) = message else {
                if self.caught_up.is_some() {
                    break;
                }
                if let Some(event) = self.machine.tick(self.shared.monotonic()) {
                    self.handle(event).await?;
                }
                continue;
            };
            self.bytes += message.len() as u64;
            for event in self.machine.receive(&message, self.shared.monotonic()) {
                self.handle(event).await?;
            }
        }
        self.scan().await
    }

    /// Whether the board sends so little that the visit would go on for hours.
    fn is_too_slow(&self) -> bool {
        self.waited > VISIT_PATIENCE + Duration::from_secs(self.bytes / VISIT_PACE)
    }

    async fn handle(&mut self, event: ReadEvent) -> Result<(), VisitError> {
        match event {
            ReadEvent::Send(message) => self.session.send(&message).await?,
            ReadEvent::Info(info) => {
                let fill = info.fill;
                self.shared.remember(self.board, |history| history.fill = fill).await;
                tokens::saw_keys(self.shared, self.board, &info, self.throwaway).await?;
            }
            ReadEvent::Cell { segment, cell } => {
                self.shared.state().audits.saw(&self.board, segment, &cell.name());
                self.cells.push(cell);
                if self.cells.len() >= SCAN_CELLS * SCAN_JOBS {
                    self.scan().await?;
                }
            }
            ReadEvent::Segment { segment, edition, hash } => {
                self.scan().await?;
                self.shared.state().board(self.board).memory.saw(self.throwaway, segment, edition, hash)?;
                self.audit(segment, edition).await;
            }
            ReadEvent::CaughtUp => self.caught_up = Some(self.shared.monotonic()),
            ReadEvent::NoSeat => {
                let token =
                    tokens::for_a_seat(self.shared, self.board, self.shared.ports.core.accounts()).await;
                let event = self.machine.enter(token, self.shared.monotonic());
                return Box::pin(self.handle(event)).await;
            }
            // A guest who follows makes room for others.
            ReadEvent::Refused(_) if self.caught_up.is_some() => {}
            ReadEvent::Refused(refusal) => return Err(refusal.into()),
            ReadEvent::Broken(violation) => {
                // What was found is good by its own cryptography, whatever else the board does.
                self.scan().await?;
                return Err(violation.into());
            }
        }
        Ok(())
    }

    /// Tries the keys on the cells collected, on worker threads: in slices, so that several cores help and other work gets its turn.
    async fn scan(&mut self) -> Result<(), VisitError> {
        let mut cells = std::mem::take(&mut self.cells);
        let mut slices = vec![];
        while !cells.is_empty() {
            let slice: Vec<Cell> = cells.drain(..SCAN_CELLS.min(cells.len())).collect();
            slices.push(self.scan_slice(slice));
        }
        for slice in slices {
            for (reader, name, opened) in slice.await.unwrap_or_default() {
                let (board, throwaway) = (self.board, self.throwaway);
                let sighting = self.shared.state().board(board).saw(board, name, throwaway);
                let is_confirmed = self.is_own || sighting == Sighting::Confirmed;
                let shown = Shown { board, name, is_first: sighting == Sighting::First, is_confirmed };
                tokio::select! {
                    biased;
                    () = reader.life.cancelled() => {}
                    taken = incoming::part(self.shared, &reader.account, opened, shown) => taken?,
                }
            }
        }
        Ok(())
    }

    /// Hands a slice to the worker threads. The cells found in it come later.
    fn scan_slice(&self, cells: Vec<Cell>) -> oneshot::Receiver<Vec<Found>> {
        let scanner = Arc::clone(&self.scanner);
        let (sender, receiver) = oneshot::channel();
        self.shared.ports.workers.run(Box::new(move || {
            let hits = scanner.scan(&cells).into_iter();
            let found = hits.filter_map(|hit| {
                let name = cells.get(hit.cell)?.name();
                Some((hit.label.clone(), name, hit.opened.ok()?))
            });
            // The visit may have ended meanwhile.
            let _unheard = sender.send(found.collect());
        }));
        receiver
    }

    /// Whether own cells that should be in this segment were there.
    async fn audit(&mut self, segment: u32, edition: u8) {
        let missing = self.shared.state().audits.complete(&self.board, segment, edition);
        for lost in missing {
            let wall = self.shared.wall();
            let problem = "a cell it gave a receipt for is missing";
            self.shared.remember(self.board, |history| history.failed(wall, problem)).await;
            let short = {
                let mut state = self.shared.state();
                let name = &lost.receipt.name;
                let story = state.stories.iter_mut().find(|(_, story)| {
                    story.boards.iter().any(|copies| {
                        copies.board == self.board
                            && copies.receipts.iter().any(|receipt| receipt.name == name.0)
                    })
                });
                story.map(|(id, story)| (*id, story.account.clone(), story.missing(&self.board, name, wall)))
            };
            if let Some((id, account, is_short)) = short {
                outgoing::store_story(self.shared, id).await;
                if is_short {
                    let text = "a drop relay lost a copy: it is put on others";
                    self.shared.ports.core.outbox_changed(&account, id, text);
                }
            }
        }
    }
}
