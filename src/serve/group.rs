//! Tasks that go down together.

use axum::Router;
use futures_util::FutureExt;
use tokio::task::{JoinError, JoinSet};

use crate::{
    net::{self, Endpoint, NetMetrics, Phase, ServeContext, Shutdown, ShutdownTrigger},
    store::StoreDeath,
};

/// Tasks that go down together, and what tells them to.
#[derive(Debug)]
pub(super) struct Group {
    trigger: ShutdownTrigger,
    shutdown: Shutdown,
    metrics: NetMetrics,
    tasks: JoinSet<Result<(), Death>>,
}

/// A part that ended before the process drained.
#[derive(Debug, thiserror::Error)]
pub enum Death {
    /// A task.
    #[error("a task panicked")]
    Panic(#[source] JoinError),
    /// A part of the store.
    #[error(transparent)]
    Store(#[from] StoreDeath),
}

impl Group {
    pub(super) fn new(metrics: NetMetrics) -> Self {
        let (trigger, shutdown) = Shutdown::new();
        Self {
            trigger,
            shutdown,
            metrics,
            tasks: JoinSet::new(),
        }
    }

    pub(super) fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    pub(super) fn metrics(&self) -> &NetMetrics {
        &self.metrics
    }

    /// Serves until the group drains.
    pub(super) fn serve(&mut self, endpoint: Endpoint, router: Router) {
        self.spawn(net::serve(endpoint, router, self.context()));
    }

    /// Returns what a listener of the group needs to know.
    pub(super) fn context(&self) -> ServeContext {
        ServeContext {
            shutdown: self.shutdown(),
            metrics: self.metrics.clone(),
        }
    }

    /// Runs `task`, which has to end when the group drains.
    pub(super) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task.map(Ok));
    }

    /// Takes the end of something else for the death of the group, unless that drains by then.
    pub(super) fn depend_on(&mut self, end: impl Future<Output = StoreDeath> + Send + 'static) {
        let draining = self.shutdown().reached(Phase::Draining);
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = draining => Ok(()),
                death = end => Err(death.into()),
            }
        });
    }

    /// Waits for a task that ends before the group drains, and returns why where that is known.
    pub(super) async fn died(&mut self) -> Option<Death> {
        match self.tasks.join_next().await {
            Some(ended) => ended.map_err(Death::Panic).flatten().err(),
            None => std::future::pending().await,
        }
    }

    pub(super) fn linger(&self) {
        self.trigger.advance(Phase::Lingering);
    }

    pub(super) async fn drain(&mut self) {
        self.trigger.advance(Phase::Draining);
        while self.tasks.join_next().await.is_some() {}
    }
}
