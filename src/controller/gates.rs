//! Opens the scheduling gates of pods, as the pure [`GateWait`] decides.

mod opener;
mod waiting;

use std::collections::HashMap;

use kube::Client;
use serde_json::Value;
use tokio::task::{AbortHandle, JoinSet};
use tracing::warn;

use self::{opener::Opener, waiting::Waiting};
use super::{metrics::Metrics, observations::Observation, pods::PodReader, writes::Writes};
use crate::{
    gates::{Gate, GateWait, GatedPod},
    language::{Keys, Owner},
    life::PodProblem,
    store::Store,
};

/// The task that opens gates.
pub(super) struct GatesTask {
    pods: PodReader,
    gated: HashMap<Owner, Known>,
    tasks: JoinSet<()>,
    opener: Opener,
    store: Store,
    keys: Keys,
    /// How many lists have begun.
    lists: u64,
}

/// A gated pod that was seen.
struct Known {
    wait: Result<GateWait, Box<PodProblem>>,
    /// Waits, and opens the gate then.
    task: Option<AbortHandle>,
    /// The list, or the changes after it, in which it was seen last.
    list: u64,
}

impl Drop for Known {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl GatesTask {
    pub(super) fn new(
        (client, writes): (Client, Writes),
        (store, pods): (Store, PodReader),
        (keys, metrics): (Keys, Metrics),
    ) -> Self {
        Self {
            pods,
            gated: HashMap::new(),
            tasks: JoinSet::new(),
            opener: Opener::new((client, writes), keys.clone(), metrics),
            store,
            keys,
            lists: 0,
        }
    }

    /// Runs for ever.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                seen = self.pods.next() => self.see(&seen),
                Some(ended) = self.tasks.join_next() => match ended {
                    Err(error) if error.is_panic() => {
                        std::panic::resume_unwind(error.into_panic());
                    }
                    Ok(()) | Err(_) => {}
                },
            }
        }
    }

    fn see(&mut self, seen: &Observation) {
        match seen {
            Observation::Failed(_) => {}
            Observation::Gone(pod) => {
                if let Some(GatedPod { id, .. }) = self.read(pod) {
                    self.gated.remove(&id);
                }
            }
            Observation::Listed => {
                let current = self.lists;
                self.gated.retain(|_, known| known.list == current);
            }
            Observation::Listing => self.lists += 1,
            Observation::Object(pod) => match self.read(pod) {
                Some(GatedPod { id, gate: None }) => drop(self.gated.remove(&id)),
                Some(GatedPod {
                    id,
                    gate: Some(gate),
                }) => self.hold(id, gate),
                None => {}
            },
        }
    }

    fn read(&self, pod: &Value) -> Option<GatedPod> {
        let read = GatedPod::read(pod, &self.keys);
        read.inspect_err(|error| warn!(%error, "a pod cannot be read"))
            .ok()
    }

    /// A task whose gate was opened stays known until the watch shows that: an older state of the
    /// pod may still come.
    fn hold(&mut self, id: Owner, Gate { index, wait }: Gate) {
        let list = self.lists;
        if let Some(known) = self.gated.get_mut(&id)
            && known.wait == wait
        {
            known.list = list;
            return;
        }
        let task = match &wait {
            Ok(wait) => Some(self.begin(id.clone(), index, wait.clone())),
            Err(problem) => {
                let Owner {
                    namespace, name, ..
                } = &id;
                warn!(%namespace, pod = %name, %problem, "the gate of a pod stays closed");
                None
            }
        };
        self.gated.insert(id, Known { wait, task, list });
    }

    fn begin(&mut self, pod: Owner, index: usize, wait: GateWait) -> AbortHandle {
        let mut waiting = Waiting::new(self.store.clone(), pod.clone(), wait);
        let mut opening = self.opener.opening(pod, index);
        self.tasks.spawn(async move {
            loop {
                // Also before another try: what has held may be missing again.
                waiting.end().await;
                if opening.attempt().await {
                    break;
                }
            }
        })
    }
}
