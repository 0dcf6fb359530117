//! Failures of an earlier release: they do not end the wait of a young pod.

use std::time::Duration;

use crate::{state::State, timestamp::Timestamp};

/// How long after the creation of a pod an earlier failure does not count, so that the release of
/// the pod has time to clear it.
pub const GRACE: Duration = Duration::from_secs(30);

/// Which failures count for a wait.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Grace {
    /// All of them.
    #[default]
    Over,
    /// Those that are newer than the wait, because the age of the pod is not known yet. Whether
    /// earlier ones count is open.
    Unknown {
        /// When the wait began: after the pod was created.
        since: Timestamp,
    },
    /// Those that are newer than the waiting pod.
    Young {
        /// The first moment of them.
        first: Timestamp,
        /// When earlier ones begin to count.
        end: Timestamp,
    },
}

impl Grace {
    /// Returns which failures count at `now` for a pod that was created at this time.
    pub fn of_pod(created: Timestamp, now: Timestamp) -> Self {
        Self::of_new_pod(created, created, now)
    }

    /// Returns the same for a pod that was first seen at `seen`, when it was new.
    ///
    /// The time counts from then: `created` is of another clock than `now`.
    pub fn of_new_pod(created: Timestamp, seen: Timestamp, now: Timestamp) -> Self {
        let first = created + RESOLUTION;
        let end = seen + GRACE;
        Self::Young { first, end }.at(now)
    }

    /// Returns the same for a pod whose creation is known to the millisecond, by the clock of `now`.
    pub fn of_exact(created: Timestamp, now: Timestamp) -> Self {
        let end = created + GRACE;
        let first = created;
        Self::Young { first, end }.at(now)
    }

    /// Returns which failures count at `now` for a pod of unknown age whose wait began at `since`.
    pub fn of_unknown(since: Timestamp, now: Timestamp) -> Self {
        Self::Unknown { since }.at(now)
    }

    /// Returns which failures count at `now` for the same pod.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        if self.end().is_some_and(|end| now < end) {
            self
        } else {
            Self::Over
        }
    }

    /// Returns when earlier failures begin to count, if they do not count yet.
    pub fn end(self) -> Option<Timestamp> {
        match self {
            Self::Over => None,
            Self::Unknown { since } => Some(since + GRACE),
            Self::Young { end, .. } => Some(end),
        }
    }

    /// Returns from which moment on failures count, if not all do.
    pub fn first_counted(self) -> Option<Timestamp> {
        match self {
            Self::Over => None,
            Self::Unknown { since } => Some(since + RESOLUTION),
            Self::Young { first, .. } => Some(first),
        }
    }

    /// Returns whether a failure of this moment counts. One of an unknown moment always does.
    pub fn counts(self, failed: Option<Timestamp>) -> bool {
        let moments = failed.zip(self.first_counted());
        moments.is_none_or(|(failed, first)| failed >= first)
    }

    /// Returns the state of a failure term whose failure does not count.
    pub fn uncounted(self) -> State {
        match self {
            Self::Unknown { .. } => State::Missing,
            Self::Over | Self::Young { .. } => State::Held,
        }
    }
}

/// Kubernetes writes whole seconds: a failure in the second of the creation may be an earlier one.
const RESOLUTION: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_failure_counts_30_seconds_after_the_pod_was_created() {
        let at = |seconds: u64| Timestamp::from_millis(1_000_000) + Duration::from_secs(seconds);
        let created = at(10);
        for (now, failed, counts) in [
            (0, Some(9), false),
            (10, Some(9), false),
            (39, Some(0), false),
            (39, Some(10), false),
            (39, Some(11), true),
            (39, None, true),
            (40, Some(0), true),
            (99, Some(0), true),
        ] {
            let grace = Grace::of_pod(created, at(now));
            let row = format!("failed at {failed:?}, judged at {now}");
            assert_eq!(grace.counts(failed.map(at)), counts, "{row}");
            assert_eq!(grace.end(), (now < 40).then(|| at(40)), "{row}");
            assert_eq!(grace.at(at(40)), Grace::Over, "{row}");
        }
    }

    #[test]
    fn a_failure_of_the_second_of_the_creation_counts_if_the_creation_is_known_exactly() {
        let at = Timestamp::from_millis;
        let grace = Grace::of_exact(at(10_500), at(10_500));
        for (failed, counts) in [(10_499, false), (10_500, true), (10_900, true)] {
            assert_eq!(grace.counts(Some(at(failed))), counts, "{failed}");
        }
        assert_eq!(grace.end(), Some(at(40_500)));
        assert_eq!(Grace::of_exact(at(10_500), at(40_500)), Grace::Over);
    }
}
