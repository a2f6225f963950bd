//! Keeping a gateway: copies of its data, its configuration.

use api::verbs::{MakeBackup, Reload, ShowConfiguration};
use axum::body::Body;
use axum::http::header;
use axum::response::IntoResponse;

use crate::service::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .verb(MakeBackup, |management, _| async move {
            let backup = management.backup().await?;
            let fields = [
                (header::CONTENT_LENGTH, backup.size.to_string()),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"toxmail-backup.tar\"".to_owned()),
            ];
            Ok((fields, Body::from_stream(backup.pieces)).into_response())
        })
        .verb(ShowConfiguration, |management, _| async move { management.configuration().await })
        .verb(Reload, |management, _| async move { management.reload().await })
}
