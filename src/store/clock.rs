//! The time of day, as a seam.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::life::Timestamp;

/// Tells the time of day.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::default() + since
    }
}

/// A clock that goes with the time of a test.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct PausedClock(tokio::time::Instant);

#[cfg(test)]
impl PausedClock {
    /// The time at which the clock starts.
    pub(crate) const BEGIN: &str = "2026-11-27T11:00:00Z";

    pub(crate) fn start() -> Self {
        Self(tokio::time::Instant::now())
    }
}

#[cfg(test)]
impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let begin: Timestamp = Self::BEGIN.parse().unwrap();
        begin + self.0.elapsed()
    }
}
