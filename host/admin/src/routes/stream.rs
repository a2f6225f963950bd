//! Events as they happen (server-sent events).

use std::convert::Infallible;
use std::sync::Arc;

use api::AccountQuery;
use api::verbs::WatchEvents;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use mail::AccountName;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::access::{Access, Session};
use crate::dto::{Event, GAP};
use crate::events::{Heard, Listener};
use crate::limits::{EVENT_KEEP_ALIVE, REQUEST_TIME};
use crate::problem::Refused;
use crate::server::Stop;
use crate::service::{Call, Routes};
use crate::shared::run;

/// The field a client that comes back sends (WHATWG HTML, section 9.2.4).
const LAST_EVENT_ID: &str = "last-event-id";

/// One stream: its place in the log, and whose events it wants.
struct Subscription {
    listener: Listener,
    account: Option<AccountName>,
    stop: CancellationToken,
    /// A browser hears as long as its session lasts.
    session: Option<(Arc<Access>, Arc<Session>)>,
    _permit: OwnedSemaphorePermit,
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes.handler(WatchEvents, events)
}

async fn events(call: Call<WatchEvents>) -> Result<Response, Refused> {
    let Call { caller, shared, query: AccountQuery { account }, mut parts, .. } = call;
    let account = if caller.is_owner() { account } else { account.or(caller.own_account().cloned()) };
    if let Some(account) = account.clone() {
        caller.may_manage(&account)?;
        // 404 for an account that is not there, as everywhere.
        let management = shared.management.clone();
        run(REQUEST_TIME, async move { management.identity(&account).await }).await?;
    }
    let permit = shared.listeners.try_acquire_owned().map_err(|_| {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "too many event streams are open: close some of them")
    })?;
    let listener = match last_event_id(&parts.headers)? {
        Some(id) => shared.events.listen_after(id),
        None => shared.events.listen(),
    };
    let stop = parts.extensions.remove::<Stop>().map(|Stop(stop)| stop).unwrap_or_default();
    let session = caller.session().map(|session| (shared.access.clone(), session.clone()));
    let subscription = Subscription { listener, account, stop, session, _permit: permit };
    let stream = futures::stream::unfold(subscription, |mut subscription| async {
        let event = subscription.next().await?;
        Some((Ok::<_, Infallible>(event), subscription))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(EVENT_KEEP_ALIVE)).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Refused> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    match value.to_str().ok().and_then(|text| text.parse().ok()) {
        Some(id) => Ok(Some(id)),
        None => Err(Refused::bad_request("unknown Last-Event-ID: use an id that this gateway sent")),
    }
}

impl Subscription {
    /// The next event this stream wants; None when the gateway stops or the session is over.
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            let logged_out = async {
                match &self.session {
                    Some((_, session)) => session.ended().cancelled().await,
                    None => std::future::pending().await,
                }
            };
            let heard = tokio::select! {
                heard = self.listener.next() => heard,
                () = self.stop.cancelled() => return None,
                () = logged_out => return None,
            };
            if self.session.as_ref().is_some_and(|(access, session)| !access.is_open(session)) {
                return None;
            }
            match heard {
                Heard::Gap { after } => return Some(gap(after)),
                Heard::Event(event) if self.wants(&event) => return Some(to_sse(&event)),
                Heard::Event(_) => {}
            }
        }
    }

    fn wants(&self, event: &Event) -> bool {
        self.account.is_none() || event.account.is_none() || event.account == self.account
    }
}

fn to_sse(event: &Event) -> sse::Event {
    // An event is made of JSON values and plain text: it cannot fail to become JSON.
    let data = serde_json::to_string(event).unwrap_or_default();
    sse::Event::default().id(event.id.to_string()).data(data)
}

fn gap(after: u64) -> sse::Event {
    sse::Event::default().id(after.to_string()).event(GAP).data("{}")
}
