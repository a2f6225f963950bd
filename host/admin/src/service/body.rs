//! The bodies of requests as types, with bounds.

use std::future::Future;

use api::{
    Body, CaseFile, ComponentFile, Json, MailFile, NoBody, OptionalComponentFile, OptionalJson, ProfileFile,
    Value,
};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use zeroize::Zeroizing;

use crate::extract::{check_content_type, read, wrong_content_type};
use crate::problem::Refused;
use crate::shared::Shared;

/// Reads bodies.
pub(crate) trait ReadBody: Body {
    /// The type of the body once it is read.
    type Read: Send + 'static;

    /// Reads the body.
    ///
    /// # Errors
    /// 400, 408, 413 or 415: it is not what the endpoint takes. 503: too much is held in memory already.
    fn read(
        shared: &Shared,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> impl Future<Output = Result<Self::Read, Refused>> + Send;
}

/// Something large that is held in memory whole; few are at a time.
pub(crate) struct Held<T> {
    /// The value.
    pub(crate) content: T,
    /// Ends when it is no longer needed.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// The profile of another Tox program.
pub(crate) struct Profile {
    /// Its bytes.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// What opens it where it is encrypted.
    pub(crate) password: Option<Zeroizing<String>>,
}

impl ReadBody for NoBody {
    type Read = ();

    async fn read(_: &Shared, _: &HeaderMap, _: axum::body::Body) -> Result<(), Refused> {
        Ok(())
    }
}

/// The whole body, within the bounds of its kind; its content type is looked at first.
async fn whole<B: Body>(headers: &HeaderMap, body: axum::body::Body) -> Result<Bytes, Refused> {
    check_content_type(headers, B::CONTENT_TYPES)?;
    read(body, B::LARGEST, B::TIME).await
}

impl<T: Value> ReadBody for Json<T> {
    type Read = T;

    async fn read(_: &Shared, headers: &HeaderMap, body: axum::body::Body) -> Result<T, Refused> {
        // No form of a web page can send this type without asking first.
        let bytes = whole::<Self>(headers, body).await?;
        serde_json::from_slice(&bytes).map_err(|error| Refused::bad_request(format!("the body: {error}")))
    }
}

impl<T: Value + Default> ReadBody for OptionalJson<T> {
    type Read = T;

    async fn read(shared: &Shared, headers: &HeaderMap, body: axum::body::Body) -> Result<T, Refused> {
        if headers.contains_key(header::CONTENT_TYPE) {
            return Json::<T>::read(shared, headers, body).await;
        }
        let bytes = read(body, Self::LARGEST, Self::TIME).await?;
        if bytes.is_empty() { Ok(T::default()) } else { Err(wrong_content_type(Self::CONTENT_TYPES)) }
    }
}

impl ReadBody for ComponentFile {
    type Read = Held<Bytes>;

    async fn read(
        shared: &Shared,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> Result<Held<Bytes>, Refused> {
        let permit = shared.begin_upload()?;
        Ok(Held { content: whole::<Self>(headers, body).await?, permit })
    }
}

impl ReadBody for OptionalComponentFile {
    type Read = Held<Option<Bytes>>;

    async fn read(
        shared: &Shared,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> Result<Held<Option<Bytes>>, Refused> {
        // Also without a body: what is done with a component keeps a processor busy.
        let permit = shared.begin_upload()?;
        let has_body = headers.contains_key(header::CONTENT_TYPE);
        let content = if has_body { Some(whole::<Self>(headers, body).await?) } else { None };
        Ok(Held { content, permit })
    }
}

impl ReadBody for MailFile {
    type Read = Held<Bytes>;

    async fn read(
        shared: &Shared,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> Result<Held<Bytes>, Refused> {
        // Imports send many mails one after another: they wait rather than fail.
        let permit = shared
            .uploads
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the gateway stops"))?;
        Ok(Held { content: whole::<Self>(headers, body).await?, permit })
    }
}

impl ReadBody for ProfileFile {
    type Read = Profile;

    async fn read(_: &Shared, headers: &HeaderMap, body: axum::body::Body) -> Result<Profile, Refused> {
        let password = profile_password(headers)?;
        let bytes = whole::<Self>(headers, body).await?;
        Ok(Profile { bytes: Zeroizing::new(bytes.to_vec()), password })
    }
}

/// The password of a profile. Fields of a request are ASCII, passwords need not be: it is percent-encoded.
fn profile_password(headers: &HeaderMap) -> Result<Option<Zeroizing<String>>, Refused> {
    let Some(value) = headers.get("x-profile-password") else { return Ok(None) };
    let wrong =
        || Refused::bad_request("X-Profile-Password: percent-encode the password (1024 characters at most)");
    let text = value.to_str().ok().filter(|text| text.len() <= 3 * mail::limits::PASSWORD_BYTES);
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

impl ReadBody for CaseFile {
    type Read = Option<String>;

    async fn read(
        _: &Shared,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> Result<Option<String>, Refused> {
        if !headers.contains_key(header::CONTENT_TYPE) {
            return Ok(None);
        }
        let case = String::from_utf8(whole::<Self>(headers, body).await?.into());
        case.map(Some).map_err(|_| Refused::bad_request("the case is not UTF-8"))
    }
}
