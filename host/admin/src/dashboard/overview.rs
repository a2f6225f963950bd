//! The first page: how it goes, what waits, what to give to others and to the mail program.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::frame::Frame;
use super::page::{PageError, html};
use super::qr::Qr;
use super::settings::Servers;
use super::text::plural;
use super::visitor::Visitor;
use crate::dto::{Connection, Health, Status, TaskStatus, Unreadable};
use crate::extract::AskedHost;
use crate::limits::REQUEST_TIME;
use crate::shared::{Shared, run};

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    connection: &'static str,
    explanation: &'static str,
    attention: Vec<Waiting>,
    tox_id: Option<String>,
    qr: Option<Qr>,
    addresses: Vec<String>,
    servers: Option<Servers>,
    settings_link: String,
    contacts: u64,
    contacts_online: u64,
    queued: u64,
    contacts_link: String,
    outbox_link: String,
    unreadable: Unreadable,
}

/// Something the user should look at.
struct Waiting {
    link: String,
    text: String,
}

/// The page.
pub(super) async fn page(
    State(shared): State<Shared>,
    visitor: Visitor,
    AskedHost(asked): AskedHost,
) -> Result<Response, PageError> {
    let (frame, status) = Frame::new(&shared, &visitor, "/").await?;
    let (management, account) = (shared.management.clone(), visitor.account.clone());
    // While Tox starts there is no identity yet: the page says so.
    let identity = run(REQUEST_TIME, async move { management.identity(&account).await }).await.ok();
    let (management, account) = (shared.management.clone(), visitor.account.clone());
    let settings = run(REQUEST_TIME, async move { management.mail_settings(&account).await }).await.ok();
    let tox_id = identity.as_ref().map(|identity| identity.tox_id.to_string());
    let (connection, explanation) = connection(&status);
    let page = Overview {
        connection,
        explanation,
        attention: attention(&status, &visitor),
        qr: tox_id.as_ref().and_then(|id| Qr::new(&format!("tox:{id}"))),
        tox_id,
        addresses: identity
            .map(|identity| identity.addresses.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        servers: settings.as_ref().map(|settings| Servers::new(settings, asked.as_deref())),
        settings_link: visitor.link("/settings"),
        contacts: status.contacts.len() as u64,
        contacts_online: status.contacts.iter().filter(|contact| contact.online).count() as u64,
        queued: status.outbox.queued,
        contacts_link: visitor.link("/contacts"),
        outbox_link: visitor.link("/outbox"),
        unreadable: status.unreadable.clone(),
        frame,
    };
    Ok(html(StatusCode::OK, &page))
}

fn connection(status: &Status) -> (&'static str, &'static str) {
    match status.tox.connection {
        Connection::Udp => ("Connected to Tox", "Mail goes directly to every contact who is online."),
        Connection::Tcp => (
            "Connected to Tox through Tox TCP relays",
            "This network blocks UDP, so Tox TCP relays carry the mail. It stays end-to-end encrypted. Large mails are slower.",
        ),
        Connection::None if status.tox.nodes == 0 => (
            "No Tox node is known",
            "Nobody can be reached. Start the gateway with --bootstrap HOST:PORT:KEY, or without --no-public-bootstrap.",
        ),
        Connection::None => (
            "Connecting to Tox",
            "This takes some seconds after a start. If it lasts for minutes, check that this machine is on the Internet and that no firewall blocks it. Mail you send meanwhile waits in the outbox.",
        ),
    }
}

fn attention(status: &Status, visitor: &Visitor) -> Vec<Waiting> {
    let attention = status.attention;
    let mut waiting = Vec::new();
    let mut add = |number: u64, path: &str, text: String| {
        if number > 0 {
            waiting.push(Waiting { link: visitor.link(path), text });
        }
    };
    let (requests, held, changed) =
        (attention.contact_requests, attention.quarantined, attention.changed_pins);
    add(
        requests,
        "/contacts#requests",
        format!(
            "{} to exchange mail with you",
            plural(requests, "person").replace("persons", "people")
                + if requests == 1 { " asks" } else { " ask" }
        ),
    );
    add(held, "/quarantine", format!("{} set aside by a filter", plural(held, "mail")));
    add(
        changed,
        "/contacts#names",
        format!(
            "{} with a changed key: mail there waits for you",
            plural(changed, "address").replace("addresss", "addresses")
        ),
    );
    let unreadable = status.unreadable.rows;
    if unreadable > 0 {
        let text = format!("{} of the store cannot be read", plural(unreadable, "row"));
        waiting.push(Waiting { link: "#unreadable".to_owned(), text });
    }
    if visitor.caller.is_owner() {
        for entry in status.slots.iter().filter(|entry| entry.health == Health::Failing) {
            let text = format!("The component {} in slot {} fails", entry.name, entry.slot);
            waiting.push(Waiting { link: visitor.link("/components"), text });
        }
        for entry in &status.slots {
            let Some(fallback) = &entry.fallback else { continue };
            let text = format!(
                "The component {} in slot {} failed: {} decides now",
                fallback.name, entry.slot, entry.name
            );
            waiting.push(Waiting { link: visitor.link("/components"), text });
        }
        for text in status.faults.clone() {
            waiting.push(Waiting { link: visitor.link("/events#log"), text });
        }
        for text in status.tasks.iter().filter_map(TaskStatus::fault) {
            waiting.push(Waiting { link: visitor.link("/events#log"), text });
        }
    }
    waiting
}
