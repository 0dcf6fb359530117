//! Tasks that go down together.

use std::{io, thread};

use axum::Router;
use futures_util::FutureExt;
use tokio::{
    net::TcpListener,
    runtime::Builder,
    sync::oneshot,
    task::{JoinError, JoinSet},
};

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
pub(crate) enum Death {
    /// A task.
    #[error("a task panicked")]
    Panic(#[source] JoinError),
    /// The runtime of a thread that serves by itself.
    #[error("failed to start the runtime of a listener")]
    Runtime(#[source] io::Error),
    /// A part of the store.
    #[error(transparent)]
    Store(#[from] StoreDeath),
    /// A thread that serves by itself.
    #[error("the thread of a listener panicked")]
    Thread,
}

/// Serves on a runtime that knows this thread only; the socket moves there.
fn serve_on_this_thread(
    endpoint: Endpoint,
    router: Router,
    context: ServeContext,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = endpoint.listener.into_std()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        let endpoint = Endpoint {
            listener,
            ..endpoint
        };
        net::serve(endpoint, router, context).await;
        Ok(())
    })
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

    /// Serves until the group drains, on a thread of its own: whatever keeps the other threads busy
    /// or waiting does not delay an answer here.
    pub(super) fn serve_apart(&mut self, endpoint: Endpoint, router: Router) {
        let context = self.context();
        let (sender, ended) = oneshot::channel();
        thread::spawn(move || {
            // The receiver is gone if the group has ended.
            let _ = sender.send(serve_on_this_thread(endpoint, router, context));
        });
        self.tasks.spawn(async move {
            let served = ended.await.map_err(|_| Death::Thread)?;
            served.map_err(Death::Runtime)
        });
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
