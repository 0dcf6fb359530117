//! Probes over real sockets.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

use oncue_client::prober::{Prober, SocketProber};
use oncue_language::{Probe, Term};
use serde_json::json;

use super::{
    api::{Authority, mk_tls_server},
    names::mk_names,
    server::{Reply, Server},
};

fn mk_probe(url: &str) -> Probe {
    url.parse::<Term>().unwrap().probe().unwrap().clone()
}

fn probe(url: &str) -> Result<(), String> {
    let (_files, names) = mk_names(&[
        ("web", Ipv4Addr::LOCALHOST.into()),
        // Nothing listens there, so the next address is tried.
        ("both", Ipv6Addr::LOCALHOST.into()),
        ("both", Ipv4Addr::LOCALHOST.into()),
    ]);
    let prober = SocketProber::new(names);
    prober
        .probe(&mk_probe(url))
        .map_err(|failure| failure.to_string())
}

#[test]
fn a_port_is_open_or_not() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "web", "both"] {
        assert_eq!(probe(&format!("tcp://{host}:{port}")), Ok(()), "{host}");
    }
    drop(listener);
    let refused = Err("connection refused".to_owned());
    assert_eq!(probe(&format!("tcp://web:{port}")), refused);
    let error = probe("tcp://nowhere:1").unwrap_err();
    assert!(error.contains("nowhere"), "{error}");
}

#[test]
fn a_service_answers_or_not() {
    let server = Server::start(|request| {
        let status = request.line.rsplit('/').next().unwrap();
        Reply::Json(status.parse().unwrap(), json!({}))
    });
    let port = server.address.port();
    for (status, result) in [
        (200, Ok(())),
        (204, Ok(())),
        (302, Ok(())),
        (404, Err("answered 404 Not Found".to_owned())),
        (503, Err("answered 503 Service Unavailable".to_owned())),
    ] {
        assert_eq!(
            probe(&format!("http://web:{port}/{status}")),
            result,
            "{status}"
        );
    }
    let request = server.request();
    assert_eq!(request.line, "GET /200");
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(
        probe(&format!("http://{closed}/")),
        Err("connection refused".to_owned())
    );
}

#[test]
fn https_asks_whether_a_service_answers_and_not_who_it_is() {
    let address = mk_tls_server(&Authority::new(), "somebody-else");
    assert_eq!(probe(&format!("https://web:{}/", address.port())), Ok(()));
    let plain = Server::start(|_| Reply::HangUp);
    assert!(probe(&format!("https://{}/", plain.address)).is_err());
}
