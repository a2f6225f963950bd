use clock::ManualClock;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use mail::Clock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Client, soon};

/// A server that runs on a free port of the loopback interface.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its time.
    pub clock: Arc<ManualClock>,
    /// Stops it.
    pub cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// Runs what `serve` makes of a listener, a clock and the token that stops it.
    ///
    /// # Panics
    /// Where there is no free port.
    pub async fn start<F: Future<Output = ()> + Send + 'static>(
        serve: impl FnOnce(TcpListener, Arc<dyn Clock>, CancellationToken) -> F,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let address = listener.local_addr().expect("it is bound");
        let clock = Arc::new(ManualClock::default());
        let cancel = CancellationToken::new();
        let task = tokio::spawn(serve(listener, Arc::clone(&clock) as Arc<dyn Clock>, cancel.clone()));
        Self { address, clock, cancel, task }
    }

    /// A client just connected.
    ///
    /// # Panics
    /// Where nobody listens.
    pub async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// A client that found a place and got the greeting, which begins with `greeting`; tries until it does.
    ///
    /// # Panics
    /// Where that takes too long.
    pub async fn connect_when_free(&self, greeting: &str) -> Client {
        soon(async {
            loop {
                let mut client = self.connect().await;
                if client.reply().await.starts_with(greeting) {
                    return client;
                }
            }
        })
        .await
    }

    /// Waits for the server to end after `cancel`.
    ///
    /// # Panics
    /// Where it does not end, or panicked.
    pub async fn stopped(self) {
        soon(self.task).await.expect("the server does not panic");
    }

    /// Cuts the server off as dropping its future does.
    pub fn abort(&self) {
        self.task.abort();
    }
}
