//! The gateway as a whole.

use std::sync::Arc;

use api::verbs::{ShowHistory, ShowIdentity, ShowLog, ShowMailSettings, ShowStatus};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::metrics;
use crate::problem::Refused;
use crate::service::Routes;
use crate::shared::{OwnerOnly, run};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .verb(ShowStatus, |management, call| async move {
            let mut status = management.status(&call.account).await?;
            if !call.caller.is_owner() {
                // It may have happened with the mail of somebody else.
                status.slots.iter_mut().for_each(|entry| entry.last_failure = None);
                status.tasks.iter_mut().for_each(|task| task.problem = None);
            }
            Ok(status)
        })
        .verb(ShowIdentity, |management, call| async move { management.identity(&call.account).await })
        .verb(
            ShowMailSettings,
            |management, call| async move { management.mail_settings(&call.account).await },
        )
        .verb(ShowHistory, |management, _| async move { management.history().await })
        .verb(ShowLog, |management, _| async move { management.log().await })
}

pub async fn health() -> Result<StatusCode, Refused> {
    if supervisor::status().iter().any(|task| task.down > 0) {
        let text = "a part of the gateway is down: `toxmail status` says which";
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, text));
    }
    Ok(StatusCode::NO_CONTENT)
}

pub async fn metrics(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
) -> Result<Response, Refused> {
    let metrics = run(REQUEST_TIME, async move { Ok(management.metrics().await) }).await?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::to_text(&metrics)).into_response())
}
