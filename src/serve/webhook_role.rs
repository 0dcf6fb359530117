//! The webhook: what it needs before it serves, and what is kept up while it does.

use kube::Client;
use oncue_webhook_certs::Right;
use prometheus_client::registry::Registry;

use super::{
    addresses::Addresses,
    certificate_metrics::CertificateMetrics,
    error::ServeError,
    group::Group,
    in_cluster::StoreService,
    open_files,
    opening::Opening,
    tls::{Purpose, Tls, WEBHOOK},
};
use crate::{
    admin::Readying,
    config::{CertificatePlace, Config},
    injection::Settings,
    leadership::Leadership,
    memory::WebhookMemory,
    net::{self, Endpoint, Limits, Phase, ServeContext, Shutdown, Transport},
    webhook::{self, LiveSettings, Strictness, WebhookMetrics},
};

/// Returns how many connections the limits of memory and of open files leave room for.
fn connections(memory: &WebhookMemory) -> usize {
    let files = open_files::for_the_webhook(open_files::limit());
    files.min(memory.connections / Limits::WEBHOOK.tls_connection_bytes())
}

/// The webhook, as far as it can be loaded without its cluster.
pub(super) struct WebhookRole {
    front: Front,
    metrics: Metrics,
    leadership: Leadership,
}

#[derive(Default)]
struct Metrics {
    reviews: WebhookMetrics,
    certificates: CertificateMetrics,
}

impl WebhookRole {
    pub(super) async fn load(
        opening: Opening,
        (config, addresses): (&Config, Addresses),
        (client, readying, leadership): (Option<&Client>, &Readying, Leadership),
    ) -> Result<Self, ServeError> {
        let metrics = Metrics::default();
        let settings = settings(config, addresses)?;
        let purpose = Purpose {
            role: WEBHOOK,
            names: &config.names,
            configurations: &config.webhook_configurations,
            right: right(&config.certificates),
            leadership: leadership.clone(),
            metrics: metrics.certificates.clone(),
            injected: follow(&settings),
        };
        let mut tls = Tls::new(config, (client, readying), purpose)?;
        if config.certificates == CertificatePlace::Data {
            tls.load().await?;
        }
        let store = client.zip(config.store_service.as_ref());
        let front = Front {
            opening,
            settings,
            strictness: config.lint,
            memory: config.memory.webhook.unwrap_or_default(),
            store: store.map(|(client, place)| StoreService::new(client, place, readying)),
            tls,
            metrics: metrics.reviews.clone(),
        };
        Ok(Self {
            front,
            metrics,
            leadership,
        })
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let Metrics {
            reviews,
            certificates,
        } = &self.metrics;
        let registry = registry.sub_registry_with_prefix("webhook");
        reviews.register(registry);
        certificates.register(registry);
        if self.front.tls.is_published() {
            certificates.register_published(registry);
            registry.register_collector(Box::new(self.leadership.clone()));
        }
    }

    /// Serves as soon as everything is there that it takes.
    pub(super) fn serve(self, group: &mut Group) {
        let context = group.context();
        group.spawn(self.front.serve(context));
    }
}

fn settings(config: &Config, addresses: Addresses) -> Result<LiveSettings, ServeError> {
    let origin = config.store_origin(addresses.store.unwrap_or(config.http));
    let settings: Settings = config.inject.clone().resolve(origin)?;
    Ok(settings.into())
}

/// Returns what the leader may write.
fn right(place: &CertificatePlace) -> Right {
    match place {
        CertificatePlace::Data | CertificatePlace::Secret(_) => Right::Write,
        CertificatePlace::TlsFiles(_) | CertificatePlace::TlsSecret(_) => Right::Publish,
    }
}

/// Lets pods trust what the store serves under: the same authority, unless they are told another one.
fn follow(settings: &LiveSettings) -> Box<dyn Fn(&str) + Send + Sync> {
    let store = &settings.load().store;
    if !store.url.starts_with("https://") || store.ca_pem.is_some() {
        return Box::new(|_| {});
    }
    let settings = settings.clone();
    Box::new(move |pem| settings.set_store_ca(pem))
}

/// What is served.
struct Front {
    opening: Opening,
    settings: LiveSettings,
    strictness: Strictness,
    memory: WebhookMemory,
    store: Option<StoreService>,
    tls: Tls,
    metrics: WebhookMetrics,
}

impl Front {
    /// Serves until the process drains.
    async fn serve(self, context: ServeContext) {
        let Self {
            opening: Opening { listener, latch },
            settings,
            strictness,
            memory,
            store,
            tls,
            metrics,
        } = self;
        let shutdown = context.shutdown.clone();
        let endpoint = Endpoint {
            name: WEBHOOK,
            transport: Transport::Tls(tls.server_config()),
            limits: Limits::WEBHOOK.with_at_most(connections(&memory)),
            listener,
        };
        let Ok(address) = endpoint.listener.local_addr() else {
            return;
        };
        let reviews = webhook::Context {
            settings: settings.clone(),
            strictness,
            metrics,
        };
        let router = webhook::router(reviews, memory);
        let serve = async {
            if let Some(store) = store {
                let address = until_draining(shutdown.clone(), store.address()).await;
                let Some(address) = address else {
                    return;
                };
                settings.set_store_ip(address);
            }
            net::serve(endpoint, router, context).await;
        };
        tokio::join!(
            serve,
            tls.keep((address, latch.into_need()), shutdown.clone())
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
