//! Giving up an answer because the server stops.

use std::future::Future;

use tokio_util::sync::CancellationToken;

/// The server stops; what was awaited was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// The future's output. One that is ready counts even if the server stops.
///
/// # Errors
/// [`Stopped`] if `cancel` comes before.
pub async fn unless_stopped<T>(
    cancel: &CancellationToken,
    future: impl Future<Output = T>,
) -> Result<T, Stopped> {
    tokio::select! {
        biased;
        output = future => Ok(output),
        () = cancel.cancelled() => Err(Stopped),
    }
}
