//! All pods, with what has to be looked at again and when.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use oncue_language::{Owner, Timestamp};

use super::{
    Decisions, ObservedPod,
    assertion_index::AssertionIndex,
    listing::Listing,
    tracked_pod::{Presence, TrackedPod},
};
use crate::world::Mutation;

/// All pods that the watch shows, or that have an assertion.
#[derive(Debug, Default)]
pub(super) struct Pods {
    pub(super) listing: Listing,
    tracked: BTreeMap<Owner, TrackedPod>,
    /// What has changed since the last decision.
    pending: BTreeSet<Owner>,
    wakes: BTreeSet<(Timestamp, Owner)>,
}

impl Pods {
    /// Returns whether nothing is kept of any pod.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.tracked.is_empty() && self.pending.is_empty()
    }

    /// Returns whether the API server said that the pod is gone.
    pub(super) fn is_gone(&self, id: &Owner) -> bool {
        let tracked = self.tracked.get(id);
        tracked.is_some_and(|it| matches!(it.presence, Presence::Gone { .. }))
    }

    /// Returns whether the pod is known, and the watch does not show it.
    pub(super) fn is_unlisted(&self, id: &Owner) -> bool {
        self.tracked.get(id).is_some_and(|it| {
            matches!(
                it.presence,
                Presence::Missing { .. } | Presence::Unlabelled { .. }
            )
        })
    }

    /// Returns a pod as it was seen last.
    pub(super) fn seen(&self, id: &Owner) -> Option<&ObservedPod> {
        self.tracked.get(id)?.seen.as_deref()
    }

    /// Takes over what the watch shows of a pod that is not gone.
    pub(super) fn observe(&mut self, pod: Arc<ObservedPod>) {
        for namesake in self.namesakes(&pod.id) {
            self.missing(&namesake);
        }
        let presence = Presence::Listed(self.listing.current());
        self.track(pod.id.clone(), Some(pod), presence);
    }

    /// The watch shows the pod no more.
    pub(super) fn missing(&mut self, id: &Owner) {
        if let Some(tracked) = self.tracked.get_mut(id)
            && matches!(tracked.presence, Presence::Listed(_))
        {
            tracked.presence = Presence::Missing { ask: None };
            self.pending.insert(id.clone());
        }
    }

    /// The API server has a pod that the watch does not show.
    pub(super) fn found(&mut self, pod: Arc<ObservedPod>) {
        let presence = Presence::Unlabelled { ask: None };
        self.track(pod.id.clone(), Some(pod), presence);
    }

    /// The API server does not have the pod; returns it as it was seen last.
    pub(super) fn gone(&mut self, id: &Owner) -> Option<Arc<ObservedPod>> {
        let seen = self.tracked.remove(id).and_then(|it| it.seen);
        self.track(id.clone(), None, Presence::Gone { until: None });
        seen
    }

    /// Forgets a pod; returns it as it was seen last.
    pub(super) fn forget(&mut self, id: &Owner) -> Option<Arc<ObservedPod>> {
        self.tracked.remove(id)?.seen
    }

    /// Nobody was asked for the pods that the watch does not show.
    pub(super) fn ask_anew(&mut self) {
        for tracked in self.tracked.values_mut() {
            match &mut tracked.presence {
                Presence::Missing { ask } | Presence::Unlabelled { ask } => *ask = None,
                Presence::Gone { .. } | Presence::Listed(_) => {}
            }
        }
    }

    /// The list of the watch is complete: what it does not hold is missing.
    pub(super) fn listed(&mut self) {
        self.listing.end();
        let current = self.listing.current();
        let is_left =
            |it: &TrackedPod| matches!(it.presence, Presence::Listed(list) if list != current);
        let left = self.tracked.iter().filter(|(_, it)| is_left(it));
        let left: Vec<_> = left.map(|(id, _)| id.clone()).collect();
        for id in left {
            self.missing(&id);
        }
    }

    /// An assertion of the pod has changed.
    pub(super) fn touch(&mut self, id: &Owner) {
        if !self.tracked.contains_key(id) {
            self.track(id.clone(), None, Presence::Missing { ask: None });
        }
        self.pending.insert(id.clone());
    }

    /// Everything has to be looked at again.
    pub(super) fn touch_all(&mut self, assertions: &AssertionIndex) {
        for owner in assertions.pods() {
            self.touch(owner);
        }
        self.pending.extend(self.tracked.keys().cloned());
    }

    /// Adds to `decisions` what has changed since the last time; returns the pods that are not
    /// tracked any more.
    pub(super) fn decide(
        &mut self,
        assertions: &AssertionIndex,
        now: Timestamp,
        decisions: &mut Decisions,
    ) -> Vec<Arc<ObservedPod>> {
        if !self.listing.is_known() {
            return Vec::new();
        }
        self.wake(now);
        let mut forgotten = Vec::new();
        for id in std::mem::take(&mut self.pending) {
            let Some(tracked) = self.tracked.get_mut(&id) else {
                continue;
            };
            let decision = tracked.decide(assertions.of_pod(&id), now);
            decisions.mutations.extend(decision.mutations);
            if decision.confirm {
                decisions.confirm.push(id.clone());
            }
            if decision.forget {
                forgotten.extend(self.tracked.remove(&id).and_then(|it| it.seen));
            } else if let Some(next) = decision.next.filter(|next| *next > now) {
                self.wakes.insert((next, id));
            }
        }
        decisions.next = self.wakes.first().map(|(next, _)| *next);
        forgotten
    }

    /// Returns what is to be done at `now` about the assertions of one pod.
    pub(super) fn mutations(
        &self,
        id: &Owner,
        assertions: &AssertionIndex,
        now: Timestamp,
    ) -> Vec<Mutation> {
        let tracked = self.tracked.get(id);
        tracked.map_or_else(Vec::new, |it| it.mutations(assertions.of_pod(id), now))
    }

    fn wake(&mut self, now: Timestamp) {
        while self.wakes.first().is_some_and(|(due, _)| *due <= now) {
            self.pending
                .extend(self.wakes.pop_first().map(|(_, id)| id));
        }
    }

    fn track(&mut self, id: Owner, seen: Option<Arc<ObservedPod>>, presence: Presence) {
        self.pending.insert(id.clone());
        self.tracked.insert(id, TrackedPod { seen, presence });
    }

    /// Returns the other pods of the same name: all but one of them no longer exist.
    fn namesakes(&self, id: &Owner) -> Vec<Owner> {
        let first = Owner {
            uid: "".into(),
            ..id.clone()
        };
        let of_name = self.tracked.range(first..).map(|(other, _)| other);
        of_name
            .take_while(|other| other.is_same_producer(id))
            .filter(|other| *other != id)
            .cloned()
            .collect()
    }
}
