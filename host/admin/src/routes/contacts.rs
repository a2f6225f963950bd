//! Contacts, those who want to be one, and pinned names.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::{AccountName, Address, PublicKey};

use super::{Account, run};
use crate::dto::{AcceptRequest, Contact, ContactRequest, NewContact, Pin};
use crate::extract::{JsonBody, OptionalJsonBody, PageParameters, Segment};
use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::problem::Refused;

pub async fn list(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    parameters: PageParameters,
) -> Result<Response, Refused> {
    let page = parameters.page.clone();
    let listing = run(REQUEST_TIME, async move { management.contacts(&account, &page).await }).await?;
    Ok(parameters.answer(listing))
}

pub async fn add(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    JsonBody(contact): JsonBody<NewContact>,
) -> Result<(StatusCode, Json<Contact>), Refused> {
    let added = run(REQUEST_TIME, async move { management.add_contact(&account, contact).await }).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

pub async fn remove(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(alias): Segment<AccountName>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.remove_contact(&account, &alias).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn requests(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
) -> Result<Json<Vec<ContactRequest>>, Refused> {
    run(REQUEST_TIME, async move { management.contact_requests(&account).await }).await.map(Json)
}

pub async fn accept(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(key): Segment<PublicKey>,
    OptionalJsonBody(AcceptRequest { alias }): OptionalJsonBody<AcceptRequest>,
) -> Result<Json<Contact>, Refused> {
    run(REQUEST_TIME, async move { management.accept_contact(&account, key, alias).await }).await.map(Json)
}

pub async fn changed_pins(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
) -> Result<Json<Vec<Pin>>, Refused> {
    run(REQUEST_TIME, async move { management.changed_pins(&account).await }).await.map(Json)
}

pub async fn accept_pin(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    Segment(address): Segment<Address>,
) -> Result<Json<Pin>, Refused> {
    run(REQUEST_TIME, async move { management.accept_pin(&account, &address).await }).await.map(Json)
}
