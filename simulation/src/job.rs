//! The Job controller: how many pods a Job runs, when it tries again, and when it ends.
//!
//! A Job has failed once more pods have failed than `backoffLimit` says, or once the containers of
//! its active pods were started again in place as often as it says (at least once). A pod that
//! admission rejects does not fail its Job. Containers that are started again in place are started
//! at once: the back-off of the kubelet is not simulated.

pub(crate) mod policy;

use std::{collections::BTreeSet, ops::Range};

use oncue_core::workload::CompletionMode;
use serde_json::Value;

use crate::tally::Tally;

/// Number of failures that a Job allows by default.
const DEFAULT_BACKOFF_LIMIT: u32 = 6;

/// The part of a Job's `spec` that decides about its pods.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct JobPlan {
    /// How many pods must succeed; a Job without this number is a work queue.
    completions: Option<u32>,
    parallelism: u32,
    mode: CompletionMode,
    backoff_limit: u32,
    is_suspended: bool,
    /// How often each index may fail, if indexes are counted by themselves.
    limit_per_index: Option<u32>,
    /// How many indexes may fail.
    max_failed_indexes: Option<u32>,
}

/// How a Job ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum JobEnd {
    /// As many pods succeeded as it asks for.
    Complete,
    /// Its `activeDeadlineSeconds` were over before that.
    DeadlineExceeded,
    /// More pods failed than it allows.
    Failed,
    /// Its `podFailurePolicy` says so.
    FailedByPolicy,
    /// Some of its indexes have failed, by `backoffLimitPerIndex` or `FailIndex`.
    FailedIndexes,
    /// As many indexes succeeded as its `successPolicy` asks for.
    SucceededEarly,
}

impl JobEnd {
    /// Returns whether the Job is complete.
    pub(crate) fn is_success(self) -> bool {
        matches!(self, Self::Complete | Self::SucceededEarly)
    }
}

impl JobPlan {
    /// Returns a Job that allows as many failures as Jobs do by default.
    pub(crate) fn new(completions: Option<u32>, parallelism: u32, mode: CompletionMode) -> Self {
        Self {
            completions,
            parallelism,
            mode,
            backoff_limit: DEFAULT_BACKOFF_LIMIT,
            is_suspended: false,
            limit_per_index: None,
            max_failed_indexes: None,
        }
    }

    /// Reads the other fields of the Job's `spec`.
    pub(crate) fn with(self, spec: &Value) -> Self {
        let number = |field: &str| {
            let number = spec[field].as_u64();
            number.map(|number| u32::try_from(number).unwrap_or(u32::MAX))
        };
        let limit_per_index = number("backoffLimitPerIndex");
        let default = match limit_per_index {
            None => self.backoff_limit,
            Some(_) => u32::MAX,
        };
        Self {
            backoff_limit: number("backoffLimit").unwrap_or(default),
            is_suspended: spec["suspend"] == true,
            limit_per_index,
            max_failed_indexes: number("maxFailedIndexes"),
            ..self
        }
    }

    /// Returns the slots of the pods that it runs if none fails.
    pub(crate) fn slots(self) -> Range<u32> {
        let all = self.completions.unwrap_or(self.parallelism);
        0..if self.is_suspended { 0 } else { all }
    }

    /// Returns the slots to create a pod for now.
    pub(crate) fn due(self, tally: &Tally) -> Vec<u32> {
        if self.is_suspended || tally.denied > 0 || self.end(tally).is_some() {
            return Vec::new();
        }
        let free = self.parallelism.saturating_sub(tally.active);
        if self.mode == CompletionMode::Indexed {
            let new = tally.slots()..self.wanted();
            let lost = self.lost(tally);
            let open = tally
                .open
                .iter()
                .copied()
                .filter(|slot| !lost.contains(slot));
            let open = open.chain(new);
            return open.zip(0..free).map(|(slot, _)| slot).collect();
        }
        let missing = match self.completions {
            Some(completions) => completions.saturating_sub(tally.active + tally.succeeded),
            // A work queue: the first success says that the queue is empty.
            None if tally.succeeded > 0 => 0,
            None => free,
        };
        let next = tally.created..;
        next.zip(0..missing.min(free))
            .map(|(slot, _)| slot)
            .collect()
    }

    /// Returns how it has ended, if it has.
    pub(crate) fn end(self, tally: &Tally) -> Option<JobEnd> {
        let has_restarted = tally.restarts >= self.backoff_limit.max(1);
        if has_restarted || tally.failed > self.backoff_limit {
            return Some(JobEnd::Failed);
        }
        let lost = u32::try_from(self.lost(tally).len()).unwrap_or(u32::MAX);
        if lost > 0 {
            let is_over = tally.succeeded.saturating_add(lost) >= self.wanted();
            let is_too_many = self.max_failed_indexes.is_some_and(|most| lost > most);
            return (is_over || is_too_many).then_some(JobEnd::FailedIndexes);
        }
        let is_over = self.completions.is_some() || tally.active == 0;
        (tally.succeeded >= self.wanted() && is_over).then_some(JobEnd::Complete)
    }

    /// Returns the indexes that are not tried again.
    fn lost(self, tally: &Tally) -> BTreeSet<u32> {
        let Some(limit) = self.limit_per_index else {
            return BTreeSet::new();
        };
        let failures = tally.failures.iter();
        let failures = failures.filter(|(_, failures)| **failures > limit);
        let lost = failures.map(|(slot, _)| *slot);
        lost.chain(tally.lost.iter().copied()).collect()
    }

    /// Returns how many pods must succeed.
    pub(crate) fn wanted(self) -> u32 {
        self.completions.unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use oncue_language::Namespace;
    use serde_json::json;

    use super::*;
    use crate::{
        Inventory,
        plan::Plan,
        tally::{
            CountedPod,
            CountedState::{self, Active, Failed, Succeeded},
        },
    };

    const STARTING: CountedState = Active { ready: false };

    fn mk_tally(states: &[(u32, CountedState)]) -> Tally {
        let attempt = |&(slot, state)| CountedPod {
            slot,
            restarts: 0,
            state,
        };
        states.iter().map(attempt).collect()
    }

    fn mk_job(mut spec: Value) -> Plan {
        spec["template"] = json!({});
        let object = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": spec,
        });
        let inventory = Inventory::new([("job.yaml", &object)], &Namespace::default());
        inventory.unwrap().controllers[0].plan
    }

    #[test]
    fn tries_again_until_its_back_off_limit() {
        let job = mk_job(json!({"backoffLimit": 1}));
        assert_eq!(job.due(&Tally::default(), 1), [0]);
        let once = mk_tally(&[(0, Failed)]);
        assert_eq!((job.due(&once, 1), job.job_end(&once)), (vec![1], None));
        let twice = mk_tally(&[(0, Failed), (1, Failed)]);
        assert_eq!(
            (job.due(&twice, 1), job.job_end(&twice)),
            (vec![], Some(JobEnd::Failed))
        );
    }

    #[test]
    fn restarts_in_place_count_up_to_the_limit() {
        let job = mk_job(json!({"backoffLimit": 2}));
        let restarted = |restarts| -> Tally {
            let attempt = CountedPod {
                slot: 0,
                restarts,
                state: STARTING,
            };
            [attempt].into_iter().collect()
        };
        assert_eq!(job.job_end(&restarted(1)), None);
        assert_eq!(job.job_end(&restarted(2)), Some(JobEnd::Failed));
    }

    #[test]
    fn keeps_to_its_parallelism_and_its_completions() {
        let job = mk_job(json!({"completions": 3, "parallelism": 2}));
        assert_eq!(job.due(&Tally::default(), 1), [0, 1]);
        let tally = mk_tally(&[(0, Succeeded), (1, STARTING)]);
        assert_eq!(
            (job.due(&tally, 1), job.progress(&tally, 1)),
            (vec![2], (1, 3))
        );
        let done = mk_tally(&[(0, Succeeded), (1, Succeeded), (2, Succeeded)]);
        assert_eq!(
            (job.due(&done, 1), job.job_end(&done)),
            (vec![], Some(JobEnd::Complete))
        );
    }

    #[test]
    fn restarts_of_a_pod_that_has_ended_do_not_count() {
        let job = mk_job(json!({"backoffLimit": 1}));
        let ended = CountedPod {
            slot: 0,
            restarts: 1,
            state: Succeeded,
        };
        let tally = [ended].into_iter().collect();
        assert_eq!(job.job_end(&tally), Some(JobEnd::Complete));
    }

    #[test]
    fn a_rejected_pod_neither_fails_its_job_nor_is_replaced() {
        let job = mk_job(json!({"backoffLimit": 0}));
        let tally = mk_tally(&[(0, CountedState::Denied)]);
        assert_eq!((job.due(&tally, 1), job.job_end(&tally)), (vec![], None));
    }

    #[test]
    fn tries_an_index_again_until_it_succeeds() {
        let job = mk_job(json!({
            "completions": 3, "parallelism": 2, "completionMode": "Indexed",
        }));
        let tally = mk_tally(&[(0, Succeeded), (1, Failed)]);
        assert_eq!(job.due(&tally, 1), [1, 2]);
    }

    #[test]
    fn an_index_that_failed_too_often_is_given_up() {
        let job = mk_job(json!({
            "completions": 3, "parallelism": 3, "completionMode": "Indexed",
            "backoffLimitPerIndex": 0,
        }));
        let tally = mk_tally(&[(0, Succeeded), (1, Failed), (2, STARTING)]);
        assert_eq!((job.due(&tally, 1), job.job_end(&tally)), (vec![], None));
        let tally = mk_tally(&[(0, Succeeded), (1, Failed), (2, Succeeded)]);
        assert_eq!(job.job_end(&tally), Some(JobEnd::FailedIndexes));
    }

    #[test]
    fn a_failure_that_is_ignored_is_made_up_for() {
        let job = mk_job(json!({"backoffLimit": 0}));
        let tally = mk_tally(&[(0, CountedState::Ignored)]);
        assert_eq!((job.due(&tally, 1), job.job_end(&tally)), (vec![1], None));
    }

    #[test]
    fn a_work_queue_is_complete_when_all_ended_and_one_succeeded() {
        let job = mk_job(json!({"parallelism": 2}));
        assert_eq!(job.due(&Tally::default(), 1), [0, 1]);
        let half = mk_tally(&[(0, Succeeded), (1, STARTING)]);
        assert_eq!((job.due(&half, 1), job.job_end(&half)), (vec![], None));
        let done = mk_tally(&[(0, Succeeded), (1, Succeeded)]);
        assert_eq!(job.job_end(&done), Some(JobEnd::Complete));
    }

    #[test]
    fn a_suspended_job_creates_nothing_and_one_of_no_completions_is_complete() {
        let suspended = mk_job(json!({"suspend": true}));
        assert!(suspended.due(&Tally::default(), 1).is_empty());
        let none = mk_job(json!({"completions": 0}));
        assert_eq!(
            (
                none.due(&Tally::default(), 1),
                none.job_end(&Tally::default())
            ),
            (vec![], Some(JobEnd::Complete))
        );
    }
}
