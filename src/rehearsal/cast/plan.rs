//! When a controller creates its pods, and when it has done what it is for.

mod attempt;
mod job;

pub(crate) use self::{
    attempt::{Attempt, AttemptState},
    job::{JobEnd, JobPlan},
};

use std::ops::Range;

use self::attempt::count;

/// How a controller creates its pods.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Plan {
    /// A Job.
    Job(JobPlan),
    /// One pod an ordinal, each once the one before is ready.
    OneByOne {
        /// The first ordinal.
        start: u32,
        /// How many.
        replicas: u32,
    },
    /// One pod a node.
    PerNode,
    /// So many pods at once.
    Together {
        /// The first slot.
        start: u32,
        /// How many.
        replicas: u32,
    },
}

impl Plan {
    /// Returns the slots to create a pod for now, given every pod there was.
    pub(crate) fn due(self, attempts: &[Attempt], nodes: u32) -> Vec<u32> {
        let vacant = |slot: &u32| attempts.iter().all(|attempt| attempt.slot != *slot);
        let mut vacant = self.slots(nodes).filter(vacant);
        match self {
            Self::Job(job) => job.due(attempts),
            Self::OneByOne { .. } if attempts.iter().all(Attempt::is_ready) => {
                vacant.next().into_iter().collect()
            }
            Self::OneByOne { .. } => Vec::new(),
            Self::PerNode | Self::Together { .. } => vacant.collect(),
        }
    }

    /// Returns every slot that there will be a pod for.
    pub(crate) fn slots(self, nodes: u32) -> Range<u32> {
        match self {
            Self::Job(job) => job.slots(),
            Self::OneByOne { start, replicas } | Self::Together { start, replicas } => {
                start..start.saturating_add(replicas)
            }
            Self::PerNode => 0..nodes,
        }
    }

    /// Returns how many pods are ready (of a Job's: have succeeded), and how many there should be.
    pub(crate) fn progress(self, attempts: &[Attempt], nodes: u32) -> (u32, u32) {
        let ready = count(attempts, Attempt::is_ready);
        match self {
            Self::Job(job) => job.progress(attempts),
            Self::OneByOne { replicas, .. } | Self::Together { replicas, .. } => (ready, replicas),
            Self::PerNode => (ready, nodes),
        }
    }

    /// Returns how a Job has ended; `None` while it has not, and for everything else.
    pub(crate) fn job_end(self, attempts: &[Attempt]) -> Option<JobEnd> {
        match self {
            Self::Job(job) => job.end(attempts),
            Self::OneByOne { .. } | Self::PerNode | Self::Together { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{language::Namespace, rehearsal::cast::Cast};
    use AttemptState::{Active, Failed, Succeeded};

    const READY: AttemptState = Active { ready: true };
    const STARTING: AttemptState = Active { ready: false };

    fn mk_attempts(states: &[(u32, AttemptState)]) -> Vec<Attempt> {
        let attempt = |&(slot, state)| Attempt {
            slot,
            restarts: 0,
            state,
        };
        states.iter().map(attempt).collect()
    }

    #[test]
    fn replicas_come_together_and_ordinals_one_by_one() {
        let together = Plan::Together {
            start: 0,
            replicas: 3,
        };
        assert_eq!(together.due(&[], 1), [0, 1, 2]);
        assert_eq!(together.due(&mk_attempts(&[(1, STARTING)]), 1), [0, 2]);
        let one_by_one = Plan::OneByOne {
            start: 5,
            replicas: 2,
        };
        assert_eq!(one_by_one.due(&[], 1), [5]);
        assert!(one_by_one.due(&mk_attempts(&[(5, STARTING)]), 1).is_empty());
        assert_eq!(one_by_one.due(&mk_attempts(&[(5, READY)]), 1), [6]);
        assert!(
            one_by_one
                .due(&mk_attempts(&[(5, READY), (6, READY)]), 1)
                .is_empty()
        );
    }

    #[test]
    fn a_daemon_set_has_a_pod_on_each_node() {
        assert_eq!(Plan::PerNode.due(&[], 2), [0, 1]);
        let attempts = mk_attempts(&[(0, READY), (1, STARTING)]);
        assert_eq!(Plan::PerNode.progress(&attempts, 2), (1, 2));
    }

    #[test]
    fn nothing_is_created_for_no_replicas() {
        let none = Plan::Together {
            start: 0,
            replicas: 0,
        };
        assert!(none.due(&[], 1).is_empty());
        assert_eq!(none.progress(&[], 1), (0, 0));
    }

    fn mk_job(mut spec: serde_json::Value) -> Plan {
        spec["template"] = serde_json::json!({});
        let object = serde_json::json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": spec,
        });
        Cast::new([("job.yaml", &object)], &Namespace::default())
            .unwrap()
            .controllers[0]
            .plan
    }

    #[test]
    fn a_job_retries_until_its_back_off_limit() {
        let job = mk_job(serde_json::json!({"backoffLimit": 1}));
        assert_eq!(job.due(&[], 1), [0]);
        let once = mk_attempts(&[(0, Failed)]);
        assert_eq!((job.due(&once, 1), job.job_end(&once)), (vec![1], None));
        let twice = mk_attempts(&[(0, Failed), (1, Failed)]);
        assert_eq!(
            (job.due(&twice, 1), job.job_end(&twice)),
            (vec![], Some(JobEnd::Failed))
        );
        let saved = mk_attempts(&[(0, Failed), (1, Succeeded)]);
        assert_eq!(
            (job.due(&saved, 1), job.job_end(&saved)),
            (vec![], Some(JobEnd::Complete))
        );
    }

    #[test]
    fn restarts_in_place_count_as_failures_of_a_job() {
        let job = mk_job(serde_json::json!({"backoffLimit": 1}));
        let mut attempts = mk_attempts(&[(0, STARTING)]);
        attempts[0].restarts = 1;
        assert_eq!(job.job_end(&attempts), None);
        attempts[0].restarts = 2;
        assert_eq!(job.job_end(&attempts), Some(JobEnd::Failed));
    }

    #[test]
    fn a_job_keeps_to_its_parallelism_and_its_completions() {
        let job = mk_job(serde_json::json!({"completions": 3, "parallelism": 2}));
        assert_eq!(job.due(&[], 1), [0, 1]);
        let attempts = mk_attempts(&[(0, Succeeded), (1, STARTING)]);
        assert_eq!(
            (job.due(&attempts, 1), job.progress(&attempts, 1)),
            (vec![2], (1, 3))
        );
        let done = mk_attempts(&[(0, Succeeded), (1, Succeeded), (2, Succeeded)]);
        assert_eq!(
            (job.due(&done, 1), job.job_end(&done)),
            (vec![], Some(JobEnd::Complete))
        );
    }

    #[test]
    fn an_index_is_tried_again_until_it_succeeds() {
        let job = mk_job(serde_json::json!({
            "completions": 3, "parallelism": 2, "completionMode": "Indexed",
        }));
        let attempts = mk_attempts(&[(0, Succeeded), (1, Failed)]);
        assert_eq!(job.due(&attempts, 1), [1, 2]);
    }

    #[test]
    fn a_work_queue_is_complete_when_all_ended_and_one_succeeded() {
        let job = mk_job(serde_json::json!({"parallelism": 2}));
        assert_eq!(job.due(&[], 1), [0, 1]);
        let half = mk_attempts(&[(0, Succeeded), (1, STARTING)]);
        assert_eq!((job.due(&half, 1), job.job_end(&half)), (vec![], None));
        let done = mk_attempts(&[(0, Succeeded), (1, Succeeded)]);
        assert_eq!(job.job_end(&done), Some(JobEnd::Complete));
    }

    #[test]
    fn a_suspended_job_creates_nothing_and_one_of_no_completions_is_complete() {
        assert!(
            mk_job(serde_json::json!({"suspend": true}))
                .due(&[], 1)
                .is_empty()
        );
        let none = mk_job(serde_json::json!({"completions": 0}));
        assert_eq!(
            (none.due(&[], 1), none.job_end(&[])),
            (vec![], Some(JobEnd::Complete))
        );
    }
}
