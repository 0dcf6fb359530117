//! A TLS request of the process to itself: ready means that clients are served.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::http::{Request, StatusCode, header};
use http_body_util::Empty;
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use oncue_webhook_certs::{AuthorityCertificate, CertificateError};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{error::Elapsed, sleep, timeout},
};
use tokio_rustls::TlsConnector;

use super::certificates::Trusted;
use crate::{
    admin::Need,
    net::{Phase, Shutdown},
    outage::{Outage, Pause},
};

/// Asks the process itself over TLS, like its clients.
pub(super) struct SelfCheck {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// The name that clients verify.
    pub(super) name: ServerName<'static>,
    /// What they verify it with.
    pub(super) trusted: watch::Receiver<Trusted>,
    /// Met while they are served.
    pub(super) need: Need,
    pub(super) outage: Outage,
}

impl SelfCheck {
    /// Asks again and again until the process drains.
    pub(super) async fn run(mut self, shutdown: Shutdown) {
        let check = async {
            let mut pause = Pause::default();
            loop {
                let trusted = Arc::clone(&self.trusted.borrow_and_update());
                let asked = self.ask(&trusted).await;
                let is_well = self.note(asked);
                if is_well {
                    pause = Pause::default();
                }
                tokio::select! {
                    () = sleep(INTERVAL), if is_well => {}
                    () = pause.after_failure(), if !is_well => {}
                    Ok(()) = self.trusted.changed() => {}
                }
            }
        };
        tokio::select! {
            () = shutdown.reached(Phase::Draining) => {}
            () = check => {}
        }
    }

    /// Takes note of an answer. A slow one says nothing: the process may have all that it can take,
    /// and clients that wait are better off than clients without a server.
    fn note(&mut self, asked: Result<(), SelfCheckError>) -> bool {
        match &asked {
            Ok(()) => self.need.set_met(true),
            Err(SelfCheckError::Slow(_)) => {}
            Err(_) => self.need.set_met(false),
        }
        match asked {
            // That is said by who waits for it.
            Err(SelfCheckError::NothingTrusted) => {}
            // At the start, others may still have to make and publish what is needed.
            Err(error) => self.outage.awaits(error),
            Ok(()) => {
                self.outage.succeeded();
                return true;
            }
        }
        false
    }

    /// Asks with each bundle that clients may have.
    async fn ask(&self, trusted: &[String]) -> Result<(), SelfCheckError> {
        if trusted.is_empty() {
            return Err(SelfCheckError::NothingTrusted);
        }
        for bundle in trusted {
            timeout(PATIENCE, self.ask_with(bundle)).await??;
        }
        Ok(())
    }

    async fn ask_with(&self, bundle: &str) -> Result<(), SelfCheckError> {
        let connector = TlsConnector::from(Arc::new(client_config(bundle)?));
        let stream = connect(self.address).await?;
        let stream = connector.connect(self.name.clone(), stream).await;
        let stream = stream.map_err(SelfCheckError::Handshake)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::get("/healthz")
            .header(header::HOST, self.name.to_str().as_ref())
            .body(Empty::<Bytes>::new())
            .map_err(|error| SelfCheckError::Name(error.to_string()))?;
        let answer = tokio::select! {
            answer = sender.send_request(request) => answer?,
            ended = connection => return Err(ended.map_or_else(Into::into, |()| SelfCheckError::Closed)),
        };
        match answer.status() {
            StatusCode::OK => Ok(()),
            status => Err(SelfCheckError::Status(status)),
        }
    }
}

fn client_config(bundle: &str) -> Result<ClientConfig, SelfCheckError> {
    let mut roots = RootCertStore::empty();
    for certificate in AuthorityCertificate::all_from_pem(bundle)? {
        roots
            .add(certificate.der().clone())
            .map_err(SelfCheckError::Tls)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(SelfCheckError::Tls)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Connects to where a listener is reached from its own machine.
async fn connect(address: SocketAddr) -> Result<TcpStream, SelfCheckError> {
    let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
    let ips: &[IpAddr] = match address.ip() {
        ip if !ip.is_unspecified() => &[ip],
        IpAddr::V4(_) => &[v4],
        // It takes both, and the machine may have only one of them.
        IpAddr::V6(_) => &[v6, v4],
    };
    let addresses: Vec<_> = ips.iter().map(|ip| (*ip, address.port()).into()).collect();
    let connected = TcpStream::connect(&*addresses).await;
    connected.map_err(SelfCheckError::Connect)
}

/// Why clients may not be served.
#[derive(Debug, thiserror::Error)]
pub(super) enum SelfCheckError {
    /// The bundle cannot be read.
    #[error("the bundle that clients verify with cannot be read")]
    Bundle(#[from] CertificateError),
    /// The connection was closed without an answer.
    #[error("the connection was closed without an answer")]
    Closed,
    /// Nothing listens.
    #[error("failed to connect")]
    Connect(#[source] io::Error),
    /// Clients would not accept the certificate.
    #[error("the TLS handshake failed")]
    Handshake(#[source] io::Error),
    /// No HTTP is spoken.
    #[error("the request failed")]
    Http(#[from] hyper::Error),
    /// The name is not one of a host.
    #[error("the request could not be made: {0}")]
    Name(String),
    /// It is not known what clients trust.
    #[error("it is not known what clients trust")]
    NothingTrusted,
    /// It takes too long.
    #[error("no answer within {PATIENCE:?}")]
    Slow(#[from] Elapsed),
    /// Another answer.
    #[error("the answer was {0}")]
    Status(StatusCode),
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[source] rustls::Error),
}

const INTERVAL: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(5);
