//! What every handler has, the API's and the pages': who asks, for which account, and how a verb is run.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::StatusCode;
use axum::http::request::Parts;
use mail::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;

use crate::access::{Access, Caller};
use crate::events::EventLog;
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

    /// Leave to hold one more component in memory.
    ///
    /// # Errors
    /// 503 where others are held.
    pub(crate) fn begin_upload(&self) -> Result<OwnedSemaphorePermit, Refused> {
        self.uploads.clone().try_acquire_owned().map_err(|_| {
            Refused::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "other components are being uploaded: try again soon",
            )
        })
    }
}

/// Passes only for the owner.
pub(crate) struct OwnerOnly;

impl FromRequestParts<Shared> for OwnerOnly {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refused> {
        Caller::from_request_parts(parts, shared).await?.must_be_owner().map(|()| Self)
    }
}

/// Runs a verb that keeps a processor busy only for its client: it is dropped when the client goes
/// away, or after `limit`.
pub(crate) async fn run_awaited<T: Send + 'static>(
    limit: Duration,
    verb: impl Future<Output = management::Result<T>> + Send + 'static,
) -> Result<T, Refused> {
    let job = AbortOnDropHandle::new(supervisor::job("web-request", verb));
    match tokio::time::timeout(limit, job).await {
        Ok(done) => ended(done),
        Err(_) => Err(Refused::new(StatusCode::GATEWAY_TIMEOUT, "this took too long and was ended")),
    }
}

fn ended<T>(done: Result<management::Result<T>, JoinError>) -> Result<T, Refused> {
    match done {
        Ok(result) => result.map_err(Refused::from),
        Err(error) => {
            tracing::error!(%error, "a management request failed");
            Err(Refused::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the gateway failed to do this; its log says more",
            ))
        }
    }
}

/// Runs a verb to its end, also when the client goes away meanwhile: a change is not left half done. After `limit` the
/// client is told to look again.
pub(crate) async fn run<T: Send + 'static>(
    limit: Duration,
    verb: impl Future<Output = management::Result<T>> + Send + 'static,
) -> Result<T, Refused> {
    match tokio::time::timeout(limit, supervisor::job("web-request", verb)).await {
        Ok(done) => ended(done),
        Err(_) => Err(Refused::new(
            StatusCode::GATEWAY_TIMEOUT,
            "this takes long and goes on; look again later to see whether it is done",
        )),
    }
}
