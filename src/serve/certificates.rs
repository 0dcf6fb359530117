//! The webhook's certificates: leaves in memory, under the authority that is kept.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use oncue_webhook_certs::{CertificateError, Custody, CustodyError, Keeper, Validity};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use rustls::{ServerConfig, pki_types::ServerName};
use tokio::time::sleep;
use tracing::info;

use super::{ca_bundle::CaBundle, leaves::Leaves};
use crate::{
    net::{Phase, Shutdown},
    outage::{Outage, Pause},
};

/// The authority that is kept, and the certificate that is served under it.
#[derive(Debug)]
pub(super) struct Certificates<K> {
    custody: Custody<K>,
    leaves: Leaves,
    outages: Outages,
    metrics: CertificateMetrics,
}

/// Why no certificate can be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificatesError {
    /// There is no authority.
    #[error("failed to load the certificate authority")]
    Authority(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The authority issues none.
    #[error("failed to issue the webhook's certificate")]
    Issue(#[from] CertificateError),
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
}

impl<E: std::error::Error + Send + Sync + 'static> From<CustodyError<E>> for CertificatesError {
    fn from(error: CustodyError<E>) -> Self {
        Self::Authority(Box::new(error))
    }
}

impl<K: Keeper> Certificates<K> {
    /// Reads or makes the authority, and issues a certificate with these names.
    pub(super) async fn load(
        keeper: K,
        names: Vec<ServerName<'static>>,
        metrics: CertificateMetrics,
    ) -> Result<Self, CertificatesError> {
        let now = SystemTime::now();
        let mut custody = Custody::new(keeper);
        let authority = custody.look(now).await?;
        info!(
            certificates = authority.certificates().count(),
            "loaded the certificate authority"
        );
        let certificates = Self {
            leaves: Leaves::issue(authority, names, now)?,
            custody,
            outages: Outages {
                authority: Outage::of("certificate authority"),
                leaf: Outage::of("webhook certificate"),
            },
            metrics,
        };
        certificates.observe();
        Ok(certificates)
    }

    /// Returns the configuration of a server that hands out these certificates.
    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        self.leaves.server_config()
    }

    /// Keeps authority, bundle and leaf as they have to be until the process drains.
    pub(super) async fn keep_fresh(mut self, mut bundle: Option<CaBundle>, shutdown: Shutdown) {
        let keep = async {
            let mut pause = Pause::default();
            loop {
                if self.refresh(bundle.as_mut(), SystemTime::now()).await {
                    pause = Pause::default();
                    sleep(LOOK_EVERY).await;
                } else {
                    pause.after_failure().await;
                }
            }
        };
        tokio::select! {
            () = shutdown.reached(Phase::Draining) => {}
            () = keep => {}
        }
    }

    /// Looks once, and returns whether all is well.
    ///
    /// Whatever fails, what is served goes on, and is renewed in time. Nothing is served under an
    /// authority that is not published yet.
    async fn refresh(&mut self, bundle: Option<&mut CaBundle>, now: SystemTime) -> bool {
        let looked = self.custody.look(now).await;
        let is_kept = self.outages.authority.note(looked).is_some();
        let served = Arc::clone(self.leaves.authority());
        let held = self.custody.held().unwrap_or(&served);
        let is_published = match bundle {
            Some(bundle) => bundle.publish(held, now).await,
            None => true,
        };
        let authority = if is_published {
            Arc::clone(held)
        } else {
            served
        };
        let renewed = self.leaves.serve_under(authority, now);
        let is_fresh = self.outages.leaf.note(renewed).is_some();
        self.observe();
        is_kept && is_published && is_fresh
    }

    fn observe(&self) {
        let authority = self.leaves.authority().validity();
        self.metrics.observe(authority, self.leaves.validity());
    }
}

#[derive(Debug)]
struct Outages {
    authority: Outage,
    leaf: Outage,
}

/// When certificates end.
#[derive(Clone, Debug, Default)]
pub(super) struct CertificateMetrics(Family<Labels, Gauge>);

impl CertificateMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
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

/// Time between two checks.
///
/// Each check compares wall clocks, because a timer stops while the machine hibernates.
const LOOK_EVERY: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests;
