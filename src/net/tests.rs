//! The listeners over real sockets; time is paused, so that timeouts take none.

use std::{convert::Infallible, net::Ipv4Addr, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
    routing::get,
};
use futures_util::stream;
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::*;

mod tls;

const LIMITS: Limits = Limits {
    head: Duration::from_secs(5),
    body: Duration::from_secs(10),
    idle: Duration::from_mins(2),
    drain: Duration::from_secs(7),
    ..Limits::STORE
};

struct Server {
    address: std::net::SocketAddr,
    trigger: ShutdownTrigger,
    metrics: NetMetrics,
    task: JoinHandle<()>,
}

impl Server {
    fn start(router: Router, limits: Limits) -> Self {
        Self::start_on(Transport::Plain, router, limits)
    }

    fn start_on(transport: Transport, router: Router, limits: Limits) -> Self {
        let listener = bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (trigger, shutdown) = Shutdown::new();
        let metrics = NetMetrics::default();
        let endpoint = Endpoint {
            name: "test",
            listener,
            transport,
            limits,
        };
        let context = ServeContext {
            shutdown,
            metrics: metrics.clone(),
        };
        Self {
            address,
            trigger,
            metrics,
            task: tokio::spawn(serve(endpoint, router, context)),
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn metrics(&self) -> String {
        let mut registry = Registry::default();
        self.metrics.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }
}

fn mk_router() -> Router {
    Router::new()
        .route("/", get(async || "hello").post(async |body: Bytes| body))
        .route(
            "/slow",
            get(async || {
                sleep(Duration::from_secs(3)).await;
                "done"
            }),
        )
        .route("/held", get(std::future::pending::<()>))
}

/// Reads until the server closes, and returns what came and how long it took.
async fn read_to_end(stream: &mut TcpStream) -> (String, Duration) {
    let start = Instant::now();
    let mut text = String::new();
    // A connection that is cut may also be reset.
    let _ = stream.read_to_string(&mut text).await;
    (text, start.elapsed())
}

async fn read_response(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    while !text.ends_with("hello") {
        let mut chunk = [0; 1024];
        let n = stream.read(&mut chunk).await.unwrap();
        assert_ne!(n, 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&chunk[..n]).unwrap());
    }
    text
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

fn assert_about(actual: Duration, expected: Duration) {
    let tolerance = Duration::from_millis(50);
    assert!(
        actual.abs_diff(expected) <= tolerance,
        "{actual:?} instead of {expected:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn closes_a_silent_connection_after_the_head_timeout() {
    let server = Server::start(mk_router(), LIMITS);
    let mut stream = server.connect().await;
    let (text, elapsed) = read_to_end(&mut stream).await;
    assert_eq!(text, "");
    assert_about(elapsed, LIMITS.head);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_in_gets_no_more_time() {
    let server = Server::start(mk_router(), LIMITS);
    let mut stream = server.connect().await;
    let start = Instant::now();
    for byte in "GET / HTTP/1.1\r\nhost: x\r\n".bytes() {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_secs(1)).await;
        if start.elapsed() > LIMITS.head {
            break;
        }
    }
    let (_, rest) = read_to_end(&mut stream).await;
    assert_about(rest, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_may_be_quiet_for_longer_than_a_head() {
    let server = Server::start(mk_router(), LIMITS);
    let mut stream = server.connect().await;
    send(&mut stream, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_response(&mut stream).await;
    sleep(Duration::from_secs(119)).await;
    send(&mut stream, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_response(&mut stream).await;
    let (_, elapsed) = read_to_end(&mut stream).await;
    assert_about(elapsed, LIMITS.idle);
}

#[tokio::test(start_paused = true)]
async fn a_second_head_has_to_be_as_quick_as_the_first() {
    let server = Server::start(mk_router(), LIMITS);
    let mut stream = server.connect().await;
    send(&mut stream, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_response(&mut stream).await;
    sleep(Duration::from_secs(30)).await;
    send(&mut stream, "GET / HTTP").await;
    let (_, elapsed) = read_to_end(&mut stream).await;
    assert_about(elapsed, LIMITS.head);
}

#[tokio::test(start_paused = true)]
async fn a_held_request_outlives_every_timeout() {
    let server = Server::start(mk_router(), LIMITS);
    let mut stream = server.connect().await;
    send(&mut stream, "GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await;
    tokio::select! {
        _ = read_to_end(&mut stream) => panic!("closed"),
        () = sleep(Duration::from_hours(1)) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_in_fails_after_its_timeout() {
    let server = Server::start(mk_router(), LIMITS);
    let mut stream = server.connect().await;
    send(
        &mut stream,
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nsome",
    )
    .await;
    let (text, elapsed) = read_to_end(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 400"), "{text}");
    assert_about(elapsed, LIMITS.body);
}

#[tokio::test(start_paused = true)]
async fn refuses_a_head_that_is_too_long() {
    let server = Server::start(mk_router(), LIMITS);
    let mut stream = server.connect().await;
    let long = "a".repeat(9000);
    send(
        &mut stream,
        &format!("GET / HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n"),
    )
    .await;
    let (text, _) = read_to_end(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 431"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn further_connections_wait_for_a_free_slot() {
    let limits = Limits {
        connections: 1,
        ..LIMITS
    };
    let server = Server::start(mk_router(), limits);
    let _silent = server.connect().await;
    let mut second = server.connect().await;
    let start = Instant::now();
    send(&mut second, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_response(&mut second).await;
    assert_about(start.elapsed(), LIMITS.head);
    assert!(
        server
            .metrics()
            .contains(r#"connections{listener="test"} 1"#),
        "{}",
        server.metrics()
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_beyond_the_share_of_its_address_is_closed_at_once() {
    let limits = Limits {
        connections: 9,
        ..LIMITS
    };
    let server = Server::start(mk_router(), limits);
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(server.connect().await);
    }
    let mut refused = server.connect().await;
    let (text, elapsed) = read_to_end(&mut refused).await;
    assert_eq!(text, "");
    assert_about(elapsed, Duration::ZERO);
    let metrics = server.metrics();
    for line in [
        r#"connections{listener="test"} 8"#,
        r#"connections_refused_total{listener="test"} 1"#,
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let mut other = open.pop().unwrap();
    send(&mut other, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_response(&mut other).await;
}

#[tokio::test(start_paused = true)]
async fn serves_while_lingering_and_closes_after_each_response() {
    let server = Server::start(mk_router(), LIMITS);
    let mut idle = server.connect().await;
    send(&mut idle, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(!read_response(&mut idle).await.contains("connection: close"));

    server.trigger.advance(Phase::Lingering);
    for stream in [&mut idle, &mut server.connect().await] {
        send(stream, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let (text, elapsed) = read_to_end(stream).await;
        assert!(text.contains("connection: close"), "{text}");
        assert_about(elapsed, Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn draining_lets_requests_end_and_refuses_connections() {
    let server = Server::start(mk_router(), LIMITS);
    let mut slow = server.connect().await;
    send(&mut slow, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut idle = server.connect().await;
    send(&mut idle, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_response(&mut idle).await;

    server.trigger.advance(Phase::Draining);
    let (_, elapsed) = read_to_end(&mut idle).await;
    assert_about(elapsed, Duration::ZERO);
    TcpStream::connect(server.address).await.unwrap_err();
    let (text, _) = read_to_end(&mut slow).await;
    assert!(text.ends_with("done"), "{text}");
    server.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn draining_cuts_off_what_takes_too_long() {
    let server = Server::start(mk_router(), LIMITS);
    let mut held = server.connect().await;
    send(&mut held, "GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await;
    sleep(Duration::from_secs(1)).await;
    let start = Instant::now();
    server.trigger.advance(Phase::Draining);
    server.task.await.unwrap();
    assert_about(start.elapsed(), LIMITS.drain);
}

/// Waits until no connection is open; the clock goes on meanwhile.
async fn until_all_are_closed(server: &Server) {
    while !server
        .metrics()
        .contains(r#"connections{listener="test"} 0"#)
    {
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn drops_a_peer_that_does_not_read() {
    let endless = || stream::repeat(Ok::<_, Infallible>(Bytes::from_static(&[b' '; 16_384])));
    let router = mk_router().route("/endless", get(async move || Body::from_stream(endless())));
    let server = Server::start(router, LIMITS);
    let mut peer = server.connect().await;
    let start = Instant::now();
    send(&mut peer, "GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await;
    peer.readable().await.unwrap();
    until_all_are_closed(&server).await;
    let elapsed = start.elapsed();
    assert!(elapsed >= LIMITS.write, "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(30), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_names_its_host_once() {
    let server = Server::start(mk_router(), LIMITS);
    for (head, status) in [
        ("GET / HTTP/1.1\r\nconnection: close\r\n", "400"),
        ("GET / HTTP/1.1\r\nconnection: close\r\nhost: x\r\n", "200"),
        ("GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n", "400"),
        ("GET / HTTP/1.0\r\nhost: x\r\nhost: y\r\n", "400"),
        ("GET / HTTP/1.0\r\n", "200"),
    ] {
        let mut stream = server.connect().await;
        send(&mut stream, &format!("{head}\r\n")).await;
        let (text, _) = read_to_end(&mut stream).await;
        assert_eq!(text.split(' ').nth(1), Some(status), "{head}: {text}");
        assert_eq!(text.contains("invalid-host"), status == "400", "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panicking_handler_costs_its_own_connection_alone() {
    let router = mk_router().route(
        "/panic",
        get(async || -> StatusCode { panic!("on purpose") }),
    );
    let server = Server::start(router, LIMITS);
    let mut bad = server.connect().await;
    send(&mut bad, "GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_to_end(&mut bad).await;
    let mut good = server.connect().await;
    send(&mut good, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_response(&mut good).await;
}
