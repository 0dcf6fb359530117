//! The roles of a process: loaded, then served.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use super::{ServeError, group::Group, webhook_role::WebhookRole};
use crate::{
    admin::{Latch, process},
    api,
    config::{Config, StoreKind},
    net::{Endpoint, Limits, Transport},
    store::{self, Backend, Embedded, Memory, Store, SystemClock},
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

/// The roles of a process.
pub(super) struct Roles {
    pub(super) store: Option<StoreRole>,
    pub(super) webhook: Option<WebhookRole>,
}

impl Roles {
    /// Serves what there is in `group`, and returns everything that is counted.
    pub(super) fn serve(self, group: &mut Group) -> Arc<Registry> {
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
            role.serve(group);
        }
        registry
    }
}
