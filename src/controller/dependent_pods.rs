//! Tells the store which pods of the cluster depend on something.

use std::collections::HashSet;

use serde_json::Value;
use tracing::warn;

use super::{observations::Observation, pods::PodReader};
use crate::{
    dependent_pod::DependentPod,
    language::{Keys, Owner},
    store::Store,
    workload::uid,
};

/// The task that tells the store of dependent pods.
pub(super) struct DependentPodsTask {
    pods: PodReader,
    store: Store,
    keys: Keys,
    /// The uids of those that were seen since the last list began.
    seen: HashSet<Box<str>>,
}

impl DependentPodsTask {
    pub(super) fn new(store: Store, pods: PodReader, keys: Keys) -> Self {
        Self {
            pods,
            store,
            keys,
            seen: HashSet::new(),
        }
    }

    /// Runs for ever.
    pub(super) async fn run(mut self) {
        loop {
            let seen = self.pods.next().await;
            self.see(&seen);
        }
    }

    fn see(&mut self, seen: &Observation) {
        match seen {
            Observation::Failed(_) => {}
            Observation::Gone(pod) => self.forget(pod),
            Observation::Listed => {
                self.store.retain_pods(&self.seen);
                self.seen = HashSet::new();
            }
            Observation::Listing => self.seen.clear(),
            Observation::Object(pod) => match DependentPod::read(pod, &self.keys) {
                Some(dependent) => {
                    warn_of_release(&dependent);
                    self.seen.insert(dependent.id.uid.clone());
                    self.store.set_pod(dependent);
                }
                None => self.forget(pod),
            },
        }
    }

    fn forget(&mut self, pod: &Value) {
        if let Some(uid) = uid(pod) {
            self.seen.remove(uid);
            self.store.forget_pod(uid);
        }
    }
}

fn warn_of_release(pod: &DependentPod) {
    if let (true, Err(problem)) = (pod.waits, &pod.release) {
        let Owner {
            namespace, name, ..
        } = &pod.id;
        warn!(%namespace, pod = %name, %problem, "the release of a pod is ignored");
    }
}
