//! The webhook: what it needs before it serves, and what is kept up while it does.

use kube::Client;
use oncue_webhook_certs::Keeper;
use prometheus_client::registry::Registry;
use rustls::pki_types::ServerName;

use super::{
    addresses::Addresses,
    authority::AuthorityFiles,
    ca_bundle::{CaBundle, CaBundleMetrics},
    certificates::{CertificateMetrics, Certificates},
    error::ServeError,
    group::Group,
    in_cluster::{InCluster, StoreService},
    open_files,
    opening::Opening,
};
use crate::{
    admin::{Latch, Readying},
    cluster::AuthoritySecret,
    config::Config,
    injection::Settings,
    memory::WebhookMemory,
    net::{self, Endpoint, Limits, Phase, ServeContext, Shutdown, Transport},
    outage::persist,
    webhook::{self, Strictness, WebhookMetrics},
};

/// Returns how many connections the limits of memory and of open files leave room for.
fn connections(memory: &WebhookMemory) -> usize {
    let files = open_files::for_the_webhook(open_files::limit());
    files.min(memory.connections / Limits::WEBHOOK.tls_connection_bytes())
}

/// The webhook, as far as it can be loaded without its cluster.
pub(super) struct WebhookRole {
    authority: Custodian,
    front: Front,
    metrics: Metrics,
}

/// The authority: at hand in files, or to be had from the cluster.
enum Custodian {
    Files(Certificates<AuthorityFiles>),
    Secret(Loading),
}

#[derive(Default)]
struct Metrics {
    reviews: WebhookMetrics,
    certificates: CertificateMetrics,
    ca_bundle: CaBundleMetrics,
}

impl WebhookRole {
    pub(super) async fn load(
        opening: Opening,
        (config, addresses): (Config, Addresses),
        (client, readying): (Option<Client>, &Readying),
    ) -> Result<Self, ServeError> {
        let metrics = Metrics::default();
        let asked = client.map(|it| InCluster::of(&it, &config, (readying, &metrics.ca_bundle)));
        let asked = asked.unwrap_or_default();
        let leaves = metrics.certificates.clone();
        let authority = if let Some((secret, latch)) = asked.authority {
            Custodian::Secret(Loading {
                secret,
                latch,
                names: config.names,
                metrics: leaves,
            })
        } else {
            let files = AuthorityFiles::of(&config.data);
            Custodian::Files(Certificates::load(files, config.names, leaves).await?)
        };
        let front = Front {
            opening,
            settings: config
                .inject
                .resolve(addresses.store.unwrap_or(config.http))?,
            strictness: config.lint,
            memory: config.memory.webhook.unwrap_or_default(),
            store: asked.store,
            bundle: asked.bundle,
            metrics: metrics.reviews.clone(),
        };
        Ok(Self {
            authority,
            front,
            metrics,
        })
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let Metrics {
            reviews,
            certificates,
            ca_bundle,
        } = &self.metrics;
        let registry = registry.sub_registry_with_prefix("webhook");
        reviews.register(registry);
        certificates.register(registry);
        if self.front.bundle.is_some() {
            ca_bundle.register(registry);
        }
    }

    /// Serves as soon as everything is there that it takes.
    pub(super) fn serve(self, group: &mut Group) {
        let Self {
            authority, front, ..
        } = self;
        let context = group.context();
        let shutdown = group.shutdown();
        match authority {
            Custodian::Files(certificates) => group.spawn(front.serve(certificates, context)),
            Custodian::Secret(loading) => group.spawn(async move {
                if let Some(certificates) = until_draining(shutdown, loading.load()).await {
                    front.serve(certificates, context).await;
                }
            }),
        }
    }
}

/// Certificates whose authority is in the cluster.
struct Loading {
    secret: AuthoritySecret,
    latch: Latch,
    names: Vec<ServerName<'static>>,
    metrics: CertificateMetrics,
}

impl Loading {
    /// Waits until there are some.
    async fn load(self) -> Certificates<AuthoritySecret> {
        let Self {
            secret,
            latch,
            names,
            metrics,
        } = self;
        let load = || Certificates::load(secret.clone(), names.clone(), metrics.clone());
        let certificates = persist("certificate authority", load).await;
        latch.release();
        certificates
    }
}

/// What is served once there are certificates.
struct Front {
    opening: Opening,
    settings: Settings,
    strictness: Strictness,
    memory: WebhookMemory,
    store: Option<StoreService>,
    bundle: Option<CaBundle>,
    metrics: WebhookMetrics,
}

impl Front {
    /// Serves until the process drains.
    async fn serve<K: Keeper>(self, certificates: Certificates<K>, context: ServeContext) {
        let Self {
            opening,
            mut settings,
            strictness,
            memory,
            store,
            bundle,
            metrics,
        } = self;
        let shutdown = context.shutdown.clone();
        if let Some(store) = store {
            let Some(address) = until_draining(shutdown.clone(), store.address()).await else {
                return;
            };
            settings.store.fallback_ip = Some(address);
        }
        let endpoint = Endpoint {
            name: "webhook",
            listener: opening.listener,
            transport: Transport::Tls(certificates.server_config()),
            limits: Limits::WEBHOOK.with_at_most(connections(&memory)),
        };
        let reviews = webhook::Context {
            settings,
            strictness,
            metrics,
        };
        let router = webhook::router(reviews, memory);
        opening.latch.release();
        tokio::join!(
            net::serve(endpoint, router, context),
            certificates.keep_fresh(bundle, shutdown),
        );
    }
}

/// Returns what `future` does, unless the process drains first.
async fn until_draining<T>(shutdown: Shutdown, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        () = shutdown.reached(Phase::Draining) => None,
        done = future => Some(done),
    }
}
