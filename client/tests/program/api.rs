//! The client of the store's API as a library: TLS, falling back on an address, and streams.

use std::{
    io::{BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use oncue_client::api::{Api, ApiError, Endpoint};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::{
    names::mk_names,
    server::{Reply, Server, read_request, response},
};

/// A CA of the test's own.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        Self::until(4096, KeyPair::generate().unwrap())
    }

    /// Returns a CA with this key, whose certificate ends with a year.
    fn until(year: i32, key: KeyPair) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = date_time_ymd(year, 12, 31);
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn server_config(&self, name: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                key.serialize_der().try_into().unwrap(),
            );
        Arc::new(config.unwrap())
    }
}

/// A server whose certificate is for `name`; it answers every request with its own number.
pub(crate) fn mk_tls_server(authority: &Authority, name: &str) -> SocketAddr {
    let config = authority.server_config(name);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let config = Arc::clone(&config);
            thread::spawn(move || serve_tls(config, stream.unwrap()));
        }
    });
    address
}

fn serve_tls(config: Arc<ServerConfig>, stream: TcpStream) {
    let connection = ServerConnection::new(config).unwrap();
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    let mut number = 0;
    while read_request(&mut reader).is_some() {
        number += 1;
        let bytes = response(200, "application/json", &json!(number));
        if reader.get_mut().write_all(&bytes).is_err() {
            return;
        }
    }
}

const STORE: &str = "oncue-store.oncue-system.svc.cluster.local.";

fn mk_endpoint(host: &str, port: u16, ca: Option<&Authority>) -> Endpoint {
    let scheme = if ca.is_some() { "https" } else { "http" };
    Endpoint {
        ca: ca.map(Authority::pem),
        ..Endpoint::new(format!("{scheme}://{host}:{port}").parse().unwrap())
    }
}

#[test]
fn verifies_the_name_also_where_it_falls_back_on_an_address() {
    let authority = Authority::new();
    let address = mk_tls_server(&authority, STORE.trim_end_matches('.'));
    let (_files, names) = mk_names(&[]);
    let endpoint = Endpoint {
        fallback: Some(address.ip()),
        ..mk_endpoint(STORE, address.port(), Some(&authority))
    };
    let api = Api::new(&endpoint, &names).unwrap();
    assert_eq!(api.get::<Value>("/v1/waiters").unwrap(), 1);
    assert_eq!(
        api.get::<Value>("/v1/waiters").unwrap(),
        2,
        "the connection is kept"
    );
    let other = Endpoint {
        fallback: Some(address.ip()),
        ..mk_endpoint("other.svc.", address.port(), Some(&authority))
    };
    let error = Api::new(&other, &names)
        .unwrap()
        .get::<Value>("/")
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("not valid for name \"other.svc\""),
        "{error}"
    );
}

#[test]
fn trusts_the_given_authority_alone() {
    let address = mk_tls_server(&Authority::new(), "localhost");
    let (_files, names) = mk_names(&[]);
    let endpoint = mk_endpoint("localhost", address.port(), Some(&Authority::new()));
    let error = Api::new(&endpoint, &names)
        .unwrap()
        .get::<Value>("/")
        .unwrap_err();
    assert!(
        error.to_string().contains("invalid peer certificate"),
        "{error}"
    );
}

#[test]
fn trusts_both_certificates_while_they_overlap() {
    let authority = Authority::new();
    let address = mk_tls_server(&authority, "localhost");
    let (_files, names) = mk_names(&[]);
    let endpoint = Endpoint {
        ca: Some(Authority::new().pem() + &authority.pem()),
        ..mk_endpoint("localhost", address.port(), Some(&authority))
    };
    assert!(
        Api::new(&endpoint, &names)
            .unwrap()
            .get::<Value>("/")
            .is_ok()
    );
}

/// A pod keeps the certificate that it was injected with, however often it is renewed.
#[test]
fn trusts_a_renewed_authority_by_its_old_certificate_even_after_that_has_expired() {
    let key = KeyPair::generate().unwrap();
    let same_key = KeyPair::from_pem(&key.serialize_pem()).unwrap();
    let (expired, renewed) = (
        Authority::until(2020, key),
        Authority::until(4096, same_key),
    );
    let address = mk_tls_server(&renewed, "localhost");
    let (_files, names) = mk_names(&[]);
    let ask = |trusted: &Authority| {
        let endpoint = mk_endpoint("localhost", address.port(), Some(trusted));
        Api::new(&endpoint, &names).unwrap().get::<Value>("/")
    };
    assert_eq!(ask(&renewed).unwrap(), 1);
    assert_eq!(ask(&expired).unwrap(), 1);
    let another_key = Authority::until(4096, KeyPair::generate().unwrap());
    let error = ask(&another_key).unwrap_err().to_string();
    assert!(
        error.contains("none of the CAs that are trusted here has signed it"),
        "{error}"
    );
}

/// As a command line has it whose tunnel begins on this machine.
#[test]
fn verifies_the_name_at_an_address_that_is_not_looked_up() {
    let authority = Authority::new();
    let address = mk_tls_server(&authority, "oncue-store.oncue-system.svc");
    let (_files, names) = mk_names(&[("oncue-store.oncue-system.svc", [192, 0, 2, 1].into())]);
    let endpoint = Endpoint {
        address: Some(address.ip()),
        ..mk_endpoint(
            "oncue-store.oncue-system.svc",
            address.port(),
            Some(&authority),
        )
    };
    let api = Api::new(&endpoint, &names).unwrap();
    assert_eq!(api.get::<Value>("/").unwrap(), 1);
}

#[test]
fn refuses_tls_with_nothing_to_trust() {
    let (_files, names) = mk_names(&[]);
    let secure = mk_endpoint("localhost", 1, Some(&Authority::new()));
    for (ca, said) in [
        (None, "set ONCUE_CA"),
        (
            Some("-----BEGIN NOTHING-----".to_owned()),
            "ONCUE_CA holds no certificate",
        ),
    ] {
        let endpoint = Endpoint {
            ca,
            ..secure.clone()
        };
        let error = Api::new(&endpoint, &names).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_silent_store_is_given_up_on() {
    let server = Server::start(|_| Reply::Hold);
    let (_files, names) = mk_names(&[]);
    let endpoint = mk_endpoint("127.0.0.1", server.address.port(), None);
    let api = Api::new(&endpoint, &names)
        .unwrap()
        .with_patience(Duration::from_millis(100));
    let begun = Instant::now();
    let error = api.get::<Value>("/v1/waiters").unwrap_err();
    assert!(matches!(error, ApiError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("timed out"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_name_that_leads_nowhere_is_said_as_such() {
    let (_files, names) = mk_names(&[]);
    let api = Api::new(&mk_endpoint("store", 1, None), &names).unwrap();
    let error = api.get::<Value>("/").unwrap_err().to_string();
    assert!(
        error.contains("failed to look up store: the name server 127.0.0.1:1"),
        "{error}"
    );
}

#[test]
fn reads_a_watch_line_by_line() {
    let server = Server::start(|_| {
        let chunks = "4\r\n{\"a\"\r\n8\r\n:1}\n{\"b\"\r\n4\r\n:2}\n\r\n0\r\n\r\n";
        Reply::Bytes(
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}").into_bytes(),
        )
    });
    let (_files, names) = mk_names(&[("store", Ipv4Addr::LOCALHOST.into())]);
    let endpoint = mk_endpoint("store", server.address.port(), None);
    let api = Api::new(&endpoint, &names).unwrap();
    let lines = api.lines("/v1/namespaces/default/watch?prefix=a").unwrap();
    let lines: Vec<_> = lines.map(Result::unwrap).collect();
    assert_eq!(lines, [r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_eq!(
        server.request().line,
        "GET /v1/namespaces/default/watch?prefix=a"
    );
}

#[test]
fn a_watch_that_breaks_off_says_so() {
    let server = Server::start(|_| {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        Reply::Bytes(format!("{head}4\r\n{{}}\nx").into_bytes())
    });
    let (_files, names) = mk_names(&[]);
    let endpoint = mk_endpoint("127.0.0.1", server.address.port(), None);
    let api = Api::new(&endpoint, &names).unwrap();
    let mut lines = api.lines("/v1/namespaces/default/watch").unwrap();
    let last = lines.find(Result::is_err);
    assert!(last.is_some());
}
