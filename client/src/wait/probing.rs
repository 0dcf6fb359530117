//! The times of a probe's attempts.

use std::time::Duration;

use crate::backoff::Backoff;

/// The checks of one term.
#[derive(Clone, Debug)]
pub(super) struct Probing {
    /// The position of the term.
    pub(super) term: usize,
    phase: Phase,
    backoff: Backoff,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Phase {
    /// The probe succeeded once, or its term was given up.
    Over,
    Resting {
        until: Duration,
    },
    Running,
}

impl Probing {
    pub(super) fn new(term: usize, now: Duration) -> Self {
        Self {
            term,
            phase: Phase::Resting { until: now },
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(5)),
        }
    }

    pub(super) fn due_at(&self) -> Option<Duration> {
        match self.phase {
            Phase::Resting { until } => Some(until),
            Phase::Over | Phase::Running => None,
        }
    }

    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.due_at().is_some_and(|at| at <= now)
    }

    pub(super) fn begin(&mut self) {
        self.phase = Phase::Running;
    }

    pub(super) fn failed(&mut self, now: Duration, random: &mut fastrand::Rng) {
        if self.phase == Phase::Running {
            let until = now + self.backoff.after_failure(random);
            self.phase = Phase::Resting { until };
        }
    }

    /// Ends the checks.
    pub(super) fn latch(&mut self) {
        self.phase = Phase::Over;
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }
}
