//! The times of a probe's attempts.

use std::time::Duration;

use oncue_language::ServiceReadiness;

use super::Check;

/// The checks of one term.
#[derive(Clone, Debug)]
pub(super) struct Probing {
    /// The position of the term.
    pub(super) term: usize,
    /// The term about the Service that the host is, as the store takes it; `None` for another host.
    pub(super) service: Option<String>,
    readiness: ServiceReadiness,
    /// Whether the Service was ready when the store last knew it. An outage of the store does not
    /// change this: a Service that is ready before and after it is no news.
    was_ready: bool,
    /// The checks are frequent until then, because the Service has just become ready.
    hurried_until: Duration,
    has_failed: bool,
    /// The number of the last check. The first one has the number 1.
    last: u64,
    /// How many checks are under way.
    under_way: u8,
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

/// What news about a Service means to the checks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Nudge {
    /// Check at once: the Service has a ready endpoint now.
    First,
    /// Check at once, as after another nudge a moment ago.
    Further,
    /// Go on as before.
    None,
}

impl Probing {
    pub(super) fn new(term: usize, service: Option<String>, now: Duration) -> Self {
        Self {
            term,
            service,
            readiness: ServiceReadiness::Unknown,
            was_ready: false,
            hurried_until: Duration::ZERO,
            has_failed: false,
            last: 0,
            under_way: 0,
            phase: Phase::Resting { until: now },
            begun: now,
        }
    }

    pub(super) fn due_at(&self) -> Option<Duration> {
        match self.phase {
            Phase::Resting { until } if self.under_way < MAX_UNDER_WAY => Some(until),
            Phase::Over | Phase::Resting { .. } | Phase::Running => None,
        }
    }

    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.due_at().is_some_and(|at| at <= now)
    }

    pub(super) fn begin(&mut self) -> Check {
        self.phase = Phase::Running;
        self.under_way += 1;
        self.last += 1;
        Check {
            term: self.term,
            number: self.last,
        }
    }

    /// Handles the end of a check. Returns whether its result counts: a failure does not once the
    /// probe is over or a later check has begun, which knows better.
    pub(super) fn ended(&mut self, check: Check, has_held: bool) -> bool {
        self.under_way = self.under_way.saturating_sub(1);
        has_held || (check.number == self.last && !self.is_over())
    }

    pub(super) fn failed(&mut self, now: Duration, random: &mut fastrand::Rng) {
        self.has_failed = true;
        if self.phase == Phase::Running {
            let until = now + self.longest_pause(now).mul_f64(0.75 + random.f64() / 4.0);
            self.phase = Phase::Resting { until };
        }
    }

    /// Learns what the store knows of the Service.
    ///
    /// One check that is under way does not delay the next one: what it sent may be lost, since
    /// there was no endpoint.
    pub(super) fn learn(&mut self, readiness: ServiceReadiness, now: Duration) -> Nudge {
        self.readiness = readiness;
        if readiness == ServiceReadiness::Unknown {
            return Nudge::None;
        }
        let is_ready = readiness == ServiceReadiness::Ready;
        let is_nudge = is_ready && !self.was_ready;
        self.was_ready = is_ready;
        if !is_nudge || self.is_over() {
            return Nudge::None;
        }
        let was_hurried = now < self.hurried_until;
        self.hurried_until = now + HURRY;
        if !self.has_failed {
            return Nudge::None;
        }
        self.phase = Phase::Resting { until: now };
        if was_hurried {
            Nudge::Further
        } else {
            Nudge::First
        }
    }

    /// Ends the checks.
    pub(super) fn latch(&mut self) {
        self.phase = Phase::Over;
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Returns whether a check has failed, and the next one has not held yet.
    pub(super) fn is_failing(&self) -> bool {
        self.has_failed && !self.is_over()
    }

    /// Returns the longest pause after a check that fails now. A random part is taken off, so that
    /// many pods do not check together.
    fn longest_pause(&self, now: Duration) -> Duration {
        if now < self.hurried_until {
            return HURRIED_PAUSE;
        }
        match (now.saturating_sub(self.begun).as_secs(), self.readiness) {
            (0..5, _) => Duration::from_millis(250),
            (5..60, _) => Duration::from_secs(1),
            (_, ServiceReadiness::Unready) => Duration::from_secs(5),
            // No nudge will come: nobody watches the Service, or it is ready already.
            (_, ServiceReadiness::Ready | ServiceReadiness::Unknown) => Duration::from_secs(2),
        }
    }
}

/// How long the checks are frequent after a nudge: the node's rules may lag behind the endpoint.
const HURRY: Duration = Duration::from_secs(3);
const HURRIED_PAUSE: Duration = Duration::from_millis(100);

/// How many checks of one term are under way at most: one whose packets may be lost, and one after
/// a nudge.
const MAX_UNDER_WAY: u8 = 2;

#[cfg(test)]
mod tests {
    use super::{ServiceReadiness::*, *};

    const BEGUN: Duration = Duration::from_secs(1000);

    fn mk_probing() -> Probing {
        Probing::new(0, Some("service:redis@shop".to_owned()), BEGUN)
    }

    /// Returns the pause after a check that fails so many milliseconds after the first one.
    fn pause_after(probing: &mut Probing, at: u64) -> Duration {
        let now = BEGUN + Duration::from_millis(at);
        let check = probing.begin();
        assert!(probing.ended(check, false));
        probing.failed(now, &mut fastrand::Rng::with_seed(7));
        probing.due_at().unwrap().saturating_sub(now)
    }

    #[track_caller]
    fn assert_pause(pause: Duration, longest: u64) {
        let longest = Duration::from_millis(longest);
        assert!(
            pause <= longest && pause >= longest * 3 / 4,
            "{pause:?} of {longest:?}"
        );
    }

    #[test]
    fn checks_often_at_first_and_less_often_later() {
        for (at, readiness, longest) in [
            (0, Unknown, 250),
            (4_999, Unready, 250),
            (5_000, Unknown, 1_000),
            (59_999, Unready, 1_000),
            (60_000, Unknown, 2_000),
            (60_000, Unready, 5_000),
        ] {
            let mut probing = mk_probing();
            assert_eq!(probing.learn(readiness, BEGUN), Nudge::None);
            assert_pause(pause_after(&mut probing, at), longest);
        }
    }

    #[test]
    fn checks_at_once_and_often_for_3_seconds_after_a_nudge() {
        let mut probing = mk_probing();
        probing.learn(Unready, BEGUN);
        assert_pause(pause_after(&mut probing, 70_000), 5_000);
        let nudged = BEGUN + Duration::from_secs(71);
        assert_eq!(probing.learn(Ready, nudged), Nudge::First);
        assert!(probing.is_due(nudged));
        for (at, longest) in [(71_000, 100), (73_999, 100), (74_000, 2_000)] {
            assert_pause(pause_after(&mut probing, at), longest);
        }
    }

    #[test]
    fn a_nudge_does_not_wait_for_the_check_that_is_under_way() {
        let mut probing = mk_probing();
        pause_after(&mut probing, 0);
        probing.begin();
        let nudged = BEGUN + Duration::from_secs(1);
        assert_eq!(probing.learn(Ready, nudged), Nudge::First);
        assert!(probing.is_due(nudged));
    }

    #[test]
    fn nudges_start_a_second_check_but_not_a_third() {
        let mut probing = mk_probing();
        pause_after(&mut probing, 0);
        let checks = [1, 2].map(|second| {
            let now = BEGUN + Duration::from_secs(second);
            probing.learn(Unready, now);
            probing.learn(Ready, now);
            assert!(probing.is_due(now), "{second}");
            probing.begin()
        });
        let now = BEGUN + Duration::from_secs(3);
        probing.learn(Unready, now);
        assert_eq!(probing.learn(Ready, now), Nudge::Further);
        assert_eq!(probing.due_at(), None, "two checks are under way");
        assert!(!probing.ended(checks[0], false), "the second is newer");
        assert!(probing.is_due(now));
    }

    #[test]
    fn a_service_that_was_ready_before_an_outage_of_the_store_is_no_news() {
        let at = |seconds| BEGUN + Duration::from_secs(seconds);
        for (before, nudge) in [(Ready, Nudge::None), (Unready, Nudge::First)] {
            let mut probing = mk_probing();
            pause_after(&mut probing, 0);
            probing.learn(before, at(1));
            assert_eq!(probing.learn(Unknown, at(60)), Nudge::None);
            assert_pause(pause_after(&mut probing, 60_000), 2_000);
            assert_eq!(probing.learn(Ready, at(70)), nudge, "{before:?}");
        }
    }

    #[test]
    fn only_a_service_that_becomes_ready_nudges_and_only_a_check_that_fails() {
        let at = |seconds| BEGUN + Duration::from_secs(seconds);
        let mut probing = mk_probing();
        probing.begin();
        assert_eq!(probing.learn(Ready, at(0)), Nudge::None, "none has failed");
        assert_pause(pause_after(&mut probing, 0), 100);
        for (second, readiness, nudge) in [
            (1, Ready, Nudge::None),
            (2, Unready, Nudge::None),
            (2, Ready, Nudge::Further),
            (9, Unready, Nudge::None),
            (9, Ready, Nudge::First),
        ] {
            assert_eq!(probing.learn(readiness, at(second)), nudge, "{second}");
        }
        probing.latch();
        probing.learn(Unready, at(20));
        assert_eq!(probing.learn(Ready, at(20)), Nudge::None);
        assert!(probing.is_over());
    }
}
