//! Templates as answers.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::assets;
use crate::management::ManagementError;
use crate::problem::Refused;

/// What a page may load: files of this gateway alone, no script or style within the page, and it sends its forms here alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Markup without the characters that turn the direction of writing: no page of ours has them, and texts from outside could make
/// one thing look like another with them.
fn shown(markup: String) -> String {
    let is_turning = |char: char| !char.is_control() && mail::text::is_unsafe(char);
    if !markup.contains(is_turning) {
        return markup;
    }
    markup.replace(is_turning, "\u{fffd}")
}

/// A page with this status.
pub(super) fn html(status: StatusCode, template: &impl Template) -> Response {
    match template.render().map(shown) {
        Ok(text) => {
            let mut response =
                (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response();
            let policy = HeaderValue::from_static(POLICY);
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
            response
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made").into_response()
        }
    }
}

/// A redirection to another page of the gateway, read with GET.
pub(super) fn redirect(path: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(path) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    version: &'a str,
    title: &'a str,
    detail: &'a str,
}

/// An answer that says no, as a page.
#[derive(Debug)]
pub(super) struct PageError(pub(super) Refused);

impl From<Refused> for PageError {
    fn from(refused: Refused) -> Self {
        Self(refused)
    }
}

impl From<ManagementError> for PageError {
    fn from(error: ManagementError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(mut self) -> Response {
        let field = self.0.take_header();
        let title = self.0.status().canonical_reason().unwrap_or("Error");
        let page = ErrorPage { version: assets::version(), title, detail: self.0.detail() };
        let mut response = html(self.0.status(), &page);
        if let Some((name, value)) = field {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

pub(super) async fn no_such_method(method: Method) -> PageError {
    let method: String = method.as_str().chars().take(40).collect();
    PageError(Refused::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not supported here")))
}

/// A page for browsers that ask for something that is not there; None for programs.
pub(crate) fn not_found(headers: &HeaderMap, uri: &Uri) -> Option<Response> {
    let accept = headers.get(header::ACCEPT)?.to_str().ok()?;
    if !accept.contains("text/html") {
        return None;
    }
    let path: String = uri.path().chars().take(200).collect();
    let refused = Refused::new(StatusCode::NOT_FOUND, format!("There is no page at {path}."));
    Some(PageError(refused).into_response())
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn no_text_turns_the_direction_of_writing_on_a_page() {
        let page = "<p>gpj.\u{202e}exe\n</p>".to_owned();
        assert_eq!(shown(page), "<p>gpj.\u{fffd}exe\n</p>");
        let page = "<p>\u{5e9}\u{5dc}\u{5d5}\u{5dd} 👩\u{200d}🔬</p>".to_owned();
        assert_eq!(shown(page.clone()), page);
    }
}
