//! The whole process, on loopback.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use super::*;
use crate::config::{Role, ServeSettings, StoreKind};

fn mk_config(data: &Path) -> Config {
    let any = (Ipv4Addr::LOCALHOST, 0).into();
    Config {
        data: data.to_owned(),
        store: StoreKind::Memory,
        http: any,
        webhook: any,
        admin: any,
        ..Config::resolve(ServeSettings::default()).unwrap()
    }
}

async fn mk_server() -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(mk_config(folder.path())).await.unwrap();
    (folder, server)
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// Gets a path of the admin port while nothing else of this process can run: the tests' runtime has
/// one thread, which is here.
fn get_alone(admin: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = std::net::TcpStream::connect(admin)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[tokio::test]
async fn health_checks_are_answered_while_every_other_thread_is_busy() {
    let (_folder, server) = mk_server().await;
    let admin = server.addresses.admin;
    let health = get_alone(admin, "/healthz").unwrap();
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    get_alone(admin, "/readyz").unwrap();
}

#[tokio::test]
async fn is_ready_once_it_has_reached_itself() {
    let (_folder, server) = mk_server().await;
    until_ready(&server).await;
}

async fn readiness(server: &Server) -> String {
    let text = get(server.addresses.admin, "/readyz").await;
    text.rsplit("\r\n").next().unwrap().trim_end().to_owned()
}

/// Waits until the process is ready.
async fn until_ready(server: &Server) {
    for _ in 0..1000 {
        if readiness(server).await == "ready" {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("{}", readiness(server).await);
}

#[tokio::test]
async fn counts_what_every_part_does() {
    let (_folder, server) = mk_server().await;
    let metrics = get(server.addresses.admin, "/metrics").await;
    for name in [
        "oncue_build_info{",
        r#"oncue_connections{listener="store"} 0"#,
        r#"oncue_tls_handshake_failures_total{listener="webhook",reason="timed-out"} 0"#,
        r#"oncue_webhook_cert_expiry_seconds{certificate="leaf"} 6"#,
        r#"oncue_webhook_cert_rotations_total{certificate="authority"} 1"#,
        r#"oncue_webhook_cert_writes_total{object="authority",result="ok"} 1"#,
        "oncue_webhook_in_flight 0",
        r#"oncue_webhook_duration_seconds_bucket{le="0.0001",path="lint"} 0"#,
        "oncue_store_variables 0",
    ] {
        assert!(metrics.contains(name), "{name} in {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_the_banner_work() {
    for store_names in [vec![], vec!["store.example".try_into().unwrap()]] {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            store_names,
            ..mk_config(folder.path())
        };
        let server = Server::start(config).await.unwrap();
        until_ready(&server).await;
        let answers = run_lines(server.banner());
        assert_eq!(answers.len(), 3);
        assert!(answers[1].starts_with("HTTP/1.1 200"), "{}", answers[1]);
        assert!(
            answers[2].contains(r#""patchType":"JSONPatch""#),
            "{}",
            answers[2]
        );
    }
}

/// Runs the commands of a banner, and returns what they print.
fn run_lines(banner: &Banner) -> Vec<String> {
    let banner = banner.to_string();
    let lines = banner.lines().filter_map(|line| {
        line.trim_start()
            .trim_start_matches("try: ")
            .strip_prefix("curl ")
    });
    let answers = lines.map(|line| {
        let script = format!("curl --silent --show-error --fail {line}");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "{script}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    });
    answers.collect()
}

#[tokio::test]
async fn the_injected_client_finds_the_store_at_its_real_port() {
    let folder = tempfile::tempdir().unwrap();
    let config = mk_config(folder.path());
    let server = Server::start(config.clone()).await.unwrap();
    let store = server.addresses.store.unwrap();
    assert_ne!(store.port(), 0);
    let settings = config.inject.resolve(store).unwrap();
    assert_eq!(settings.store.url, format!("http://{store}"));
}

#[tokio::test]
async fn a_role_that_is_not_asked_for_does_not_listen() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = mk_config(folder.path());
    config.roles = [Role::Store].into();
    let server = Server::start(config).await.unwrap();
    assert_eq!(server.addresses.webhook, None);
    assert!(!server.banner().to_string().contains("webhook"));
    assert!(!folder.path().join("ca.crt").exists());
}

#[tokio::test]
async fn a_taken_port_names_the_flag_that_moves_it() {
    let (_folder, first) = mk_server().await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = mk_config(folder.path());
    config.http = first.addresses.store.unwrap();
    let error = Server::start(config).await.unwrap_err().to_string();
    assert!(error.contains("in use"), "{error}");
    assert!(error.contains("--http"), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_names_its_flag() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = mk_config(&file.path().join("below"));
    let error = Server::start(config).await.unwrap_err().to_string();
    assert!(error.contains("--data"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn goes_down_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = mk_config(folder.path());
    config.linger = Duration::from_secs(5);
    let mut server = Server::start(config).await.unwrap();
    let Addresses { store, admin, .. } = server.addresses;
    let store = store.unwrap();
    let start = Instant::now();
    let down = tokio::spawn(async move { server.shut_down().await });
    tokio::task::yield_now().await;

    let ready = get_alone(admin, "/readyz").unwrap();
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    assert!(ready.ends_with("shutting down\n"), "{ready}");
    let lingering = get(store, "/?variable=a").await;
    assert!(lingering.starts_with("HTTP/1.1 404"), "{lingering}");
    assert!(lingering.contains("connection: close"), "{lingering}");
    assert!(start.elapsed() < Duration::from_secs(5));

    down.await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(5));
    for address in [store, admin] {
        TcpStream::connect(address).await.unwrap_err();
    }
}

mod in_cluster;
