//! What the webhook asks of its cluster.

use std::net::IpAddr;

use kube::Client;

use super::ca_bundle::{CaBundle, CaBundleMetrics};
use crate::{
    admin::{Latch, Readying},
    cluster::{AuthoritySecret, WebhookConfiguration, cluster_ip},
    config::{AuthorityPlace, Config, ObjectRef},
    outage::persist,
};

/// What the webhook asks of its cluster: each with what holds readiness until it is there.
#[derive(Debug, Default)]
pub(super) struct InCluster {
    pub(super) authority: Option<(AuthoritySecret, Latch)>,
    pub(super) bundle: Option<CaBundle>,
    pub(super) store: Option<StoreService>,
}

impl InCluster {
    pub(super) fn of(
        client: &Client,
        config: &Config,
        (readying, metrics): (&Readying, &CaBundleMetrics),
    ) -> Self {
        let authority = match &config.authority {
            AuthorityPlace::Data => None,
            AuthorityPlace::Secret(place) => {
                let name = format!("certificate authority in the Secret {place}");
                let secret = AuthoritySecret::new(client.clone(), place.clone());
                Some((secret, readying.latch(name)))
            }
        };
        let bundle = config.webhook_configuration.clone().map(|name| {
            let latch = format!("caBundle of the MutatingWebhookConfiguration {name}");
            let names = config.names.clone();
            let configuration = WebhookConfiguration::new(client.clone(), name, names);
            CaBundle::new(configuration, readying.latch(latch), metrics.clone())
        });
        let store = config.store_service.clone().map(|place| StoreService {
            client: client.clone(),
            latch: readying.latch(format!("ClusterIP of the Service {place}")),
            place,
        });
        Self {
            authority,
            bundle,
            store,
        }
    }
}

/// The Service whose address is injected.
pub(super) struct StoreService {
    client: Client,
    place: ObjectRef,
    latch: Latch,
}

impl StoreService {
    /// Waits until it has an address.
    pub(super) async fn address(self) -> IpAddr {
        let Self {
            client,
            place,
            latch,
        } = self;
        let read = || cluster_ip(client.clone(), &place);
        let address = persist("address of the store", read).await;
        latch.release();
        address
    }
}

impl std::fmt::Debug for StoreService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("StoreService").field(&self.place).finish()
    }
}
