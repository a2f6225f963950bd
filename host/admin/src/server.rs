//! Connections: accepting, bounding, stopping.

use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits;

/// How long accepting pauses after the system refused it (out of file descriptors): trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `stop` is cancelled; then open requests get [`limits::STOP_TIME`], event streams end
/// at once. At most [`limits::CONNECTIONS`] connections are open; further ones wait to be accepted.
///
/// With `tls` everything goes over TLS from the first byte on; a handshake has [`limits::HEADER_TIME`].
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    stop: CancellationToken,
) {
    let tls = tls.map(TlsAcceptor::from);
    let router = router.layer(Extension(Stop(stop.clone())));
    let permits = Arc::new(Semaphore::new(limits::CONNECTIONS));
    let connections = TaskTracker::new();
    let end = CancellationToken::new();
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let permit = permits.clone().acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, stop, end) = (router.clone(), stop.clone(), end.clone());
                let tls = tls.clone();
                connections.spawn(async move {
                    tokio::select! {
                        () = serve_stream(stream, tls, router, stop) => {}
                        () = end.cancelled() => {}
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a web connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits::STOP_TIME, connections.wait()).await.is_err() {
        end.cancel();
        connections.wait().await;
    }
}

/// Tells a handler that the server stops.
#[derive(Clone)]
pub(crate) struct Stop(pub CancellationToken);

async fn serve_stream(stream: TcpStream, tls: Option<TlsAcceptor>, router: Router, stop: CancellationToken) {
    // Small answers and events are not to wait for more bytes.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return serve_connection(stream, router, stop).await };
    match tokio::time::timeout(limits::HEADER_TIME, tls.accept(stream)).await {
        Ok(Ok(stream)) => serve_connection(stream, router, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn serve_connection<S>(stream: S, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEADER_TIME)
        .max_buf_size(limits::HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a web connection ended");
    }
}
