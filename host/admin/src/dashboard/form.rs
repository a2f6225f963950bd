//! Posted forms.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::Form;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use zeroize::Zeroize;

use super::page::{PageError, redirect};
use super::visitor::Visitor;
use crate::access::{Caller, Notice, Session};
use crate::extract::{check_content_type, read};
use crate::limits::{FORM_BODY_BYTES, JSON_BODY_TIME};
use crate::problem::Refused;
use crate::shared::Shared;

/// The fields of a form (WHATWG URL, section 5), by name; of those with the same name the last.
pub(super) struct Fields(HashMap<String, String>);

impl Drop for Fields {
    /// There may be a password among them.
    fn drop(&mut self) {
        self.0.values_mut().for_each(Zeroize::zeroize);
    }
}

impl Fields {
    /// Reads a body.
    ///
    /// # Errors
    /// Too large, too slow, no form.
    pub(super) async fn read(request: Request) -> Result<Self, Refused> {
        const FORM: &str = "application/x-www-form-urlencoded";
        check_content_type(request.headers(), &[FORM])?;
        check_origin(request.headers())?;
        let (parts, body) = request.into_parts();
        let bytes = read(body, FORM_BODY_BYTES, JSON_BODY_TIME).await?;
        let request = Request::from_parts(parts, Body::from(bytes));
        let fields = Form::<HashMap<String, String>>::from_request(request, &()).await;
        fields.map(|Form(fields)| Self(fields)).map_err(|error| Refused::bad_request(error.body_text()))
    }

    /// Of fields that were read already.
    pub(super) fn of(fields: Vec<(String, String)>) -> Self {
        Self(fields.into_iter().collect())
    }

    /// A field without the blanks around it; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A field as it was typed; empty where there is none.
    pub(super) fn raw(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A field as a type.
    ///
    /// # Errors
    /// What is wrong with it, for the user.
    pub(super) fn parse<T>(&self, name: &str) -> Result<T, Refused>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text(name).parse().map_err(|error: T::Err| Refused::bad_request(error.to_string()))
    }

    /// The same; None where nothing was typed.
    ///
    /// # Errors
    /// What is wrong with it, for the user.
    pub(super) fn optional<T>(&self, name: &str) -> Result<Option<T>, Refused>
    where
        T: FromStr,
        T::Err: Display,
    {
        if self.text(name).is_empty() { Ok(None) } else { self.parse(name).map(Some) }
    }
}

/// A form of a session, posted by its user: its CSRF token was checked.
pub(super) struct Submitted {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
}

impl FromRequest<Shared> for Submitted {
    type Rejection = PageError;

    async fn from_request(request: Request, _shared: &Shared) -> Result<Self, PageError> {
        let session = session_of(&request)?;
        Ok(Self::checked(session, Fields::read(request).await?)?)
    }
}

/// Passes where a browser says which place a form comes from, as they always do. Whether it is this one was checked with the Host field.
///
/// # Errors
/// 403
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Refused> {
    if headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    Err(Refused::new(
        StatusCode::FORBIDDEN,
        "the browser does not say where this form comes from: use a page of the gateway",
    ))
}

/// The session a form was posted in.
///
/// # Errors
/// 400 where there is none.
pub(super) fn session_of(request: &Request) -> Result<Arc<Session>, Refused> {
    let session = request.extensions().get::<Caller>().and_then(|caller| caller.session().cloned());
    session.ok_or_else(|| Refused::bad_request("log in first"))
}

impl Submitted {
    /// The form of a session that has its CSRF token.
    ///
    /// # Errors
    /// 403 where it has another or none, or is about somebody else's account.
    pub(super) fn checked(session: Arc<Session>, fields: Fields) -> Result<Self, Refused> {
        if !session.is_csrf(fields.text("csrf")) {
            let text =
                "This form is out of date. Nothing was changed: open the page again and repeat what you did.";
            return Err(Refused::new(StatusCode::FORBIDDEN, text));
        }
        let visitor = Visitor::of(session, fields.optional("account")?)?;
        Ok(Self { visitor, fields })
    }

    /// Leads back to a page, which says how it went: with `done`, or with why not.
    pub(super) fn answer<T>(
        &self,
        path: &str,
        result: Result<T, Refused>,
        done: impl FnOnce(&T) -> String,
    ) -> Response {
        let notice = match &result {
            Ok(value) => Notice { is_success: true, text: done(value) },
            Err(refused) => Notice { is_success: false, text: refused.detail().to_owned() },
        };
        self.visitor.session.set_notice(notice);
        redirect(&self.visitor.link(path))
    }
}
