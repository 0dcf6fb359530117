//! Durations, as percentiles.

use std::{fmt, time::Duration};

/// Repeated measurements of one duration.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample(Vec<Duration>);

impl Sample {
    pub(super) fn push(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    /// Returns the smallest duration that `percent` of all do not exceed (nearest rank), or zero
    /// without measurements.
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or_default()
    }
}

impl FromIterator<Duration> for Sample {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        Self(durations.into_iter().collect())
    }
}

/// Prints one row of figures, in seconds.
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for percent in [50, 90, 99, 100] {
            let name = match percent {
                100 => "max".to_owned(),
                percent => format!("p{percent}"),
            };
            let seconds = self.percentile(percent).as_secs_f64();
            write!(f, "  {name} {seconds:6.3} s")?;
        }
        write!(f, "  (n = {})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_sample(millis: impl IntoIterator<Item = u64>) -> Sample {
        millis.into_iter().map(Duration::from_millis).collect()
    }

    #[test]
    fn takes_the_nearest_rank() {
        let sample = mk_sample((1..=30).rev());
        assert_eq!(sample.percentile(50), Duration::from_millis(15));
        assert_eq!(sample.percentile(99), Duration::from_millis(30));
        assert_eq!(sample.percentile(100), Duration::from_millis(30));
    }

    #[test]
    fn says_how_much_was_measured() {
        let shown = mk_sample([250]).to_string();
        assert!(shown.starts_with("  p50  0.250 s"), "{shown}");
        assert!(shown.ends_with("(n = 1)"), "{shown}");
    }

    #[test]
    fn nothing_measured_is_no_panic() {
        assert_eq!(Sample::default().percentile(50), Duration::ZERO);
    }
}
