//! Errors as answers.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::dto::{PROBLEM_CONTENT_TYPE, Problem};
use crate::management::ManagementError;

/// An answer that says no.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    detail: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refused {
    /// A refusal with what the user is to know.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), header: None }
    }

    /// The same, with a header field.
    pub fn with_header(self, name: HeaderName, value: &'static str) -> Self {
        Self { header: Some((name, HeaderValue::from_static(value))), ..self }
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Takes out the header field.
    pub fn take_header(&mut self) -> Option<(HeaderName, HeaderValue)> {
        self.header.take()
    }

    /// 400: the request itself is wrong.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

impl From<ManagementError> for Refused {
    fn from(error: ManagementError) -> Self {
        let (status, detail) = match error {
            ManagementError::NotFound(detail) => (StatusCode::NOT_FOUND, detail),
            ManagementError::Conflict(detail) => (StatusCode::CONFLICT, detail),
            ManagementError::Unprocessable(detail) => (StatusCode::UNPROCESSABLE_ENTITY, detail),
            ManagementError::TooLarge(detail) => (StatusCode::PAYLOAD_TOO_LARGE, detail),
            ManagementError::Unavailable(detail) => (StatusCode::SERVICE_UNAVAILABLE, detail),
            ManagementError::Internal(detail) => {
                tracing::error!(%detail, "a management request failed");
                (StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
        };
        Self::new(status, detail)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let problem = Problem {
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        // Three plain fields cannot fail to become JSON.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response =
            (self.status, [(header::CONTENT_TYPE, PROBLEM_CONTENT_TYPE)], body).into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
