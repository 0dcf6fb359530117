//! Tells the store which pods of the cluster wait.

use std::collections::HashSet;

use serde_json::Value;
use tracing::warn;

use super::{observations::Observation, pods::PodReader};
use crate::{
    language::{Keys, Owner},
    store::Store,
    waiting_pod::WaitingPod,
    workload::uid,
};

/// The task that tells the store of waiting pods.
pub(super) struct WaitingPodsTask {
    pods: PodReader,
    store: Store,
    keys: Keys,
    /// The uids of those that were seen since the last list began.
    seen: HashSet<Box<str>>,
}

impl WaitingPodsTask {
    pub(super) fn new((store, pods): (Store, PodReader), keys: Keys) -> Self {
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
            Observation::Object(pod) => match WaitingPod::read(pod, &self.keys) {
                Some(waiting) => {
                    if let Err(problem) = &waiting.release {
                        let Owner {
                            namespace, name, ..
                        } = &waiting.id;
                        warn!(%namespace, pod = %name, %problem, "the release of a pod is ignored");
                    }
                    self.seen.insert(waiting.id.uid.clone());
                    self.store.set_waiting_pod(waiting);
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
