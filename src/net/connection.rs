//! One connection: handshake, HTTP/1.1 or HTTP/2, graceful end.

use std::{
    convert::Infallible,
    future::ready,
    io,
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
use tokio::{
    io::{AsyncRead, AsyncWrite, Join, join},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tower::Service as _;
use tracing::debug;

use super::{
    Channel, Limits, Peer, Phase, Shutdown,
    body::{ExchangeBody, RestOfBody, TimedBody},
    handshake::{HandshakeFailure, HandshakeFailures},
    host,
    pace::{FirstByte, Pace, PacedIo, Patience},
    records::{RecordIo, RecordRoom},
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
    pub(crate) failures: HandshakeFailures,
    pub(crate) records: RecordRoom,
}

impl Tls {
    fn refuse(&self, shared: &Shared, (peer, error): (Peer, &io::Error)) {
        let reason = HandshakeFailure::of(error);
        self.failures.count(reason);
        let Peer(peer) = peer;
        debug!(listener = shared.name, %peer, ?reason, %error, "tls handshake failed");
    }
}

/// A connection that was accepted.
pub(crate) struct Accepted {
    pub(crate) stream: TcpStream,
    pub(crate) peer: Peer,
}

/// Where the requests of a connection come from.
#[derive(Clone, Copy)]
struct Origin {
    channel: Channel,
    peer: Peer,
}

/// Serves a connection in the clear.
pub(crate) async fn serve_plain(accepted: Accepted, shared: Arc<Shared>) {
    let Accepted { stream, peer } = accepted;
    let origin = Origin {
        channel: Channel::Plain,
        peer,
    };
    let connection = pin!(http1((stream, origin), &shared));
    report(shared.name, drive_http1(connection, &shared).await);
}

/// Serves a connection after its TLS handshake.
pub(crate) async fn serve_tls(accepted: Accepted, tls: Tls, shared: Arc<Shared>) {
    let deadline = Instant::now() + shared.limits.handshake;
    serve_tls_by(deadline, accepted, (tls, shared)).await;
}

/// Serves a connection as its first byte tells: that of a TLS handshake, or that of plain HTTP.
pub(crate) async fn serve_either(accepted: Accepted, tls: Tls, shared: Arc<Shared>) {
    let deadline = Instant::now() + shared.limits.handshake;
    let mut first = [0; 1];
    let peeked = timeout_at(deadline, accepted.stream.peek(&mut first)).await;
    match peeked.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(0) => tls.refuse(
            &shared,
            (accepted.peer, &io::ErrorKind::UnexpectedEof.into()),
        ),
        Ok(_) if first == [TLS_HANDSHAKE] => {
            serve_tls_by(deadline, accepted, (tls, shared)).await;
        }
        Ok(_) => serve_plain(accepted, shared).await,
        Err(error) => tls.refuse(&shared, (accepted.peer, &error)),
    }
}

/// The type of the record that opens a TLS connection; no method of HTTP begins with this byte.
const TLS_HANDSHAKE: u8 = 0x16;

async fn serve_tls_by(
    deadline: Instant,
    Accepted { stream, peer }: Accepted,
    (tls, shared): (Tls, Arc<Shared>),
) {
    let buffer = shared.limits.tls_buffer;
    let (reader, writer) = stream.into_split();
    let room = (peer.0.ip(), tls.records.clone());
    let stream = join(RecordIo::new(reader, room), writer);
    let accepting = tls
        .acceptor
        .accept_with(stream, |tls| tls.set_buffer_limit(Some(buffer)));
    let handshake = timeout_at(deadline, accepting).await;
    let stream = match handshake.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(stream) => stream,
        Err(error) => return tls.refuse(&shared, (peer, &error)),
    };
    let origin = Origin {
        channel: Channel::Tls,
        peer,
    };
    let (stream, version) = spoken(stream);
    if version == Version::HTTP_2 {
        let served = Box::pin(serve_http2(stream, origin, &shared)).await;
        report(shared.name, served);
    } else {
        let connection = pin!(http1((stream, origin), &shared));
        report(shared.name, drive_http1(connection, &shared).await);
    }
}

type Secured = TlsStream<Join<RecordIo<OwnedReadHalf>, OwnedWriteHalf>>;

/// Ends a handshake, and returns the version of HTTP that it agreed on. Takes the stream, because a
/// future keeps room for all that it has lent, also after it gave that away, and there are many
/// connections.
fn spoken(mut stream: Secured) -> (Secured, Version) {
    let (io, session) = stream.get_mut();
    io.reader_mut().end_handshake();
    let version = match session.alpn_protocol() {
        Some(b"h2") => Version::HTTP_2,
        _ => Version::HTTP_11,
    };
    (stream, version)
}

type Http1<T> = conn::http1::Connection<TokioIo<PacedIo<T>>, HttpService>;

fn http1<T>(stream: (T, Origin), shared: &Arc<Shared>) -> Http1<T>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (io, service) = wrap_stream(stream, shared, FirstByte::BeginsHead);
    conn::http1::Builder::new()
        .max_buf_size(shared.limits.read_buffer)
        .header_read_timeout(None)
        .serve_connection(io, service)
}

/// An idle connection is left alone while we linger: closing it would race with the client's next
/// request, which is answered with `Connection: close` instead.
fn drive_http1<T>(
    connection: Pin<&mut Http1<T>>,
    shared: &Shared,
) -> impl Future<Output = hyper::Result<()>>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    drive(connection, shared.shutdown.clone(), Phase::Draining)
}

async fn serve_http2<T>(stream: T, origin: Origin, shared: &Arc<Shared>) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (io, service) = wrap_stream((stream, origin), shared, FirstByte::MeansNothing);
    // The tasks of the streams end with their connection, which is ours.
    let connection = conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_HTTP2_STREAMS)
        .max_header_list_size(MAX_HTTP2_HEAD)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .max_send_buf_size(MAX_HTTP2_SEND_BUFFER)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .serve_connection(io, service);
    let connection = pin!(connection);
    // GOAWAY lets the client finish what it has sent, so it may go out at once.
    drive(connection, shared.shutdown.clone(), Phase::Lingering).await
}

/// The API server opens another connection if it needs more.
const MAX_HTTP2_STREAMS: u32 = 32;

/// Headers count with 32 bytes each, and take about four times as much.
const MAX_HTTP2_HEAD: u32 = 8 * 1024;

/// What a peer may send of a body before it is read, in bytes, on one stream and on all of them.
const HTTP2_STREAM_WINDOW: u32 = 64 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 256 * 1024;

/// The most bytes of a stream's answer that are kept for a peer that does not take them.
const MAX_HTTP2_SEND_BUFFER: usize = 64 * 1024;

/// A peer that vanished is found out within the sum of both.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

fn wrap_stream<T>(
    (stream, origin): (T, Origin),
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
    let service = HttpService {
        shared,
        origin,
        pace,
    };
    (TokioIo::new(io), service)
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
    origin: Origin,
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
        let rest = (version == Version::HTTP_2).then(RestOfBody::default);
        let patience = self.shared.limits.body;
        let mut request = request.map(|body| TimedBody::new(body, patience).leaving(rest.clone()));
        let Origin { channel, peer } = self.origin;
        request.extensions_mut().insert(channel);
        request.extensions_mut().insert(peer);
        // Called out here, so that the request takes no room while its answer is awaited.
        let answer = self.shared.router.clone().call(request);
        let shared = Arc::clone(&self.shared);
        Box::pin(answer.map(move |Ok(mut response)| {
            if version < Version::HTTP_2 && shared.shutdown.phase() >= Phase::Lingering {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok(response.map(|body| ExchangeBody::new(body, exchange).draining(rest)))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<F: Future>(_: impl FnOnce(Accepted, Tls, Arc<Shared>) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_task_of_a_connection_holds_its_stream_once() {
        assert!(size(serve_either) < size_of::<Http1<Secured>>() + size_of::<Secured>());
        let plain = size(|accepted, _, shared| serve_plain(accepted, shared));
        assert!(plain < 2 * size_of::<Http1<TcpStream>>());
    }
}
