//! Requests into types, with bounds; and answers that are pages.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use mail::{AccountName, MailId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::dto::{
    ComponentName, ComponentRef, ComponentSignature, DecisionQuery, Listing, Page, SearchText, Slot,
    Timestamp,
};
use crate::limits;
use crate::problem::Refused;

/// The query of a request: everything any route takes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    account: Option<AccountName>,
    limit: Option<usize>,
    after: Option<String>,
    name: Option<ComponentName>,
    signature: Option<ComponentSignature>,
    slot: Option<Slot>,
    from: Option<Timestamp>,
    component: Option<ComponentRef>,
    entry: Option<String>,
    days: Option<u32>,
    until: Option<Timestamp>,
    text: Option<SearchText>,
    mail: Option<MailId>,
}

async fn parameters(parts: &mut Parts) -> Result<Parameters, Refused> {
    let query = Query::<Parameters>::try_from_uri(&parts.uri);
    let Query(parameters) = query.map_err(|error| Refused::bad_request(error.body_text()))?;
    Ok(parameters)
}

/// `?account=NAME`, if it is there.
pub struct AccountParameter(pub Option<AccountName>);

impl<S: Sync> FromRequestParts<S> for AccountParameter {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        Ok(Self(parameters(parts).await?.account))
    }
}

/// `?name=NAME&signature=HEX`, what of them is there.
pub struct UploadParameters {
    pub name: Option<ComponentName>,
    pub signature: Option<ComponentSignature>,
}

impl<S: Sync> FromRequestParts<S> for UploadParameters {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let Parameters { name, signature, .. } = parameters(parts).await?;
        Ok(Self { name, signature })
    }
}

/// `?account=NAME&slot=SLOT&mail=ID&from=TIME&until=TIME&text=TEXT`, what of them is there.
pub struct DecisionParameters(pub DecisionQuery);

impl<S: Sync> FromRequestParts<S> for DecisionParameters {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let Parameters { account, slot, mail, from, until, text, .. } = parameters(parts).await?;
        Ok(Self(DecisionQuery { slot, mail, account, from, until, text }))
    }
}

/// `?component=NAME&entry=NAME&days=N`, what of them is there.
pub struct TrialParameters {
    pub component: Option<ComponentRef>,
    pub entry: Option<String>,
    pub days: Option<u32>,
}

impl<S: Sync> FromRequestParts<S> for TrialParameters {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let Parameters { component, entry, days, .. } = parameters(parts).await?;
        Ok(Self { component, entry, days })
    }
}

/// The name or address by which a request reached the gateway, without port. It was checked to be one of the gateway's.
pub struct AskedHost(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for AskedHost {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = host.and_then(|host| host.parse::<axum::http::uri::Authority>().ok());
        Ok(Self(authority.map(|authority| authority.host().to_owned())))
    }
}

/// `?limit=N&after=CURSOR`, and the account for the link to the next page.
pub struct PageParameters {
    pub page: Page,
    /// What else the request asked for: the link to the next page asks for it too.
    rest: String,
}

impl<S: Sync> FromRequestParts<S> for PageParameters {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let Parameters { account, limit, after, slot, from, until, text, mail, .. } =
            parameters(parts).await?;
        if after.as_ref().is_some_and(|after| after.len() > limits::CURSOR_BYTES) {
            return Err(Refused::bad_request("the cursor `after` is none that a page named"));
        }
        let limit = limit.unwrap_or(limits::PAGE_DEFAULT);
        if !(1..=limits::PAGE_LARGEST).contains(&limit) {
            let bounds = format!("`limit` is from 1 to {}", limits::PAGE_LARGEST);
            return Err(Refused::bad_request(bounds));
        }
        let page = Page::new(limit, after);
        let account = account.map(|name| format!("account={name}&"));
        let slot = slot.map(|slot| format!("slot={slot}&"));
        let time = |name, time: Timestamp| format!("{name}={}&", percent_encoded(&time.to_text()));
        let (from, until) = (from.map(|from| time("from", from)), until.map(|until| time("until", until)));
        let text = text.map(|text| format!("text={}&", percent_encoded(text.as_str())));
        let mail = mail.map(|mail| format!("mail={mail}&"));
        Ok(Self { page, rest: [account, slot, mail, from, until, text].into_iter().flatten().collect() })
    }
}

impl PageParameters {
    /// The page as an array, with a link to the next one.
    pub fn answer<T: Serialize>(&self, listing: Listing<T>) -> Response {
        let mut response = Json(listing.items).into_response();
        if let Some(link) = listing.next.and_then(|cursor| self.link(&cursor)) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }

    fn link(&self, cursor: &str) -> Option<HeaderValue> {
        let (rest, limit, cursor) = (&self.rest, self.page.limit(), percent_encoded(cursor));
        // A relative reference of a query alone: the same path (RFC 3986 section 5.2.2).
        let link = format!("<?{rest}limit={limit}&after={cursor}>; rel=\"next\"");
        HeaderValue::from_str(&link).ok()
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
            return Err(Refused::bad_request("the cursor `after` is none that a page named"));
        }
        Ok(Self(after))
    }
}

/// Text as a segment of a path or a value of a query: everything but unreserved characters as `%XX` (RFC 3986 section 2.1).
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// The one variable segment of a path, as a type.
pub struct Segment<T>(pub T);

impl<S, T> FromRequestParts<S> for Segment<T>
where
    S: Send + Sync,
    T: FromStr,
    T::Err: Display,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = segment.map_err(|error| Refused::bad_request(error.body_text()))?;
        text.parse().map(Self).map_err(|error: T::Err| Refused::bad_request(error.to_string()))
    }
}

/// A JSON body.
pub struct JsonBody<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refused> {
        json(request).await.map(Self)
    }
}

/// A JSON body that may be left out.
pub struct OptionalJsonBody<T>(pub T);

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refused> {
        if request.headers().contains_key(header::CONTENT_TYPE) {
            return json(request).await.map(Self);
        }
        let bytes = read(request.into_body(), limits::JSON_BODY_BYTES, limits::JSON_BODY_TIME).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { Err(wrong_content_type("application/json")) }
    }
}

async fn json<T: DeserializeOwned>(request: Request) -> Result<T, Refused> {
    // No form of a web page can send this type without asking first.
    check_content_type(request.headers(), &["application/json"])?;
    let bytes = read(request.into_body(), limits::JSON_BODY_BYTES, limits::JSON_BODY_TIME).await?;
    serde_json::from_slice(&bytes).map_err(|error| Refused::bad_request(format!("the body: {error}")))
}

/// A component's file.
pub struct ComponentBody(pub Bytes);

impl<S: Sync> FromRequest<S> for ComponentBody {
    type Rejection = Refused;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refused> {
        check_content_type(request.headers(), &["application/wasm", "application/octet-stream"])?;
        let body = request.into_body();
        read(body, limits::COMPONENT_BYTES, limits::COMPONENT_BODY_TIME).await.map(Self)
    }
}

/// A mail.
pub struct MailBody(pub Bytes);

impl<S: Sync> FromRequest<S> for MailBody {
    type Rejection = Refused;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refused> {
        check_content_type(request.headers(), &["message/rfc822"])?;
        read(request.into_body(), limits::MAIL_BYTES, limits::MAIL_BODY_TIME).await.map(Self)
    }
}

/// The profile of another Tox program, and the password in the field `X-Profile-Password` where it is encrypted.
pub struct ProfileBody {
    pub profile: Zeroizing<Vec<u8>>,
    pub password: Option<Zeroizing<String>>,
}

impl<S: Sync> FromRequest<S> for ProfileBody {
    type Rejection = Refused;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refused> {
        check_content_type(request.headers(), &["application/octet-stream"])?;
        let password = profile_password(request.headers())?;
        let bytes = read(request.into_body(), limits::PROFILE_BYTES, limits::JSON_BODY_TIME).await?;
        Ok(Self { profile: Zeroizing::new(bytes.to_vec()), password })
    }
}

/// The password of a profile. Fields of a request are ASCII, passwords need not be: it is percent-encoded.
fn profile_password(headers: &HeaderMap) -> Result<Option<Zeroizing<String>>, Refused> {
    let Some(value) = headers.get("x-profile-password") else { return Ok(None) };
    let wrong =
        || Refused::bad_request("X-Profile-Password: percent-encode the password (1024 characters at most)");
    let text = value.to_str().ok().filter(|text| text.len() <= 3 * limits::PROFILE_PASSWORD_BYTES);
    let mut bytes = text.ok_or_else(wrong)?.bytes();
    let mut decoded = Zeroizing::new(Vec::new());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (high, low) = (digit(bytes.next()), digit(bytes.next()));
            let (high, low) = high.zip(low).ok_or_else(wrong)?;
            decoded.push(u8::try_from(high * 16 + low).map_err(|_| wrong())?);
        } else {
            decoded.push(byte);
        }
    }
    let password = String::from_utf8(decoded.to_vec()).map(Zeroizing::new).map_err(|_| wrong())?;
    Ok(Some(password))
}

pub fn check_content_type(headers: &HeaderMap, allowed: &[&'static str]) -> Result<(), Refused> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(essence)) {
        Ok(())
    } else {
        Err(wrong_content_type(allowed.first().copied().unwrap_or_default()))
    }
}

fn wrong_content_type(expected: &str) -> Refused {
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
