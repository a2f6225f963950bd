//! One component in its slot: settings, limits, tests; the owner's.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};

use crate::dto::{ComponentRef, Slot, Tested, Tune, Tuned};
use crate::extract::{JsonBody, Segment, TrialParameters, check_content_type, read};
use crate::limits::{CASE_BYTES, COMPONENT_TIME, JSON_BODY_TIME, REQUEST_TIME};
use crate::management::Management;
use crate::openapi::{EntryQuery, TestQuery};
use crate::problem::Refused;
use crate::shared::{OwnerOnly, Shared, run};

/// Settings and limits of an entry; for the owner.
#[utoipa::path(get, path = "/slots/{slot}/settings", operation_id = "settings", params(("slot" = Slot, Path), EntryQuery), responses((status = 200, body = Tuned)))]
pub async fn settings(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    Segment(slot): Segment<Slot>,
    TrialParameters { entry, .. }: TrialParameters,
) -> Result<Json<Tuned>, Refused> {
    run(REQUEST_TIME, async move { management.tuned(slot, entry).await }).await.map(Json)
}

/// Changes settings and limits of an entry; what is not named stays; for the owner.
#[utoipa::path(patch, path = "/slots/{slot}/settings", operation_id = "change_settings", params(("slot" = Slot, Path), EntryQuery), request_body = Tune, responses((status = 200, body = Tuned)))]
pub async fn change_settings(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
    Segment(slot): Segment<Slot>,
    TrialParameters { entry, .. }: TrialParameters,
    JsonBody(tune): JsonBody<Tune>,
) -> Result<Json<Tuned>, Refused> {
    run(REQUEST_TIME, async move { management.tune(slot, entry, tune).await }).await.map(Json)
}

/// Asks a component the conformance cases of the slot, or the case file in the body, on the test bench; for the owner.
#[utoipa::path(post, path = "/slots/{slot}/test", operation_id = "test_component", params(("slot" = Slot, Path), TestQuery), request_body(content = Option<String>, content_type = "application/toml"), responses((status = 200, body = Tested)))]
pub async fn test_component(
    _: OwnerOnly,
    State(shared): State<Shared>,
    Segment(slot): Segment<Slot>,
    TrialParameters { component, .. }: TrialParameters,
    request: Request,
) -> Result<Json<Tested>, Refused> {
    let component = component.ok_or_else(|| Refused::bad_request("name the component: ?component=NAME"))?;
    let case = if request.headers().contains_key(header::CONTENT_TYPE) {
        check_content_type(request.headers(), &["application/toml"])?;
        let bytes = read(request.into_body(), CASE_BYTES, JSON_BODY_TIME).await?;
        let case = String::from_utf8(bytes.into());
        Some(case.map_err(|_| Refused::bad_request("the case is not UTF-8"))?)
    } else {
        None
    };
    test(&shared, slot, component, case).await.map(Json)
}

/// A test keeps a processor busy: as few at once as uploads.
pub(crate) async fn test(
    shared: &Shared,
    slot: Slot,
    component: ComponentRef,
    case: Option<String>,
) -> Result<Tested, Refused> {
    let permit = shared.uploads.clone().try_acquire_owned().map_err(|_| {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "other components are being tested: try again soon")
    })?;
    let management = shared.management.clone();
    let verb = async move {
        let tested = management.test_component(slot, component, case).await;
        drop(permit);
        tested
    };
    run(COMPONENT_TIME, verb).await
}
