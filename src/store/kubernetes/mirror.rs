//! What this replica has seen of the cluster, shared between its watch and its writers.

use std::{fmt, sync::Arc};

use kube::{api::DynamicObject, runtime::watcher::Event};
use oncue_language::Namespace;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::{
    metrics::Metrics,
    plan::{NoPlan, Plan},
    replica::{Place, Replica, version},
    writers::{Shown, Writers},
};
use crate::{
    memory::Budget,
    store::{Mutation, Update, backend::Feed},
};

/// What this replica has seen of the cluster.
pub(super) struct Mirror {
    state: Mutex<State>,
    metrics: Metrics,
    /// Told when a write shows that the versions went backwards.
    went_backwards: Notify,
}

struct State {
    replica: Replica,
    /// They receive nothing before the first list is complete.
    feeds: Vec<Arc<dyn Feed>>,
    is_listed: watch::Sender<bool>,
    /// The greatest version that the watch has shown since the last list began.
    shown: u64,
    writers: Writers,
}

/// An event came that is older than one before: the cluster was restored from a backup.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct OutOfOrder;

/// The memory that a write will take, until it is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    mirror: Arc<Mirror>,
    namespace: Namespace,
    bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.mirror.state.lock();
        state.replica.give_back(&self.namespace, self.bytes);
    }
}

impl Mirror {
    pub(super) fn new(budget: Budget, metrics: Metrics) -> Self {
        Self {
            state: Mutex::new(State {
                replica: Replica::new(budget),
                feeds: Vec::new(),
                is_listed: watch::Sender::new(false),
                shown: 0,
                writers: Writers::default(),
            }),
            metrics,
            went_backwards: Notify::new(),
        }
    }

    /// Adds a feed: it gets everything now, or when the first list is complete.
    pub(super) fn feed(&self, feed: Arc<dyn Feed>) {
        let mut state = self.state.lock();
        if *state.is_listed.borrow() {
            feed.reset(state.replica.variables());
        }
        state.feeds.push(feed);
    }

    /// Returns whether the first list is complete, now and later.
    pub(super) fn is_listed(&self) -> watch::Receiver<bool> {
        self.state.lock().is_listed.subscribe()
    }

    /// Takes over an event of the watch. The feeds are called under the lock, so that they see the
    /// order of the events; then the writers are told.
    pub(super) fn observe(&self, event: Event<DynamicObject>) -> Result<(), OutOfOrder> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        match event {
            Event::Init => {
                state.shown = 0;
                state.replica.begin_list();
            }
            Event::Apply(object) | Event::Delete(object) if state.is_older(&object) => {
                return Err(OutOfOrder);
            }
            Event::InitApply(object) | Event::Apply(object) => {
                let updates = state.replica.put(&object);
                state.publish(&object, &updates);
            }
            Event::Delete(object) => {
                let updates = state.replica.remove_object(&object);
                state.publish(&object, &updates);
            }
            Event::InitDone => state.end_list(),
        }
        self.metrics.skipped(state.replica.skipped());
        Ok(())
    }

    /// Decides what a mutation writes, and reserves the memory that it will take.
    pub(super) fn plan(
        self: &Arc<Self>,
        mutation: &Mutation,
    ) -> Result<(Plan, Reservation), NoPlan> {
        let replica = &mut self.state.lock().replica;
        let plan = Plan::of(mutation, replica)?;
        let namespace = mutation.key.namespace.clone();
        replica.reserve(&namespace, plan.growth);
        let reservation = Reservation {
            mirror: Arc::clone(self),
            namespace,
            bytes: plan.growth,
        };
        Ok((plan, reservation))
    }

    /// Calls `look` with what is known.
    pub(super) fn with<T>(&self, look: impl FnOnce(&Replica) -> T) -> T {
        look(&self.state.lock().replica)
    }

    /// Returns the greatest version that the watch has shown: whatever is created from now on has a
    /// greater one.
    pub(super) fn shown(&self) -> u64 {
        self.state.lock().shown
    }

    /// Takes note that an object was created whose version is not greater than those before: the
    /// cluster was restored from a backup. Nothing counts as shown before everything is listed again.
    pub(super) fn note_backwards(&self) {
        // Only an object can be out of order.
        let _begun = self.observe(Event::Init);
        self.went_backwards.notify_one();
    }

    /// Waits until a write has shown that the versions went backwards.
    pub(super) async fn goes_backwards(&self) {
        self.went_backwards.notified().await;
    }

    /// Waits until the watch has shown `version`, which is stored already.
    pub(super) fn shows_version(&self, version: u64) -> Shown {
        let mut state = self.state.lock();
        let is_shown = state.shown >= version && !state.replica.is_listing();
        let list = state.replica.list();
        state.writers.wait_for_version(version, list, is_shown)
    }

    /// Waits until the watch has shown that an object is gone, or is being deleted.
    pub(super) fn shows_end(&self, place: &Place, uid: &str) -> Shown {
        let mut state = self.state.lock();
        let is_gone = !state.replica.has(place, uid);
        state.writers.wait_for_end(place, uid, is_gone)
    }
}

impl State {
    fn is_older(&self, object: &DynamicObject) -> bool {
        version(object).is_some_and(|version| version < self.shown)
    }

    /// Tells the feeds, and then the writers.
    fn publish(&mut self, object: &DynamicObject, updates: &[Update]) {
        if *self.is_listed.borrow() && !updates.is_empty() {
            for feed in &self.feeds {
                feed.committed(updates);
            }
        }
        if let Some(version) = version(object) {
            self.shown = self.shown.max(version);
        }
        // While a list goes on, not everything up to a version has been shown.
        if !self.replica.is_listing() {
            self.writers.tell_versions(self.shown);
        }
        if let Some(place) = Place::of_object(object) {
            self.writers.tell_ends(&self.replica, &place);
        }
    }

    fn end_list(&mut self) {
        let updates = self.replica.end_list();
        if *self.is_listed.borrow() {
            for feed in &self.feeds {
                feed.committed(&updates);
            }
        } else {
            for feed in &self.feeds {
                feed.reset(self.replica.variables());
            }
        }
        self.is_listed.send_replace(true);
        self.writers.tell_versions(self.shown);
        self.writers.tell_list(self.replica.list(), &self.replica);
    }
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mirror").finish_non_exhaustive()
    }
}
