//! What only a connection shows.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::kit::{Kit, Making, WAIT, mk_wait};
use crate::{
    memory::StoreMemory,
    net::{self, Endpoint, Limits, NetMetrics, ServeContext, Shutdown, Transport},
    store,
};

/// Serves the kit; the server ends with the tasks.
fn serve(kit: &Kit) -> (SocketAddr, JoinSet<()>) {
    serve_within(Limits::STORE, kit)
}

fn serve_within(limits: Limits, kit: &Kit) -> (SocketAddr, JoinSet<()>) {
    let listener = net::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let endpoint = Endpoint {
        name: "store",
        listener,
        transport: Transport::Plain,
        limits,
    };
    let router = kit.router.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (_trigger, shutdown) = Shutdown::new();
        let metrics = NetMetrics::default();
        net::serve(endpoint, router, ServeContext { shutdown, metrics }).await;
    });
    (address, tasks)
}

fn mk_text(method: &str, path: &str, body: &str) -> String {
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nhost: oncue\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// Reads until what came ends with `end`.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).await.unwrap();
        assert_ne!(count, 0, "the connection ended after {text}");
        text.push_str(str::from_utf8(&bytes[..count]).unwrap());
    }
    text
}

#[tokio::test]
async fn a_waiter_whose_connection_ends_is_forgotten() {
    let kit = Kit::new().await;
    let (address, _tasks) = serve(&kit);
    let revision = kit.revision(&["a"]).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = mk_text("POST", WAIT, &mk_wait(&["a"], Some(&revision)));
    stream.write_all(request.as_bytes()).await.unwrap();
    kit.until_waiters(1).await;
    drop(stream);
    kit.until_waiters(0).await;
}

#[tokio::test]
async fn however_many_wait_there_is_a_connection_for_who_creates() {
    let limits = Limits {
        connections: 20,
        ..Limits::STORE
    };
    let kit = Kit::of(Making {
        limits: store::Limits::within(limits.connections, StoreMemory::default()),
        ..Making::default()
    })
    .await;
    let (address, _tasks) = serve_within(limits, &kit);
    let revision = kit.revision(&["a"]).await;
    // Each from a namespace of its own: one alone does not get all places.
    let wait = |number: usize| {
        let path = format!("/v1/namespaces/n{number}/wait");
        mk_text("POST", &path, &mk_wait(&["a@default"], Some(&revision)))
    };
    let mut held = Vec::new();
    for number in 1..=16 {
        let mut stream = connect_from(number, address).await;
        stream.write_all(wait(number).as_bytes()).await.unwrap();
        kit.until_waiters(number).await;
        held.push(stream);
    }
    for number in 17..=36 {
        let mut stream = connect_from(number, address).await;
        stream.write_all(wait(number).as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        let read = timeout(Duration::from_secs(10), read).await;
        read.expect("it is closed").unwrap();
        assert!(answer.contains("too-many-waiters"), "{answer}");
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    let create = mk_text("POST", "/", r#"{"variable":"a"}"#);
    stream.write_all(create.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "}").await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    for mut stream in held {
        let answer = read_until(&mut stream, "}]}").await;
        assert!(answer.contains("\"held\""), "{answer}");
    }
}

/// Connects from an address of its own, like each pod: one alone does not get all connections.
async fn connect_from(number: usize, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let last = u8::try_from(number).unwrap();
    socket.bind(([127, 0, 1, last], 0).into()).unwrap();
    socket.connect(address).await.unwrap()
}

#[tokio::test]
async fn one_connection_serves_request_after_request() {
    let kit = Kit::new().await;
    let (address, _tasks) = serve(&kit);
    let mut stream = TcpStream::connect(address).await.unwrap();
    let wait = mk_text(
        "POST",
        WAIT,
        &mk_wait(&["a"], Some(&kit.revision(&["a"]).await)),
    );
    stream.write_all(wait.as_bytes()).await.unwrap();
    kit.until_waiters(1).await;
    kit.post("/", r#"{"variable":"a"}"#).await;
    let answer = read_until(&mut stream, "}]}").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains("\r\ncontent-type: application/json\r\n"),
        "{answer}"
    );
    let create = mk_text("POST", "/", r#"{"variable":"b"}"#);
    stream.write_all(create.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "}").await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
}

#[tokio::test]
async fn a_wget_that_sends_http_1_0_is_answered() {
    let kit = Kit::new().await;
    let (address, _tasks) = serve(&kit);
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = r#"{"variable":"a"}"#;
    let head = "POST / HTTP/1.0\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 201 Created\r\n"), "{answer}");
}
