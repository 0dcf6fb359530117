//! One connection: handshake, HTTP/1.1 or HTTP/2, graceful end.

use std::{
    convert::Infallible,
    fmt::Display,
    future::ready,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, Version, header};
use hyper::{body::Incoming, server::conn, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use prometheus_client::metrics::counter::Counter;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tower::Service as _;
use tracing::debug;

use super::{
    Limits, Phase, Shutdown,
    body::{ExchangeBody, TimedBody},
    host,
    pace::{FirstByte, Pace, PacedIo, Patience},
};

/// What all connections of a listener share.
pub(crate) struct Shared {
    pub(crate) name: &'static str,
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) shutdown: Shutdown,
}

/// What the TLS connections of a listener share besides.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) handshake_failures: Counter,
}

impl Tls {
    fn refuse(&self, shared: &Shared, error: &dyn Display) {
        self.handshake_failures.inc();
        debug!(listener = shared.name, %error, "tls handshake failed");
    }
}

/// Serves a connection in the clear.
pub(crate) async fn serve_plain(stream: TcpStream, shared: Arc<Shared>) {
    report(shared.name, serve_http1(stream, &shared).await);
}

/// Serves a connection after its TLS handshake.
pub(crate) async fn serve_tls(stream: TcpStream, tls: Tls, shared: Arc<Shared>) {
    let handshake = timeout(shared.limits.handshake, tls.acceptor.accept(stream));
    let stream = match handshake.await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tls.refuse(&shared, &error),
        Err(elapsed) => return tls.refuse(&shared, &elapsed),
    };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        report(shared.name, Box::pin(serve_http2(stream, &shared)).await);
    } else {
        report(shared.name, serve_http1(stream, &shared).await);
    }
}

async fn serve_http1<T>(stream: T, shared: &Arc<Shared>) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (io, service) = dress(stream, shared, FirstByte::BeginsHead);
    let connection = conn::http1::Builder::new()
        .max_buf_size(shared.limits.read_buffer)
        .header_read_timeout(None)
        .serve_connection(io, service);
    let connection = pin!(connection);
    // An idle connection is left alone while we linger: closing it would race with the client's
    // next request, which is answered with `Connection: close` instead.
    drive(connection, shared.shutdown.clone(), Phase::Draining).await
}

async fn serve_http2<T>(stream: T, shared: &Arc<Shared>) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (io, service) = dress(stream, shared, FirstByte::MeansNothing);
    // The tasks of the streams end with their connection, which is ours.
    let connection = conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HTTP2_HEAD)
        .max_send_buf_size(MAX_HTTP2_SEND_BUFFER)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .serve_connection(io, service);
    let connection = pin!(connection);
    // GOAWAY lets the client finish what it has sent, so it may go out at once.
    drive(connection, shared.shutdown.clone(), Phase::Lingering).await
}

const MAX_HTTP2_HEAD: u32 = 16 * 1024;

/// The most bytes of a stream's answer that are kept for a peer that does not take them.
const MAX_HTTP2_SEND_BUFFER: usize = 64 * 1024;

/// A peer that vanished is found out within the sum of both.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

fn dress<T>(
    stream: T,
    shared: &Arc<Shared>,
    first_byte: FirstByte,
) -> (TokioIo<PacedIo<T>>, HttpService) {
    let pace = Arc::new(Pace::default());
    let patience = Patience {
        head: shared.limits.head,
        idle: shared.limits.idle,
        write: shared.limits.write,
        first_byte,
    };
    let io = PacedIo::new(stream, Arc::clone(&pace), patience);
    let shared = Arc::clone(shared);
    (TokioIo::new(io), HttpService { shared, pace })
}

/// Borrows the connection: a future holds what it is given once more for each `await` that it is
/// moved into, and there are many connections.
async fn drive<C>(
    mut connection: Pin<&mut C>,
    shutdown: Shutdown,
    last_phase: Phase,
) -> Result<(), C::Error>
where
    C: GracefulConnection,
{
    tokio::select! {
        result = connection.as_mut() => return result,
        () = shutdown.reached(last_phase) => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

fn report(listener: &'static str, result: hyper::Result<()>) {
    if let Err(error) = result {
        debug!(listener, %error, "connection failed");
    }
}

/// The router, for one connection.
struct HttpService {
    shared: Arc<Shared>,
    pace: Arc<Pace>,
}

impl Service<Request<Incoming>> for HttpService {
    type Response = Response<ExchangeBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let exchange = self.pace.begin();
        if let Some(refusal) = host::refuse(&request) {
            return Box::pin(ready(Ok(
                refusal.map(|body| ExchangeBody::new(body, exchange))
            )));
        }
        let version = request.version();
        let request = request.map(|body| TimedBody::new(body, self.shared.limits.body));
        // Called out here, so that the request takes no room while its answer is awaited.
        let answer = self.shared.router.clone().call(request);
        let shared = Arc::clone(&self.shared);
        Box::pin(answer.map(move |Ok(mut response)| {
            if version < Version::HTTP_2 && shared.shutdown.phase() >= Phase::Lingering {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok(response.map(|body| ExchangeBody::new(body, exchange)))
        }))
    }
}
