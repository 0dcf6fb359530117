//! From when to when a certificate is valid.

use std::time::{Duration, SystemTime};

/// From when to when a certificate is valid, in whole seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validity {
    /// The first moment.
    pub not_before: SystemTime,
    /// The last moment.
    pub not_after: SystemTime,
}

impl Validity {
    /// Starts an hour before `now`, because clocks differ, and ends `lifetime` after it.
    pub(crate) fn starting(now: SystemTime, lifetime: Duration) -> Self {
        let now = whole_seconds(now);
        Self {
            not_before: now
                .checked_sub(CLOCK_SKEW)
                .unwrap_or(SystemTime::UNIX_EPOCH),
            not_after: now + lifetime,
        }
    }

    /// Returns when a successor is due: when a third of `lifetime` is left, or a third of all the
    /// time if that is shorter.
    ///
    /// Compare wall clocks, and often: a timer alone sleeps through a machine's hibernation.
    pub fn renew_at(self, lifetime: Duration) -> SystemTime {
        let whole = self.not_after.duration_since(self.not_before);
        self.not_after - whole.unwrap_or_default().min(lifetime) / 3
    }

    /// Returns whether a certificate is valid at `now`.
    pub fn contains(self, now: SystemTime) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// Returns how long a certificate is still valid at `now`; zero if it has expired.
    pub fn rest(self, now: SystemTime) -> Duration {
        self.not_after.duration_since(now).unwrap_or_default()
    }
}

fn whole_seconds(time: SystemTime) -> SystemTime {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH);
    SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch.unwrap_or_default().as_secs())
}

const CLOCK_SKEW: Duration = Duration::from_hours(1);
