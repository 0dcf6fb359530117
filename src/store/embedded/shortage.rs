//! A time without space on the disk, and what ends it.

use std::time::{Duration, Instant};

use super::RESERVE;

/// How long the disk is left alone after it was found full.
const PAUSE: Duration = Duration::from_secs(1);

/// Begins when the reserve is given up, and ends when the space for it is there again. That space
/// alone proves nothing: it may be what the reserve has left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shortage {
    /// How many bytes the variables took when it began.
    began_with: usize,
    /// How many bytes the variables took when the file was made smaller, or when it began.
    compacted_with: usize,
    looked: Instant,
}

impl Shortage {
    pub(super) fn begin(variables: usize, now: Instant) -> Self {
        Self {
            began_with: variables,
            compacted_with: variables,
            looked: now,
        }
    }

    /// Says whether it is time to look for room, which is then put off.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now.duration_since(self.looked) >= PAUSE;
        if is_due {
            self.looked = now;
        }
        is_due
    }

    /// Says whether variables that take so many bytes leave room in the file.
    pub(super) fn is_relieved_by(&self, variables: usize) -> bool {
        variables < self.began_with
    }

    /// Says whether a quarter of the variables is gone since this was last the case.
    pub(super) fn has_lost_a_quarter(&mut self, variables: usize) -> bool {
        let has_lost = variables < self.compacted_with / 4 * 3;
        if has_lost {
            self.compacted_with = variables;
        }
        has_lost
    }
}

/// Says whether so many free bytes are more than what the reserve can have left.
pub(super) fn is_ample(free: u64) -> bool {
    free > 2 * RESERVE as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_for_room_at_most_once_a_second() {
        let start = Instant::now();
        let mut shortage = Shortage::begin(1, start);
        let due = (0..=40).filter(|tenth| {
            let now = start + Duration::from_millis(100) * *tenth;
            shortage.is_due(now)
        });
        assert_eq!(due.collect::<Vec<_>>(), [10, 20, 30, 40]);
    }

    #[test]
    fn only_more_than_the_reserve_gave_up_is_ample() {
        assert!(!is_ample(RESERVE as u64));
        assert!(!is_ample(2 * RESERVE as u64));
        assert!(is_ample(2 * RESERVE as u64 + 1));
    }

    #[test]
    fn each_quarter_that_is_lost_counts_once() {
        let mut shortage = Shortage::begin(400, Instant::now());
        let lost = [400, 300, 299, 298, 225, 221, 0];
        let lost = lost.map(|bytes| shortage.has_lost_a_quarter(bytes));
        assert_eq!(lost, [false, false, true, false, false, true, true]);
    }
}
