//! The routes: each names its verb of [`Management`], takes typed input and gives typed output.

mod accounts;
mod components;
mod contacts;
mod decisions;
mod gateway;
mod mail_programs;
mod mailbox;
mod mails;
mod relays;
mod stream;
mod trials;
mod tuning;
mod upkeep;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use mail::{AccountName, Clock};
use tokio::sync::Semaphore;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use accounts::set as set_password;
pub(crate) use components::{add_component, begin_upload};
pub(crate) use tuning::test as test_component;

use crate::access::{self, Access, Caller};
use crate::dashboard;
use crate::events::EventLog;
use crate::extract::AccountParameter;
use crate::limits;
use crate::management::{self, Management};
use crate::openapi;
use crate::problem::Refused;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) management: Arc<dyn Management>,
    pub(crate) events: EventLog,
    uploads: Arc<Semaphore>,
    listeners: Arc<Semaphore>,
    pub(crate) access: Arc<Access>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl FromRef<Shared> for Arc<dyn Management> {
    fn from_ref(shared: &Shared) -> Self {
        shared.management.clone()
    }
}

/// The web API, the routes named on the crate's page, and the dashboard. Serve it with [`crate::serve`].
pub fn router(management: Arc<dyn Management>, events: EventLog, access: Access) -> Router {
    let access = Arc::new(access);
    let shared = Shared {
        management,
        clock: events.clock(),
        events,
        uploads: Arc::new(Semaphore::new(limits::UPLOADS)),
        listeners: Arc::new(Semaphore::new(limits::EVENT_LISTENERS)),
        access: access.clone(),
    };
    let (api, document) = described_api();
    let document = Bytes::from(document);
    let json = [(header::CONTENT_TYPE, "application/json")];
    let behind_check = Router::new()
        .route("/metrics", get(gateway::metrics))
        .route("/api/v1/openapi.json", get(move || async move { (json, document) }))
        .merge(api)
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(access.clone(), access::check_caller))
        .layer(middleware::from_fn(pages_not_found));
    Router::new()
        .route("/health", get(gateway::health))
        .route("/.well-known/autoconfig/mail/config-v1.1.xml", get(mail_programs::thunderbird))
        .method_not_allowed_fallback(no_such_method)
        .merge(dashboard::router(&access))
        .merge(behind_check)
        .layer(middleware::from_fn_with_state(access, access::check_place))
        .layer(middleware::from_fn(with_headers))
        // Bodies have bounds of their own, see `extract`.
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

fn api() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(gateway::status))
        .routes(routes!(gateway::identity))
        .routes(routes!(gateway::mail_settings))
        .routes(routes!(mail_programs::apple))
        .routes(routes!(gateway::history))
        .routes(routes!(gateway::log))
        .routes(routes!(decisions::list))
        .routes(routes!(stream::events))
        .routes(routes!(contacts::list, contacts::add))
        .routes(routes!(contacts::remove))
        .routes(routes!(contacts::requests))
        .routes(routes!(contacts::accept))
        .routes(routes!(contacts::changed_pins))
        .routes(routes!(contacts::accept_pin))
        .routes(routes!(mails::outbox))
        .routes(routes!(mails::outbox_entry))
        .routes(routes!(mails::retry))
        .routes(routes!(mails::cancel))
        .routes(routes!(mails::outcomes))
        .routes(routes!(mails::arrivals))
        .routes(routes!(mails::quarantine))
        .routes(routes!(mails::delete_quarantined))
        .routes(routes!(mails::release))
        .routes(routes!(mails::spam))
        .routes(routes!(mails::ham))
        .routes(routes!(accounts::list, accounts::add))
        .routes(routes!(accounts::set_password))
        .routes(routes!(accounts::import))
        .routes(routes!(accounts::remove))
        .routes(routes!(accounts::enable))
        .routes(routes!(accounts::disable))
        .routes(routes!(mailbox::list, mailbox::import))
        .routes(routes!(mailbox::read))
        .routes(routes!(upkeep::backup))
        .routes(routes!(upkeep::configuration))
        .routes(routes!(upkeep::reload))
        .routes(routes!(relays::list, relays::add))
        .routes(routes!(relays::remove))
        .routes(routes!(relays::invitations, relays::invite))
        .routes(routes!(relays::uninvite))
        .routes(routes!(components::list, components::add))
        .routes(routes!(components::slots))
        .routes(routes!(components::use_component))
        .routes(routes!(components::roll_back))
        .routes(routes!(components::order_filters))
        .routes(routes!(components::remove_filter))
        .routes(routes!(components::use_policy_set))
        .routes(routes!(trials::shadow, trials::begin_shadow, trials::end_shadow))
        .routes(routes!(trials::replay))
        .routes(routes!(tuning::settings, tuning::change_settings))
        .routes(routes!(tuning::test_component))
}

/// The routes under `/api/v1`, and their description.
fn described_api() -> (Router<Shared>, String) {
    let api = OpenApiRouter::with_openapi(openapi::Api::openapi()).nest("/api/v1", api());
    let (router, document) = api.split_for_parts();
    // It is made of plain maps and texts: it cannot fail to become JSON.
    (router, openapi::with_problems(document).to_pretty_json().unwrap_or_default())
}

async fn no_such_route(uri: Uri) -> Refused {
    let path: String = uri.path().chars().take(200).collect();
    Refused::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}"))
}

/// Tells browsers with a page that there is none; who asks for the API gets the API's answers.
async fn pages_not_found(request: Request, next: Next) -> Response {
    let is_program = request.uri().path().starts_with("/api/") || request.uri().path() == "/metrics";
    let page = if is_program { None } else { dashboard::not_found(request.headers(), request.uri()) };
    match page {
        Some(page) => page,
        None => next.run(request).await,
    }
}

async fn no_such_method(request: Request) -> Refused {
    let method: String = request.method().as_str().chars().take(40).collect();
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} means nothing here"))
}

/// Fields every answer carries: nothing is kept, guessed, framed or run by a browser. Pages say themselves what they need.
async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: forms would then be sent with the origin `null`.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The account a request is about: the one it names, or else the caller's own.
struct Account(AccountName);

impl FromRequestParts<Shared> for Account {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refused> {
        let caller = Caller::from_request_parts(parts, shared).await?;
        match (AccountParameter::from_request_parts(parts, shared).await?.0, caller.own_account()) {
            (Some(account), _) => {
                caller.may_manage(&account)?;
                Ok(Self(account))
            }
            (None, Some(own)) => Ok(Self(own.clone())),
            (None, None) => Ok(Self(shared.management.owner().await?)),
        }
    }
}

/// Passes for the owner alone.
struct OwnerOnly;

impl FromRequestParts<Shared> for OwnerOnly {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refused> {
        Caller::from_request_parts(parts, shared).await?.must_be_owner().map(|()| Self)
    }
}

/// Runs a verb to its end, also when the client goes away meanwhile: a change is not left half done. After `limit` the
/// client is told to look again.
pub(crate) async fn run<T: Send + 'static>(
    limit: Duration,
    verb: impl Future<Output = management::Result<T>> + Send + 'static,
) -> Result<T, Refused> {
    match tokio::time::timeout(limit, tokio::spawn(verb)).await {
        Ok(Ok(result)) => result.map_err(Refused::from),
        Ok(Err(error)) => {
            tracing::error!(%error, "a management request failed");
            Err(Refused::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the gateway failed at this; its log says more",
            ))
        }
        Err(_) => Err(Refused::new(
            StatusCode::GATEWAY_TIMEOUT,
            "this takes long and goes on; look again in a while whether it is done",
        )),
    }
}
