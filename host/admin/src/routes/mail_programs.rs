//! What mail programs read to set themselves up.

use std::sync::Arc;

use api::verbs::MakeAppleProfile;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use mail::{Address, address::TOX_DOMAIN};
use serde::Deserialize;

use crate::autoconfig;
use crate::extract::AskedHost;
use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::problem::Refused;
use crate::service::Routes;
use crate::shared::run;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.verb(MakeAppleProfile, |management, call| async move {
        let settings = management.mail_settings(&call.account).await?;
        let identity = management.identity(&call.account).await?;
        let AskedHost(asked) = AskedHost::of(&call.parts);
        let profile = autoconfig::apple(&settings, &identity.sender_address(), asked.as_deref())?;
        let name = format!("attachment; filename=\"toxmail-{}.mobileconfig\"", call.account);
        Ok(([(header::CONTENT_DISPOSITION, name)], profile).into_response())
    })
}

/// What Thunderbird asks with; other parameters are left alone.
#[derive(Deserialize)]
pub struct AutoconfigQuery {
    emailaddress: Option<String>,
}

/// Thunderbird's autoconfig file. Everybody may ask for it, because it only says where the servers
/// are.
pub async fn thunderbird(
    State(management): State<Arc<dyn Management>>,
    AskedHost(asked): AskedHost,
    query: Result<Query<AutoconfigQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Refused> {
    let Query(query) = query.map_err(|error| Refused::bad_request(error.body_text()))?;
    let domain = match query.emailaddress {
        None => TOX_DOMAIN.to_owned(),
        Some(text) => {
            let address = text.parse::<Address>();
            let address = address.map_err(|error| Refused::bad_request(format!("emailaddress: {error}")))?;
            address.domain().to_owned()
        }
    };
    let settings = run(REQUEST_TIME, async move {
        let owner = management.owner().await?;
        management.mail_settings(&owner).await
    })
    .await?;
    let document = autoconfig::thunderbird(&domain, &settings, asked.as_deref())?;
    Ok(([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], document).into_response())
}
