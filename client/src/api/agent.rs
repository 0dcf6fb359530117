//! The HTTP agent: our own name resolution and TLS under `ureq`.

use std::{
    error::Error as _,
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{CertificateError, RootCertStore};
use ureq::{
    Agent, Error,
    config::Config,
    http::Uri,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsConfigBuilder, parse_pem},
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::{Connector, NextTimeout, RustlsConnector},
    },
};

use super::{
    endpoint::{Endpoint, EndpointError},
    socket::SocketConnector,
};
use crate::{
    VERSION,
    names::{Hosts, Names},
};

/// How long a connection may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a lookup may take if there is an address to fall back on.
const LOOKUP_WITH_FALLBACK: Duration = Duration::from_secs(1);

/// How long a connection may be idle before it is left: the next question comes soon, or after a
/// failure. Then another connection is better, since this one may lead to something else than the
/// store, which a node that boots takes for it.
const IDLE: Duration = Duration::from_millis(500);

/// As many addresses as `ureq` has room for.
const MAX_ADDRESSES: usize = 16;

/// Returns an agent for the store at `endpoint`.
pub(super) fn agent(endpoint: &Endpoint, names: &Names) -> Result<Agent, EndpointError> {
    let tls = match (&endpoint.ca, endpoint.url.is_https()) {
        (None, true) => {
            return Err(EndpointError::NoCa {
                url: endpoint.url.to_string(),
            });
        }
        (Some(ca), true) => tls_builder().root_certs(roots(ca)?).build(),
        (_, false) => TlsConfig::default(),
    };
    Ok(with_tls(
        tls,
        Lookup {
            hosts: Arc::new(names.clone()),
            address: endpoint.address,
            fallback: endpoint.fallback,
        },
    ))
}

/// Returns an agent that does not verify certificates.
pub(crate) fn unverified_agent(hosts: Arc<dyn Hosts>) -> Agent {
    let lookup = Lookup {
        hosts,
        address: None,
        fallback: None,
    };
    with_tls(tls_builder().disable_verification(true).build(), lookup)
}

fn tls_builder() -> TlsConfigBuilder {
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
}

fn with_tls(tls: TlsConfig, lookup: Lookup) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        // Never by way of a proxy that the user's own container may name.
        .proxy(None)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .max_idle_age(IDLE)
        .tls_config(tls)
        .user_agent(format!("oncue-client/{VERSION}"))
        .build();
    let connector = SocketConnector.chain(RustlsConnector::default());
    Agent::with_parts(config, connector, lookup)
}

fn roots(pem: &str) -> Result<RootCerts, EndpointError> {
    let certificates = parse_pem(pem.as_bytes())
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
        .collect::<Result<Vec<Certificate<'static>>, _>>()
        .map_err(|error| EndpointError::Certificate {
            reason: describe(error),
        })?;
    let ders = certificates.iter().map(|it| it.der().into());
    let reason = match RootCertStore::empty().add_parsable_certificates(ders) {
        (0, 0) => "there is no BEGIN CERTIFICATE in it",
        (0, _) => "what is in it is no X.509 certificate",
        (1.., _) => return Ok(RootCerts::new_with_certs(&certificates)),
    };
    Err(EndpointError::Certificate {
        reason: reason.to_owned(),
    })
}

/// Our own lookup instead of libc's.
#[derive(Debug)]
struct Lookup {
    hosts: Arc<dyn Hosts>,
    address: Option<IpAddr>,
    fallback: Option<IpAddr>,
}

impl Resolver for Lookup {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(match uri.scheme_str() {
            Some("https") => 443,
            _ => 80,
        });
        let mut found = self.empty();
        for address in self
            .addresses(host, *timeout.after)?
            .into_iter()
            .take(MAX_ADDRESSES)
        {
            found.push(SocketAddr::new(address, port));
        }
        Ok(found)
    }
}

impl Lookup {
    fn addresses(&self, host: &str, timeout: Duration) -> Result<Vec<IpAddr>, Error> {
        if let Some(address) = self.address {
            return Ok(vec![address]);
        }
        let patience = match self.fallback {
            // A resolver that is silent must leave time for the address we know.
            Some(_) => LOOKUP_WITH_FALLBACK.min(timeout / 2),
            None => CONNECT_TIMEOUT.min(timeout),
        };
        match (
            self.hosts.lookup(host, Instant::now() + patience),
            self.fallback,
        ) {
            (Ok(addresses), _) => Ok(addresses),
            (Err(_), Some(address)) => Ok(vec![address]),
            (Err(error), None) => Err(Error::Other(Box::new(error))),
        }
    }
}

/// Says what went wrong in words for a person.
pub(crate) fn describe(error: Error) -> String {
    match error {
        Error::Io(error) => describe_io(&error),
        Error::Timeout(phase) => format!("timed out ({phase})"),
        Error::Other(error) => error.to_string(),
        Error::Rustls(error) => describe_tls(&error),
        Error::ConnectionFailed => "connection refused".to_owned(),
        other => other.to_string(),
    }
}

/// Says what a person can do about a certificate that another CA signed.
fn describe_tls(error: &rustls::Error) -> String {
    use CertificateError::{BadSignature, UnknownIssuer};
    match error {
        rustls::Error::InvalidCertificate(UnknownIssuer | BadSignature) => {
            "invalid peer certificate: none of the CAs that are trusted here has signed it"
                .to_owned()
        }
        error => format!("TLS: {error}"),
    }
}

/// Leaves out the number that the operating system gives an error.
fn describe_io(error: &std::io::Error) -> String {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|error| error.downcast_ref()) {
        return describe_tls(error);
    }
    match (error.kind(), error.source(), error.raw_os_error()) {
        (_, Some(source), _) => source.to_string(),
        (ErrorKind::WouldBlock | ErrorKind::TimedOut, ..) => "timed out".to_owned(),
        (kind, None, Some(_)) if kind != ErrorKind::Other => kind.to_string(),
        _ => error.to_string(),
    }
}
