//! The times of a probe's attempts.

use std::time::Duration;

/// The checks of one term.
#[derive(Clone, Debug)]
pub(super) struct Probing {
    /// The position of the term.
    pub(super) term: usize,
    phase: Phase,
    begun: Duration,
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
            begun: now,
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
            let longest = pause_after(now.saturating_sub(self.begun));
            let until = now + longest.mul_f64(0.75 + random.f64() / 4.0);
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

/// Returns the longest pause after a check that failed so long after the first one. A random part is
/// taken off, so that many pods do not check together.
fn pause_after(elapsed: Duration) -> Duration {
    match elapsed.as_secs() {
        0..5 => Duration::from_millis(250),
        5..60 => Duration::from_secs(1),
        _ => Duration::from_secs(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_often_at_first_and_less_often_later() {
        let mut random = fastrand::Rng::with_seed(7);
        for (at, longest) in [
            (0, 250),
            (4_999, 250),
            (5_000, 1000),
            (59_999, 1000),
            (60_000, 2000),
        ] {
            let begun = Duration::from_secs(1000);
            let mut probing = Probing::new(0, begun);
            let now = begun + Duration::from_millis(at);
            probing.begin();
            probing.failed(now, &mut random);
            let pause = probing.due_at().unwrap().saturating_sub(now);
            let longest = Duration::from_millis(longest);
            assert!(
                pause <= longest && pause >= longest * 3 / 4,
                "{pause:?} after {at} ms"
            );
        }
    }
}
