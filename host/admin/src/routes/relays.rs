//! Drop relays: the owner's to manage.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mail::PublicKey;

use crate::dto::{Invitation, InvitationGiven, NewRelay, Relay};
use crate::extract::{JsonBody, Segment};
use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::problem::Refused;
use crate::shared::{OwnerOnly, run};

/// Drop relays that are known, the own one first; for the owner.
#[utoipa::path(get, path = "/relays", operation_id = "list_relays", responses((status = 200, body = Vec<Relay>)))]
pub async fn list(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
) -> Result<Json<Vec<Relay>>, Refused> {
    run(REQUEST_TIME, async move { management.relays().await }).await.map(Json)
}

/// Names a drop relay to use; for the owner.
#[utoipa::path(post, path = "/relays", operation_id = "add_relay", request_body = NewRelay, responses((status = 201, body = Relay)))]
pub async fn add(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    JsonBody(relay): JsonBody<NewRelay>,
) -> Result<(StatusCode, Json<Relay>), Refused> {
    let added = run(REQUEST_TIME, async move { management.add_relay(relay).await }).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// Forgets a drop relay; for the owner.
#[utoipa::path(delete, path = "/relays/{key}", operation_id = "remove_relay", params(("key" = String, Path)), responses((status = 204)))]
pub async fn remove(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    Segment(key): Segment<PublicKey>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.remove_relay(key).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes an invitation to the own drop relay; for the owner.
#[utoipa::path(post, path = "/relays/invitations", operation_id = "invite_to_relay", responses((status = 201, body = Invitation)))]
pub async fn invite(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
) -> Result<(StatusCode, Json<Invitation>), Refused> {
    let made = run(REQUEST_TIME, async move { management.invite_to_relay().await }).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Invitations to the own drop relay; for the owner.
#[utoipa::path(get, path = "/relays/invitations", operation_id = "list_relay_invitations", responses((status = 200, body = Vec<InvitationGiven>)))]
pub async fn invitations(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
) -> Result<Json<Vec<InvitationGiven>>, Refused> {
    run(REQUEST_TIME, async move { management.invitations().await }).await.map(Json)
}

/// Takes an invitation to the own drop relay back; for the owner.
#[utoipa::path(delete, path = "/relays/invitations/{name}", operation_id = "uninvite_from_relay", params(("name" = String, Path)), responses((status = 204)))]
pub async fn uninvite(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    Segment(name): Segment<String>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.uninvite_from_relay(&name).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
