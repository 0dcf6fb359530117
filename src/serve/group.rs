//! Tasks that go down together.

use axum::Router;
use tokio::task::{JoinError, JoinSet};

use crate::net::{self, Endpoint, NetMetrics, Phase, ServeContext, Shutdown, ShutdownTrigger};

/// Tasks that go down together, and what tells them to.
#[derive(Debug)]
pub(super) struct Group {
    trigger: ShutdownTrigger,
    shutdown: Shutdown,
    metrics: NetMetrics,
    tasks: JoinSet<()>,
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
        self.tasks.spawn(task);
    }

    /// Waits for a task that ends before the group drains, and returns its panic.
    pub(super) async fn died(&mut self) -> Option<JoinError> {
        match self.tasks.join_next().await {
            Some(ended) => ended.err(),
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
