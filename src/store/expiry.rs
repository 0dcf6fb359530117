//! Removes assertions when they expire.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, OptionFuture},
    stream::FuturesUnordered,
};
use tokio::time::{self, Instant};

use super::{
    Action, Backend, Clock, Mutation, StoreError, WriteEnd, WriteLimits, WriteOutages, WriteQueue,
    shared::Shared,
};
use crate::{
    leadership::{Leadership, NotLeader},
    world::Deadline,
};

/// The longest sleep: the time of day may jump, as on a laptop that was asleep. After it, everything
/// is looked at again.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// How many removals are under way at once, so that they share a sync.
const LIMITS: WriteLimits = WriteLimits {
    all: 256,
    of_namespace: 64,
};

/// The task that removes assertions when they expire.
pub(super) struct Expiry {
    /// Weak, so that the last handle to the store closes the backend at once.
    backend: Weak<dyn Backend>,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    /// Of several replicas, one removes.
    leadership: Leadership,
    queue: WriteQueue,
    in_flight: FuturesUnordered<BoxFuture<'static, Removal>>,
    outages: WriteOutages,
    /// The last one that was put into the queue: those before it are not looked at.
    queued: Option<Deadline>,
    /// When to look at all again.
    look_again: Instant,
}

/// A removal with its result.
type Removal = (Mutation, Result<(), Unremoved>);

/// Why an assertion was not removed.
enum Unremoved {
    Failed(StoreError),
    NotLeader,
}

impl Expiry {
    pub(super) fn new(
        backend: &Arc<dyn Backend>,
        shared: &Arc<Shared>,
        (clock, leadership): (Arc<dyn Clock>, Leadership),
    ) -> Self {
        Self {
            backend: Arc::downgrade(backend),
            clock,
            shared: Arc::clone(shared),
            leadership,
            queue: WriteQueue::new(LIMITS),
            in_flight: FuturesUnordered::new(),
            outages: WriteOutages::of("removal of an expired signal"),
            queued: None,
            look_again: Instant::now(),
        }
    }

    /// Removes assertions that expired while no store ran. A failure does not prevent the start:
    /// the removal is tried again later.
    pub(super) async fn catch_up(&mut self) {
        let mut is_going_well = self.begin().is_ok();
        while is_going_well && let Some(removal) = self.in_flight.next().await {
            is_going_well = removal.1.is_ok();
            is_going_well &= self.note(removal).is_ok() && self.begin().is_ok();
        }
    }

    /// Removes assertions at their deadlines, until the backend is closed.
    pub(super) async fn run(mut self) {
        while self.begin().is_ok() && self.progress().await.is_ok() {}
    }

    /// Begins to remove what has expired, if this replica leads.
    fn begin(&mut self) -> Result<(), StoreError> {
        let backend = self.backend.upgrade().ok_or(StoreError::Closed)?;
        if !self.leadership.is_held() {
            self.queue.clear();
            self.queued = None;
            return Ok(());
        }
        self.put_due();
        for mutation in self.queue.start(|_| true) {
            let (backend, leadership) = (Arc::clone(&backend), self.leadership.clone());
            self.in_flight
                .push(remove(backend, leadership, mutation).boxed());
        }
        Ok(())
    }

    /// Puts what has expired into the queue.
    fn put_due(&mut self) {
        if self.look_again <= Instant::now() {
            self.look_again = Instant::now() + LONGEST_SLEEP;
            self.queued = None;
        }
        let now = self.clock.now();
        loop {
            let due = self.shared.due(now, self.queued.as_ref());
            let Some(last) = due.last() else {
                break;
            };
            self.queued = Some(last.clone());
            for (_, key, id) in due {
                let action = Action::Expire { id, now };
                self.queue.put(Mutation { key, action });
            }
        }
    }

    /// Waits until a removal has ended, or there may be something to begin.
    async fn progress(&mut self) -> Result<(), StoreError> {
        let (rest, retry) = (self.rest(), self.queue.next_retry());
        let removal = tokio::select! {
            Some(removal) = self.in_flight.next() => removal,
            () = wake(&self.leadership, &self.shared, rest, retry) => {
                self.queue.retry(Instant::now());
                return Ok(());
            }
        };
        self.note(removal)
    }

    fn note(&mut self, (mutation, result): Removal) -> Result<(), StoreError> {
        let end = match &result {
            Ok(()) => WriteEnd::Done,
            Err(Unremoved::Failed(error)) => WriteEnd::of(error),
            Err(Unremoved::NotLeader) => WriteEnd::Failed,
        };
        self.queue.ended(&mutation, end, Instant::now());
        let namespace = &mutation.key.namespace;
        match result {
            Ok(()) => self.outages.succeeded(namespace, &self.queue),
            Err(Unremoved::Failed(StoreError::Closed)) => return Err(StoreError::Closed),
            Err(Unremoved::Failed(_)) if end == WriteEnd::Abandoned => {}
            Err(Unremoved::Failed(error)) => self.outages.failed(namespace, error),
            Err(Unremoved::NotLeader) => {}
        }
        Ok(())
    }

    /// Returns how long to sleep until something expires; `None` if nothing ever does.
    fn rest(&self) -> Option<Duration> {
        self.shared.next_deadline(None)?;
        let next = self.shared.next_deadline(self.queued.as_ref());
        let rest = next.map(|next| next.since(self.clock.now()));
        Some(rest.map_or(LONGEST_SLEEP, |rest| rest.min(LONGEST_SLEEP)))
    }
}

async fn remove(backend: Arc<dyn Backend>, leadership: Leadership, mutation: Mutation) -> Removal {
    let removal = backend.commit(mutation.clone());
    let result = match leadership.write(removal).await {
        Ok(removed) => removed.map(drop).map_err(Unremoved::Failed),
        Err(NotLeader) => Err(Unremoved::NotLeader),
    };
    (mutation, result)
}

/// Waits until there may be something to begin: leadership, a new deadline, or the end of a sleep.
async fn wake(
    leadership: &Leadership,
    shared: &Shared,
    rest: Option<Duration>,
    retry: Option<Instant>,
) {
    if !leadership.is_held() {
        return leadership.gained().await;
    }
    tokio::select! {
        () = leadership.lost() => {}
        () = shared.deadline_moved() => {}
        Some(()) = OptionFuture::from(rest.map(time::sleep)) => {}
        Some(()) = OptionFuture::from(retry.map(time::sleep_until)) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use oncue_language::{Namespace, VariableKey};

    use super::*;
    use crate::{
        leadership::{BootClock, Leadership},
        life::AssertionId,
        memory::{Budget, StoreMemory},
        store::{Committed, Existing, Feed, Limits, Memory, NewAssertion, PausedClock, Store},
    };

    fn mk_brief(seconds: u64) -> NewAssertion {
        NewAssertion {
            id: AssertionId::HAND,
            value: None,
            ttl: Some(Duration::from_secs(seconds)),
            existing: Existing::Replace,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_several_replicas_the_leader_removes_what_has_expired() {
        let (lead, leadership) = Leadership::new(Arc::new(BootClock));
        let backend = Arc::new(Memory::new(Budget::UNLIMITED));
        let limits = Limits::within(100, StoreMemory::default());
        let clock = Arc::new(PausedClock::start());
        let store = Store::open_replica(backend, limits, (clock, leadership));
        let store = store.await.unwrap();
        let key = VariableKey::new(Namespace::default(), "brief".parse().unwrap());
        store.assert(key.clone(), mk_brief(1)).await.unwrap();
        time::sleep(Duration::from_mins(5)).await;
        assert!(store.exists(&key));
        lead.hold_until(Duration::MAX);
        time::sleep(Duration::from_millis(10)).await;
        assert!(!store.exists(&key));
    }

    /// A backend that cannot remove anything in one namespace.
    #[derive(Debug)]
    struct Undeletable {
        memory: Memory,
        removals: AtomicUsize,
    }

    impl Backend for Undeletable {
        fn start(&self, feed: Arc<dyn Feed>) -> BoxFuture<'_, Result<(), StoreError>> {
            self.memory.start(feed)
        }

        fn commit(&self, mutation: Mutation) -> BoxFuture<'_, Result<Committed, StoreError>> {
            let is_removal = matches!(mutation.action, Action::Expire { .. });
            if !is_removal || mutation.key.namespace.as_str() != "broken" {
                return self.memory.commit(mutation);
            }
            self.removals.fetch_add(1, Ordering::Relaxed);
            async {
                time::sleep(Duration::from_secs(15)).await;
                Err(StoreError::Unavailable("a finalizer keeps it".to_owned()))
            }
            .boxed()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_removed_holds_up_nothing_else_and_is_tried_again_rarely() {
        let backend = Arc::new(Undeletable {
            memory: Memory::new(Budget::UNLIMITED),
            removals: AtomicUsize::new(0),
        });
        let limits = Limits::within(100, StoreMemory::default());
        let clock = Arc::new(PausedClock::start());
        let store = Store::open(backend.clone(), limits, clock).await.unwrap();
        let key = |namespace: &str, name: &str| {
            VariableKey::new(namespace.parse().unwrap(), name.parse().unwrap())
        };
        for number in 0..1000 {
            let key = key("broken", &format!("stuck/{number}"));
            store.assert(key, mk_brief(1)).await.unwrap();
        }
        for number in 0..10 {
            let key = key("shop", &format!("brief/{number}"));
            store.assert(key, mk_brief(2 + number)).await.unwrap();
        }
        time::sleep(Duration::from_millis(11_500)).await;
        assert!(!store.exists(&key("shop", "brief/9")));
        let before = backend.removals.load(Ordering::Relaxed);
        time::sleep(Duration::from_mins(10)).await;
        let removals = backend.removals.load(Ordering::Relaxed) - before;
        // 64 at once, each for 15 seconds.
        assert!((1000..=64 * 41).contains(&removals), "{removals}");
        assert_eq!(store.stats().variables, 1000);
    }
}
