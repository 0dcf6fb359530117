//! A limit for how much is done.

use oncue_language::Timestamp;

/// Lets through an amount a second, and after a rest some more at once.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    per_second: u64,
    capacity: u64,
    /// In thousandths of a token.
    filled: u64,
    at: Timestamp,
}

impl TokenBucket {
    /// Returns a full bucket.
    pub fn new(per_second: u64, capacity: u64) -> Self {
        Self {
            per_second,
            capacity,
            filled: capacity * TOKEN,
            at: Timestamp::default(),
        }
    }

    /// Takes `amount` tokens if they are there, and says whether they were.
    pub fn take(&mut self, amount: u64, now: Timestamp) -> bool {
        let passed = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
        self.fill(passed.saturating_mul(self.per_second));
        // A clock that was set back fills nothing until it has caught up.
        self.at = self.at.max(now);
        let amount = amount.saturating_mul(TOKEN);
        let is_there = self.filled >= amount;
        if is_there {
            self.filled -= amount;
        }
        is_there
    }

    /// Puts back what was taken for nothing.
    pub fn put_back(&mut self, amount: u64) {
        self.fill(amount.saturating_mul(TOKEN));
    }

    fn fill(&mut self, thousandths: u64) {
        let filled = self.filled.saturating_add(thousandths);
        self.filled = filled.min(self.capacity * TOKEN);
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
            (0..100).filter(|_| bucket.take(1, now)).count()
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

    #[test]
    fn takes_all_or_nothing_and_never_holds_more_than_fits() {
        let now = Timestamp::from_millis(1_000_000);
        let mut bucket = TokenBucket::new(1, 10);
        assert!(bucket.take(7, now) && !bucket.take(4, now) && bucket.take(3, now));
        bucket.put_back(2);
        assert!(!bucket.take(3, now) && bucket.take(2, now));
        bucket.put_back(1_000);
        assert!(!bucket.take(11, now) && bucket.take(10, now));
    }
}
