//! What the API and the dashboard take out of requests alike, with bounds.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;

use crate::limits;
use crate::problem::Refused;

/// The name or address by which a request reached the gateway, without port. It was checked to be one of the gateway's.
pub struct AskedHost(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for AskedHost {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

impl AskedHost {
    /// That of a request with these parts.
    pub fn of(parts: &Parts) -> Self {
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = host.and_then(|host| host.parse::<axum::http::uri::Authority>().ok());
        Self(authority.map(|authority| authority.host().to_owned()))
    }
}

/// `?after=CURSOR` of a page of the dashboard; whatever else is there is left to others.
pub struct CursorParameter(pub Option<String>);

#[derive(Deserialize)]
struct Cursor {
    after: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for CursorParameter {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let query = Query::<Cursor>::try_from_uri(&parts.uri);
        let Query(Cursor { after }) = query.map_err(|error| Refused::bad_request(error.body_text()))?;
        if after.as_ref().is_some_and(|after| after.len() > limits::CURSOR_BYTES) {
            return Err(Refused::bad_request(
                "unknown cursor `after`: use the value of `next` from the previous page",
            ));
        }
        Ok(Self(after))
    }
}

pub fn check_content_type(headers: &HeaderMap, allowed: &[&'static str]) -> Result<(), Refused> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(essence)) {
        Ok(())
    } else {
        Err(wrong_content_type(allowed))
    }
}

/// 415, with the usual one of the content types that are taken.
pub fn wrong_content_type(allowed: &[&str]) -> Refused {
    let expected = allowed.first().copied().unwrap_or_default();
    Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("send the body as {expected}"))
}

/// Reads a whole body of at most `largest` bytes, within `time`.
pub async fn read(body: Body, largest: usize, time: Duration) -> Result<Bytes, Refused> {
    let too_large =
        || Refused::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {largest} bytes"));
    // The announced length is believed when it is too large: nothing is read then.
    if axum::body::HttpBody::size_hint(&body).lower() > largest as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(time, Limited::new(body, largest).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Refused::bad_request("the body broke off")),
        Err(_) => Err(Refused::new(StatusCode::REQUEST_TIMEOUT, "the body came too slowly")),
    }
}
