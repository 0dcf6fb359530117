//! One watch of the managed pods, for several readers.

use std::sync::Arc;

use futures_util::future::join_all;
use kube::{Client, api::ApiResource, core::GroupVersion};
use tokio::sync::mpsc;

use super::{
    objects::resource,
    observations::{Observation, Observations, Watched},
};
use crate::{injection::managed_label, language::Keys};

/// Returns what the API server calls pods.
pub(super) fn pods() -> ApiResource {
    resource(&GroupVersion::gv("", "v1"), "pods")
}

/// The task that watches pods.
pub(super) struct PodsTask {
    observations: Observations,
    readers: Vec<mpsc::Sender<Arc<Observation>>>,
}

/// Reads every observation of pods, in their order.
pub(super) struct PodReader(mpsc::Receiver<Arc<Observation>>);

impl PodsTask {
    pub(super) fn new(client: Client, keys: &Keys) -> Self {
        let managed = Watched {
            labels: Some(format!("{}=true", managed_label(keys))),
            ..Watched::default()
        };
        Self {
            observations: Observations::of(client, pods(), managed),
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
            let seen = Arc::new(self.observations.next().await);
            let told = self.readers.iter().map(|it| it.send(Arc::clone(&seen)));
            // A reader that has ended misses nothing.
            join_all(told).await;
        }
    }
}

impl PodReader {
    /// Waits for the next observation. Cancelling loses nothing.
    pub(super) async fn next(&mut self) -> Arc<Observation> {
        match self.0.recv().await {
            Some(seen) => seen,
            None => std::future::pending().await,
        }
    }
}

const UNREAD: usize = 256;
