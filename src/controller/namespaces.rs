//! Tells the store which namespaces may be read from which others.

use std::collections::BTreeSet;

use kube::core::GroupVersion;
use serde_json::Value;
use tracing::warn;

use crate::{
    cluster::{Observation, Observations, WatchFailure, Watched, resource},
    cross_namespace::{Knowledge, Policy},
    language::Namespace,
    net::{Phase, Shutdown},
    store::Store,
};

/// The task that watches the annotations of namespaces, on every replica.
pub(crate) struct NamespacesTask {
    observations: Observations,
    store: Store,
    policy: Policy,
    /// The annotated namespaces that were seen since the last list began.
    seen: BTreeSet<Namespace>,
}

impl NamespacesTask {
    /// Returns the task. From now on the store applies `policy`.
    pub(crate) fn new(client: kube::Client, store: Store, policy: Policy) -> Self {
        store.set_policy(policy.clone());
        let watched = Watched {
            metadata_only: true,
            ..Watched::default()
        };
        let namespaces = resource(&GroupVersion::gv("", "v1"), "namespaces");
        Self {
            observations: Observations::of(client, namespaces, watched),
            store,
            policy,
            seen: BTreeSet::new(),
        }
    }

    /// Runs until the process drains.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let draining = shutdown.reached(Phase::Draining);
        tokio::pin!(draining);
        loop {
            tokio::select! {
                seen = self.observations.next() => self.see(&seen),
                () = &mut draining => return,
            }
        }
    }

    fn see(&mut self, seen: &Observation) {
        match seen {
            // What was known stays: whether it still holds is shown by the next list.
            Observation::Failed(WatchFailure::Forbidden) => {
                self.store.know_namespaces(Knowledge::Refused);
            }
            Observation::Failed(_) => {}
            Observation::Gone(namespace) => {
                if let Some(name) = name_of(namespace) {
                    self.seen.remove(&name);
                    self.store.set_readers(&name, None);
                }
            }
            Observation::Listed => {
                self.store.retain_readers(&self.seen);
                self.store.know_namespaces(Knowledge::Complete);
            }
            Observation::Listing => self.seen.clear(),
            Observation::Object(namespace) => self.put(namespace),
        }
    }

    fn put(&mut self, object: &Value) {
        let Some(name) = name_of(object) else { return };
        let readers = self.policy.readers(object);
        match &readers {
            Some(readers) => {
                if let Some(problem) = readers.wrong() {
                    let annotation = self.policy.annotation();
                    warn!(namespace = %name, annotation, %problem, "an entry of an annotation is ignored");
                }
                self.seen.insert(name.clone());
            }
            None => drop(self.seen.remove(&name)),
        }
        self.store.set_readers(&name, readers);
    }
}

fn name_of(object: &Value) -> Option<Namespace> {
    object.pointer("/metadata/name")?.as_str()?.parse().ok()
}
