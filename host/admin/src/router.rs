//! All of it behind one address: the API, the dashboard, and what holds for both.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;

use crate::access::{self, Access};
use crate::events::EventLog;
use crate::management::Management;
use crate::problem::Refused;
use crate::shared::Shared;
use crate::{dashboard, routes};

/// The web API, the routes named on the crate's page, and the dashboard. Serve it with [`crate::serve`].
pub fn router(management: Arc<dyn Management>, events: EventLog, access: Access) -> Router {
    let access = Arc::new(access);
    let shared = Shared::new(management, events, access.clone());
    let (api, document) = routes::described_api();
    let document = Bytes::from(document);
    let json = [(header::CONTENT_TYPE, "application/json")];
    let behind_check = Router::new()
        .route("/metrics", get(routes::metrics))
        .route("/api/v1/openapi.json", get(move || async move { (json, document) }))
        .merge(api)
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(access.clone(), access::check_caller))
        .layer(middleware::from_fn(pages_not_found));
    Router::new()
        .route("/health", get(routes::health))
        .route("/.well-known/autoconfig/mail/config-v1.1.xml", get(routes::thunderbird))
        .method_not_allowed_fallback(no_such_method)
        .merge(dashboard::router(&access))
        .merge(behind_check)
        .layer(middleware::from_fn_with_state(access, access::check_place))
        .layer(middleware::from_fn(with_headers))
        // Bodies have bounds of their own, see `extract`.
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
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
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not supported here"))
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
