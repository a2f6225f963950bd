//! Components and slots: the owner's to manage.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;

use super::{Shared, run};
use crate::dto::{Component, Slot, SlotEntry, UseComponent};
use crate::extract::{ComponentBody, JsonBody, NameParameter, Segment};
use crate::limits::{COMPONENT_TIME, REQUEST_TIME};
use crate::management::Management;
use crate::problem::Refused;

pub async fn list(State(management): State<Arc<dyn Management>>) -> Result<Json<Vec<Component>>, Refused> {
    run(REQUEST_TIME, async move { management.components().await }).await.map(Json)
}

pub async fn add(
    State(shared): State<Shared>,
    NameParameter(name): NameParameter,
    request: Request,
) -> Result<(StatusCode, Json<Component>), Refused> {
    let name = name.ok_or_else(|| Refused::bad_request("name the component: ?name=NAME"))?;
    // Before the body is read: uploads are held in memory whole.
    let permit = shared.uploads.try_acquire_owned().map_err(|_| {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "other components are being uploaded: try again soon")
    })?;
    let ComponentBody(bytes) = ComponentBody::from_request(request, &()).await?;
    let management = shared.management;
    let added = run(COMPONENT_TIME, async move {
        let added = management.add_component(name, bytes).await;
        drop(permit);
        added
    })
    .await?;
    Ok((StatusCode::CREATED, Json(added)))
}

pub async fn slots(State(management): State<Arc<dyn Management>>) -> Result<Json<Vec<SlotEntry>>, Refused> {
    run(REQUEST_TIME, async move { management.slots().await }).await.map(Json)
}

pub async fn use_component(
    State(management): State<Arc<dyn Management>>,
    Segment(slot): Segment<Slot>,
    JsonBody(UseComponent { component }): JsonBody<UseComponent>,
) -> Result<Json<Vec<SlotEntry>>, Refused> {
    run(COMPONENT_TIME, async move { management.use_component(slot, component).await }).await.map(Json)
}

pub async fn roll_back(
    State(management): State<Arc<dyn Management>>,
    Segment(slot): Segment<Slot>,
) -> Result<Json<Vec<SlotEntry>>, Refused> {
    run(COMPONENT_TIME, async move { management.roll_back(slot).await }).await.map(Json)
}
