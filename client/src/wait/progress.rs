//! When the log shows what is missing: at a falling rate, and soon after a change.

use std::time::Duration;

use super::watched::Watched;

/// The times between lines. The last one repeats.
const GAPS: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(25),
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(5),
];

/// The least time between two lines.
const AFTER_CHANGE: Duration = Duration::from_secs(5);

/// How long the first line waits for a verdict on every term.
const FIRST_LINE: Duration = Duration::from_secs(1);

/// The lines that were printed.
#[derive(Debug)]
pub(super) struct Progress {
    begun: Duration,
    last: Option<Line>,
    gap: usize,
}

#[derive(Debug)]
struct Line {
    at: Duration,
    missing: Vec<usize>,
}

impl Progress {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            begun: now,
            last: None,
            gap: 0,
        }
    }

    pub(super) fn due_at(&self, watched: &[Watched]) -> Option<Duration> {
        let missing = missing(watched);
        if missing.is_empty() {
            return None;
        }
        let Some(last) = &self.last else {
            let is_complete = !watched.iter().any(Watched::is_unknown);
            return Some(
                self.begun
                    + if is_complete {
                        Duration::ZERO
                    } else {
                        FIRST_LINE
                    },
            );
        };
        let gap = GAPS[self.gap.min(GAPS.len() - 1)];
        Some(
            last.at
                + if missing == last.missing {
                    gap
                } else {
                    gap.min(AFTER_CHANGE)
                },
        )
    }

    pub(super) fn is_due(&self, watched: &[Watched], now: Duration) -> bool {
        self.due_at(watched).is_some_and(|at| at <= now)
    }

    pub(super) fn said(&mut self, watched: &[Watched], now: Duration) {
        let missing = missing(watched);
        if self
            .last
            .as_ref()
            .is_some_and(|last| last.missing == missing)
        {
            self.gap += 1;
        }
        self.last = Some(Line { at: now, missing });
    }
}

fn missing(watched: &[Watched]) -> Vec<usize> {
    (0..watched.len())
        .filter(|term| !watched[*term].is_settled())
        .collect()
}
