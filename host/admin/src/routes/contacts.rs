//! Contacts, those who want to be one, and pinned names.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::{AccountName, Address, PublicKey};

use crate::dto::{AcceptRequest, Contact, ContactRequest, NewContact, Pin};
use crate::extract::{JsonBody, OptionalJsonBody, PageParameters, Segment};
use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::openapi::{AccountQuery, PageQuery};
use crate::problem::Refused;
use crate::shared::{Account, run};

/// Contacts in the order of their alias.
#[utoipa::path(get, path = "/contacts", operation_id = "list_contacts", params(AccountQuery, PageQuery), responses((status = 200, body = Vec<Contact>)))]
pub async fn list(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    parameters: PageParameters,
) -> Result<Response, Refused> {
    let page = parameters.page.clone();
    let listing = run(REQUEST_TIME, async move { management.contacts(&account, &page).await }).await?;
    Ok(parameters.answer(listing))
}

/// Adds a contact and sends a friend request.
#[utoipa::path(post, path = "/contacts", operation_id = "add_contact", params(AccountQuery), request_body = NewContact, responses((status = 201, body = Contact)))]
pub async fn add(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    JsonBody(contact): JsonBody<NewContact>,
) -> Result<(StatusCode, Json<Contact>), Refused> {
    let added = run(REQUEST_TIME, async move { management.add_contact(&account, contact).await }).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// Removes a contact.
#[utoipa::path(delete, path = "/contacts/{alias}", operation_id = "remove_contact", params(AccountQuery, ("alias" = String, Path)), responses((status = 204)))]
pub async fn remove(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(alias): Segment<AccountName>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.remove_contact(&account, &alias).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Friend requests that wait.
#[utoipa::path(get, path = "/contact-requests", operation_id = "contact_requests", params(AccountQuery), responses((status = 200, body = Vec<ContactRequest>)))]
pub async fn requests(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
) -> Result<Json<Vec<ContactRequest>>, Refused> {
    run(REQUEST_TIME, async move { management.contact_requests(&account).await }).await.map(Json)
}

/// Accepts a friend request.
#[utoipa::path(post, path = "/contact-requests/{key}/accept", operation_id = "accept_contact", params(AccountQuery, ("key" = String, Path)), request_body = Option<AcceptRequest>, responses((status = 200, body = Contact)))]
pub async fn accept(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(key): Segment<PublicKey>,
    OptionalJsonBody(AcceptRequest { alias }): OptionalJsonBody<AcceptRequest>,
) -> Result<Json<Contact>, Refused> {
    run(REQUEST_TIME, async move { management.accept_contact(&account, key, alias).await }).await.map(Json)
}

/// Names of which the key changed.
#[utoipa::path(get, path = "/pins", operation_id = "changed_pins", params(AccountQuery), responses((status = 200, body = Vec<Pin>)))]
pub async fn changed_pins(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
) -> Result<Json<Vec<Pin>>, Refused> {
    run(REQUEST_TIME, async move { management.changed_pins(&account).await }).await.map(Json)
}

/// Accepts the new key of a name.
#[utoipa::path(post, path = "/pins/{address}/accept", operation_id = "accept_pin", params(AccountQuery, ("address" = String, Path)), responses((status = 200, body = Pin)))]
pub async fn accept_pin(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(address): Segment<Address>,
) -> Result<Json<Pin>, Refused> {
    run(REQUEST_TIME, async move { management.accept_pin(&account, &address).await }).await.map(Json)
}
