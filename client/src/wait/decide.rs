//! What follows from how the terms stand.

use std::time::Duration;

use oncue_language::{Presence, annotation::TimeoutPolicy};

use super::{
    Action, Ending, EndingKind, Standing, Wait,
    conversation::Topic,
    probing::Probing,
    text::{self, elapsed},
    watched::Watched,
};

/// Grace period for terms without a first result if the timeout has passed: after a restart, a pod
/// gets one check.
const FIRST_LOOK: Duration = Duration::from_secs(2);

impl Wait {
    /// Returns how the wait ends, if it does: a failure wins over success, success over a timeout.
    pub(super) fn ending(&self, now: Duration) -> Option<Ending> {
        self.failure(now)
            .or_else(|| self.success(now))
            .or_else(|| self.timeout(now))
    }

    /// Gives up the terms whose own timeout has gone by without being a reason to fail.
    pub(super) fn give_up_what_is_due(&mut self, now: Duration) {
        let due: Vec<_> = (0..self.watched.len())
            .filter(|term| self.may_be_given_up(&self.watched[*term]))
            .filter(|term| self.has_expired(&self.watched[*term], now))
            .collect();
        for term in due {
            self.actions
                .push(Action::Say(text::given_up(&self.watched[term], now)));
            self.watched[term].give_up();
            match self
                .probings
                .iter_mut()
                .find(|probing| probing.term == term)
            {
                Some(probing) => probing.latch(),
                None => self.conversation.start_over(now),
            }
        }
    }

    /// Returns when a term's own timeout makes a difference.
    pub(super) fn expires_at(&self, watched: &Watched) -> Option<Duration> {
        if self.overdue.is_some() && !self.may_be_given_up(watched) {
            return None;
        }
        let at = watched.timeout()?;
        Some(if watched.is_unknown() {
            at.max(self.begun + FIRST_LOOK)
        } else {
            at
        })
    }

    /// Returns when the timeout of the whole wait makes a difference.
    pub(super) fn whole_wait_expires_at(&self) -> Option<Duration> {
        if self.overdue.is_some() && self.policy == TimeoutPolicy::Fail {
            return None;
        }
        let at = self.timeout?;
        Some(if self.watched.iter().any(Watched::is_unknown) {
            at.max(self.begun + FIRST_LOOK)
        } else {
            at
        })
    }

    /// Returns the positions of the terms that the store is asked for.
    pub(super) fn server_terms(&self) -> Vec<usize> {
        (0..self.watched.len())
            .filter(|term| {
                let watched = &self.watched[*term];
                watched.term.probe().is_none() && !watched.is_given_up()
            })
            .collect()
    }

    pub(super) fn server_terms_hold(&self) -> bool {
        let mut terms = self.server_terms().into_iter();
        terms.all(|term| self.watched[term].is_settled())
    }

    pub(super) fn probes_are_over(&self) -> bool {
        self.probings.iter().all(Probing::is_over)
    }

    /// Returns what the store is asked next, after an answer.
    pub(super) fn next_topic(&self) -> Topic {
        let terms: Vec<_> = self
            .server_terms()
            .iter()
            .map(|term| &self.watched[*term])
            .collect();
        if terms
            .iter()
            .any(|watched| matches!(watched.standing, Standing::Failed(_)))
        {
            Topic::Poll
        } else if !terms.iter().all(|watched| watched.is_settled()) {
            Topic::Change
        } else if self.probes_are_over() {
            Topic::Confirmation
        } else if terms
            .iter()
            .any(|watched| watched.term.presence == Presence::Failure)
        {
            Topic::Poll
        } else {
            Topic::Nothing
        }
    }

    fn failure(&self, now: Duration) -> Option<Ending> {
        let cause = text::with_reason(self.failed_term()?);
        self.overdue.is_none().then(|| Ending {
            kind: EndingKind::Failed,
            message: format!("Failed after {}: {cause}", elapsed(now)),
            cause,
        })
    }

    fn failed_term(&self) -> Option<&Watched> {
        let is_failed = |watched: &&Watched| matches!(watched.standing, Standing::Failed(_));
        self.watched.iter().find(is_failed)
    }

    /// Returns success if one answer of the store, after the last probe, holds for all its terms.
    fn success(&self, now: Duration) -> Option<Ending> {
        let is_judged = self.server_terms().is_empty() || self.conversation.answer_counts();
        let holds = self.watched.iter().all(Watched::is_settled) && is_judged;
        holds.then(|| Ending {
            kind: EndingKind::Ready,
            message: text::ready(&self.watched, now),
            cause: "all hold".to_owned(),
        })
    }

    fn timeout(&self, now: Duration) -> Option<Ending> {
        if self.whole_wait_expires_at().is_some_and(|at| at <= now) {
            return self.whole_wait_expired(now);
        }
        let expired = self
            .watched
            .iter()
            .find(|watched| !self.may_be_given_up(watched) && self.has_expired(watched, now))?;
        Some(self.timed_out(&text::with_reason(expired), now))
    }

    fn whole_wait_expired(&self, now: Duration) -> Option<Ending> {
        let missing = text::missing(&self.watched, now);
        match self.policy {
            TimeoutPolicy::Fail => Some(self.timed_out(&missing, now)),
            // What failed is no matter of time.
            TimeoutPolicy::Proceed if self.failed_term().is_some() => None,
            TimeoutPolicy::Proceed => Some(Ending {
                kind: EndingKind::Ready,
                message: format!(
                    "Warning: proceeding after {} without {missing}",
                    elapsed(now)
                ),
                cause: "timed out".to_owned(),
            }),
        }
    }

    fn timed_out(&self, missing: &str, now: Duration) -> Ending {
        let outage = self.conversation.outage().map(|outage| outage.clause(now));
        Ending {
            kind: EndingKind::TimedOut,
            message: format!(
                "Timed out after {}: still missing {missing}{}",
                elapsed(now),
                outage.unwrap_or_default()
            ),
            cause: format!("timed out after {}", elapsed(now)),
        }
    }

    fn has_expired(&self, watched: &Watched, now: Duration) -> bool {
        self.expires_at(watched).is_some_and(|at| at <= now)
    }

    fn may_be_given_up(&self, watched: &Watched) -> bool {
        watched.is_optional() || self.policy == TimeoutPolicy::Proceed
    }
}
