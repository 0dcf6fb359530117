//! The backend that keeps each assertion as an object of the cluster, for several replicas.
//!
//! Each replica has everything in memory, fed by a watch. A write is decided by what this replica
//! knows, and acknowledged when the API server has stored it and the watch of this replica has
//! shown it. A condition on what was known goes with each write, so that a decision that came too
//! late is made anew.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `replica` | the objects that the watch has shown, as variables |
//! | `reserved` | the memory that writes under way will take |
//! | `skipped` | the objects that make no assertion |
//! | `writers` | those that wait until the watch has shown what they have written |
//! | `mirror` | all these behind one lock |
//! | `watch` | the watch itself |
//! | `sight` | whether the watch works, or has failed for too long |
//! | `requirement` | what the cluster has to have: the CRD and the rights |
//! | `plan` | what a mutation writes |
//! | `requests` | the requests that write |
//! | `refusal` | what an error of the API server means |
//! | `commit` | carries out a mutation |
//! | `metrics` | what is counted |

mod commit;
#[cfg(test)]
pub(crate) mod fake;
mod metrics;
mod mirror;
mod plan;
mod refusal;
mod replica;
mod requests;
mod requirement;
mod reserved;
mod sight;
mod skipped;
mod watch;
mod writers;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use futures_util::future::{BoxFuture, FutureExt};
use kube::Client;
use tokio::{sync::watch::Sender, task::JoinSet};

pub(crate) use self::metrics::Metrics;
use self::{mirror::Mirror, requests::Requests, sight::Sight, watch::SignalWatch};
use super::{
    Mutation, Staleness, StoreError,
    backend::{Backend, Committed, Feed},
    pulse::{Pulse, Vigil},
};
use crate::memory::Budget;

/// Keeps the variables as objects of a cluster.
pub struct Kubernetes {
    client: Client,
    mirror: Arc<Mirror>,
    requests: Requests,
    metrics: Metrics,
    is_stale: Arc<Sender<bool>>,
    /// The task that watches, from the first start on.
    watch: OnceLock<Watching>,
}

struct Watching {
    _task: JoinSet<()>,
    vigil: Vigil,
}

impl Kubernetes {
    /// Returns the backend of a cluster. The variables must fit into this budget: objects beyond it
    /// are skipped.
    pub fn new(client: Client, variables: Budget) -> Self {
        Self::with_metrics(client, variables, Metrics::default())
    }

    pub(crate) fn with_metrics(client: Client, variables: Budget, metrics: Metrics) -> Self {
        Self {
            mirror: Arc::new(Mirror::new(variables, metrics.clone())),
            requests: Requests::new(client.clone(), metrics.clone()),
            client,
            metrics,
            is_stale: Arc::default(),
            watch: OnceLock::new(),
        }
    }

    fn watching(&self) -> &Watching {
        self.watch.get_or_init(|| {
            let (pulse, vigil) = Pulse::new();
            let (mirror, metrics) = (Arc::clone(&self.mirror), self.metrics.clone());
            let sight = Sight::new(Arc::clone(&self.is_stale));
            let watch = SignalWatch::new(self.client.clone(), mirror, (metrics, sight));
            let mut task = JoinSet::new();
            task.spawn(async move {
                let _pulse = pulse;
                watch.run().await;
            });
            Watching { _task: task, vigil }
        })
    }
}

impl Backend for Kubernetes {
    fn start(&self, feed: Arc<dyn Feed>) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            self.mirror.feed(feed);
            let ended = self.watching().vigil.clone().ended();
            let mut is_listed = self.mirror.is_listed();
            tokio::select! {
                listed = is_listed.wait_for(|is_listed| *is_listed) => {
                    listed.map(drop).map_err(|_| StoreError::Closed)
                }
                () = ended => Err(StoreError::Closed),
            }
        }
        .boxed()
    }

    fn commit(&self, mutation: Mutation) -> BoxFuture<'_, Result<Committed, StoreError>> {
        self.carry_out(mutation).boxed()
    }

    fn staleness(&self) -> Staleness {
        Staleness::from(&*self.is_stale)
    }

    fn ended(&self) -> BoxFuture<'static, ()> {
        self.watching().vigil.clone().ended().boxed()
    }
}

impl fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubernetes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
