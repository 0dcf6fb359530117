//! How long to wait before the next try.

use std::time::Duration;

/// A delay that doubles with each failure up to a limit. A random part of up to half of it is taken
/// off, so that simultaneous failures do not retry together.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    limit: Duration,
    failures: u32,
}

impl Backoff {
    /// Returns a delay that begins with `first` and ends with `limit`.
    #[must_use]
    pub const fn new(first: Duration, limit: Duration) -> Self {
        Self {
            first,
            limit,
            failures: 0,
        }
    }

    /// Counts one more failure and returns the delay after it.
    pub fn after_failure(&mut self, random: &mut fastrand::Rng) -> Duration {
        let factor = 2u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        let longest = self.first.saturating_mul(factor).min(self.limit);
        longest.mul_f64(0.5 + random.f64() / 2.0)
    }

    /// Returns how many failures there were in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Forgets the failures.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_its_limit_and_starts_anew_after_a_success() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        for longest in [1.0, 2.0, 4.0, 5.0, 5.0] {
            let delay = backoff.after_failure(&mut random).as_secs_f64();
            assert!(
                (longest / 2.0..=longest).contains(&delay),
                "{delay} of {longest}"
            );
        }
        backoff.reset();
        assert!(backoff.after_failure(&mut random) <= Duration::from_secs(1));
    }

    #[test]
    fn never_overflows() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let delays = (0..100).map(|_| backoff.after_failure(&mut random));
        assert!(delays.max().unwrap() <= Duration::from_secs(5));
    }
}
