//! The built binary against a store that speaks TLS and asks for a token.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Output},
    sync::{Arc, mpsc},
    thread,
    time::SystemTime,
};

use oncue_webhook_certs::Authority;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned, crypto::ring, server::ResolvesServerCert,
    sign::SingleCertAndKey,
};

/// A store without variables, and what a person has for it.
struct Store {
    url: String,
    /// The header `Authorization` of each request.
    tokens: mpsc::Receiver<Option<String>>,
    folder: tempfile::TempDir,
}

impl Store {
    fn start() -> Self {
        let now = SystemTime::now();
        let authority = Authority::generate(now).unwrap();
        let config = mk_config(&authority, now);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        let (sender, tokens) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&config, stream.unwrap(), &sender);
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        file("ca.crt", &authority.bundle_pem());
        file("other.crt", &Authority::generate(now).unwrap().bundle_pem());
        file("token", "secret-token\n");
        file("broken", "secret\0token");
        Self {
            url,
            tokens,
            folder,
        }
    }

    /// Lists variables with these flags, in the folder of the files.
    fn list(&self, flags: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oncue"));
        command.current_dir(&self.folder).env_clear();
        command
            .args(["vars", "list", "--server", &self.url])
            .args(flags);
        let output = command.output().unwrap();
        for text in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(text);
            assert!(!text.contains("secret"), "{text}");
        }
        output
    }

    #[track_caller]
    fn fails(&self, flags: &[&str]) -> String {
        let output = self.list(flags);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }
}

fn mk_config(authority: &Authority, now: SystemTime) -> Arc<ServerConfig> {
    let leaf = authority
        .issue(&["localhost".try_into().unwrap()], now)
        .unwrap();
    let provider = Arc::new(ring::default_provider());
    let key = leaf.into_certified_key(&provider).unwrap();
    let resolver: Arc<dyn ResolvesServerCert> = Arc::new(SingleCertAndKey::from(key));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    Arc::new(config)
}

/// Answers one request.
fn serve(config: &Arc<ServerConfig>, stream: TcpStream, tokens: &mpsc::Sender<Option<String>>) {
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    let lines = reader.by_ref().lines().map_while(Result::ok);
    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    if head.is_empty() {
        return;
    }
    let token = head
        .iter()
        .find_map(|line| line.strip_prefix("authorization: "));
    // The test may have seen enough.
    let _ = tokens.send(token.map(str::to_owned));
    let body = r#"{"revision":"e-1","variables":[]}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let length = body.len();
    let _ = write!(
        reader.get_mut(),
        "{head}content-length: {length}\r\n\r\n{body}"
    );
}

#[test]
fn flags_name_the_ca_and_the_token() {
    let store = Store::start();
    let output = store.list(&["--ca-file", "ca.crt", "--token-file", "token"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        store.tokens.recv().unwrap().as_deref(),
        Some("Bearer secret-token")
    );
    let output = store.list(&["--ca-file", "ca.crt"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        store.tokens.recv().unwrap(),
        None,
        "nothing else is presented"
    );
}

#[test]
fn mistakes_are_told_before_a_token_is_sent() {
    let store = Store::start();
    for (flags, said) in [
        (&["--token-file", "token"][..], "set ONCUE_CA"),
        (
            &["--ca-file", "other.crt", "--token-file", "token"],
            "none of the CAs that are trusted here has signed it",
        ),
        (
            &["--ca-file", "ca.crt", "--token-file", "missing"],
            "failed to read the token file missing: ",
        ),
        (
            &["--ca-file", "ca.crt", "--token-file", "broken"],
            "the token file broken holds no token",
        ),
        (&["--ca-file", "token"], "ONCUE_CA holds no certificate"),
        (&["--ca-file", "missing"], "failed to read missing"),
    ] {
        let error = store.fails(flags);
        assert!(error.contains(said), "{error}");
    }
    let plain = ["--server", "http://127.0.0.1:9", "--token-file", "token"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_oncue"));
    command.current_dir(&store.folder).env_clear();
    let output = command.args(["vars", "list"]).args(plain).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("a token is sent over TLS only"), "{error}");
    assert!(store.tokens.try_recv().is_err());
}
