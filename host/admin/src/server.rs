//! Connections: accepting, bounding, stopping.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::Request;
use axum::{Extension, Router};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use listener::AcceptTrouble;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits;

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
    let accept = || async {
        let mut trouble = AcceptTrouble::default();
        loop {
            let accepted = async {
                // The semaphore is never closed.
                let permit = permits.clone().acquire_owned().await.ok();
                (permit, listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                accepted = accepted => accepted,
                () = stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let served = Served { peer: Peer(peer.ip()), router: router.clone(), stop: stop.clone() };
                    let (tls, end, running) = (tls.clone(), end.clone(), connections.token());
                    supervisor::job("web-connection", async move {
                        tokio::select! {
                            () = serve_stream(stream, tls, served) => {}
                            () = end.cancelled() => {}
                        }
                        drop((permit, running));
                    });
                }
                Err(error) => trouble.pause("web", &error).await,
            }
        }
    };
    supervisor::keep_here("web", accept).await;
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

/// Where a request comes from.
#[derive(Clone, Copy)]
pub(crate) struct Peer(IpAddr);

impl Peer {
    /// The peer of a request; this machine where it came by no connection.
    pub(crate) fn of(request: &Request) -> IpAddr {
        request.extensions().get().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |Self(address)| *address)
    }
}

/// What a connection is served with.
struct Served {
    peer: Peer,
    router: Router,
    stop: CancellationToken,
}

async fn serve_stream(stream: TcpStream, tls: Option<TlsAcceptor>, served: Served) {
    // Small answers and events are not to wait for more bytes.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return serve_connection(stream, served).await };
    match tokio::time::timeout(limits::HEADER_TIME, tls.accept(stream)).await {
        Ok(Ok(stream)) => serve_connection(stream, served).await,
        Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn serve_connection<S>(stream: S, served: Served)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Served { peer, router, stop } = served;
    let service = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEADER_TIME)
        .max_buf_size(limits::HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
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
