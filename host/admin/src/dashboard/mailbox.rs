//! Mails that wait for the mail program.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::Wall;

use super::frame::Frame;
use super::mails::{Mail, Mails, Next};
use super::names::Names;
use super::page::{PageError, html};
use super::text::{Moment, bytes, plural};
use super::visitor::Visitor;
use crate::dto::{Arrival, Page};
use crate::extract::CursorParameter;
use crate::limits::{REQUEST_TIME, ROWS};
use crate::shared::{Shared, run};

/// The page.
pub(super) async fn page(
    State(shared): State<Shared>,
    visitor: Visitor,
    CursorParameter(after): CursorParameter,
) -> Result<Response, PageError> {
    let (frame, status) = Frame::new(&shared, &visitor, "/mailbox").await?;
    let (management, account, now) =
        (shared.management.clone(), visitor.account.clone(), shared.clock.wall());
    let verb = async move { management.arrivals(&account, &Page::new(ROWS, after)).await };
    let listing = run(REQUEST_TIME, verb).await?;
    let names = Names::of(&shared, &visitor.account).await?;
    let page = Mails {
        intro: "These mails arrived and are still kept here. Read them with your mail program: no page ever shows their text.",
        none: "The mailbox is empty.",
        count: format!(
            "{}, {} in all, newest first.",
            plural(status.mailbox.mails, "mail"),
            bytes(status.mailbox.bytes)
        ),
        mails: listing.items.into_iter().map(|entry| shown(&visitor, &names, entry, now)).collect(),
        next: listing.next.map(|cursor| Next::new(&visitor, "/mailbox", &cursor, "Earlier mails")),
        ended: Vec::new(),
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}

fn shown(visitor: &Visitor, names: &Names, entry: Arrival, now: Wall) -> Mail {
    let recipient = entry.recipient.to_string();
    let is_from_somebody = entry.sender.is_some();
    Mail {
        id: entry.id.to_string(),
        title: match entry.sender {
            Some(sender) => format!("From {}", names.sender(&sender, entry.key)),
            None => "From a mail system (a report)".to_owned(),
        },
        facts: format!("to {}, {}, arrived", names.address(&entry.recipient), bytes(entry.size)),
        when: Moment::new(entry.received, now),
        key: entry.key.filter(|key| names.known(*key).is_none()).map(|key| key.to_string()),
        problem: None,
        story: None,
        delete_at: None,
        copies: None,
        action: None,
        removal: None,
        // A report of the gateway itself is neither.
        mark: is_from_somebody.then_some("/mailbox/mark"),
        decisions: match entry.mail {
            Some(mail) => super::decisions::link_to_mail(visitor, mail),
            None => super::decisions::link(visitor, entry.received, Some(entry.received), &recipient),
        },
    }
}
