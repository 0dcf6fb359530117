//! How the pods of one controller stand, in numbers that are kept up to date with each change.

use std::collections::{BTreeSet, HashMap};

/// One pod, as its controller counts it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct CountedPod {
    /// The replica, ordinal, node or completion index that it stands for.
    pub(crate) slot: u32,
    /// How often its containers failed and were started again in place.
    pub(crate) restarts: u32,
    pub(crate) state: CountedState,
}

/// How a pod stands with its controller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CountedState {
    /// It exists and has not ended.
    Active {
        /// Whether it is ready.
        ready: bool,
    },
    /// It was sent for admission: it takes its slot, and does not exist yet.
    Admission,
    /// It has been ready for as long as its controller asks for.
    Available,
    /// Admission rejected it.
    Denied,
    /// It has failed.
    Failed,
    /// It has failed, and its slot is not tried again.
    FailedForGood,
    /// It has failed, which does not count.
    Ignored,
    /// It has succeeded.
    Succeeded,
}

impl CountedPod {
    fn is_active(self) -> bool {
        self.exists() || self.state == CountedState::Admission
    }

    fn exists(self) -> bool {
        matches!(
            self.state,
            CountedState::Active { .. } | CountedState::Available
        )
    }

    fn has_failed(self) -> bool {
        matches!(
            self.state,
            CountedState::Failed | CountedState::FailedForGood
        )
    }

    fn is_ready(self) -> bool {
        matches!(
            self.state,
            CountedState::Active { ready: true } | CountedState::Available
        )
    }

    /// Returns whether its slot needs no other pod.
    fn fills_its_slot(self) -> bool {
        self.is_active() || self.state == CountedState::Succeeded
    }

    /// Returns the restarts that count against the Job of an active pod.
    fn counted_restarts(self) -> u32 {
        if self.is_active() { self.restarts } else { 0 }
    }
}

/// The numbers of pods that a controller decides by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// All pods that were ever created.
    pub(crate) created: u32,
    /// Pods that have not ended, also those in admission.
    pub(crate) active: u32,
    /// Pods that have been ready for as long as their controller asks for.
    pub(crate) available: u32,
    pub(crate) denied: u32,
    /// Active pods that exist.
    pub(crate) existing: u32,
    pub(crate) failed: u32,
    pub(crate) ready: u32,
    /// How often containers of active pods failed and were started again in place.
    pub(crate) restarts: u32,
    pub(crate) succeeded: u32,
    /// Slots whose pod has succeeded.
    pub(crate) succeeded_slots: BTreeSet<u32>,
    /// The number of failures of each slot.
    pub(crate) failures: HashMap<u32, u32>,
    /// Slots that are not tried again.
    pub(crate) lost: BTreeSet<u32>,
    /// Slots whose last pod failed.
    pub(crate) open: BTreeSet<u32>,
    /// The number of pods that were created for each slot. Slots are filled in ascending order.
    attempts: HashMap<u32, usize>,
}

impl Tally {
    /// Counts a pod that is created.
    pub(crate) fn add(&mut self, pod: CountedPod) {
        self.created += 1;
        *self.attempts.entry(pod.slot).or_default() += 1;
        self.open.remove(&pod.slot);
        self.count(pod);
    }

    /// Counts a pod that has changed.
    pub(crate) fn replace(&mut self, before: CountedPod, after: CountedPod) {
        self.uncount(before);
        self.count(after);
        if before.state != after.state {
            self.note_end(after);
        }
        if before.fills_its_slot() && !after.fills_its_slot() {
            self.open.insert(after.slot);
        }
    }

    /// Returns how many pods were created for `slot`.
    pub(crate) fn attempts(&self, slot: u32) -> usize {
        self.attempts.get(&slot).copied().unwrap_or_default()
    }

    /// Returns how many slots had a pod.
    pub(crate) fn slots(&self) -> u32 {
        u32::try_from(self.attempts.len()).unwrap_or(u32::MAX)
    }

    /// Remembers how a pod has ended.
    fn note_end(&mut self, pod: CountedPod) {
        let failures = self.failures.entry(pod.slot);
        match pod.state {
            CountedState::Failed => *failures.or_default() += 1,
            CountedState::FailedForGood => {
                self.lost.insert(pod.slot);
            }
            CountedState::Succeeded => {
                self.succeeded_slots.insert(pod.slot);
            }
            CountedState::Active { .. }
            | CountedState::Admission
            | CountedState::Available
            | CountedState::Denied
            | CountedState::Ignored => {}
        }
    }

    fn count(&mut self, pod: CountedPod) {
        self.active += u32::from(pod.is_active());
        self.existing += u32::from(pod.exists());
        self.available += u32::from(pod.state == CountedState::Available);
        self.denied += u32::from(pod.state == CountedState::Denied);
        self.failed += u32::from(pod.has_failed());
        self.restarts += pod.counted_restarts();
        self.ready += u32::from(pod.is_ready());
        self.succeeded += u32::from(pod.state == CountedState::Succeeded);
    }

    fn uncount(&mut self, pod: CountedPod) {
        self.active -= u32::from(pod.is_active());
        self.existing -= u32::from(pod.exists());
        self.available -= u32::from(pod.state == CountedState::Available);
        self.denied -= u32::from(pod.state == CountedState::Denied);
        self.failed -= u32::from(pod.has_failed());
        self.restarts -= pod.counted_restarts();
        self.ready -= u32::from(pod.is_ready());
        self.succeeded -= u32::from(pod.state == CountedState::Succeeded);
    }
}

#[cfg(test)]
impl FromIterator<CountedPod> for Tally {
    fn from_iter<I: IntoIterator<Item = CountedPod>>(pods: I) -> Self {
        let mut tally = Self::default();
        for pod in pods {
            let created = CountedPod {
                restarts: 0,
                state: CountedState::Active { ready: false },
                ..pod
            };
            tally.add(created);
            tally.replace(created, pod);
        }
        tally
    }
}
