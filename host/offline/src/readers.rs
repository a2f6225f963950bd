//! When boards are read: each in short visits at random times, another throwaway for each.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use drops::cell::BoardKey;
use drops::reader::Violation;
use mail::Monotonic;

use crate::limits::UNREACHED;
use crate::outgoing::from_now;
use crate::shared::Shared;
use crate::visit::{self, VisitError};

/// The boards that accounts here read.
pub(crate) fn read_here(shared: &Shared) -> BTreeSet<BoardKey> {
    shared.ports.core.accounts().iter().flat_map(|account| shared.read_by(account)).collect()
}

/// Begins the visits that are due. Returns when the next one is.
pub(crate) fn look(shared: &Arc<Shared>) -> Option<Monotonic> {
    let (now, wall) = (shared.monotonic(), shared.wall());
    let read = read_here(shared);
    for board in &read {
        let after = shared.draw_reading();
        shared.state().board(*board).next_visit.get_or_insert(from_now_at(now, after));
    }
    let mut due = vec![];
    let mut next = None;
    for (key, board) in &mut shared.state().boards {
        let regular = board.next_visit.filter(|_| read.contains(key));
        let Some(at) = [regular, board.audit_at].into_iter().flatten().min() else { continue };
        if board.is_visiting || board.history.is_liar(wall) {
            continue;
        }
        if at <= now {
            board.is_visiting = true;
            board.audit_at = None;
            due.push(*key);
        } else {
            next = Some(next.map_or(at, |next: Monotonic| next.min(at)));
        }
    }
    for board in due {
        let shared = Arc::clone(shared);
        tokio::spawn(async move { visit(&shared, board).await });
    }
    next
}

fn from_now_at(now: Monotonic, after: Duration) -> Monotonic {
    Monotonic(now.0.saturating_add(after))
}

async fn visit(shared: &Arc<Shared>, board: BoardKey) {
    let result = match shared.visits.acquire().await {
        Ok(_permit) => visit::visit(shared, board).await,
        Err(_) => Err(VisitError::Stopping),
    };
    let mut wait = shared.draw_reading();
    match result {
        Ok(()) => tracing::debug!(%board, "a drop relay was read"),
        Err(VisitError::Stopping) => return,
        Err(error) => {
            tracing::info!(%board, %error, "a drop relay could not be read");
            shared.ports.boards.behaved(board, 0, Some(&error.to_string()), None);
            let wall = shared.wall();
            let lied = matches!(
                error,
                VisitError::Broken(
                    Violation::Differs(_) | Violation::WrongHash(_) | Violation::Cells(_) | Violation::Keys
                )
            );
            let is_its_fault = matches!(error, VisitError::Broken(_));
            shared
                .remember(board, |history| {
                    history.problem = Some(error.to_string());
                    if is_its_fault {
                        history.failed(wall, &error.to_string());
                    }
                    if lied {
                        history.lied = Some(wall);
                    }
                })
                .await;
            wait = wait.min(shared.draw(UNREACHED));
        }
    }
    {
        let next = from_now(shared, wait);
        let mut state = shared.state();
        let state = state.board(board);
        state.is_visiting = false;
        state.next_visit = Some(next);
    }
    shared.changed.notify_one();
}
