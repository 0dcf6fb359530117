//! TLS of the store: its own leaf, under the authority of the webhooks.

use std::{net::SocketAddr, sync::Arc};

use kube::Client;
use oncue_webhook_certs::Right;
use prometheus_client::registry::Registry;
use rustls::ServerConfig;

use super::{
    certificate_metrics::CertificateMetrics,
    error::ServeError,
    tls::{Purpose, Tls},
};
use crate::{
    admin::{Latch, Readying},
    config::{CertificatePlace, Config, Role},
    leadership::Leadership,
    net::Shutdown,
};

/// TLS of the store.
pub(super) struct StoreTls {
    tls: Tls,
    metrics: CertificateMetrics,
    latch: Latch,
}

impl StoreTls {
    pub(super) fn new(
        config: &Config,
        client: Option<&Client>,
        readying: &Readying,
    ) -> Result<Self, ServeError> {
        let metrics = CertificateMetrics::default();
        let purpose = Purpose {
            role: "store",
            names: &config.store_names,
            configurations: &[],
            right: match &config.certificates {
                // Nobody else would make it.
                CertificatePlace::Data if !config.has(Role::Webhook) => Right::Write,
                _ => Right::Read,
            },
            leadership: Leadership::sole(),
            metrics: metrics.clone(),
            injected: Box::new(|_| {}),
        };
        Ok(Self {
            tls: Tls::new(config, (client, readying), purpose)?,
            latch: readying.latch("certificate of the store"),
            metrics,
        })
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("store");
        self.metrics.register(registry);
    }

    /// Returns the configuration of a server that hands out the leaf of the moment; none at first.
    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        self.tls.server_config()
    }

    /// Keeps the leaf fresh, and the process ready while clients verify it, until the process drains.
    pub(super) fn keep(self, address: SocketAddr, shutdown: Shutdown) -> impl Future<Output = ()> {
        let Self { tls, latch, .. } = self;
        tls.keep((address, latch.into_need()), shutdown)
    }
}
