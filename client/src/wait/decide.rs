//! Decisions from the states of the terms.

use std::time::Duration;

use oncue_language::{Consequence, Expiry, Presence, Timeout, condition::MAX_TOGETHER};

use super::{
    Action, Ending, EndingKind, Wait,
    conversation::Topic,
    probing::Probing,
    text::{self, elapsed},
    watched::Watched,
};

/// Grace period for terms without a first result if the timeout has passed: after a restart, a pod
/// gets one check.
const FIRST_LOOK: Duration = Duration::from_secs(2);

impl Wait {
    /// Returns the ending of the wait, or `None`. A failure takes precedence over success, and
    /// success over a timeout.
    pub(super) fn ending(&self, now: Duration) -> Option<Ending> {
        self.failure(now)
            .or_else(|| self.success(now))
            .or_else(|| self.timeout(now))
    }

    /// Gives up the terms whose own timeout has passed and is no failure.
    pub(super) fn give_up_what_is_due(&mut self, now: Duration) {
        for term in 0..self.watched.len() {
            if self.has_expired(&self.watched[term], Consequence::GiveUp, now) {
                self.give_up(term, now);
            }
        }
    }

    fn give_up(&mut self, term: usize, now: Duration) {
        let watched = &mut self.watched[term];
        let line = text::given_up(watched, now);
        watched.give_up();
        self.actions.push(Action::Say(line));
        match self
            .probings
            .iter_mut()
            .find(|probing| probing.term == term)
        {
            Some(probing) => probing.latch(),
            None => self.conversation.start_over(now),
        }
    }

    /// Returns when a term's own timeout takes effect.
    pub(super) fn expires_at(&self, watched: &Watched) -> Option<Duration> {
        let expiry = self.expiry_of(watched)?;
        Some(self.spared(expiry.after, watched.is_unknown()))
    }

    /// Returns when the timeout of the whole wait takes effect; never while the store is away, because
    /// time without it does not count.
    pub(super) fn whole_wait_expires_at(&self) -> Option<Duration> {
        let expiry = self.rules.of_wait()?;
        let outages = self.conversation.past_outages()?;
        let is_unknown = self.watched.iter().any(Watched::is_unknown);
        Some(self.spared(expiry.after, is_unknown) + outages)
    }

    fn expiry_of(&self, watched: &Watched) -> Option<Expiry> {
        let expiry = || self.rules.of_term(&watched.term);
        watched.is_timed().then(expiry).flatten()
    }

    /// Returns the moment of a timeout, later if nothing is known yet: see [`FIRST_LOOK`].
    fn spared(&self, after: Timeout, is_unknown: bool) -> Duration {
        let at = after.duration();
        if is_unknown {
            at.max(self.begun + FIRST_LOOK)
        } else {
            at
        }
    }

    /// Returns the positions of the terms that the store judges.
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

    /// Returns the positions of the probings of which the store is asked for nudges.
    pub(super) fn nudges(&self) -> Vec<usize> {
        if !self.conversation.may_nudge(self.handled_at) {
            return Vec::new();
        }
        let probings = self.probings.iter().enumerate();
        let failing = probings.filter(|(_, it)| it.service.is_some() && !it.is_over());
        let room = MAX_TOGETHER.saturating_sub(self.server_terms().len());
        failing.take(room).map(|(index, _)| index).collect()
    }

    /// Returns the purpose of the next question after an answer.
    pub(super) fn next_topic(&self) -> Topic {
        let terms: Vec<_> = self
            .server_terms()
            .iter()
            .map(|term| &self.watched[*term])
            .collect();
        if terms.iter().any(|watched| watched.has_failed()) {
            Topic::Poll
        } else if !terms.iter().all(|watched| watched.is_settled()) {
            Topic::Change
        } else if self.probes_are_over() {
            Topic::Confirmation
        } else if !self.nudges().is_empty() {
            Topic::Change
        } else if self.conversation.may_nudge_later(self.handled_at)
            || terms
                .iter()
                .any(|watched| watched.term.presence == Presence::Failure)
        {
            Topic::Poll
        } else {
            Topic::Release
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
        self.watched.iter().find(|watched| watched.has_failed())
    }

    /// Returns success if all terms hold by one answer of the store after the last probe.
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
        if let Some(Expiry { then, .. }) = self.rules.of_wait()
            && self.whole_wait_expires_at().is_some_and(|at| at <= now)
        {
            return self.whole_wait_expired(then, now);
        }
        let has_expired = |watched: &&Watched| self.has_expired(watched, Consequence::Fail, now);
        let expired = self.watched.iter().find(has_expired)?;
        Some(self.timed_out(&text::with_reason(expired), now))
    }

    fn whole_wait_expired(&self, then: Consequence, now: Duration) -> Option<Ending> {
        let missing = text::missing(&self.watched, now);
        match then {
            Consequence::Fail => Some(self.timed_out(&missing, now)),
            // Time does not end a failure.
            Consequence::GiveUp if self.failed_term().is_some() => None,
            Consequence::GiveUp => Some(Ending {
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

    /// Returns whether the term's own timeout has passed, with this consequence.
    fn has_expired(&self, watched: &Watched, then: Consequence, now: Duration) -> bool {
        let is_over = self.expires_at(watched).is_some_and(|at| at <= now);
        is_over
            && self
                .expiry_of(watched)
                .is_some_and(|expiry| expiry.then == then)
    }
}
