//! What the tests and benches of the protocols share: a client, a server that runs.
//!
//! Only with the feature `testing`, for `dev-dependencies`. It panics where a test has to fail.

#![allow(clippy::expect_used, reason = "a test that panics has failed")]

mod client;
mod running;

use std::future::Future;
use std::io;
use std::time::Duration;

pub use client::Client;
pub use running::Running;

/// How long a test waits for what must happen; far more than it takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fails the test where `future` does not end.
///
/// # Panics
/// After 20 s.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes far too long")
}

/// Runs the clients of a bench on a thread and runtime of their own.
///
/// # Errors
/// The errors of the clients, or that no runtime can be built.
pub async fn apart<F: Future<Output = io::Result<()>> + Send + 'static>(clients: F) -> io::Result<()> {
    tokio::task::spawn_blocking(|| {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(clients)
    })
    .await?
}
