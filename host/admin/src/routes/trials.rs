//! Components on trial: the owner's to manage.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};

use crate::dto::{BeginShadow, Replay, ReplayQuery, Shadow, Slot};
use crate::extract::{ComponentBody, JsonBody, Segment, TrialParameters};
use crate::limits::{COMPONENT_TIME, REPLAY_DAYS, REPLAY_TIME, REQUEST_TIME};
use crate::management::Candidate;
use crate::management::Management;
use crate::openapi::ReplayParameters;
use crate::problem::Refused;
use crate::shared::{OwnerOnly, Shared, run};

/// How the component beside the live one is doing; for the owner.
#[utoipa::path(get, path = "/slots/{slot}/shadow", operation_id = "shadow", params(("slot" = Slot, Path)), responses((status = 200, body = Shadow)))]
pub async fn shadow(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    Segment(slot): Segment<Slot>,
) -> Result<Json<Shadow>, Refused> {
    run(REQUEST_TIME, async move { management.shadow(slot).await }).await.map(Json)
}

/// Lets a component run beside the live one: it is asked the same, and its answers are compared, not used; for the owner.
#[utoipa::path(put, path = "/slots/{slot}/shadow", operation_id = "begin_shadow", params(("slot" = Slot, Path)), request_body = BeginShadow, responses((status = 200, body = Shadow)))]
pub async fn begin_shadow(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    Segment(slot): Segment<Slot>,
    JsonBody(shadow): JsonBody<BeginShadow>,
) -> Result<Json<Shadow>, Refused> {
    run(COMPONENT_TIME, async move { management.begin_shadow(slot, shadow).await }).await.map(Json)
}

/// Ends the shadow of a slot; its last report; for the owner.
#[utoipa::path(delete, path = "/slots/{slot}/shadow", operation_id = "end_shadow", params(("slot" = Slot, Path)), responses((status = 200, body = Shadow)))]
pub async fn end_shadow(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    Segment(slot): Segment<Slot>,
) -> Result<Json<Shadow>, Refused> {
    run(REQUEST_TIME, async move { management.end_shadow(slot).await }).await.map(Json)
}

/// Asks a component what was decided in the last days, and compares; for the owner. The component is named, or its file is the body.
#[utoipa::path(post, path = "/slots/{slot}/replay", operation_id = "replay", params(("slot" = Slot, Path), ReplayParameters), request_body(content = Option<Vec<u8>>, content_type = "application/wasm"), responses((status = 200, body = Replay)))]
pub async fn replay(
    _: OwnerOnly,
    State(shared): State<Shared>,
    Segment(slot): Segment<Slot>,
    TrialParameters { component, entry, days }: TrialParameters,
    request: Request,
) -> Result<Json<Replay>, Refused> {
    let days = days.unwrap_or(REPLAY_DAYS);
    if !(1..=REPLAY_DAYS).contains(&days) {
        return Err(Refused::bad_request(format!("days is from 1 to {REPLAY_DAYS}")));
    }
    // Before the body is read: it is held in memory whole, and a replay keeps a processor busy.
    let permit = shared.uploads.try_acquire_owned().map_err(|_| {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "other components are being uploaded: try again soon")
    })?;
    let has_body = request.headers().contains_key(header::CONTENT_TYPE);
    let candidate = match component {
        Some(component) if !has_body => Candidate::Known(component),
        Some(_) => return Err(Refused::bad_request("name a component or send one, not both")),
        None => Candidate::File(ComponentBody::from_request(request, &()).await?.0),
    };
    let management = shared.management;
    let query = ReplayQuery { slot, entry, days };
    let verb = async move {
        let replay = management.replay(candidate, query).await;
        drop(permit);
        replay
    };
    run(REPLAY_TIME, verb).await.map(Json)
}
