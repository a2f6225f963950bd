//! The story of a mail's copies, as API and command line show it.

use admin::dto::{Copies, RelayCopies, Timestamp};
use mail::Wall;
use offline::{BoardCopies, Story};

/// The part of a story that the API shows.
pub fn shown(story: &Story, now: Wall) -> Copies {
    Copies {
        complete: story.complete(now) as u64,
        enough: story.enough,
        handed_over: story.handed_over.map(Timestamp),
        until: story.until().map(Timestamp),
        answer_until: story.answer_until().map(Timestamp),
        reposts: story.reposts,
        note: story.note.clone(),
        relays: story.boards.iter().map(relay).collect(),
    }
}

fn relay(copies: &BoardCopies) -> RelayCopies {
    RelayCopies {
        key: copies.board,
        receipts: copies.receipts.len() as u64,
        cells: copies.cells,
        until: copies.until().map(Timestamp),
        problem: copies.problem.clone(),
    }
}
