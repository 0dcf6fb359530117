//! The same listeners over TLS, with hyper as the client.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::SystemTime,
};

use axum::{
    Extension,
    body::{Body, HttpBody},
    routing::post,
};
use http::{Request, Response, Version};
use http_body_util::BodyExt;
use hyper::{
    body::{Frame, Incoming},
    client::conn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use oncue_webhook_certs::{Authority, AuthorityCertificate, SwappableCertificate};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName, sign::CertifiedKey};
use tokio::sync::oneshot;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;

struct TlsServer {
    server: Server,
    authority: Authority,
    certificate: Arc<SwappableCertificate>,
}

impl TlsServer {
    fn start(limits: Limits) -> Self {
        Self::start_on(Transport::Tls, (mk_router(), limits))
    }

    /// Speaks TLS or plain HTTP, and answers where a request came from.
    fn start_either() -> Self {
        let router = mk_router().route(
            "/origin",
            get(async |Extension(channel): Extension<Channel>, peer| {
                let Extension(Peer(peer)): Extension<Peer> = peer;
                format!("{channel:?} {}", peer.ip())
            }),
        );
        Self::start_on(Transport::Either, (router, LIMITS))
    }

    fn start_on(
        transport: fn(Arc<ServerConfig>) -> Transport,
        (router, limits): (Router, Limits),
    ) -> Self {
        let authority = Authority::generate(SystemTime::now()).unwrap();
        let certificate = Arc::new(SwappableCertificate::new(issue(&authority)));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificate) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let transport = transport(Arc::new(config));
        Self {
            server: Server::start_on(transport, router, limits),
            authority,
            certificate,
        }
    }

    async fn shake_hands(&self, protocol: &[u8]) -> TlsStream<TcpStream> {
        self.offer(&[protocol]).await.unwrap()
    }

    async fn offer(&self, protocols: &[&[u8]]) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        for root in AuthorityCertificate::all_from_pem(&self.authority.bundle_pem()).unwrap() {
            roots.add(root.der().clone()).unwrap();
        }
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = self.server.connect().await;
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn issue(authority: &Authority) -> CertifiedKey {
    let names = [ServerName::try_from("127.0.0.1").unwrap()];
    let leaf = authority.issue(&names, SystemTime::now()).unwrap();
    leaf.into_certified_key(&provider()).unwrap()
}

fn get_root() -> Request<Body> {
    get_path("/")
}

fn get_path(path: &str) -> Request<Body> {
    let request = Request::get(format!("https://127.0.0.1{path}")).header("host", "127.0.0.1");
    request.body(Body::empty()).unwrap()
}

/// Returns the count of failed handshakes with this reason.
fn failures(server: &TlsServer, reason: &str) -> String {
    let name = format!(r#"tls_handshake_failures_total{{listener="test",reason="{reason}"}} "#);
    let metrics = server.server.metrics();
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
    line.unwrap().to_owned()
}

async fn http1(stream: TlsStream<TcpStream>) -> conn::http1::SendRequest<Body> {
    let (sender, connection) = conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn http2(stream: TlsStream<TcpStream>) -> conn::http2::SendRequest<Body> {
    let io = TokioIo::new(stream);
    let (sender, connection) = conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

async fn assert_hello(response: Response<Incoming>, version: Version) {
    assert_eq!(response.version(), version);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "hello");
}

/// A body that tells what was taken of it.
struct Upload {
    left: usize,
    taken: Arc<AtomicUsize>,
    /// Closed when the client lets go of the body.
    _alive: oneshot::Sender<()>,
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = self.left.min(16 << 10);
        self.left -= piece;
        self.taken.fetch_add(piece, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(vec![b'x'; piece].into()))))
    }
}

/// Uploads so much to a handler that reads nothing of it. Returns how much was sent.
async fn upload(length: usize) -> usize {
    let refuse = async || (StatusCode::PAYLOAD_TOO_LARGE, "too large");
    let router = Router::new().route("/", post(refuse));
    let server = TlsServer::start_on(Transport::Tls, (router, LIMITS));
    let stream = server.shake_hands(b"h2").await;
    let io = TokioIo::new(stream);
    let (mut client, connection) = conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let taken = Arc::new(AtomicUsize::new(0));
    let (alive, sent) = oneshot::channel();
    let body = Upload {
        left: length,
        taken: Arc::clone(&taken),
        _alive: alive,
    };
    let request = Request::post("https://127.0.0.1/").body(body).unwrap();
    let response = client.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(text, "too large");
    let _ = sent.await;
    taken.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_body_over_http2_that_nobody_reads_is_drained_after_the_answer() {
    assert_eq!(upload(8 << 20).await, 8 << 20);
}

#[tokio::test]
async fn a_body_over_http2_that_never_ends_is_reset_after_the_answer() {
    let sent = upload(usize::MAX).await;
    assert!((16 << 20..64 << 20).contains(&sent), "{sent}");
}

#[tokio::test]
async fn speaks_http1_and_http2_as_the_client_prefers() {
    let server = TlsServer::start(LIMITS);
    let mut client = http1(server.shake_hands(b"http/1.1").await).await;
    for _ in 0..2 {
        let response = client.send_request(get_root()).await.unwrap();
        assert_hello(response, Version::HTTP_11).await;
    }
    let mut client = http2(server.shake_hands(b"h2").await).await;
    for _ in 0..2 {
        let response = client.send_request(get_root()).await.unwrap();
        assert_hello(response, Version::HTTP_2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn silent_clients_delay_nobody() {
    let server = TlsServer::start(LIMITS);
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(server.server.connect().await);
    }
    let start = Instant::now();
    let mut client = http1(server.shake_hands(b"http/1.1").await).await;
    let response = client.send_request(get_root()).await.unwrap();
    assert_hello(response, Version::HTTP_11).await;
    assert_about(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_let_go_after_the_handshake_timeout() {
    let server = TlsServer::start(LIMITS);
    let mut silent = server.server.connect().await;
    let (_, elapsed) = read_to_end(&mut silent).await;
    assert_about(elapsed, LIMITS.handshake);
    assert_eq!(failures(&server, "timed-out"), "1");
}

#[tokio::test]
async fn a_client_without_tls_is_counted() {
    let server = TlsServer::start(LIMITS);
    let mut plain = server.server.connect().await;
    send(&mut plain, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert_eq!(failures(&server, "not-tls"), "1");
}

#[tokio::test]
async fn a_swapped_certificate_takes_effect_on_the_next_connection() {
    let server = TlsServer::start(LIMITS);
    let first = server.shake_hands(b"http/1.1").await;
    server.certificate.swap(issue(&server.authority));
    let second = server.shake_hands(b"http/1.1").await;
    let certificate =
        |stream: &TlsStream<TcpStream>| stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    assert_ne!(certificate(&first), certificate(&second));

    let mut client = http1(first).await;
    let response = client.send_request(get_root()).await.unwrap();
    assert_hello(response, Version::HTTP_11).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_http2_connection_is_let_go() {
    let server = TlsServer::start(LIMITS);
    let mut client = http2(server.shake_hands(b"h2").await).await;
    let response = client.send_request(get_root()).await.unwrap();
    assert_hello(response, Version::HTTP_2).await;
    let start = Instant::now();
    while client.ready().await.is_ok() && !client.is_closed() {
        sleep(Duration::from_secs(1)).await;
    }
    assert!(start.elapsed() >= LIMITS.idle);
    assert!(start.elapsed() <= LIMITS.idle + Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn lingering_tells_http2_clients_to_go_away_and_serves_new_ones() {
    let server = TlsServer::start(LIMITS);
    let mut client = http2(server.shake_hands(b"h2").await).await;
    let response = client.send_request(get_root()).await.unwrap();
    assert_hello(response, Version::HTTP_2).await;

    server.server.trigger.advance(Phase::Lingering);
    let start = Instant::now();
    while client.ready().await.is_ok() && !client.is_closed() {
        sleep(Duration::from_millis(10)).await;
    }
    assert_about(start.elapsed(), Duration::ZERO);
    let mut client = http1(server.shake_hands(b"http/1.1").await).await;
    let response = client.send_request(get_root()).await.unwrap();
    assert_eq!(response.headers()["connection"], "close");
}

#[tokio::test]
async fn one_port_speaks_tls_and_plain_http_and_each_request_knows_which() {
    let server = TlsServer::start_either();
    let mut client = http1(server.shake_hands(b"http/1.1").await).await;
    let response = client.send_request(get_path("/origin")).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "Tls 127.0.0.1");

    let mut plain = server.server.connect().await;
    let request = "GET /origin HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    send(&mut plain, request).await;
    let (text, _) = read_to_end(&mut plain).await;
    assert!(text.ends_with("Plain 127.0.0.1"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_no_first_byte_is_let_go_and_delays_nobody() {
    let server = TlsServer::start_either();
    let mut silent = server.server.connect().await;
    let mut plain = server.server.connect().await;
    send(&mut plain, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_response(&mut plain).await;
    let (text, elapsed) = read_to_end(&mut silent).await;
    assert_eq!(text, "");
    assert_about(elapsed, LIMITS.handshake);
    assert_eq!(failures(&server, "timed-out"), "1");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_begins_late_has_no_more_time() {
    let server = TlsServer::start_either();
    let mut slow = server.server.connect().await;
    sleep(Duration::from_secs(3)).await;
    slow.write_all(&[0x16]).await.unwrap();
    let (_, elapsed) = read_to_end(&mut slow).await;
    assert_about(
        elapsed,
        LIMITS
            .handshake
            .checked_sub(Duration::from_secs(3))
            .unwrap(),
    );
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_certificate_is_counted() {
    let server = TlsServer::start_either();
    let stream = server.server.connect().await;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.unwrap_err();
    while failures(&server, "certificate-refused") != "1" {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_neither_tls_nor_http_is_refused_as_bad_http() {
    let server = TlsServer::start_either();
    for first in [&b"\x15\x03\x01\x00\x02"[..], b"\x00", b"\xff\xff\r\n\r\n"] {
        let mut stream = server.server.connect().await;
        stream.write_all(first).await.unwrap();
        stream.shutdown().await.unwrap();
        let (text, _) = read_to_end(&mut stream).await;
        assert!(
            text.is_empty() || text.starts_with("HTTP/1.1 400"),
            "{text}"
        );
    }
    let mut plain = server.server.connect().await;
    send(&mut plain, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_response(&mut plain).await;
}

#[tokio::test]
async fn an_answer_longer_than_the_buffer_of_tls_arrives_whole() {
    let router = Router::new().route("/large", get(async || vec![b'x'; 1 << 20]));
    let limits = Limits {
        tls_buffer: 4096,
        ..LIMITS
    };
    let server = TlsServer::start_on(Transport::Either, (router, limits));
    let mut client = http1(server.shake_hands(b"http/1.1").await).await;
    let response = client.send_request(get_path("/large")).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), 1 << 20);
}

#[tokio::test]
async fn a_body_in_large_records_arrives_whole() {
    let server = TlsServer::start_on(Transport::Either, (mk_router(), LIMITS));
    let mut client = http1(server.shake_hands(b"http/1.1").await).await;
    let sent = vec![b'x'; 1 << 20];
    for _ in 0..3 {
        let request = Request::post("https://127.0.0.1/").header("host", "127.0.0.1");
        let request = request.body(Body::from(sent.clone())).unwrap();
        let response = client.send_request(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), sent.len());
    }
}

#[tokio::test]
async fn large_records_beyond_the_room_for_them_cost_their_connections_alone() {
    let limits = Limits {
        tls_records: 40 << 10,
        ..LIMITS
    };
    let server = TlsServer::start_on(Transport::Either, (mk_router(), limits));
    // The head of a record of 16,000 bytes, and no more of it.
    let begin_record = [0x17, 3, 3, 0x3e, 0x80];
    let mut first = server.shake_hands(b"http/1.1").await;
    first.get_mut().0.write_all(&begin_record).await.unwrap();
    // The server has seen it once another connection was served.
    let mut client = http1(server.shake_hands(b"http/1.1").await).await;
    client.send_request(get_root()).await.unwrap();
    let mut second = server.shake_hands(b"http/1.1").await;
    second.get_mut().0.write_all(&begin_record).await.unwrap();
    // Ends only when the server closes the connection.
    let _ = second.get_mut().0.read_to_end(&mut Vec::new()).await;
    let response = client.send_request(get_root()).await.unwrap();
    assert_hello(response, Version::HTTP_11).await;
}

#[tokio::test]
async fn each_connection_of_the_port_with_both_serves_one_request_at_a_time() {
    let server = TlsServer::start_either();
    let both = server.offer(&[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(both.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let none = server.offer(&[]).await.unwrap();
    let mut client = http1(none).await;
    let response = client.send_request(get_root()).await.unwrap();
    assert_hello(response, Version::HTTP_11).await;
    server.offer(&[b"h2"]).await.unwrap_err();
}
