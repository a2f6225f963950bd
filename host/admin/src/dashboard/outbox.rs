//! Mails that wait, each with its story.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::{MailId, Wall};

use super::form::Submitted;
use super::frame::Frame;
use super::mails::{Action, Ended, Mail, Mails, Next, Removal, ShownCopies, ShownRelay, Story};
use super::names::Names;
use super::page::{PageError, html};
use super::text::{Moment, bytes, duration, plural, shortened};
use super::visitor::Visitor;
use crate::dto::{Copies, OutboxEntry, Outcome, OutcomeKind, Page, RelayCopies};
use crate::extract::CursorParameter;
use crate::limits::{OUTCOMES, REQUEST_TIME, ROWS, SHOWN_RELAYS};
use crate::problem::Refused;
use crate::shared::{Shared, run};

/// The page.
pub(super) async fn page(
    State(shared): State<Shared>,
    visitor: Visitor,
    CursorParameter(after): CursorParameter,
) -> Result<Response, PageError> {
    let (frame, status) = Frame::new(&shared, &visitor, "/outbox").await?;
    let (management, account, now) =
        (shared.management.clone(), visitor.account.clone(), shared.clock.wall());
    let verbs = async move {
        let listing = management.outbox(&account, &Page::new(ROWS, after)).await?;
        Ok((listing, management.outcomes(&account, OUTCOMES).await?))
    };
    let (listing, outcomes) = run(REQUEST_TIME, verbs).await?;
    let names = Names::of(&shared, &visitor.account).await?;
    let page = Mails {
        intro: "These mails wait for their recipients. A mail leaves this list when the recipient's gateway has it on disk. Until then the gateway keeps it and tries again by itself.",
        none: "No mail waits.",
        count: format!("{}, oldest first.", plural(status.outbox.queued, "mail")),
        mails: listing.items.into_iter().map(|entry| waiting(&visitor, &names, entry, now)).collect(),
        next: listing.next.map(|cursor| Next::new(&visitor, "/outbox", &cursor, "Later mails")),
        ended: outcomes.into_iter().map(|outcome| ended(&visitor, &names, outcome, now)).collect(),
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}

fn waiting(visitor: &Visitor, names: &Names, entry: OutboxEntry, now: Wall) -> Mail {
    let sender = entry
        .sender
        .map_or("a report of this gateway".to_owned(), |sender| format!("from {}", names.address(&sender)));
    let recipient = names.address(&entry.recipient);
    let problem = entry.last_problem.map(|refusal| format!("{} ({})", refusal.text(), refusal.status));
    // That there is no relay may stand in the problem already.
    let is_told = |copies: &Copies| {
        let note = copies.note.as_deref().unwrap_or_default();
        copies.relays.is_empty() && problem.as_ref().is_some_and(|problem| problem.contains(note))
    };
    let copies = entry.copies.filter(|copies| !is_told(copies));
    Mail {
        id: entry.id.to_string(),
        facts: format!("{sender}, {}, submitted", bytes(entry.size)),
        when: Moment::new(entry.created, now),
        key: None,
        problem,
        story: Some(Story {
            attempts: match entry.attempts {
                0 => "Not tried yet".to_owned(),
                number => plural(u64::from(number), "failed attempt"),
            },
            next_attempt: entry.next_attempt.map(|time| Moment::new(time, now)),
            expires: Moment::new(entry.expires, now),
            delay_reported: entry.delay_reported,
        }),
        delete_at: None,
        copies: copies.map(|copies| shown_copies(copies, now)),
        action: Some(Action { path: "/outbox/retry", label: "Try now" }),
        mark: None,
        removal: Some(Removal {
            path: "/outbox/cancel",
            label: "Take it back",
            warning: "The mail is deleted here and not sent.",
            button: "Delete it",
        }),
        decisions: super::decisions::link_to_mail(visitor, entry.id),
        title: format!("To {recipient}"),
    }
}

/// Copies on drop relays, as sentences and a row for each relay.
fn shown_copies(copies: Copies, now: Wall) -> ShownCopies {
    let moment = |time| Moment::new(time, now).text;
    let mut summary = vec![match (copies.complete, copies.relays.is_empty()) {
        (0, true) => "No drop relay has a copy.".to_owned(),
        (complete, _) => format!(
            "The whole mail is on {}, {} {} wanted.",
            plural(complete, "drop relay"),
            copies.enough,
            if copies.enough == 1 { "is" } else { "are" }
        ),
    }];
    summary.extend(copies.handed_over.map(|time| format!("Handed over {}.", moment(time))));
    summary.extend(copies.until.map(|time| format!("The copies there end {}.", moment(time))));
    summary.extend(
        copies.answer_until.map(|time| format!("An acknowledgement may come until {}.", moment(time))),
    );
    if copies.reposts > 0 {
        summary.push(format!(
            "Left again {} because no acknowledgement came.",
            plural(copies.reposts.into(), "time")
        ));
    }
    summary.extend(copies.note.as_deref().map(|note| format!("Problem: {}.", shortened(note))));
    let relay = |relay: RelayCopies| ShownRelay {
        key: relay.key.to_string(),
        receipts: format!("{} of {}", plural(relay.receipts, "receipt"), relay.cells),
        is_complete: relay.receipts >= u64::from(relay.cells) && relay.cells > 0,
        until: relay.until.map(|time| Moment::new(time, now)),
        problem: relay.problem.as_deref().map(shortened),
    };
    ShownCopies { summary, relays: copies.relays.into_iter().take(SHOWN_RELAYS).map(relay).collect() }
}

fn ended(visitor: &Visitor, names: &Names, outcome: Outcome, now: Wall) -> Ended {
    Ended {
        what: match outcome.outcome {
            OutcomeKind::Delivered => "delivered",
            OutcomeKind::Bounced => "came back",
            OutcomeKind::Cancelled => "taken back",
            OutcomeKind::Discarded => "thrown away",
        },
        is_good: matches!(outcome.outcome, OutcomeKind::Delivered | OutcomeKind::Cancelled),
        reason: outcome.reason.as_deref().map(shortened),
        when: Moment::new(outcome.ended, now),
        took: duration(
            u64::try_from(outcome.ended.0.since(outcome.created.0).as_micros()).unwrap_or(u64::MAX),
        ),
        decisions: super::decisions::link_to_mail(visitor, outcome.id),
        recipient: names.address(&outcome.recipient),
    }
}

/// Tries a mail now.
pub(super) async fn retry(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_retry(&shared, &submitted).await;
    submitted.answer("/outbox", result, |()| {
        "The mail is being tried now. It leaves this list once the recipient has it.".to_owned()
    })
}

async fn try_retry(shared: &Shared, submitted: &Submitted) -> Result<(), Refused> {
    let id: MailId = submitted.fields.parse("id")?;
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    run(REQUEST_TIME, async move { management.retry(&account, id).await }).await
}

/// Takes a mail back.
pub(super) async fn cancel(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_cancel(&shared, &submitted).await;
    submitted.answer("/outbox", result, |()| "The mail was taken back and will not be sent.".to_owned())
}

async fn try_cancel(shared: &Shared, submitted: &Submitted) -> Result<(), Refused> {
    let id: MailId = submitted.fields.parse("id")?;
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    run(REQUEST_TIME, async move { management.cancel(&account, id).await }).await
}
