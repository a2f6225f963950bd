//! Endpoints as requests.

use std::time::Duration;

use api::{Body, Endpoint, Query as _, target};
use hyper::Method;
use hyper::body::Bytes;
use mail::AccountName;

use crate::error::ClientError;
use crate::limits::GRACE;

/// A request that can be sent, but for host and token.
#[derive(Debug)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub target: String,
    /// Its body and content type.
    pub body: Option<(&'static str, Bytes)>,
    /// How long it may take, the answer included.
    pub time: Duration,
}

impl Request {
    /// A request of an endpoint, about this account where the endpoint is about one.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`] where the request cannot be written.
    pub fn new<E: Endpoint>(
        _endpoint: E,
        account: Option<&AccountName>,
        path: &E::Path,
        query: E::Query,
        body: <E::Body as Body>::Given,
    ) -> Result<Self, ClientError> {
        let target = target::<E>(path, &query.for_account(account))
            .map_err(|error| ClientError::Unexpected(error.to_string()))?;
        let body = E::Body::encode(body).map_err(|error| ClientError::unexpected(&error))?;
        Ok(Self {
            method: E::METHOD,
            target,
            body: body.map(|body| (body.content_type, Bytes::from(body.bytes))),
            time: E::TIME + E::Body::TIME + GRACE,
        })
    }
}
