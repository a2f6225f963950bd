//! Keeping a gateway: copies of its data, its configuration.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::dto::{ConfigurationKey, Reloaded};
use crate::limits::{BACKUP_TIME, REQUEST_TIME};
use crate::management::Management;
use crate::problem::Refused;
use crate::shared::{OwnerOnly, run};

/// A backup of everything, as a tar archive; for the owner. It holds secret keys and all mail.
#[utoipa::path(get, path = "/backup", operation_id = "backup", responses((status = 200, body = Vec<u8>, content_type = "application/x-tar")))]
pub async fn backup(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
) -> Result<Response, Refused> {
    let backup = run(BACKUP_TIME, async move { management.backup().await }).await?;
    let fields = [
        (header::CONTENT_TYPE, "application/x-tar".to_owned()),
        (header::CONTENT_LENGTH, backup.size.to_string()),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"toxmail-backup.tar\"".to_owned()),
    ];
    Ok((fields, Body::from_stream(backup.pieces)).into_response())
}

/// Every key of the configuration file and what holds; for the owner.
#[utoipa::path(get, path = "/configuration", operation_id = "configuration", responses((status = 200, body = Vec<ConfigurationKey>)))]
pub async fn configuration(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
) -> Result<Json<Vec<ConfigurationKey>>, Refused> {
    run(REQUEST_TIME, async move { management.configuration().await }).await.map(Json)
}

/// Reads the configuration again and takes over what can be without a restart; for the owner.
#[utoipa::path(post, path = "/reload", operation_id = "reload", responses((status = 200, body = Reloaded)))]
pub async fn reload(
    _: OwnerOnly,
    State(management): State<Arc<dyn Management>>,
) -> Result<Json<Reloaded>, Refused> {
    run(REQUEST_TIME, async move { management.reload().await }).await.map(Json)
}
