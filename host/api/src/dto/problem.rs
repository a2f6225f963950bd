//! Errors in JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A problem (RFC 9457): the body of every error answer, as `application/problem+json`. Its type is
/// always `about:blank`, which RFC 9457 section 4.2.1 defines as "no more than the status says".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The status in words.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What is wrong and what to do, for the user.
    pub detail: String,
}

/// The content type of a problem.
pub const PROBLEM_CONTENT_TYPE: &str = "application/problem+json";
