//! Makes the changes of variables that follow from pods and Jobs, and tries again those that failed.

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, OptionFuture},
    stream::FuturesUnordered,
};
use tokio::time::{Instant, sleep_until};

use super::super::metrics::Metrics;
use crate::{
    leadership::NotLeader,
    store::{Effect, Mutation, Store, StoreError, WriteEnd, WriteLimits, WriteOutages, WriteQueue},
};

/// Makes changes of variables. Nobody waits for a write: it goes on whenever someone waits for
/// [`progress`](Self::progress).
pub(super) struct Writer {
    store: Store,
    metrics: Metrics,
    queue: WriteQueue,
    in_flight: FuturesUnordered<BoxFuture<'static, Written>>,
    outages: WriteOutages,
}

/// A change with its result.
type Written = (Mutation, Result<Effect, Unwritten>);

/// Why a change was not made.
enum Unwritten {
    Failed(StoreError),
    NotLeader,
}

impl Writer {
    pub(super) fn of(store: Store, metrics: Metrics) -> Self {
        Self {
            store,
            metrics,
            queue: WriteQueue::new(LIMITS),
            in_flight: FuturesUnordered::new(),
            outages: WriteOutages::of("change of a variable"),
        }
    }

    /// Begins as many as possible of these changes and of those that wait, if they are still wanted.
    pub(super) fn write(
        &mut self,
        mutations: Vec<Mutation>,
        is_wanted: impl Fn(&Mutation) -> bool,
    ) {
        for mutation in mutations {
            self.queue.put(mutation);
        }
        for mutation in self.queue.start(is_wanted) {
            self.in_flight
                .push(write(self.store.clone(), mutation).boxed());
        }
        self.outages.forget_ended(&self.queue);
    }

    /// Forgets what is not in flight: another replica writes.
    pub(super) fn forget(&mut self) {
        self.queue.clear();
        self.outages.forget_ended(&self.queue);
    }

    /// Waits until a write has ended, or one may be tried again: then there may be something to
    /// [write](Self::write). Returns a change that is never made, because its namespace is gone.
    /// Cancelling loses nothing.
    pub(super) async fn progress(&mut self) -> Option<Mutation> {
        let retry = OptionFuture::from(self.queue.next_retry().map(sleep_until));
        tokio::select! {
            Some((mutation, result)) = self.in_flight.next() => self.note(mutation, result),
            Some(()) = retry => {
                self.queue.retry(Instant::now());
                None
            }
            else => std::future::pending().await,
        }
    }

    fn note(&mut self, mutation: Mutation, result: Result<Effect, Unwritten>) -> Option<Mutation> {
        let end = match &result {
            Ok(_) => WriteEnd::Done,
            Err(Unwritten::Failed(error)) => WriteEnd::of(error),
            Err(Unwritten::NotLeader) => WriteEnd::Failed,
        };
        self.queue.ended(&mutation, end, Instant::now());
        if end == WriteEnd::Abandoned {
            return Some(mutation);
        }
        let namespace = &mutation.key.namespace;
        match result {
            Ok(effect) => {
                if effect != Effect::Unchanged {
                    self.metrics.written(&mutation.action);
                }
                self.outages.succeeded(namespace, &self.queue);
            }
            Err(Unwritten::Failed(error)) => {
                self.metrics.failed();
                self.outages.failed(namespace, error);
            }
            Err(Unwritten::NotLeader) => {}
        }
        None
    }
}

async fn write(store: Store, mutation: Mutation) -> Written {
    let write = store.leadership().write(store.apply(mutation.clone()));
    let result = match write.await {
        Ok(Ok(committed)) => Ok(committed.effect),
        Ok(Err(error)) => Err(Unwritten::Failed(error)),
        Err(NotLeader) => Err(Unwritten::NotLeader),
    };
    (mutation, result)
}

/// The cluster bounds its own writes in flight; these only wait in part.
const LIMITS: WriteLimits = WriteLimits {
    all: 256,
    of_namespace: 32,
};
