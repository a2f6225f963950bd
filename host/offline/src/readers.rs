//! When boards are read: each in short visits at random times, another throwaway for each.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use drops::cell::BoardKey;
use drops::reader::Violation;
use mail::Monotonic;

use crate::limits::{BACK_OFF_DOUBLINGS, BACK_OFF_READINGS, UNREACHED};
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
        tokio::spawn(async move { visit_or_later(&shared, board).await });
    }
    next
}

fn from_now_at(now: Monotonic, after: Duration) -> Monotonic {
    Monotonic(now.0.saturating_add(after))
}

async fn visit_or_later(shared: &Arc<Shared>, board: BoardKey) {
    if supervisor::attempt("board-visit", visit(shared, board)).await.is_none() {
        end_visit(shared, board, shared.draw_reading(), true);
    }
}

async fn visit(shared: &Arc<Shared>, board: BoardKey) {
    let result = match shared.visits.take(shared.is_named(board)).await {
        Some(_permit) => visit::visit(shared, board).await,
        None => Err(VisitError::Stopping),
    };
    let regular = shared.draw_reading();
    let wait = match &result {
        Ok(()) => {
            tracing::debug!(%board, "a drop relay was read");
            shared.state().board(board).unfinished = 0;
            regular
        }
        Err(VisitError::Stopping) => return,
        Err(error) => {
            tracing::info!(%board, %error, "a drop relay could not be read");
            note_failure(shared, board, error).await;
            back_off(shared, board, error, regular)
        }
    };
    end_visit(shared, board, wait, result.is_err());
}

/// The board is visited again after `wait`.
fn end_visit(shared: &Shared, board: BoardKey, wait: Duration, failed: bool) {
    let (next, audit) = (from_now(shared, wait), from_now(shared, shared.draw(shared.settings.audit_after)));
    {
        let mut state = shared.state();
        let audits = state.audits.boards().contains(&board);
        let state = state.board(board);
        state.is_visiting = false;
        state.next_visit = Some(next);
        if audits {
            // Boards that no account reads have no other visits. What is still looked for after a visit stands in a segment that
            // was not closed yet.
            state.audit_at.get_or_insert(if failed { next } else { audit });
        }
    }
    shared.changed.notify_one();
}

async fn note_failure(shared: &Shared, board: BoardKey, error: &VisitError) {
    let wall = shared.wall();
    let lied = matches!(
        error,
        VisitError::Broken(
            Violation::Differs(_) | Violation::WrongHash(_) | Violation::Cells(_) | Violation::Keys
        )
    );
    let is_its_fault = matches!(error, VisitError::Broken(_) | VisitError::TooSlow | VisitError::TooLong);
    shared
        .remember(board, |history| {
            if is_its_fault {
                history.failed(wall, &error.to_string());
            } else {
                history.troubled(wall, &error.to_string());
            }
            if lied {
                history.lied = Some(wall);
            }
        })
        .await;
}

/// How long a board is left after a visit that did not end as it should: soon at first, and twice as long after each further one. A
/// board that was not reached costs nothing and is tried at its ordinary time at the latest.
fn back_off(shared: &Shared, board: BoardKey, error: &VisitError, regular: Duration) -> Duration {
    let unfinished = {
        let mut state = shared.state();
        let board = state.board(board);
        board.unfinished = board.unfinished.saturating_add(1);
        board.unfinished
    };
    let first = regular.min(shared.draw(UNREACHED));
    let doubled = first.saturating_mul(1 << (unfinished - 1).min(BACK_OFF_DOUBLINGS));
    let longest = if matches!(error, VisitError::Unreachable(_)) {
        regular
    } else {
        shared.settings.read_every.saturating_mul(BACK_OFF_READINGS)
    };
    doubled.min(longest).max(first)
}
