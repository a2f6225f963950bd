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
use crate::dto::{Claim, ContactState, NewContact, Page, ToldName};
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
    more_requests: u64,
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
    /// Further addresses that people can read and that mail reaches them at.
    names: Vec<String>,
    /// Names that their gateway claims and that wait for the user's answer.
    claims: Vec<String>,
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
    /// The earlier key, and since when; None if it cannot be read.
    before: Option<(String, Moment)>,
    /// The key it leads to now.
    leads_to: Option<String>,
}

/// The addresses of a contact that are shown.
const ADDRESSES: usize = 4;

/// Names that are worth this much, a few.
fn named(names: &[ToldName], claim: Claim) -> Vec<String> {
    let meant = names.iter().filter(|name| name.claim == claim && key_of(&name.address).is_none());
    meant.take(ADDRESSES).map(|name| name.address.to_string()).collect()
}

/// The content of a form that could not be done.
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
    let (frame, gateway) = Frame::new(shared, visitor, "/contacts").await?;
    let (management, account, now) =
        (shared.management.clone(), visitor.account.clone(), shared.clock.wall());
    let verbs = async move {
        let contacts = management.contacts(&account, &Page::new(ROWS, after)).await?;
        let mut with_names = Vec::with_capacity(contacts.items.len());
        for contact in contacts.items {
            let names = management.told_names(&account, &contact.alias).await.unwrap_or_default();
            with_names.push((contact, names));
        }
        let requests = management.contact_requests(&account).await?;
        Ok((with_names, contacts.next, requests, management.changed_pins(&account).await?))
    };
    let (contacts, next, requests, pins) = run(REQUEST_TIME, verbs).await?;
    let (management, account) = (shared.management.clone(), visitor.account.clone());
    // While Tox starts there is no identity yet.
    let identity = run(REQUEST_TIME, async move { management.identity(&account).await }).await.ok();
    let tox_id = identity.map(|identity| identity.tox_id.to_string());
    let page = Contacts {
        qr: tox_id.as_ref().and_then(|id| Qr::new(&format!("tox:{id}"))),
        tox_id,
        next: next
            .map(|cursor| visitor.link(&format!("/contacts?after={}", crate::percent_encoded(&cursor)))),
        contacts: contacts
            .into_iter()
            .map(|(contact, names)| Contact {
                alias: contact.alias.to_string(),
                address: contact.address,
                key: contact.key.to_string(),
                tox_id: contact.tox_id.map(|id| id.to_string()),
                names: named(&names, Claim::Counts),
                claims: named(&names, Claim::Unconfirmed),
                addresses: contact.addresses.iter().take(ADDRESSES).map(ToString::to_string).collect(),
                relays: contact.relays.len(),
                is_confirmed: contact.state == ContactState::Confirmed,
                is_online: contact.online,
                since: Moment::new(contact.since, now),
            })
            .collect(),
        // Also those who wait for room among the requests.
        more_requests: gateway.attention.contact_requests.saturating_sub(requests.len().min(ROWS) as u64),
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
            .map(|pin| Pin {
                address: pin.address.to_string(),
                before: pin
                    .key
                    .zip(pin.first_seen)
                    .map(|(key, since)| (key.to_string(), Moment::new(since, now))),
                leads_to: pin.leads_to.map(|key| key.to_string()),
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
                "{alias} was asked. You can write to {alias}@tox now. The mail is delivered once they accept and are online."
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
    let block = !submitted.fields.text("block").is_empty();
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    let verb = async move { management.remove_contact(&account, &alias, block).await.map(|()| alias) };
    run(REQUEST_TIME, verb).await
}

/// Gives a contact another alias.
pub(super) async fn rename(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_rename(&shared, &submitted).await;
    submitted.answer("/contacts", result, |alias| format!("You can write to {alias}@tox now."))
}

async fn try_rename(shared: &Shared, submitted: &Submitted) -> Result<AccountName, Refused> {
    let (alias, new): (AccountName, AccountName) =
        (submitted.fields.parse("alias")?, submitted.fields.parse("new")?);
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    let verb = async move { management.rename_contact(&account, &alias, new).await };
    run(REQUEST_TIME, verb).await.map(|contact| contact.alias)
}

/// Declines a request.
pub(super) async fn decline(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_decline(&shared, &submitted).await;
    submitted.answer("/contacts", result, |()| {
        "Declined. Later requests of theirs are ignored until you add them yourself.".to_owned()
    })
}

async fn try_decline(shared: &Shared, submitted: &Submitted) -> Result<(), Refused> {
    let key: PublicKey = submitted.fields.parse("key")?;
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    run(REQUEST_TIME, async move { management.decline_contact(&account, key).await }).await
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

/// Confirms a name that a contact claims.
pub(super) async fn confirm_name(State(shared): State<Shared>, submitted: Submitted) -> Response {
    let result = try_confirm_name(&shared, &submitted).await;
    submitted.answer("/contacts", result, |(alias, name)| format!("{name} is {alias}'s."))
}

async fn try_confirm_name(shared: &Shared, submitted: &Submitted) -> Result<(AccountName, Address), Refused> {
    let (alias, address): (AccountName, Address) =
        (submitted.fields.parse("alias")?, submitted.fields.parse("address")?);
    let (management, account) = (shared.management.clone(), submitted.visitor.account.clone());
    let verb = async move {
        management.confirm_name(&account, &alias, &address).await.map(|name| (alias, name.address))
    };
    run(REQUEST_TIME, verb).await
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
