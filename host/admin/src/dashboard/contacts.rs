//! Contacts, people who want to be one, and names whose key changed.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::from_check::key_of;
use mail::{AccountName, Address, PublicKey};

use super::form::{Fields, Submitted};
use super::frame::Frame;
use super::page::{PageError, html};
use super::qr::Qr;
use super::text::{Moment, shortened};
use super::visitor::Visitor;
use crate::access::Notice;
use crate::dto::{ContactState, NewContact, Page};
use crate::extract::CursorParameter;
use crate::limits::{REQUEST_TIME, ROWS};
use crate::problem::Refused;
use crate::shared::{Shared, run};

#[derive(Template)]
#[template(path = "contacts.html")]
struct Contacts {
    frame: Frame,
    contacts: Vec<Contact>,
    next: Option<String>,
    requests: Vec<Request>,
    more_requests: usize,
    pins: Vec<Pin>,
    typed: Typed,
    tox_id: Option<String>,
    qr: Option<Qr>,
}

struct Contact {
    alias: String,
    address: String,
    key: String,
    tox_id: Option<String>,
    /// Addresses beside `address` that people can read.
    names: Vec<String>,
    /// All that their gateway says, some of them.
    addresses: Vec<String>,
    is_confirmed: bool,
    is_online: bool,
    /// How many drop relays they read.
    relays: usize,
    since: Moment,
}

struct Request {
    key: String,
    message: String,
    received: Moment,
}

struct Pin {
    address: String,
    key: String,
    first_seen: Moment,
    changed_to: String,
}

/// The addresses of a contact that are shown.
const ADDRESSES: usize = 4;

/// Addresses that people can read, a few.
fn named(addresses: &[Address]) -> Vec<String> {
    let readable = addresses.iter().filter(|address| key_of(address).is_none());
    readable.take(ADDRESSES).map(ToString::to_string).collect()
}

/// What stood in the form when it could not be done.
#[derive(Default)]
struct Typed {
    alias: String,
    address: String,
    message: String,
}

impl Typed {
    fn from(fields: &Fields) -> Self {
        let text = |name| fields.text(name).to_owned();
        Self { alias: text("alias"), address: text("address"), message: text("message") }
    }
}

/// The page.
pub(super) async fn page(
    State(shared): State<Shared>,
    visitor: Visitor,
    CursorParameter(after): CursorParameter,
) -> Result<Response, PageError> {
    show(&shared, &visitor, StatusCode::OK, after, Typed::default()).await
}

async fn show(
    shared: &Shared,
    visitor: &Visitor,
    status: StatusCode,
    after: Option<String>,
    typed: Typed,
) -> Result<Response, PageError> {
    let (frame, _) = Frame::new(shared, visitor, "/contacts").await?;
    let (management, account, now) =
        (shared.management.clone(), visitor.account.clone(), shared.clock.wall());
    let verbs = async move {
        let contacts = management.contacts(&account, &Page::new(ROWS, after)).await?;
        let requests = management.contact_requests(&account).await?;
        Ok((contacts, requests, management.changed_pins(&account).await?))
    };
    let (contacts, requests, pins) = run(REQUEST_TIME, verbs).await?;
    let (management, account) = (shared.management.clone(), visitor.account.clone());
    // While Tox starts there is no identity yet.
    let identity = run(REQUEST_TIME, async move { management.identity(&account).await }).await.ok();
    let tox_id = identity.map(|identity| identity.tox_id.to_string());
    let page = Contacts {
        qr: tox_id.as_ref().and_then(|id| Qr::new(&format!("tox:{id}"))),
        tox_id,
        next: contacts
            .next
            .map(|cursor| visitor.link(&format!("/contacts?after={}", crate::percent_encoded(&cursor)))),
        contacts: contacts
            .items
            .into_iter()
            .map(|contact| Contact {
                alias: contact.alias.to_string(),
                address: contact.address,
                key: contact.key.to_string(),
                tox_id: contact.tox_id.map(|id| id.to_string()),
                names: named(&contact.addresses),
                addresses: contact.addresses.iter().take(ADDRESSES).map(ToString::to_string).collect(),
                relays: contact.relays.len(),
                is_confirmed: contact.state == ContactState::Confirmed,
                is_online: contact.online,
                since: Moment::new(contact.since, now),
            })
            .collect(),
        more_requests: requests.len().saturating_sub(ROWS),
        requests: requests
            .into_iter()
            .take(ROWS)
            .map(|request| Request {
                key: request.key.to_string(),
                message: shortened(&request.message),
                received: Moment::new(request.received, now),
            })
            .collect(),
        pins: pins
            .into_iter()
            .take(ROWS)
            .filter_map(|pin| {
                Some(Pin {
                    address: pin.address.to_string(),
                    key: pin.key.to_string(),
                    first_seen: Moment::new(pin.first_seen, now),
                    changed_to: pin.changed_to?.key.to_string(),
                })
            })
            .collect(),
        typed,
        frame,
    };
    Ok(html(status, &page))
}

/// Adds a contact.
pub(super) async fn add(State(shared): State<Shared>, submitted: Submitted) -> Result<Response, PageError> {
    match try_add(&shared, &submitted).await {
        Ok(alias) => {
            let done = format!(
                "{alias} was asked. Mail to {alias}@tox can be written now; it is delivered once they accept and are online."
            );
            Ok(submitted.answer("/contacts", Ok(()), |()| done))
        }
        Err(refused) => {
            // What was typed is not lost.
            let (visitor, status) = (&submitted.visitor, refused.status());
            let text = refused.detail().to_owned();
            visitor.session.set_notice(Notice { is_success: false, text });
            show(&shared, visitor, status, None, Typed::from(&submitted.fields)).await
        }
    }
}

async fn try_add(shared: &Shared, submitted: &Submitted) -> Result<AccountName, Refused> {
    let contact = NewContact {
        alias: submitted.fields.parse("alias")?,
        address: submitted.fields.parse("address")?,
        message: Some(submitted.fields.text("message").to_owned()).filter(|text| !text.is_empty()),
    };
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    let verb = async move { management.add_contact(&account, contact).await };
    run(REQUEST_TIME, verb).await.map(|contact| contact.alias)
}

/// Removes a contact.
pub(super) async fn remove(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_remove(&shared, &submitted).await;
    submitted.answer("/contacts", result, |alias| format!("{alias} is no longer a contact."))
}

async fn try_remove(shared: &Shared, submitted: &Submitted) -> Result<AccountName, Refused> {
    let alias: AccountName = submitted.fields.parse("alias")?;
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    run(REQUEST_TIME, async move { management.remove_contact(&account, &alias).await.map(|()| alias) }).await
}

/// Accepts a request.
pub(super) async fn accept(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_accept(&shared, &submitted).await;
    submitted.answer("/contacts", result, |alias| format!("{alias} is a contact now: write to {alias}@tox."))
}

async fn try_accept(shared: &Shared, submitted: &Submitted) -> Result<AccountName, Refused> {
    let key: PublicKey = submitted.fields.parse("key")?;
    let alias = submitted.fields.optional("alias")?;
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    let verb = async move { management.accept_contact(&account, key, alias).await };
    run(REQUEST_TIME, verb).await.map(|contact| contact.alias)
}

/// Accepts the new key of a name.
pub(super) async fn accept_key(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_accept_key(&shared, &submitted).await;
    submitted
        .answer("/contacts", result, |address| format!("Mail to {address} goes to the new key from now on."))
}

async fn try_accept_key(shared: &Shared, submitted: &Submitted) -> Result<Address, Refused> {
    let address: Address = submitted.fields.parse("address")?;
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    run(REQUEST_TIME, async move { management.accept_pin(&account, &address).await })
        .await
        .map(|pin| pin.address)
}
