//! The figures of the last days, kept over restarts.

use std::sync::Arc;
use std::time::Duration;

use admin::History;
use mail::Clock;
use store::Store;
use tokio_util::sync::CancellationToken;

/// The name of the document in the store.
const DOCUMENT: &str = "history";

/// How often the figures are written: so much of them is missing after a crash.
const INTERVAL: Duration = Duration::from_secs(600);

/// The figures as they were at the last stop.
pub async fn open(store: &Store, clock: &Arc<dyn Clock>) -> Result<History, store::Error> {
    let history = History::new(Arc::clone(clock));
    if let Some(saved) = store.meta_get(DOCUMENT).await? {
        history.restore(&saved);
    }
    Ok(history)
}

/// Writes them now and then, and at the stop.
pub async fn keep(store: Store, history: History, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let mut written = Vec::new();
    loop {
        let is_last = tokio::select! {
            () = clock.sleep(INTERVAL) => false,
            () = stop.cancelled() => true,
        };
        let figures = history.save();
        if figures != written {
            match store.meta_put(DOCUMENT, Some(figures.clone().into())).await {
                Ok(()) => written = figures,
                Err(error) => tracing::warn!(%error, "the figures for the web pages were not kept"),
            }
        }
        if is_last {
            return;
        }
    }
}
