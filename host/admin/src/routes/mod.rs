//! The routes: each names its verb of [`Management`], takes typed input and gives typed output.

mod accounts;
mod components;
mod contacts;
mod gateway;
mod mails;
mod stream;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use mail::AccountName;
use tokio::sync::Semaphore;

use crate::access::{self, Access};
use crate::events::EventLog;
use crate::extract::AccountParameter;
use crate::limits;
use crate::management::{self, Management};
use crate::problem::Refused;

/// What handlers share.
#[derive(Clone)]
struct Shared {
    management: Arc<dyn Management>,
    events: EventLog,
    uploads: Arc<Semaphore>,
    listeners: Arc<Semaphore>,
}

impl FromRef<Shared> for Arc<dyn Management> {
    fn from_ref(shared: &Shared) -> Self {
        shared.management.clone()
    }
}

/// The whole web API: the routes named on the crate's page. Serve it with [`crate::serve`].
pub fn router(management: Arc<dyn Management>, events: EventLog, access: Access) -> Router {
    let access = Arc::new(access);
    let shared = Shared {
        management,
        events,
        uploads: Arc::new(Semaphore::new(limits::UPLOADS)),
        listeners: Arc::new(Semaphore::new(limits::EVENT_LISTENERS)),
    };
    let behind_token = Router::new()
        .route("/metrics", get(gateway::metrics))
        .nest("/api/v1", api())
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(access.clone(), access::check_token));
    Router::new()
        .route("/health", get(gateway::health))
        .method_not_allowed_fallback(no_such_method)
        .merge(behind_token)
        .layer(middleware::from_fn_with_state(access, access::check_place))
        .layer(middleware::from_fn(with_headers))
        // Bodies have bounds of their own, see `extract`.
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

fn api() -> Router<Shared> {
    Router::new()
        .route("/status", get(gateway::status))
        .route("/identity", get(gateway::identity))
        .route("/events", get(stream::events))
        .route("/contacts", get(contacts::list).post(contacts::add))
        .route("/contacts/{alias}", delete(contacts::remove))
        .route("/contact-requests", get(contacts::requests))
        .route("/contact-requests/{key}/accept", post(contacts::accept))
        .route("/pins", get(contacts::changed_pins))
        .route("/pins/{address}/accept", post(contacts::accept_pin))
        .route("/outbox", get(mails::outbox))
        .route("/outbox/{id}", get(mails::outbox_entry))
        .route("/outbox/{id}/retry", post(mails::retry))
        .route("/outbox/{id}/cancel", post(mails::cancel))
        .route("/quarantine", get(mails::quarantine))
        .route("/quarantine/{id}", delete(mails::delete_quarantined))
        .route("/quarantine/{id}/release", post(mails::release))
        .route("/accounts", get(accounts::list).post(accounts::add))
        .route("/accounts/{name}/password", put(accounts::set_password))
        .route("/components", get(components::list).post(components::add))
        .route("/slots", get(components::slots))
        .route("/slots/{slot}/use", post(components::use_component))
        .route("/slots/{slot}/rollback", post(components::roll_back))
}

async fn no_such_route(uri: Uri) -> Refused {
    let path: String = uri.path().chars().take(200).collect();
    Refused::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}"))
}

async fn no_such_method(request: Request) -> Refused {
    let method: String = request.method().as_str().chars().take(40).collect();
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} means nothing here"))
}

/// Fields every answer carries: nothing is kept, guessed, framed or run by a browser.
async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The account a request is about: the one it names, or the owner's.
struct Account(AccountName);

impl FromRequestParts<Shared> for Account {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refused> {
        match AccountParameter::from_request_parts(parts, shared).await?.0 {
            Some(account) => Ok(Self(account)),
            None => Ok(Self(shared.management.owner().await?)),
        }
    }
}

/// Runs a verb to its end, also when the client goes away meanwhile: a change is not left half done. After `limit` the
/// client is told to look again.
async fn run<T: Send + 'static>(
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
