//! The authority where the API server looks for it: published, and repaired.

use std::time::SystemTime;

use oncue_webhook_certs::{Authority, TrustBundle};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use tracing::info;

use crate::{
    admin::Latch,
    cluster::{PublishError, Published, WebhookConfiguration},
    outage::Outage,
};

/// The `caBundle` of the webhook's entries.
#[derive(Debug)]
pub(super) struct CaBundle {
    configuration: WebhookConfiguration,
    bundle: TrustBundle,
    /// Released once the bundle is right for the first time.
    latch: Option<Latch>,
    outages: Outages,
    metrics: CaBundleMetrics,
}

impl CaBundle {
    pub(super) fn new(
        configuration: WebhookConfiguration,
        latch: Latch,
        metrics: CaBundleMetrics,
    ) -> Self {
        Self {
            configuration,
            bundle: TrustBundle::default(),
            latch: Some(latch),
            outages: Outages {
                bundle: Outage::of("caBundle"),
                ownership: Outage::of("ownership of the caBundle"),
            },
            metrics,
        }
    }

    /// Puts the bundle right where it is not, and returns whether it is.
    pub(super) async fn publish(&mut self, authority: &Authority, now: SystemTime) -> bool {
        let published = self.configuration.publish(&mut self.bundle, authority, now);
        let published = published.await;
        self.metrics.observe(&published);
        let Some(Published { patched, owned }) = self.outages.bundle.note(published) else {
            return false;
        };
        if patched {
            let configuration = self.configuration.name();
            info!(%configuration, "wrote the caBundle");
        }
        if owned {
            // Nothing that serving depends on: the next look tries again.
            let disowned = self.configuration.disown().await;
            self.outages.ownership.note(disowned);
        }
        if let Some(latch) = self.latch.take() {
            latch.release();
        }
        true
    }
}

#[derive(Debug)]
struct Outages {
    bundle: Outage,
    ownership: Outage,
}

/// Whether the bundle is right, and how often it was written.
#[derive(Clone, Debug, Default)]
pub(super) struct CaBundleMetrics {
    patches: Family<Labels, Counter>,
    published: Gauge,
}

impl CaBundleMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let Self { patches, published } = self;
        registry.register(
            "ca_bundle_patches",
            "Writes of the caBundle and looks that failed, by what became of them",
            patches.clone(),
        );
        registry.register(
            "ca_bundle_published",
            "Whether every entry of ours had the caBundle at the last look (0: not, or not known)",
            published.clone(),
        );
    }

    fn observe(&self, published: &Result<Published, PublishError>) {
        self.published.set(published.is_ok().into());
        let result = match published {
            Ok(Published { patched: false, .. }) => return,
            Ok(Published { patched: true, .. }) => "ok",
            Err(error) => error.label(),
        };
        self.patches.get_or_create(&Labels { result }).inc();
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Labels {
    result: &'static str,
}
