//! The store and the webhook: loaded, then served.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use super::{
    Addresses, ServeError,
    authority::AuthorityFiles,
    certificates::{CertificateMetrics, Certificates},
    group::Group,
};
use crate::{
    admin::{Latch, process},
    api,
    config::{Config, StoreKind},
    injection,
    net::{Endpoint, Limits, Transport},
    store::{self, Backend, Embedded, Memory, Store, SystemClock},
    webhook::{self, WebhookMetrics},
};

/// A socket on which nothing is served yet, and what is released once something is.
pub(super) struct Opening {
    pub(super) listener: TcpListener,
    pub(super) latch: Latch,
}

/// The store, loaded.
pub(super) struct StoreRole {
    opening: Opening,
    store: Store,
}

impl StoreRole {
    pub(super) async fn load(opening: Opening, config: &Config) -> Result<Self, ServeError> {
        let backend: Arc<dyn Backend> = match config.store {
            StoreKind::Embedded => Arc::new(Embedded::open(&config.data)?),
            StoreKind::Memory => Arc::new(Memory::new()),
        };
        let limits = store::Limits::default();
        let store = Store::open(backend, limits, Arc::new(SystemClock)).await?;
        Ok(Self { opening, store })
    }

    fn serve(self, group: &mut Group, metrics: api::Metrics, registry: Arc<Registry>) {
        let context = api::Context {
            shutdown: group.shutdown(),
            metrics,
            registry,
        };
        let router = api::router(self.store, api::Settings::default(), context);
        let endpoint = Endpoint {
            name: "store",
            listener: self.opening.listener,
            transport: Transport::Plain,
            limits: Limits::STORE,
        };
        group.serve(endpoint, router);
        self.opening.latch.release();
    }
}

/// The webhook, loaded.
pub(super) struct WebhookRole {
    opening: Opening,
    certificates: Certificates,
    certificate_metrics: CertificateMetrics,
    metrics: WebhookMetrics,
    settings: injection::Settings,
}

impl WebhookRole {
    pub(super) fn load(
        opening: Opening,
        config: Config,
        (authority, addresses): (AuthorityFiles, Addresses),
    ) -> Result<Self, ServeError> {
        let certificate_metrics = CertificateMetrics::default();
        let certificates =
            Certificates::load(authority, config.names, certificate_metrics.clone())?;
        Ok(Self {
            opening,
            certificates,
            certificate_metrics,
            metrics: WebhookMetrics::default(),
            settings: config
                .inject
                .resolve(addresses.store.unwrap_or(config.http))?,
        })
    }

    fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("webhook");
        self.metrics.register(registry);
        self.certificate_metrics.register(registry);
    }

    fn serve(self, group: &mut Group) -> Result<(), ServeError> {
        let endpoint = Endpoint {
            name: "webhook",
            listener: self.opening.listener,
            transport: Transport::Tls(self.certificates.server_config()?),
            limits: Limits::WEBHOOK,
        };
        group.serve(endpoint, webhook::router(self.settings, self.metrics));
        group.spawn(self.certificates.keep_fresh(group.shutdown()));
        self.opening.latch.release();
        Ok(())
    }
}

/// The roles of a process.
pub(super) struct Roles {
    pub(super) store: Option<StoreRole>,
    pub(super) webhook: Option<WebhookRole>,
}

impl Roles {
    /// Serves what there is in `group`, and returns everything that is counted.
    pub(super) fn serve(self, group: &mut Group) -> Result<Arc<Registry>, ServeError> {
        let mut registry = Registry::default();
        process::register(&mut registry);
        let oncue = registry.sub_registry_with_prefix("oncue");
        group.metrics().register(oncue);
        let store = self
            .store
            .map(|role| (api::Metrics::register(&role.store, oncue), role));
        if let Some(webhook) = &self.webhook {
            webhook.register(oncue);
        }
        let registry = Arc::new(registry);
        if let Some((metrics, role)) = store {
            role.serve(group, metrics, Arc::clone(&registry));
        }
        if let Some(role) = self.webhook {
            role.serve(group)?;
        }
        Ok(registry)
    }
}
