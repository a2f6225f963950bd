//! What every handler has, the API's and the pages': who asks, for which account, and how a verb is run.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use mail::{AccountName, Clock};
use tokio::sync::Semaphore;

use crate::access::{Access, Caller};
use crate::events::EventLog;
use crate::extract::AccountParameter;
use crate::limits;
use crate::management::{self, Management};
use crate::problem::Refused;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) management: Arc<dyn Management>,
    pub(crate) events: EventLog,
    pub(crate) uploads: Arc<Semaphore>,
    pub(crate) listeners: Arc<Semaphore>,
    pub(crate) access: Arc<Access>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl FromRef<Shared> for Arc<dyn Management> {
    fn from_ref(shared: &Shared) -> Self {
        shared.management.clone()
    }
}

impl Shared {
    pub(crate) fn new(management: Arc<dyn Management>, events: EventLog, access: Arc<Access>) -> Self {
        Self {
            management,
            clock: events.clock(),
            events,
            uploads: Arc::new(Semaphore::new(limits::UPLOADS)),
            listeners: Arc::new(Semaphore::new(limits::EVENT_LISTENERS)),
            access,
        }
    }
}

/// The account a request is about: the one it names, or else the caller's own.
pub(crate) struct Account(pub(crate) AccountName);

impl FromRequestParts<Shared> for Account {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refused> {
        let caller = Caller::from_request_parts(parts, shared).await?;
        match (AccountParameter::from_request_parts(parts, shared).await?.0, caller.own_account()) {
            (Some(account), _) => {
                caller.may_manage(&account)?;
                Ok(Self(account))
            }
            (None, Some(own)) => Ok(Self(own.clone())),
            (None, None) => Ok(Self(shared.management.owner().await?)),
        }
    }
}

/// Passes for the owner alone.
pub(crate) struct OwnerOnly;

impl FromRequestParts<Shared> for OwnerOnly {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refused> {
        Caller::from_request_parts(parts, shared).await?.must_be_owner().map(|()| Self)
    }
}

/// Runs a verb to its end, also when the client goes away meanwhile: a change is not left half done. After `limit` the
/// client is told to look again.
pub(crate) async fn run<T: Send + 'static>(
    limit: Duration,
    verb: impl Future<Output = management::Result<T>> + Send + 'static,
) -> Result<T, Refused> {
    match tokio::time::timeout(limit, tokio::spawn(verb)).await {
        Ok(Ok(result)) => result.map_err(Refused::from),
        Ok(Err(error)) => {
            tracing::error!(%error, "a management request failed");
            Err(Refused::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the gateway failed at this; its log says more",
            ))
        }
        Err(_) => Err(Refused::new(
            StatusCode::GATEWAY_TIMEOUT,
            "this takes long and goes on; look again in a while whether it is done",
        )),
    }
}
