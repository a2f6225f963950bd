//! Components and slots: the owner's to manage.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::dto::{
    Component, ComponentName, ComponentRef, ComponentSignature, FilterOrder, RollBack, Slot, SlotEntry,
    UseComponent, UsePolicySet,
};
use crate::extract::{ComponentBody, JsonBody, OptionalJsonBody, Segment, UploadParameters};
use crate::limits::{COMPONENT_TIME, REQUEST_TIME};
use crate::management::Management;
use crate::openapi::UploadQuery;
use crate::problem::Refused;
use crate::shared::{OwnerOnly, Shared, run};

/// Components this gateway has; for the owner.
#[utoipa::path(get, path = "/components", operation_id = "list_components", responses((status = 200, body = Vec<Component>)))]
pub async fn list(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
) -> Result<Json<Vec<Component>>, Refused> {
    run(REQUEST_TIME, async move { management.components().await }).await.map(Json)
}

/// Checks, compiles and keeps a component; for the owner.
#[utoipa::path(post, path = "/components", operation_id = "add_component", params(UploadQuery), request_body(content = Vec<u8>, content_type = "application/wasm"), responses((status = 201, body = Component)))]
pub async fn add(
    _: OwnerOnly,
    State(shared): State<Shared>,
    UploadParameters { name, signature }: UploadParameters,
    request: Request,
) -> Result<(StatusCode, Json<Component>), Refused> {
    let name = name.ok_or_else(|| Refused::bad_request("name the component: ?name=NAME"))?;
    // Before the body is read: uploads are held in memory whole.
    let permit = begin_upload(&shared)?;
    let ComponentBody(bytes) = ComponentBody::from_request(request, &()).await?;
    let added = add_component(&shared, permit, name, bytes, signature).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// Leave to hold one more upload in memory.
pub(crate) fn begin_upload(shared: &Shared) -> Result<OwnedSemaphorePermit, Refused> {
    shared.uploads.clone().try_acquire_owned().map_err(|_| {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "other components are being uploaded: try again soon")
    })
}

/// Checks, compiles and keeps a component that was uploaded.
pub(crate) async fn add_component(
    shared: &Shared,
    permit: OwnedSemaphorePermit,
    name: ComponentName,
    bytes: Bytes,
    signature: Option<ComponentSignature>,
) -> Result<Component, Refused> {
    let management = shared.management.clone();
    let verb = async move {
        let added = management.add_component(name, bytes, signature).await;
        drop(permit);
        added
    };
    run(COMPONENT_TIME, verb).await
}

/// Removes a component that no slot needs; for the owner.
#[utoipa::path(delete, path = "/components/{component}", operation_id = "remove_component", params(("component" = String, Path)), responses((status = 204)))]
pub async fn remove(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    Segment(component): Segment<ComponentRef>,
) -> Result<StatusCode, Refused> {
    run(REQUEST_TIME, async move { management.remove_component(component).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is live in the slots; for the owner.
#[utoipa::path(get, path = "/slots", operation_id = "slots", responses((status = 200, body = Vec<SlotEntry>)))]
pub async fn slots(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
) -> Result<Json<Vec<SlotEntry>>, Refused> {
    run(REQUEST_TIME, async move { management.slots().await }).await.map(Json)
}

/// Makes a component live; for the owner.
#[utoipa::path(post, path = "/slots/{slot}/use", operation_id = "use_component", params(("slot" = Slot, Path)), request_body = UseComponent, responses((status = 200, body = Vec<SlotEntry>)))]
pub async fn use_component(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    Segment(slot): Segment<Slot>,
    JsonBody(UseComponent { component, entry }): JsonBody<UseComponent>,
) -> Result<Json<Vec<SlotEntry>>, Refused> {
    run(COMPONENT_TIME, async move { management.use_component(slot, component, entry).await }).await.map(Json)
}

/// Goes back to what was live before; for the owner.
#[utoipa::path(post, path = "/slots/{slot}/rollback", operation_id = "roll_back", params(("slot" = Slot, Path)), request_body = Option<RollBack>, responses((status = 200, body = Vec<SlotEntry>)))]
pub async fn roll_back(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    Segment(slot): Segment<Slot>,
    OptionalJsonBody(RollBack { entry }): OptionalJsonBody<RollBack>,
) -> Result<Json<Vec<SlotEntry>>, Refused> {
    run(COMPONENT_TIME, async move { management.roll_back(slot, entry).await }).await.map(Json)
}

/// Brings the filters into another order; for the owner.
#[utoipa::path(put, path = "/filters", operation_id = "order_filters", request_body = FilterOrder, responses((status = 200, body = Vec<SlotEntry>)))]
pub async fn order_filters(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    JsonBody(FilterOrder { entries }): JsonBody<FilterOrder>,
) -> Result<Json<Vec<SlotEntry>>, Refused> {
    run(COMPONENT_TIME, async move { management.order_filters(entries).await }).await.map(Json)
}

/// Takes a filter out of the chain; for the owner.
#[utoipa::path(delete, path = "/filters/{entry}", operation_id = "remove_filter", params(("entry" = String, Path)), responses((status = 200, body = Vec<SlotEntry>)))]
pub async fn remove_filter(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    Segment(entry): Segment<String>,
) -> Result<Json<Vec<SlotEntry>>, Refused> {
    run(COMPONENT_TIME, async move { management.remove_filter(entry).await }).await.map(Json)
}

/// Puts a policy set to work, all of it or nothing; for the owner.
#[utoipa::path(put, path = "/policy-set", operation_id = "use_policy_set", request_body = UsePolicySet, responses((status = 200, body = Vec<SlotEntry>)))]
pub async fn use_policy_set(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    JsonBody(UsePolicySet { path }): JsonBody<UsePolicySet>,
) -> Result<Json<Vec<SlotEntry>>, Refused> {
    run(COMPONENT_TIME, async move { management.use_policy_set(path).await }).await.map(Json)
}
