//! Time that runs faster than reality.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use oncue_client::surroundings::Clock;

/// A clock that was right when the rehearsal began, and runs faster since.
#[derive(Clone, Copy, Debug)]
pub(super) struct FastClock {
    origin: Instant,
    began: Duration,
    speed: f64,
}

impl FastClock {
    /// Returns the clock of a rehearsal that `began` at a time since the Unix epoch.
    pub(super) fn new(began: Duration, speed: f64) -> Self {
        Self {
            origin: Instant::now(),
            began,
            speed,
        }
    }
}

impl Clock for FastClock {
    fn now(&self) -> Duration {
        self.origin.elapsed().mul_f64(self.speed)
    }

    fn since_epoch(&self) -> Duration {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.began + now.saturating_sub(self.began).mul_f64(self.speed)
    }

    fn in_reality(&self, duration: Duration) -> Duration {
        duration.div_f64(self.speed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeps_as_much_less_as_it_runs_faster() {
        let clock = FastClock::new(Duration::ZERO, 4.0);
        assert_eq!(
            clock.in_reality(Duration::from_secs(8)),
            Duration::from_secs(2)
        );
    }

    #[test]
    fn agrees_with_every_other_clock_of_the_rehearsal() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let began = now.saturating_sub(Duration::from_mins(1));
        let clock = FastClock::new(began, 10.0);
        let age = clock.since_epoch().saturating_sub(began);
        assert!(
            age >= Duration::from_mins(10) && age < Duration::from_mins(20),
            "{age:?}"
        );
    }
}
