//! What an endpoint is.

use std::time::Duration;

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::{Answer, Body, Path, Query, percent_encoded};

/// One verb of the web API: everything that client, server and description have to agree on.
pub trait Endpoint: Copy + Send + Sync + 'static {
    /// Who may ask.
    type Who: Who;
    /// The variable segment of the path; `()` where there is none.
    type Path: Path;
    /// The query; a field that is not in it is refused.
    type Query: Query;
    /// The body of the request.
    type Body: Body;
    /// The answer when the verb was done.
    type Answer: Answer;

    /// The method; only `GET` changes nothing.
    const METHOD: Method;
    /// The path under `/api/v1`; its variable segment is named in braces.
    const PATH: &'static str;
    /// The name in OpenAPI (`operationId`), unique.
    const NAME: &'static str;
    /// What the verb does, line by line; the first line is the summary.
    const ABOUT: &'static [&'static str];
    /// How long the gateway may take once it has read the request.
    const TIME: Duration;
}

/// A value that crosses the API as JSON.
pub trait Value: Serialize + DeserializeOwned + ToSchema + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + ToSchema + Send + Sync + 'static> Value for T {}

/// Who may ask an endpoint. The server says what each of them means.
pub trait Who: Send + Sync + 'static {}

/// Only the owner of the gateway.
#[derive(Clone, Copy, Debug)]
pub enum Owner {}

/// The owner, and each user about their own account. Without an account in the query it is the caller's own.
#[derive(Clone, Copy, Debug)]
pub enum OfAccount {}

/// The owner alone, about an account. Without one in the query it is the owner's own.
#[derive(Clone, Copy, Debug)]
pub enum OwnerForAccount {}

/// Every user. The endpoint itself says what each of them gets.
#[derive(Clone, Copy, Debug)]
pub enum Anybody {}

impl Who for Owner {}
impl Who for OfAccount {}
impl Who for OwnerForAccount {}
impl Who for Anybody {}

/// Path and query of a request, as they are written after the host.
///
/// # Errors
/// A query with anything but plain values; no endpoint has one.
pub fn target<E: Endpoint>(path: &E::Path, query: &E::Query) -> Result<String, serde_urlencoded::ser::Error> {
    let mut target = format!("/api/v1{}", E::PATH);
    if let (Some(segment), Some((start, rest))) = (path.segment(), E::PATH.split_once('{')) {
        let end = rest.split_once('}').map_or("", |(_, end)| end);
        target = format!("/api/v1{start}{}{end}", percent_encoded(&segment));
    }
    let query = serde_urlencoded::to_string(query)?;
    if !query.is_empty() {
        target.push('?');
        target.push_str(&query);
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountQuery, NoQuery, UploadQuery, verbs};

    #[test]
    fn a_target_is_path_and_query() {
        let account = AccountQuery { account: Some("bob".parse().unwrap()) };
        assert_eq!(target::<verbs::ShowStatus>(&(), &AccountQuery::default()).unwrap(), "/api/v1/status");
        assert_eq!(
            target::<verbs::AcceptPin>(&"b+c@example.org".parse().unwrap(), &account).unwrap(),
            "/api/v1/pins/b%2Bc%40example.org/accept?account=bob"
        );
        assert_eq!(
            target::<verbs::RemoveFilter>(&"my tags".to_owned(), &NoQuery {}).unwrap(),
            "/api/v1/filters/my%20tags"
        );
        let upload = UploadQuery { name: "mine".parse().unwrap(), signature: "ab".repeat(64).parse().ok() };
        assert_eq!(
            target::<verbs::AddComponent>(&(), &upload).unwrap(),
            format!("/api/v1/components?name=mine&signature={}", "ab".repeat(64))
        );
    }
}
