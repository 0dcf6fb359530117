//! The certificate that is served, and what the next one is issued with.

use std::{sync::Arc, time::SystemTime};

use oncue_webhook_certs::{Authority, CertificateError, SwappableCertificate, Validity};
use rustls::{ServerConfig, crypto::CryptoProvider, pki_types::ServerName};
use tracing::info;

use super::CertificatesError;

/// The leaf that is served.
#[derive(Debug)]
pub(super) struct Leaves {
    authority: Arc<Authority>,
    names: Vec<ServerName<'static>>,
    validity: Validity,
    served: Arc<SwappableCertificate>,
    provider: Arc<CryptoProvider>,
    server_config: Arc<ServerConfig>,
}

impl Leaves {
    /// Issues the first leaf.
    pub(super) fn issue(
        authority: Arc<Authority>,
        names: Vec<ServerName<'static>>,
        now: SystemTime,
    ) -> Result<Self, CertificatesError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let leaf = authority.issue(&names, now)?;
        let validity = leaf.validity();
        let served = SwappableCertificate::new(leaf.into_certified_key(&provider)?);
        let served = Arc::new(served);
        Ok(Self {
            authority,
            names,
            validity,
            server_config: server_config(Arc::clone(&provider), Arc::clone(&served))?,
            served,
            provider,
        })
    }

    /// Returns the authority of the leaf.
    pub(super) fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// Returns from when to when the leaf is valid.
    pub(super) fn validity(&self) -> Validity {
        self.validity
    }

    /// Returns the configuration of a server that hands out the leaf of the moment.
    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server_config)
    }

    /// Issues another leaf where `authority` is another one, or the leaf's time has come.
    pub(super) fn serve_under(
        &mut self,
        authority: Arc<Authority>,
        now: SystemTime,
    ) -> Result<(), CertificateError> {
        if authority == self.authority && !self.validity.is_due(now) {
            return Ok(());
        }
        let leaf = authority.issue(&self.names, now)?;
        let validity = leaf.validity();
        self.served.swap(leaf.into_certified_key(&self.provider)?);
        self.validity = validity;
        self.authority = authority;
        info!("renewed the webhook's certificate");
        Ok(())
    }
}

fn server_config(
    provider: Arc<CryptoProvider>,
    served: Arc<SwappableCertificate>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(served);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
