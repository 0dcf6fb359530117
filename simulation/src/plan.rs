//! When a controller creates its pods.

use std::ops::Range;

use crate::{
    job::{JobEnd, JobPlan},
    tally::Tally,
};

/// How a controller creates its pods.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Plan {
    /// A Job.
    Job(JobPlan),
    /// One pod for each ordinal, each once the one before is available.
    OneByOne {
        /// The first ordinal.
        start: u32,
        replicas: u32,
    },
    /// No pods, although so many are wanted: a Deployment that is paused.
    Paused { replicas: u32 },
    /// One pod on each node.
    PerNode,
    /// All pods at once.
    Together {
        /// The first slot.
        start: u32,
        replicas: u32,
    },
}

impl Plan {
    /// Returns the slots to create a pod for now.
    pub(crate) fn due(self, tally: &Tally, nodes: u32) -> Vec<u32> {
        match self {
            Self::Job(job) => job.due(tally),
            Self::OneByOne { .. } if tally.available == tally.created => {
                self.vacant(tally, nodes).take(1).collect()
            }
            Self::OneByOne { .. } | Self::Paused { .. } => Vec::new(),
            Self::PerNode | Self::Together { .. } => self.vacant(tally, nodes).collect(),
        }
    }

    /// Returns the slots that never had a pod.
    pub(crate) fn vacant(self, tally: &Tally, nodes: u32) -> Range<u32> {
        let Range { start, end } = self.slots(nodes);
        start.saturating_add(tally.slots()).min(end)..end
    }

    /// Returns the slots of all of its pods.
    pub(crate) fn slots(self, nodes: u32) -> Range<u32> {
        match self {
            Self::Job(job) => job.slots(),
            Self::OneByOne { start, replicas } | Self::Together { start, replicas } => {
                start..start.saturating_add(replicas)
            }
            Self::Paused { .. } => 0..0,
            Self::PerNode => 0..nodes,
        }
    }

    /// Returns how many pods are available (of a Job: have succeeded), and how many there should be.
    pub(crate) fn progress(self, tally: &Tally, nodes: u32) -> (u32, u32) {
        match self {
            Self::Job(job) => (tally.succeeded, job.wanted()),
            Self::OneByOne { replicas, .. }
            | Self::Paused { replicas }
            | Self::Together { replicas, .. } => (tally.available, replicas),
            Self::PerNode => (tally.available, nodes),
        }
    }

    /// Returns how a Job has ended; `None` before that, and for all other kinds.
    pub(crate) fn job_end(self, tally: &Tally) -> Option<JobEnd> {
        match self {
            Self::Job(job) => job.end(tally),
            Self::OneByOne { .. } | Self::Paused { .. } | Self::PerNode | Self::Together { .. } => {
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::{CountedPod, CountedState};

    fn mk_tally(ready: &[(u32, bool)]) -> Tally {
        let attempt = |&(slot, ready)| CountedPod {
            slot,
            restarts: 0,
            state: if ready {
                CountedState::Available
            } else {
                CountedState::Active { ready }
            },
        };
        ready.iter().map(attempt).collect()
    }

    #[test]
    fn replicas_are_created_together_and_ordinals_one_by_one() {
        let together = Plan::Together {
            start: 0,
            replicas: 3,
        };
        assert_eq!(together.due(&mk_tally(&[]), 1), [0, 1, 2]);
        assert_eq!(together.due(&mk_tally(&[(0, false)]), 1), [1, 2]);
        let one_by_one = Plan::OneByOne {
            start: 5,
            replicas: 2,
        };
        assert_eq!(one_by_one.due(&mk_tally(&[]), 1), [5]);
        assert!(one_by_one.due(&mk_tally(&[(5, false)]), 1).is_empty());
        assert_eq!(one_by_one.due(&mk_tally(&[(5, true)]), 1), [6]);
        let all = mk_tally(&[(5, true), (6, true)]);
        assert!(one_by_one.due(&all, 1).is_empty());
    }

    #[test]
    fn a_daemon_set_has_a_pod_on_each_node() {
        assert_eq!(Plan::PerNode.due(&mk_tally(&[]), 2), [0, 1]);
        let tally = mk_tally(&[(0, true), (1, false)]);
        assert_eq!(Plan::PerNode.progress(&tally, 2), (1, 2));
    }

    #[test]
    fn nothing_is_created_for_no_replicas() {
        let none = Plan::Together {
            start: 0,
            replicas: 0,
        };
        assert!(none.due(&mk_tally(&[]), 1).is_empty());
        assert_eq!(none.progress(&mk_tally(&[]), 1), (0, 0));
    }
}
