//! Who may ask: the token, and the names under which the gateway may be addressed.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::problem::Refused;

/// The secret that programs show: 64 hex digits. Erased from memory when dropped, never printed by `Debug`.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

/// Why a text is no token. Never says what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token is 64 hex digits; delete its file and start the gateway again to get a new one")]
pub struct InvalidToken;

impl Token {
    /// A token made of 32 random bytes.
    #[must_use]
    pub fn from_random(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(hex::encode(bytes)))
    }

    /// The token itself, for its file.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether this is the token, in a time that does not tell how much of it is.
    fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    /// Reads a token; blanks and line ends around it are dropped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_ascii();
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(Zeroizing::new(text.to_ascii_lowercase())))
        } else {
            Err(InvalidToken)
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(..)")
    }
}

/// What a request must show to be heard.
#[derive(Clone, Debug)]
pub struct Access {
    token: Token,
    hosts: Vec<String>,
}

/// The configured name is no host name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no host name: write the name without scheme, port or path, gateway.example.org for instance"
)]
pub struct InvalidHost(String);

impl Access {
    /// With this token, under loopback names only.
    #[must_use]
    pub const fn new(token: Token) -> Self {
        Self { token, hosts: Vec::new() }
    }

    /// Also under this name or IP address.
    ///
    /// # Errors
    /// [`InvalidHost`] where it has a scheme, port or path, or is none.
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
            host.parse().map_err(|_| Refused::bad_request("the Host field names no host"))?;
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
                Err(Refused::new(StatusCode::FORBIDDEN, "a page of another place may not use the gateway"))
            }
        }
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let refused = || {
            Refused::new(
                StatusCode::UNAUTHORIZED,
                "show the token of this gateway: `Authorization: Bearer TOKEN`; its file is named in ready.json in the data directory",
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

/// The value of a field that may stand there once.
fn only(headers: &HeaderMap, name: header::HeaderName) -> Result<Option<&str>, Refused> {
    let mut values = headers.get_all(&name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Refused::bad_request(format!("the {name} field stands there twice")));
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

/// Lets a request pass that shows the token.
pub async fn check_token(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    match access.check_token(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}
