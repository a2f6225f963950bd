//! One component in its slot: settings, limits, tests; the owner's.

use api::verbs::{ChangeSettings, ShowSettings, TestComponent};
use axum::http::StatusCode;

use crate::dto::{ComponentRef, Slot, Tested};
use crate::limits::COMPONENT_TIME;
use crate::problem::Refused;
use crate::service::Routes;
use crate::shared::{Shared, run_awaited};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .verb(
            ShowSettings,
            |management, call| async move { management.tuned(call.path, call.query.entry).await },
        )
        .verb(ChangeSettings, |management, call| async move {
            management.tune(call.path, call.query.entry, call.body).await
        })
        .handler(TestComponent, |call| async move {
            test(&call.shared, call.path, call.query.component, call.body).await
        })
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
    run_awaited(COMPONENT_TIME, verb).await
}
