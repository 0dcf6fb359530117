//! One watch of the managed pods, for several readers.

use std::sync::Arc;

use futures_util::future::join_all;
use kube::{api::ApiResource, core::GroupVersion};
use tokio::sync::mpsc;
use tracing::warn;

use super::Context;
use crate::{
    cluster::{Observation, Observations, Watched, resource},
    injection::managed_label,
    language::{Keys, Owner},
    managed_pod::ManagedPod,
};

/// Returns what the API server calls pods.
pub(super) fn pods() -> ApiResource {
    resource(&GroupVersion::gv("", "v1"), "pods")
}

/// What the watch shows of pods.
#[derive(Debug)]
pub(super) enum PodNews {
    /// A pod is gone, or is not managed any more.
    Gone(Owner),
    /// All pods that exist were shown.
    Listed,
    /// A new list of all pods begins.
    Listing,
    /// A pod exists, as part of a list or because it has changed.
    Pod(Box<ManagedPod>),
}

/// The task that watches pods. It reads each once, for all readers.
pub(super) struct PodsTask {
    observations: Observations,
    keys: Keys,
    readers: Vec<mpsc::Sender<Arc<PodNews>>>,
}

/// Reads all news of pods, in their order.
pub(super) struct PodReader(mpsc::Receiver<Arc<PodNews>>);

impl PodsTask {
    pub(super) fn new(context: &Context) -> Self {
        let keys = context.keys.clone();
        let managed = Watched {
            labels: Some(format!("{}=true", managed_label(&keys))),
            ..Watched::default()
        };
        Self {
            observations: Observations::of(context.client.clone(), pods(), managed),
            keys,
            readers: Vec::new(),
        }
    }

    /// Returns a reader of everything that is observed once this runs.
    pub(super) fn reader(&mut self) -> PodReader {
        let (sender, receiver) = mpsc::channel(UNREAD);
        self.readers.push(sender);
        PodReader(receiver)
    }

    /// Runs for ever. The watch pauses while a reader is far behind.
    pub(super) async fn run(mut self) {
        loop {
            let seen = self.observations.next().await;
            let Some(news) = self.read(seen).map(Arc::new) else {
                continue;
            };
            let told = self.readers.iter().map(|it| it.send(Arc::clone(&news)));
            // A reader that has ended misses nothing.
            join_all(told).await;
        }
    }

    fn read(&self, seen: Observation) -> Option<PodNews> {
        let read = match seen {
            Observation::Failed(_) => return None,
            Observation::Gone(pod) => ManagedPod::identify(&pod).map(PodNews::Gone),
            Observation::Listed => Ok(PodNews::Listed),
            Observation::Listing => Ok(PodNews::Listing),
            Observation::Object(pod) => {
                let read = ManagedPod::read(&pod, &self.keys);
                read.map(|pod| PodNews::Pod(Box::new(pod)))
            }
        };
        read.inspect_err(|error| warn!(%error, "a pod cannot be read"))
            .ok()
    }
}

impl PodReader {
    /// Waits for the next news. Cancelling loses nothing.
    pub(super) async fn next(&mut self) -> Arc<PodNews> {
        match self.0.recv().await {
            Some(news) => news,
            None => std::future::pending().await,
        }
    }
}

const UNREAD: usize = 256;
