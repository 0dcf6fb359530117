//! TLS between a server of a bench and its client.

use std::{sync::Arc, time::SystemTime};

use oncue_webhook_certs::{Authority, SwappableCertificate};
use rustls::{ClientConfig, RootCertStore, ServerConfig, pki_types::CertificateDer};
use tokio_rustls::TlsConnector;

use crate::Failure;

/// The only name of the server.
pub(crate) const NAME: &str = "localhost";

/// Returns the configuration of a server with a certificate of `authority`.
pub(crate) fn server_config(authority: &Authority) -> Result<Arc<ServerConfig>, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let leaf = authority.issue(&[NAME.try_into()?], SystemTime::now())?;
    let resolver = SwappableCertificate::new(leaf.into_certified_key(&provider)?);
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    Ok(Arc::new(config))
}

/// Returns a connector that trusts one authority, and that resumes no session.
pub(crate) fn connector(authority: CertificateDer<'_>) -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(authority)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config).into())
}
