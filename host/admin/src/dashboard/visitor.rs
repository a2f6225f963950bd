//! Who looks at a page, and whose account the page is about.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mail::AccountName;
use serde::Deserialize;

use super::page::{PageError, redirect};
use crate::access::{Access, Caller, Session};
use crate::problem::Refused;
use crate::shared::Shared;

/// Lets a request pass that belongs to a session; others are led to the login.
pub(super) async fn check_session(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    match access.session(request.headers()) {
        Some(session) => {
            request.extensions_mut().insert(Caller::Session(session));
            next.run(request).await
        }
        // What somebody wanted to change is not done later: they have to look at it again.
        None if matches!(*request.method(), Method::GET | Method::HEAD | Method::POST) => redirect("/login"),
        None => super::page::no_such_method(request.method().clone()).await.into_response(),
    }
}

/// Who looks, and at whose account.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) session: Arc<Session>,
    pub(super) caller: Caller,
    /// The account the page is about: the visitor's own, or another for the owner.
    pub(super) account: AccountName,
}

#[derive(Deserialize)]
struct AccountQuery {
    account: Option<AccountName>,
}

impl Visitor {
    /// # Errors
    /// 403 where the account is not theirs to manage.
    pub(super) fn of(session: Arc<Session>, account: Option<AccountName>) -> Result<Self, Refused> {
        let caller = Caller::Session(session.clone());
        let account = account.unwrap_or_else(|| session.account.clone());
        caller.may_manage(&account)?;
        Ok(Self { session, caller, account })
    }

    /// The address of a page about the same account. `path` may have a query.
    pub(super) fn link(&self, path: &str) -> String {
        if self.account == self.session.account {
            return path.to_owned();
        }
        let separator = if path.contains('?') { '&' } else { '?' };
        format!("{path}{separator}account={}", self.account)
    }
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, PageError> {
        let caller = Caller::from_request_parts(parts, shared).await?;
        let session = caller.session().cloned().ok_or_else(|| Refused::bad_request("log in first"))?;
        let query = Query::<AccountQuery>::try_from_uri(&parts.uri);
        let Query(AccountQuery { account }) =
            query.map_err(|error| Refused::bad_request(error.body_text()))?;
        Ok(Self::of(session, account)?)
    }
}
