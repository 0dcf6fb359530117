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
    /// Starts a little before `now`, since clocks differ, and ends `lifetime` after it.
    pub(crate) fn starting(now: SystemTime, lifetime: Duration) -> Self {
        let now = whole_seconds(now);
        Self {
            not_before: now - CLOCK_SKEW,
            not_after: now + lifetime,
        }
    }

    /// Returns when a successor is due: after two thirds of the time.
    pub fn renew_at(self) -> SystemTime {
        let lifetime = self.not_after.duration_since(self.not_before);
        self.not_before + lifetime.unwrap_or_default() * 2 / 3
    }

    /// Returns whether a successor is due at `now`, be it that the clock was set back.
    ///
    /// Compare wall clocks, and often: a timer alone sleeps through a machine's hibernation.
    pub fn is_due(self, now: SystemTime) -> bool {
        self.renew_at() <= now || now < self.not_before
    }

    /// Returns whether a certificate is valid at `now`.
    pub fn contains(self, now: SystemTime) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

fn whole_seconds(time: SystemTime) -> SystemTime {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH);
    SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch.unwrap_or_default().as_secs())
}

const CLOCK_SKEW: Duration = Duration::from_hours(1);
