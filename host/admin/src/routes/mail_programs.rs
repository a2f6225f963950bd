//! What mail programs read to set themselves up.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use mail::{Address, address::TOX_DOMAIN};
use serde::Deserialize;

use crate::autoconfig::{self, PROFILE_CONTENT_TYPE};
use crate::extract::AskedHost;
use crate::limits::REQUEST_TIME;
use crate::management::Management;
use crate::openapi::AccountQuery;
use crate::problem::Refused;
use crate::shared::{Account, run};

/// What Thunderbird asks with; other parameters are left alone.
#[derive(Deserialize)]
pub struct AutoconfigQuery {
    emailaddress: Option<String>,
}

/// Thunderbird's autoconfig file: for whoever asks, since it says nothing but where the servers are.
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
    let document = autoconfig::thunderbird(&domain, &settings, asked.as_deref());
    Ok(([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], document).into_response())
}

/// A configuration profile for Apple's mail programs, without the password.
#[utoipa::path(get, path = "/mail-settings/apple", operation_id = "apple_profile", params(AccountQuery), responses((status = 200, body = Vec<u8>, content_type = "application/x-apple-aspen-config")))]
pub async fn apple(
    State(management): State<Arc<dyn Management>>,
    Account(account): Account,
    AskedHost(asked): AskedHost,
) -> Result<Response, Refused> {
    let name = format!("attachment; filename=\"toxmail-{account}.mobileconfig\"");
    let (settings, identity) = run(REQUEST_TIME, async move {
        Ok((management.mail_settings(&account).await?, management.identity(&account).await?))
    })
    .await?;
    let address = identity.sender_address();
    let profile = autoconfig::apple(&settings, &address, asked.as_deref());
    let fields = [(header::CONTENT_TYPE, PROFILE_CONTENT_TYPE), (header::CONTENT_DISPOSITION, &name)];
    Ok((fields, profile).into_response())
}
