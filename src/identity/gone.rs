//! Pods that were deleted a moment ago.
//!
//! The API server remembers for ten seconds which tokens it has accepted, also after their pod is
//! deleted. A review in this time would give such a token a new session.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// The uids of pods that were deleted a moment ago, the oldest first.
#[derive(Debug, Default)]
pub(super) struct GonePods(VecDeque<(Instant, Box<str>)>);

impl GonePods {
    /// Takes note that a pod is gone.
    pub(super) fn add(&mut self, uid: &str, now: Instant) {
        let is_over = |(since, _): &(Instant, _)| now.duration_since(*since) >= MOMENT;
        while self.0.front().is_some_and(is_over) || self.0.len() >= MAX_PODS {
            self.0.pop_front();
        }
        self.0.push_back((now, uid.into()));
    }

    /// Returns whether a pod was deleted a moment ago.
    pub(super) fn contains(&self, uid: &str, now: Instant) -> bool {
        let is_it = |(since, gone): &(Instant, Box<str>)| {
            **gone == *uid && now.duration_since(*since) < MOMENT
        };
        self.0.iter().any(is_it)
    }
}

/// Several times as long as the API server remembers a token.
const MOMENT: Duration = Duration::from_mins(1);

/// More pods than a cluster deletes in a moment.
const MAX_PODS: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_gone_for_a_moment_and_the_oldest_make_room() {
        let (mut gone, begin) = (GonePods::default(), Instant::now());
        gone.add("a", begin);
        assert!(gone.contains("a", begin + MOMENT / 2));
        assert!(!gone.contains("b", begin));
        assert!(!gone.contains("a", begin + MOMENT));
        for _ in 0..MAX_PODS {
            gone.add("b", begin);
        }
        assert!(!gone.contains("a", begin));
        assert_eq!(gone.0.len(), MAX_PODS);
        gone.add("c", begin + MOMENT);
        assert_eq!(gone.0.len(), 1);
    }
}
