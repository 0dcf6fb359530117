//! The questions to the store, and their times.

use std::time::Duration;

use super::text::{elapsed, for_so_long};
use crate::backoff::Backoff;

/// The least time between two questions that the store answers at once. There is no pause between
/// the very first answer and the held question.
const PACE: Duration = Duration::from_millis(100);

/// The time between two questions if the store would not hold its answer.
const POLL: Duration = Duration::from_secs(5);

/// The least time for which a question was held that is asked again at once. One that breaks off
/// sooner may do so again and again.
const HELD: Duration = Duration::from_secs(1);

/// The longest pause before a question that broke off is asked again, in milliseconds.
pub(super) const SPREAD_MILLIS: u64 = 500;

/// How long the client asks no nudges of a store that has rejected a question with some.
const WITHOUT_NUDGES: Duration = Duration::from_mins(1);

/// The questions to the store, one at a time.
#[derive(Debug)]
pub(super) struct Conversation {
    /// Whether the last question was asked after the last probe, so that its answer can end the
    /// wait.
    pub(super) counts: bool,
    phase: Phase,
    number: u64,
    asked: Asked,
    /// The purpose of the next question.
    topic: Topic,
    /// When the store may be asked for nudges again; [`Duration::MAX`] if it does not know them.
    nudges_from: Duration,
    asked_at: Duration,
    revision: Option<String>,
    answered_once: bool,
    answer_counts: bool,
    backoff: Backoff,
    outage: Option<Outage>,
    /// The length of the outages that are over.
    outages: Duration,
}

/// What a question is about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Asked {
    /// The positions of the terms.
    pub(super) terms: Vec<usize>,
    /// The positions of the probings.
    pub(super) nudges: Vec<usize>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Phase {
    Asking,
    Resting { until: Duration },
}

/// The purpose of the next question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Topic {
    /// Wait for a change since the last answer.
    Change,
    /// Ask for the state at once, to end the wait with it.
    Confirmation,
    /// Ask for the state from time to time, because the store would not hold its answer.
    Poll,
    /// Wait for a release by hand: all of the store's terms hold, and probes are still failing.
    Release,
}

impl Conversation {
    /// Begins after outages of this length in earlier processes.
    pub(super) fn new(now: Duration, outages: Duration) -> Self {
        Self {
            counts: false,
            phase: Phase::Resting { until: now },
            number: 0,
            asked: Asked::default(),
            topic: Topic::Confirmation,
            nudges_from: Duration::ZERO,
            asked_at: Duration::ZERO,
            revision: None,
            answered_once: false,
            answer_counts: false,
            backoff: Backoff::new(Duration::from_millis(200), Duration::from_secs(5)),
            outage: None,
            outages,
        }
    }

    pub(super) fn due_at(&self) -> Option<Duration> {
        match self.phase {
            Phase::Resting { until } => Some(until),
            Phase::Asking => None,
        }
    }

    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.due_at().is_some_and(|at| at <= now)
    }

    /// Begins a question. Returns its number and the revision in it.
    pub(super) fn ask(&mut self, asked: Asked, now: Duration) -> (u64, Option<String>) {
        self.number += 1;
        self.phase = Phase::Asking;
        self.asked = asked;
        self.asked_at = now;
        (self.number, self.revision.take())
    }

    /// Returns whether the question with this number awaits its answer.
    pub(super) fn is_about(&self, number: u64) -> bool {
        self.phase == Phase::Asking && self.number == number
    }

    /// Returns what the last question is about.
    pub(super) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Returns whether the next question is about a release only.
    pub(super) fn listens(&self) -> bool {
        self.topic == Topic::Release
    }

    /// Returns whether the store may be asked for nudges now.
    pub(super) fn may_nudge(&self, now: Duration) -> bool {
        self.nudges_from <= now
    }

    /// Returns whether the store may be asked for nudges later.
    pub(super) fn may_nudge_later(&self, now: Duration) -> bool {
        now < self.nudges_from && self.nudges_from < Duration::MAX
    }

    /// Asks again without nudges, because the store has rejected a question with some: for good if
    /// it is an older one, whose reason names the member, and for a while otherwise.
    pub(super) fn do_without_nudges(&mut self, reason: &str, now: Duration) {
        self.nudges_from = if reason.contains("`nudges`") {
            Duration::MAX
        } else {
            now + WITHOUT_NUDGES
        };
        self.turn_to(Topic::Confirmation, now);
    }

    /// Returns whether the last answer was to a question after the last probe.
    pub(super) fn answer_counts(&self) -> bool {
        self.answer_counts
    }

    /// Handles an answer. If it ends an outage, returns the message for it.
    pub(super) fn answered(&mut self, revision: String, now: Duration) -> Option<String> {
        self.revision = Some(revision);
        self.answered_once = true;
        self.answer_counts = self.counts;
        self.backoff.reset();
        let outage = self.outage.take()?;
        let length = now.saturating_sub(outage.since);
        self.outages += length;
        outage
            .is_announced
            .then(|| format!("The store is back after {}", elapsed(length)))
    }

    pub(super) fn turn_to(&mut self, topic: Topic, now: Duration) {
        self.topic = topic;
        if !matches!(topic, Topic::Change | Topic::Release) {
            self.revision = None;
        }
        let until = match topic {
            Topic::Change | Topic::Release if self.number == 1 => now,
            // An older store does not hold a question without terms.
            Topic::Release if self.asked == Asked::default() => now.max(self.asked_at + POLL),
            Topic::Change | Topic::Release => now.max(self.asked_at + PACE),
            Topic::Confirmation => now,
            Topic::Poll => now + POLL,
        };
        self.phase = Phase::Resting { until };
    }

    /// Asks once more after the last probe. Does not wait for the answer to an earlier question: the
    /// store may hold it for nudges.
    pub(super) fn confirm(&mut self, now: Duration) {
        let is_confirming = self.phase == Phase::Asking && self.counts;
        if !is_confirming {
            self.turn_to_confirmation(now);
        }
    }

    /// The pause after a missing answer stays.
    fn turn_to_confirmation(&mut self, now: Duration) {
        self.topic = Topic::Confirmation;
        if self.outage.is_none() {
            self.turn_to(Topic::Confirmation, now);
        }
    }

    /// Begins again with fewer terms. Does not wait for the answer to the last request.
    pub(super) fn start_over(&mut self, now: Duration) {
        self.answer_counts = false;
        self.turn_to_confirmation(now);
    }

    /// Handles a missing answer, and returns the message for it.
    ///
    /// If a held request breaks off, there is a message only if the next request fails too, because
    /// a restart of the store or a proxy can cut it off at any time.
    pub(super) fn lost(
        &mut self,
        trouble: Trouble,
        now: Duration,
        random: &mut fastrand::Rng,
    ) -> Option<String> {
        self.rest(now, random);
        let is_news = self.backoff.failures() > 1 || !self.answered_once;
        let outage = self.outage.get_or_insert(Outage {
            since: now,
            trouble: trouble.clone(),
            is_announced: false,
        });
        outage.trouble = trouble;
        if outage.is_announced || !is_news {
            return None;
        }
        outage.is_announced = true;
        let Trouble { what, reason } = &outage.trouble;
        Some(format!("Warning: {what}: {reason}; trying again"))
    }

    /// Rests after a missing answer, longer each time. A question that was held for a while is asked
    /// again almost at once: another replica of the store may answer. Thousands of clients may do so at
    /// the same time, hence the random pause.
    pub(super) fn rest(&mut self, now: Duration, random: &mut fastrand::Rng) {
        self.revision = None;
        let was_held = self.backoff.failures() == 0 && now >= self.asked_at + HELD;
        let pause = self.backoff.after_failure(random);
        let pause = if was_held {
            Duration::from_millis(random.u64(..=SPREAD_MILLIS))
        } else {
            pause
        };
        self.phase = Phase::Resting { until: now + pause };
    }

    pub(super) fn outage(&self) -> Option<&Outage> {
        self.outage.as_ref().filter(|outage| outage.is_announced)
    }

    /// Returns the length of all outages; `None` while one lasts.
    pub(super) fn past_outages(&self) -> Option<Duration> {
        self.outage.is_none().then_some(self.outages)
    }

    /// Returns the length of all outages, including the current one.
    pub(super) fn without_store(&self, now: Duration) -> Duration {
        let lasting = self
            .outage
            .as_ref()
            .map(|outage| now.saturating_sub(outage.since));
        self.outages + lasting.unwrap_or_default()
    }
}

/// A time without answers.
#[derive(Clone, Debug)]
pub(super) struct Outage {
    since: Duration,
    /// The last trouble.
    trouble: Trouble,
    is_announced: bool,
}

/// Why the store did not judge the terms.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    what: &'static str,
    reason: String,
}

impl Trouble {
    pub(super) fn denied(reason: String) -> Self {
        Self {
            what: "no access to the store",
            reason,
        }
    }

    pub(super) fn unanswered(reason: String) -> Self {
        Self {
            what: "no answer from the store",
            reason,
        }
    }
}

impl Outage {
    /// Returns the clause about an outage for the end of a line, unless it has just begun.
    pub(super) fn clause(&self, now: Duration) -> String {
        match for_so_long(now.saturating_sub(self.since)) {
            length if length.is_empty() => String::new(),
            length => {
                let Trouble { what, reason } = &self.trouble;
                format!("; {what}{length}: {reason}")
            }
        }
    }
}
