//! Who may ask, and under which names the gateway may be addressed.
//!
//! Programs show the token and act as the owner. Browsers log in with an account's password and get a session; they act as
//! that account. Every change a session makes has to show the session's CSRF token, which no page of another place can read.

mod caller;
mod cookie;
mod login;
mod session;

use std::net::IpAddr;
use std::sync::Arc;

use api::Token;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mail::Clock;

pub(crate) use caller::Caller;
pub(crate) use cookie::{SESSION, cookie, set_cookie};
pub use login::{Login, LoginAnswer};
pub(crate) use session::{Notice, Session, Sessions, random_hex};

use crate::problem::Refused;

/// The header field in which scripts show the CSRF token of their session.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// Sent by scripts that refresh a page by themselves: such a request does not keep a session open.
const REFRESH_HEADER: &str = "x-refresh";

/// What a request must show before it is served.
pub struct Access {
    token: Token,
    hosts: Vec<String>,
    pub(crate) login: Arc<dyn Login>,
    pub(crate) sessions: Sessions,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Access").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

/// The configured name is not a host name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a host name: write the name without scheme, port or path, for instance gateway.example.org"
)]
pub struct InvalidHost(String);

impl Access {
    /// For programs with this token and browsers that log in, under loopback names only.
    #[must_use]
    pub fn new(token: Token, login: Arc<dyn Login>, clock: Arc<dyn Clock>) -> Self {
        Self { token, hosts: Vec::new(), login, sessions: Sessions::new(clock) }
    }

    /// Also under this name or IP address.
    ///
    /// # Errors
    /// [`InvalidHost`] where it has a scheme, port or path, or is not a host name.
    pub fn allow_host(mut self, host: &str) -> Result<Self, InvalidHost> {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let is_valid = host.parse::<IpAddr>().is_ok() || (!host.is_empty() && host.bytes().all(is_name));
        if !is_valid {
            return Err(InvalidHost(host.chars().take(100).collect()));
        }
        self.hosts.push(host);
        Ok(self)
    }

    /// Whether the gateway may be addressed as `authority` (host and port).
    fn is_ours(&self, authority: &Authority) -> bool {
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        is_loopback || self.hosts.contains(&host)
    }

    /// `Host` names this gateway, and `Origin`, if a browser sent one, is the same place.
    fn check_place(&self, request: &Request) -> Result<(), Refused> {
        let host = only(request.headers(), header::HOST)?
            .ok_or_else(|| Refused::bad_request("the Host field is missing (RFC 9112 section 3.2)"))?;
        let host: Authority =
            host.parse().map_err(|_| Refused::bad_request("the Host field does not name a host"))?;
        let targets = [Some(&host), request.uri().authority()];
        if !targets.into_iter().flatten().all(|authority| self.is_ours(authority)) {
            return Err(Refused::new(
                StatusCode::FORBIDDEN,
                "the gateway is not known by this name: use 127.0.0.1 or localhost, or add the name to the configuration",
            ));
        }
        match only(request.headers(), header::ORIGIN)? {
            None => Ok(()),
            Some(origin) if is_same_place(origin, &host) => Ok(()),
            Some(_) => {
                Err(Refused::new(StatusCode::FORBIDDEN, "a page of another site may not use the gateway"))
            }
        }
    }

    /// The session of a request, if it has one whose login holds.
    pub(crate) fn session(&self, headers: &HeaderMap) -> Option<Arc<Session>> {
        let is_use = !headers.contains_key(REFRESH_HEADER);
        let session = self.sessions.find(&cookie(headers, SESSION)?, is_use)?;
        if self.login.is_current(&session.login()) {
            return Some(session);
        }
        self.sessions.end(&session);
        None
    }

    /// Whether a session goes on and its login holds.
    pub(crate) fn is_open(&self, session: &Session) -> bool {
        self.sessions.is_open(session) && self.login.is_current(&session.login())
    }

    /// Ends the sessions whose login no longer holds. Call it after an account was changed, so that
    /// event streams of those sessions end too.
    pub(crate) fn end_those_over(&self) {
        self.sessions.end_unless(|session| self.login.is_current(&session.login()));
    }

    fn api_caller(&self, request: &Request) -> Result<Caller, Refused> {
        let headers = request.headers();
        if !headers.contains_key(header::AUTHORIZATION)
            && let Some(session) = self.session(headers)
        {
            let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
            let shown = only(headers, header::HeaderName::from_static(CSRF_HEADER))?;
            if is_read || shown.is_some_and(|shown| session.is_csrf(shown)) {
                return Ok(Caller::Session(session));
            }
            return Err(Refused::new(
                StatusCode::FORBIDDEN,
                "show the CSRF token of this session in the field X-CSRF-Token; pages have it in <meta name=\"csrf\">",
            ));
        }
        self.check_token(headers).map(|()| Caller::Token)
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let refused = || {
            Refused::new(
                StatusCode::UNAUTHORIZED,
                "show the token of this gateway: `Authorization: Bearer TOKEN`; ready.json in the data directory names its file",
            )
            .with_header(header::WWW_AUTHENTICATE, "Bearer")
        };
        let value = only(headers, header::AUTHORIZATION)?.ok_or_else(refused)?;
        // RFC 9110 section 11.1: the scheme's name has no case.
        let (scheme, token) = value.split_once(' ').ok_or_else(refused)?;
        let is_bearer = scheme.eq_ignore_ascii_case("Bearer");
        if is_bearer && self.token.is(token.trim_matches(' ')) { Ok(()) } else { Err(refused()) }
    }
}

fn is_same_place(origin: &str, host: &Authority) -> bool {
    let place = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    place.is_some_and(|place| place.eq_ignore_ascii_case(host.as_str()))
}

/// The value of a field that may be there once.
fn only(headers: &HeaderMap, name: header::HeaderName) -> Result<Option<&str>, Refused> {
    let mut values = headers.get_all(&name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Refused::bad_request(format!("the {name} field is there twice")));
    }
    first
        .map(|value| {
            value.to_str().map_err(|_| Refused::bad_request(format!("the {name} field is not ASCII")))
        })
        .transpose()
}

/// Lets a request pass that addresses this gateway by one of its names.
pub async fn check_place(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    match access.check_place(&request) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

/// Lets a request of the API pass that shows the token, or belongs to a session; a change then has to show the session's CSRF
/// token too. Handlers find the [`Caller`].
pub async fn check_caller(State(access): State<Arc<Access>>, mut request: Request, next: Next) -> Response {
    match access.api_caller(&request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}
