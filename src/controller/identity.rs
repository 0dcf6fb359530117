//! Tells the store which managed pods exist: what a pod has opened with its token ends with it.

use std::sync::Arc;

use super::pods::{PodNews, PodReader};
use crate::identity::Guard;

/// The task that tells of managed pods.
pub(super) struct IdentityTask {
    pods: PodReader,
    guard: Arc<Guard>,
}

impl IdentityTask {
    pub(super) fn new(guard: Arc<Guard>, pods: PodReader) -> Self {
        guard.pods.begin();
        Self { pods, guard }
    }

    /// Runs for ever.
    pub(super) async fn run(mut self) {
        loop {
            let news = self.pods.next().await;
            self.see(&news);
        }
    }

    fn see(&self, news: &PodNews) {
        let Guard {
            pods,
            authenticator,
            rules: _,
        } = &*self.guard;
        match news {
            PodNews::Gone(id) => {
                pods.remove(&id.uid);
                authenticator.forget_pod(&id.uid);
            }
            PodNews::Listed => {
                for uid in pods.listed() {
                    authenticator.forget_pod(&uid);
                }
            }
            PodNews::Listing => pods.listing(),
            PodNews::Pod(pod) => pods.put(&pod.observed),
        }
    }
}
