//! Mails that a filter set aside.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::{MailId, Wall};

use super::form::Submitted;
use super::frame::Frame;
use super::mails::{Action, Mail, Mails, Next, Removal};
use super::names::Names;
use super::page::{PageError, html};
use super::text::{Moment, bytes, plural, shortened};
use super::visitor::Visitor;
use crate::dto::{Direction, Page, QuarantineEntry};
use crate::extract::CursorParameter;
use crate::limits::{REQUEST_TIME, ROWS};
use crate::problem::Refused;
use crate::shared::{Shared, run};

/// The page.
pub(super) async fn page(
    State(shared): State<Shared>,
    visitor: Visitor,
    CursorParameter(after): CursorParameter,
) -> Result<Response, PageError> {
    let (frame, status) = Frame::new(&shared, &visitor, "/quarantine").await?;
    let (management, account, now) =
        (shared.management.clone(), visitor.account.clone(), shared.clock.wall());
    let verb = async move { management.quarantine(&account, &Page::new(ROWS, after)).await };
    let listing = run(REQUEST_TIME, verb).await?;
    let names = Names::of(&shared, &visitor.account).await?;
    let page = Mails {
        intro: "A filter set these mails aside. They stay here until you release or delete them. Mails that a filter threw away are here too, until the day they are deleted for good. A filter that learns is told what you decided.",
        none: "No mail is in quarantine.",
        count: count(status.attention.quarantined, status.attention.discarded),
        mails: listing.items.into_iter().map(|entry| held(&visitor, &names, entry, now)).collect(),
        next: listing.next.map(|cursor| Next::new(&visitor, "/quarantine", &cursor, "Later mails")),
        ended: Vec::new(),
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}

fn count(waiting: u64, discarded: u64) -> String {
    let waiting = plural(waiting, "mail");
    match discarded {
        0 => format!("{waiting}, oldest first."),
        _ => format!("{waiting} set aside and {} thrown away, oldest first.", plural(discarded, "mail")),
    }
}

fn held(visitor: &Visitor, names: &Names, entry: QuarantineEntry, now: Wall) -> Mail {
    let is_incoming = entry.direction == Direction::Incoming;
    let recipient = entry.recipient.to_string();
    let what = if entry.delete_at.is_some() { "thrown away" } else { "set aside" };
    let (to, sender) =
        (names.address(&entry.recipient), entry.sender.map(|sender| names.sender(&sender, entry.key)));
    Mail {
        id: entry.id.to_string(),
        facts: format!("to {to}, {}, {what}", bytes(entry.size)),
        when: Moment::new(entry.received, now),
        key: entry.key.filter(|key| names.known(*key).is_none()).map(|key| key.to_string()),
        problem: Some(shortened(&entry.reason)),
        story: None,
        delete_at: entry.delete_at.map(|time| Moment::new(time, now)),
        copies: None,
        action: Some(Action {
            path: "/quarantine/release",
            label: if is_incoming { "Release to the mailbox" } else { "Release and send" },
        }),
        mark: is_incoming.then_some("/quarantine/mark"),
        removal: Some(Removal {
            path: "/quarantine/delete",
            label: "Delete",
            warning: "It cannot be brought back.",
            button: "Delete for good",
        }),
        decisions: match entry.mail {
            Some(mail) => super::decisions::link_to_mail(visitor, mail),
            None => super::decisions::link(visitor, entry.received, Some(entry.received), &recipient),
        },
        title: match (is_incoming, sender) {
            (false, _) => format!("To {to}, written here"),
            (true, Some(sender)) => format!("From {sender}"),
            (true, None) => "From a mail system (a report)".to_owned(),
        },
    }
}

/// Lets a mail go on.
pub(super) async fn release(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_release(&shared, &submitted).await;
    submitted.answer("/quarantine", result, |()| "The mail goes where it was going.".to_owned())
}

async fn try_release(shared: &Shared, submitted: &Submitted) -> Result<(), Refused> {
    let id: MailId = submitted.fields.parse("id")?;
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    run(REQUEST_TIME, async move { management.release(&account, id).await }).await
}

/// Deletes a mail.
pub(super) async fn delete(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_delete(&shared, &submitted).await;
    submitted.answer("/quarantine", result, |()| "The mail was deleted.".to_owned())
}

async fn try_delete(shared: &Shared, submitted: &Submitted) -> Result<(), Refused> {
    let id: MailId = submitted.fields.parse("id")?;
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    run(REQUEST_TIME, async move { management.delete_quarantined(&account, id).await }).await
}
