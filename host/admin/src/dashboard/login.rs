//! Logging in and out.

use std::time::Duration;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use mail::sasl::Credentials;
use subtle::ConstantTimeEq;

use super::assets;
use super::form::{Fields, Submitted};
use super::page::{PageError, html, redirect};
use crate::access::{self, LoginAnswer, SESSION, cookie, set_cookie};
use crate::limits::{LOGIN_NAME_BYTES, REQUEST_TIME};
use crate::problem::Refused;
use crate::server::Peer;
use crate::shared::{Shared, run};

/// The cookie that a login form has to match: nobody can log a browser in from elsewhere.
const FORM: &str = "toxmail-login";

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    version: &'a str,
    form: &'a str,
    name: &'a str,
    problem: Option<&'a str>,
}

/// The form.
pub(super) async fn page(State(shared): State<Shared>, headers: HeaderMap) -> Result<Response, PageError> {
    if shared.access.session(&headers).is_some() {
        return Ok(redirect("/"));
    }
    form(&headers, StatusCode::OK, "", None)
}

fn form(
    headers: &HeaderMap,
    status: StatusCode,
    name: &str,
    problem: Option<&str>,
) -> Result<Response, PageError> {
    let form = access::random_hex()?;
    let mut response = html(status, &LoginPage { version: assets::version(), form: &form, name, problem });
    add_cookie(&mut response, set_cookie(headers, FORM, &form));
    Ok(response)
}

fn add_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// The form, filled in.
pub(super) async fn login(State(shared): State<Shared>, request: Request) -> Result<Response, PageError> {
    let headers = request.headers().clone();
    let source = Peer::of(&request);
    let fields = Fields::read(request).await?;
    let expected = cookie(&headers, FORM).unwrap_or_default();
    let shown = fields.text("form");
    let is_ours = !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(shown.as_bytes()));
    let name = fields.text("name");
    if !is_ours {
        let text = "The page was open for too long, or the browser keeps no cookies for this address. Please try again.";
        return form(&headers, StatusCode::FORBIDDEN, name, Some(text));
    }
    if name.len() > LOGIN_NAME_BYTES {
        return Err(Refused::bad_request("the user name is too long").into());
    }
    let login = shared.access.login.clone();
    let password = zeroize::Zeroizing::new(fields.raw("password").to_owned());
    let given = Credentials::new(name.to_owned(), password);
    let answer = run(REQUEST_TIME, async move { login.check(&given, source).await }).await?;
    let login = match answer {
        LoginAnswer::LoggedIn(login) => login,
        LoginAnswer::Later(wait) => return too_many(&headers, name, wait),
        LoginAnswer::Wrong => {
            tracing::info!("a login from a browser failed");
            let text = shared.access.login.hint(source);
            return form(&headers, StatusCode::UNAUTHORIZED, name, Some(&text));
        }
    };
    let management = shared.management.clone();
    let owner = run(REQUEST_TIME, async move { management.owner().await }).await?;
    if let Some(old) = shared.access.session(&headers) {
        shared.access.sessions.end(&old);
    }
    let is_owner = login.account == owner;
    let session = shared.access.sessions.begin(login, is_owner)?;
    let mut response = redirect("/");
    add_cookie(&mut response, set_cookie(&headers, SESSION, &session));
    add_cookie(&mut response, set_cookie(&headers, FORM, ""));
    Ok(response)
}

fn too_many(headers: &HeaderMap, name: &str, wait: Duration) -> Result<Response, PageError> {
    let seconds = wait.as_secs() + 1;
    let minutes = super::text::plural(seconds.div_ceil(60), "minute");
    let text = format!("Too many wrong passwords came from this address. Wait {minutes} and try again.");
    let mut response = form(headers, StatusCode::TOO_MANY_REQUESTS, name, Some(&text))?;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    Ok(response)
}

/// Ends the session.
pub(super) async fn logout(
    State(shared): State<Shared>,
    headers: HeaderMap,
    submitted: Submitted,
) -> Response {
    shared.access.sessions.end(&submitted.visitor.session);
    let mut response = redirect("/login");
    add_cookie(&mut response, set_cookie(&headers, SESSION, ""));
    response
}
