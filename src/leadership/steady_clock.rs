//! The clock by which a Lease ends, as a seam.

use std::{fmt, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// Tells the time since a moment that stays the same. Never goes back, whoever sets the time of
/// day.
pub(crate) trait SteadyClock: fmt::Debug + Send + Sync {
    /// Returns the time since that moment.
    fn now(&self) -> Duration;
}

/// The clock that also runs while the machine is suspended: a Lease ends meanwhile.
///
/// A virtual machine that its host pauses may not notice the pause; then the preconditions of each
/// write have to do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BootClock;

impl SteadyClock for BootClock {
    fn now(&self) -> Duration {
        let now = clock_gettime(CLOCK);
        let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
        let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or_default();
        Duration::new(seconds, nanoseconds)
    }
}

#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
/// Elsewhere, where no replica of a cluster runs.
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;
