//! The description of the API for programs (OpenAPI 3.1), made from the routes and types themselves.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, ResponseBuilder};
use utoipa::{IntoParams, Modify, OpenApi};

use crate::dto::{PROBLEM_CONTENT_TYPE, Problem};

/// What all routes have in common; the routes add themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Toxmail",
        version = "1",
        description = "The web API of a Toxmail gateway. Within /api/v1 fields and routes are added, never renamed or removed.",
        license(name = "GPL-3.0-or-later"),
        contact()
    ),
    components(schemas(Problem)),
    modifiers(&Access)
)]
pub(crate) struct Api;

struct Access;

impl Modify for Access {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of the gateway: 64 hex digits, in the file that ready.json names."))
            .build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        let cookie = ApiKeyValue::with_description(
            "toxmail-PORT",
            "The session of a browser. Changes also carry the CSRF token of its pages, in X-CSRF-Token.",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        document.security = Some(vec![
            utoipa::openapi::SecurityRequirement::new("token", Vec::<String>::new()),
            utoipa::openapi::SecurityRequirement::new("session", Vec::<String>::new()),
        ]);
    }
}

/// Every route may say no with a problem.
pub(crate) fn with_problems(mut document: Document) -> Document {
    for item in document.paths.paths.values_mut() {
        let operations: [&mut Option<Operation>; 5] =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            let problem = ResponseBuilder::new()
                .description("What is wrong and what to do (RFC 9457).")
                .content(PROBLEM_CONTENT_TYPE, content)
                .build();
            operation.responses.responses.insert("default".to_owned(), problem.into());
        }
    }
    document
}

/// Whose.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes what crate::extract reads")]
pub(crate) struct AccountQuery {
    /// The account; the caller's own if absent, the owner's for the token.
    account: Option<String>,
}

/// Which part of a list. The next one is named by a Link header with rel="next".
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes what crate::extract reads")]
pub(crate) struct PageQuery {
    /// Most items; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The cursor that the page before named.
    after: Option<String>,
}

/// Which decisions.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes what crate::extract reads")]
pub(crate) struct DecisionsQuery {
    /// Of this slot alone.
    slot: Option<crate::dto::Slot>,
    /// About this mail alone: 32 hex digits.
    mail: Option<String>,
    /// Recorded at this time or later.
    from: Option<crate::dto::Timestamp>,
    /// Recorded at this time or earlier.
    until: Option<crate::dto::Timestamp>,
    /// With this text in what the component was told, answered or logged; 1 to 200 bytes.
    text: Option<String>,
}

/// What opens an encrypted profile.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes what crate::extract reads")]
pub(crate) struct ProfilePassword {
    /// The password of an encrypted profile, percent-encoded (RFC 3986 section 2.1); 1024 characters at most.
    #[param(rename = "X-Profile-Password")]
    x_profile_password: Option<String>,
}

/// Which entry of a slot.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes what crate::extract reads")]
pub(crate) struct EntryQuery {
    /// The entry; needed where the slot has several.
    entry: Option<String>,
}

/// What is tested.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes what crate::extract reads")]
pub(crate) struct TestQuery {
    /// The component, by name or SHA-256.
    component: String,
}

/// Where a listener goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes what crate::routes reads")]
pub(crate) struct LastEventId {
    /// The id of the last event that was heard.
    #[param(rename = "Last-Event-ID")]
    last_event_id: Option<u64>,
}

/// What is replayed.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes what crate::extract reads")]
pub(crate) struct ReplayParameters {
    /// A component the gateway has, by name or SHA-256; absent if its file is the body.
    component: Option<String>,
    /// The entry; needed where the slot has several.
    entry: Option<String>,
    /// How many days back, 1 to 30; as many as are kept if absent.
    days: Option<u32>,
}

/// What is uploaded.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes what crate::extract reads")]
pub(crate) struct UploadQuery {
    /// The component's name.
    name: String,
    /// The signature of its file (Ed25519): 128 hex digits.
    signature: Option<String>,
}
