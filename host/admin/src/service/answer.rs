//! What a verb gives as the answer that its endpoint promises.

use api::dto::{ImportedMail, Listing};
use api::{
    Accepted, Answer, Created, Cursor, Download, Empty, Events, Imported, Kind, List, One, Paged, Query,
    Value,
};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Makes answers.
pub(crate) trait Respond: Answer {
    /// What the verb gives.
    type Given: Send + 'static;

    /// The answer; `asked` is the query of its request.
    fn respond<Q: Query>(given: Self::Given, asked: Q) -> Response;
}

impl<T: Value> Respond for One<T> {
    type Given = T;

    fn respond<Q: Query>(given: T, _asked: Q) -> Response {
        Json(given).into_response()
    }
}

impl<T: Value> Respond for Created<T> {
    type Given = T;

    fn respond<Q: Query>(given: T, _asked: Q) -> Response {
        (StatusCode::CREATED, Json(given)).into_response()
    }
}

impl<T: Value> Respond for List<T> {
    type Given = Vec<T>;

    fn respond<Q: Query>(given: Vec<T>, _asked: Q) -> Response {
        Json(given).into_response()
    }
}

impl<T: Value> Respond for Paged<T> {
    type Given = Listing<T>;

    fn respond<Q: Query>(given: Listing<T>, asked: Q) -> Response {
        let mut response = Json(given.items).into_response();
        if let Some(link) = given.next.and_then(|cursor| link(asked, cursor)) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

/// A relative reference of a query alone: the same path (RFC 3986 section 5.2.2).
fn link<Q: Query>(asked: Q, cursor: String) -> Option<HeaderValue> {
    let next = asked.next_page(Cursor::try_from(cursor).ok()?)?;
    let query = serde_urlencoded::to_string(next).ok()?;
    HeaderValue::from_str(&format!("<?{query}>; rel=\"next\"")).ok()
}

impl Respond for Empty {
    type Given = ();

    fn respond<Q: Query>((): (), _asked: Q) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Respond for Accepted {
    type Given = ();

    fn respond<Q: Query>((): (), _asked: Q) -> Response {
        StatusCode::ACCEPTED.into_response()
    }
}

impl Respond for Imported {
    type Given = ImportedMail;

    fn respond<Q: Query>(given: ImportedMail, _asked: Q) -> Response {
        let status = if given.is_new { StatusCode::CREATED } else { StatusCode::OK };
        (status, Json(given)).into_response()
    }
}

impl<K: Kind> Respond for Download<K> {
    type Given = Response;

    fn respond<Q: Query>(mut given: Response, _asked: Q) -> Response {
        given.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(K::CONTENT_TYPE));
        given
    }
}

impl Respond for Events {
    type Given = Response;

    fn respond<Q: Query>(given: Response, _asked: Q) -> Response {
        given
    }
}
