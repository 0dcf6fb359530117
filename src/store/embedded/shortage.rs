//! A time without space on the disk, and what ends it.

use std::time::{Duration, Instant};

use super::RESERVE;

/// A time in which the disk was found full.
const PAUSE: Duration = Duration::from_secs(1);

/// Begins when the reserve is released, and ends when it can be reserved again. Free space alone
/// proves nothing: it may come from the released reserve.
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

    /// Returns whether it is time to look for room, and postpones the next look.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now.duration_since(self.looked) >= PAUSE;
        if is_due {
            self.looked = now;
        }
        is_due
    }

    /// Returns whether the file has room if the variables take this many bytes.
    pub(super) fn is_relieved_by(&self, variables: usize) -> bool {
        variables < self.began_with
    }

    /// Returns whether a quarter of the variables has gone since this last returned true.
    pub(super) fn has_lost_a_quarter(&mut self, variables: usize) -> bool {
        let has_lost = variables < self.compacted_with / 4 * 3;
        if has_lost {
            self.compacted_with = variables;
        }
        has_lost
    }
}

/// Returns whether there are more free bytes than the released reserve explains.
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
