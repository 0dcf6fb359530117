//! The part of a Job's `spec` that decides over its pods.

use std::ops::Range;

use serde_json::Value;

use super::attempt::{Attempt, count};
use crate::workload::CompletionMode;

/// How many failures a Job allows where it does not say.
const DEFAULT_BACKOFF_LIMIT: u32 = 6;

/// How many pods a Job runs, at a time and in all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct JobPlan {
    /// How many must succeed; with none, it is a work queue.
    completions: Option<u32>,
    parallelism: u32,
    mode: CompletionMode,
    backoff_limit: u32,
    is_suspended: bool,
}

/// How a Job ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum JobEnd {
    /// As many pods succeeded as it asks for.
    Complete,
    /// More failed than it allows.
    Failed,
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
        }
    }

    /// Takes over what else the Job's `spec` says.
    pub(crate) fn with(self, spec: &Value) -> Self {
        let limit = spec["backoffLimit"].as_u64();
        let limit = limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
        Self {
            backoff_limit: limit.unwrap_or(self.backoff_limit),
            is_suspended: spec["suspend"] == true,
            ..self
        }
    }

    pub(super) fn slots(self) -> Range<u32> {
        let all = self.completions.unwrap_or(self.parallelism);
        0..if self.is_suspended { 0 } else { all }
    }

    pub(super) fn due(self, attempts: &[Attempt]) -> Vec<u32> {
        if self.is_suspended || self.end(attempts).is_some() {
            return Vec::new();
        }
        let active = count(attempts, Attempt::is_active);
        let free = self.parallelism.saturating_sub(active);
        if self.mode == CompletionMode::Indexed {
            let is_open = |slot: &u32| !attempts.iter().any(|attempt| holds(attempt, *slot));
            let open = (0..self.wanted()).filter(is_open);
            return open.zip(0..free).map(|(slot, _)| slot).collect();
        }
        let succeeded = count(attempts, Attempt::has_succeeded);
        let missing = match self.completions {
            Some(completions) => completions.saturating_sub(active + succeeded),
            // A work queue: the first success says that the queue is empty.
            None if succeeded > 0 => 0,
            None => free,
        };
        let next = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        (next..)
            .zip(0..missing.min(free))
            .map(|(slot, _)| slot)
            .collect()
    }

    pub(super) fn end(self, attempts: &[Attempt]) -> Option<JobEnd> {
        let failures: u32 = attempts.iter().map(Attempt::failures).sum();
        let denied = attempts.iter().any(Attempt::was_denied);
        if denied || failures > self.backoff_limit {
            return Some(JobEnd::Failed);
        }
        let (succeeded, wanted) = self.progress(attempts);
        let is_over = self.completions.is_some() || !attempts.iter().any(Attempt::is_active);
        (succeeded >= wanted && is_over).then_some(JobEnd::Complete)
    }

    pub(super) fn progress(self, attempts: &[Attempt]) -> (u32, u32) {
        (count(attempts, Attempt::has_succeeded), self.wanted())
    }

    fn wanted(self) -> u32 {
        self.completions.unwrap_or(1)
    }
}

fn holds(attempt: &Attempt, slot: u32) -> bool {
    attempt.slot == slot && (attempt.is_active() || attempt.has_succeeded())
}
