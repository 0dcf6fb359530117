//! Opens the scheduling gates of pods, as the pure [`GateWait`] decides.

mod opener;
mod waiting;

use std::collections::HashMap;

use tokio::task::{AbortHandle, JoinSet};
use tracing::warn;

use self::{opener::Opener, waiting::Waiting};
use super::{
    Context,
    pods::{PodNews, PodReader},
};
use crate::{
    gates::{Gate, GateWait, GatedPod},
    language::Owner,
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
    pub(super) fn new(context: &Context, pods: PodReader) -> Self {
        Self {
            pods,
            gated: HashMap::new(),
            tasks: JoinSet::new(),
            opener: Opener::new(context),
            store: context.store.clone(),
            lists: 0,
        }
    }

    /// Runs for ever.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                news = self.pods.next() => self.see(&news),
                Some(ended) = self.tasks.join_next() => match ended {
                    Err(error) if error.is_panic() => {
                        std::panic::resume_unwind(error.into_panic());
                    }
                    Ok(()) | Err(_) => {}
                },
            }
        }
    }

    fn see(&mut self, news: &PodNews) {
        match news {
            PodNews::Gone(id) => drop(self.gated.remove(id)),
            PodNews::Listed => {
                let current = self.lists;
                self.gated.retain(|_, known| known.list == current);
            }
            PodNews::Listing => self.lists += 1,
            PodNews::Pod(pod) => {
                let GatedPod { id, gate } = &pod.gated;
                match gate {
                    Some(gate) => self.hold(id, gate),
                    None => drop(self.gated.remove(id)),
                }
            }
        }
    }

    /// A task whose gate was opened stays known until the watch shows that: an older state of the
    /// pod may still come.
    fn hold(&mut self, id: &Owner, Gate { index, wait }: &Gate) {
        let list = self.lists;
        if let Some(known) = self.gated.get_mut(id)
            && known.wait == *wait
        {
            known.list = list;
            return;
        }
        let task = match wait {
            Ok(wait) => Some(self.begin(id.clone(), *index, wait.clone())),
            Err(problem) => {
                let Owner {
                    namespace, name, ..
                } = id;
                warn!(%namespace, pod = %name, %problem, "the gate of a pod stays closed");
                None
            }
        };
        let wait = wait.clone();
        self.gated.insert(id.clone(), Known { wait, task, list });
    }

    fn begin(&mut self, pod: Owner, index: usize, wait: GateWait) -> AbortHandle {
        let mut waiting = Waiting::new(self.store.clone(), pod.clone(), wait);
        let mut opening = self.opener.opening(pod, index);
        let leadership = self.store.leadership().clone();
        self.tasks.spawn(async move {
            loop {
                // Also before another try: what has held may be missing again.
                waiting.end().await;
                if !leadership.is_held() {
                    leadership.gained().await;
                    continue;
                }
                if opening.attempt().await {
                    break;
                }
            }
        })
    }
}
