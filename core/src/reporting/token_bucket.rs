//! A limit for how often something is done.

use oncue_language::Timestamp;

/// Lets through a number of actions a second, and after a rest some more at once.
#[derive(Clone, Debug)]
pub(super) struct TokenBucket {
    per_second: u64,
    capacity: u64,
    /// In thousandths of a token.
    filled: u64,
    at: Timestamp,
}

impl TokenBucket {
    /// Returns a full bucket.
    pub(super) fn new(per_second: u64, capacity: u64) -> Self {
        Self {
            per_second,
            capacity,
            filled: capacity * TOKEN,
            at: Timestamp::default(),
        }
    }

    /// Takes a token if there is one.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        let passed = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
        let filled = passed.saturating_mul(self.per_second);
        self.filled = self
            .filled
            .saturating_add(filled)
            .min(self.capacity * TOKEN);
        // A clock that was set back fills nothing until it has caught up.
        self.at = self.at.max(now);
        let is_there = self.filled >= TOKEN;
        if is_there {
            self.filled -= TOKEN;
        }
        is_there
    }
}

const TOKEN: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_through_a_burst_and_then_the_rate() {
        let mut bucket = TokenBucket::new(5, 10);
        let mut taken = |millis: u64| {
            let now = Timestamp::from_millis(1_000_000 + millis);
            (0..100).filter(|_| bucket.take(now)).count()
        };
        for (millis, expected) in [
            (0, 10),
            (100, 0),
            (200, 1),
            (1_200, 5),
            (1_100, 0),
            (1_300, 0),
            (1_400, 1),
            (60_000, 10),
        ] {
            assert_eq!(taken(millis), expected, "after {millis} ms");
        }
    }
}
