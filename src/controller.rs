//! The controller: watches the cluster, and keeps the variables true.
//!
//! It decides nothing itself: the crate `oncue-core` does, from what is observed here.
//!
//! | module | what it does | writes to |
//! | --- | --- | --- |
//! | `observations`, `failure` | watches objects of one kind, or says why it cannot | nothing |
//! | `assertions` | follows the assertions that exist | nothing |
//! | `confirmations` | asks whether single pods exist | nothing |
//! | `objects` | judges the objects that waiters ask for | the store's memory |
//! | `life` | asserts and withdraws what pods and Jobs imply | the store |
//! | `metrics` | counts what was written | |

mod assertions;
mod confirmations;
mod failure;
#[cfg(test)]
mod fake;
mod life;
mod metrics;
mod objects;
mod observations;
#[cfg(test)]
mod tests;

use kube::Client;
use prometheus_client::registry::Registry;

use self::{life::LifeTask, metrics::Metrics, objects::ObjectsTask};
use crate::{
    language::Keys,
    net::{Phase, Shutdown},
    store::{ObjectSource, Store},
};

/// The controller of a cluster, beside the store that it keeps true.
pub(crate) struct Controller {
    client: Client,
    store: Store,
    keys: Keys,
    metrics: Metrics,
}

impl Controller {
    /// Returns the controller of the cluster that `client` talks to.
    ///
    /// From now on the store takes terms about objects.
    pub(crate) fn new(client: Client, store: Store, keys: Keys) -> Self {
        store.judge_objects(ObjectSource::Fed);
        Self {
            client,
            store,
            keys,
            metrics: Metrics::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        self.metrics
            .register(registry.sub_registry_with_prefix("controller"));
    }

    /// Runs until the process drains.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let objects = ObjectsTask::new(self.client.clone(), self.store.clone());
        let life = LifeTask::new(self.client, self.store, (self.keys, self.metrics));
        tokio::select! {
            () = shutdown.reached(Phase::Draining) => {}
            () = life.run() => {}
            () = objects.run() => {}
        }
    }
}
