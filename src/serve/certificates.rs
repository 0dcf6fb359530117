//! The webhook's certificates: leaves in memory, renewed in good time.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use oncue_webhook_certs::{
    Action, Authority, CertificateError, SwappableCertificate, Validity, next_action,
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use rustls::{ServerConfig, crypto::CryptoProvider, pki_types::ServerName, sign::CertifiedKey};
use tokio::time::timeout;
use tracing::{error, info};

use super::authority::{AuthorityError, AuthorityFiles};
use crate::net::{Phase, Shutdown};

/// An authority and the certificate that is served under it.
#[derive(Debug)]
pub struct Certificates {
    files: AuthorityFiles,
    authority: Authority,
    names: Vec<ServerName<'static>>,
    leaf: Validity,
    served: Arc<SwappableCertificate>,
    provider: Arc<CryptoProvider>,
    metrics: CertificateMetrics,
}

/// Why no certificate can be served.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// There is no authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The authority issues none.
    #[error("failed to issue the webhook's certificate")]
    Issue(#[from] CertificateError),
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
}

impl Certificates {
    /// Reads or makes the authority, and issues a certificate with these names.
    pub fn load(
        files: AuthorityFiles,
        names: Vec<ServerName<'static>>,
        metrics: CertificateMetrics,
    ) -> Result<Self, CertificatesError> {
        let now = SystemTime::now();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let authority = files.load_or_create(now)?;
        let leaf = authority.issue(&names, now)?;
        let mut certificates = Self {
            leaf: leaf.validity(),
            served: Arc::new(SwappableCertificate::new(
                leaf.into_certified_key(&provider)?,
            )),
            files,
            authority,
            names,
            provider,
            metrics,
        };
        certificates.refresh(now)?;
        Ok(certificates)
    }

    /// Returns the configuration of a server that hands out these certificates.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, CertificatesError> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.served) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Renews what is due until the process drains.
    ///
    /// Looks at the wall clock every minute, since a timer sleeps through a machine's hibernation.
    pub async fn keep_fresh(mut self, shutdown: Shutdown) {
        let draining = shutdown.reached(Phase::Draining);
        let mut draining = pin!(draining);
        while timeout(LOOK_EVERY, &mut draining).await.is_err() {
            if let Err(error) = self.refresh(SystemTime::now()) {
                error!(error = %anyhow::Error::from(error), "failed to renew certificates");
            }
        }
    }

    fn refresh(&mut self, now: SystemTime) -> Result<(), CertificatesError> {
        match next_action(now, self.authority.validity(), self.leaf) {
            Action::WaitUntil(_) => {}
            Action::RenewAuthority => {
                self.authority.renew(now)?;
                self.files.save(&self.authority)?;
                self.renew_leaf(now)?;
            }
            Action::RenewLeaf => self.renew_leaf(now)?,
        }
        self.metrics.observe(self.authority.validity(), self.leaf);
        Ok(())
    }

    fn renew_leaf(&mut self, now: SystemTime) -> Result<(), CertificatesError> {
        let leaf = self.authority.issue(&self.names, now)?;
        self.leaf = leaf.validity();
        let certificate: CertifiedKey = leaf.into_certified_key(&self.provider)?;
        self.served.swap(certificate);
        info!("renewed the webhook's certificate");
        Ok(())
    }
}

/// When certificates end.
#[derive(Clone, Debug, Default)]
pub struct CertificateMetrics(Family<Labels, Gauge>);

impl CertificateMetrics {
    /// Registers the metric.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "cert_not_after",
            "When a certificate ends, in seconds since the epoch",
            Unit::Seconds,
            self.0.clone(),
        );
    }

    fn observe(&self, authority: Validity, leaf: Validity) {
        for (certificate, validity) in [("authority", authority), ("leaf", leaf)] {
            let since_epoch = validity.not_after.duration_since(SystemTime::UNIX_EPOCH);
            let seconds = since_epoch.unwrap_or_default().as_secs();
            self.0
                .get_or_create(&Labels { certificate })
                .set(i64::try_from(seconds).unwrap_or(i64::MAX));
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Labels {
    certificate: &'static str,
}

const LOOK_EVERY: Duration = Duration::from_mins(1);
