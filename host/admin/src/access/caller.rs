//! Who a request comes from, and what that lets it do.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use mail::AccountName;

use super::Session;
use crate::problem::Refused;

/// The sender of a request.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// A program with the token: the owner.
    Token,
    /// A browser that is logged in.
    Session(Arc<Session>),
}

impl Caller {
    pub(crate) fn is_owner(&self) -> bool {
        match self {
            Self::Token => true,
            Self::Session(session) => session.is_owner,
        }
    }

    pub(crate) fn session(&self) -> Option<&Arc<Session>> {
        match self {
            Self::Token => None,
            Self::Session(session) => Some(session),
        }
    }

    /// The account of its own, where it has one.
    pub(crate) fn own_account(&self) -> Option<&AccountName> {
        self.session().map(|session| &session.account)
    }

    /// Passes for the owner, and for the account itself.
    ///
    /// # Errors
    /// 403 for everybody else; the answer does not say whether the account exists.
    pub(crate) fn may_manage(&self, account: &AccountName) -> Result<(), Refused> {
        if self.is_owner() || self.own_account() == Some(account) {
            return Ok(());
        }
        let text = "this account is not yours: log in as that account, or ask the owner of this gateway";
        Err(Refused::new(StatusCode::FORBIDDEN, text))
    }

    /// Passes for the owner.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub(crate) fn must_be_owner(&self) -> Result<(), Refused> {
        if self.is_owner() {
            return Ok(());
        }
        Err(Refused::new(StatusCode::FORBIDDEN, "only the owner of this gateway may do this"))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        // Every route that asks for a caller stands behind a check that found one.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Refused::new(StatusCode::UNAUTHORIZED, "log in first"))
    }
}
