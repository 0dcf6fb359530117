//! When nothing can happen any more: quiescence, never a timeout.
//!
//! A wait is stuck where a term is missing that no clock will ever give up. A rehearsal is over once
//! every pod rests or is stuck: nobody runs, and nothing is pending.

use std::time::Duration;

use oncue_language::{Presence, Term, Timeout, annotation::TimeoutPolicy};

/// How one term of a wait stands in the world as it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TermState {
    /// A failure term met what must not be.
    Failed,
    /// It holds.
    Held,
    /// It does not hold.
    Missing,
}

/// A wait in progress.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait<'a> {
    /// What for.
    pub(crate) terms: &'a [Term],
    /// The time for all of it.
    pub(crate) timeout: Option<Duration>,
    /// What happens after that time.
    pub(crate) policy: TimeoutPolicy,
    /// When it began.
    pub(crate) since: Duration,
    /// Whether it has failed once, so that it ends by success only.
    pub(crate) overdue: Overdue,
}

/// Whether a wait has failed once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Overdue {
    /// It has not.
    No,
    /// It has: whoever waits stays inside whatever fails.
    Yes,
}

/// The present moment, and how late a clock may be before it counts as none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Since the beginning.
    pub(crate) now: Duration,
    /// The time a process needs to notice that a timeout has gone by.
    pub(crate) patience: Duration,
}

/// How a wait stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// Something is wrong with a dependency; the wait fails at once.
    Failing,
    /// Nothing is missing any more.
    Over,
    /// Only a change of the world can bring what is missing: the positions of these terms.
    Stuck(Vec<usize>),
    /// A clock runs that will end it, or give up a term.
    Timed,
}

impl Wait<'_> {
    /// Returns how it stands, given the state of each term.
    pub(crate) fn standing(&self, states: &[TermState], moment: Moment) -> Standing {
        let failed: Vec<_> = positions(states, TermState::Failed).collect();
        if !failed.is_empty() {
            return match self.overdue {
                Overdue::No => Standing::Failing,
                Overdue::Yes => Standing::Stuck(failed),
            };
        }
        let missing: Vec<_> = positions(states, TermState::Missing)
            .filter(|term| self.clock_of(*term, moment) != Clock::HasGivenUp)
            .collect();
        if missing.is_empty() {
            return Standing::Over;
        }
        let is_timed = missing
            .iter()
            .any(|term| self.clock_of(*term, moment) == Clock::Runs);
        if is_timed || self.whole_clock_runs(moment) {
            return Standing::Timed;
        }
        Standing::Stuck(missing)
    }

    fn clock_of(&self, term: usize, moment: Moment) -> Clock {
        let term = &self.terms[term];
        let gives_up = term.presence == Presence::Optional || self.policy == TimeoutPolicy::Proceed;
        let runs = |timeout: Timeout| self.runs(timeout.duration(), moment);
        match term.timeout() {
            Some(timeout) if gives_up && !runs(timeout) => Clock::HasGivenUp,
            // An overdue wait does not fail a second time.
            Some(timeout) if (gives_up || self.overdue == Overdue::No) && runs(timeout) => {
                Clock::Runs
            }
            Some(_) | None => Clock::None,
        }
    }

    fn whole_clock_runs(&self, moment: Moment) -> bool {
        let counts = self.overdue == Overdue::No || self.policy == TimeoutPolicy::Proceed;
        counts
            && self
                .timeout
                .is_some_and(|timeout| self.runs(timeout, moment))
    }

    fn runs(&self, timeout: Duration, moment: Moment) -> bool {
        moment.now < self.since + timeout + moment.patience
    }
}

/// What a term's own timeout does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Clock {
    HasGivenUp,
    None,
    Runs,
}

fn positions(states: &[TermState], wanted: TermState) -> impl Iterator<Item = usize> {
    let states = states.iter().enumerate();
    states.filter_map(move |(position, state)| (*state == wanted).then_some(position))
}

#[cfg(test)]
mod tests {
    use super::{TermState::*, *};

    fn mk_terms(text: &str) -> Vec<Term> {
        let terms = Term::parse_list(text).unwrap();
        terms.into_iter().map(|term| term.value).collect()
    }

    fn mk_wait(terms: &[Term]) -> Wait<'_> {
        Wait {
            terms,
            timeout: None,
            policy: TimeoutPolicy::Fail,
            since: Duration::from_secs(10),
            overdue: Overdue::No,
        }
    }

    fn at(seconds: u64) -> Moment {
        Moment {
            now: Duration::from_secs(seconds),
            patience: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_wait_is_stuck_where_no_clock_gives_up_what_is_missing() {
        let terms = mk_terms("a/b, c/d, tcp://redis:6379");
        let wait = mk_wait(&terms);
        assert_eq!(
            wait.standing(&[Held, Missing, Missing], at(10)),
            Standing::Stuck(vec![1, 2])
        );
        assert_eq!(wait.standing(&[Held, Held, Held], at(10)), Standing::Over);
    }

    #[test]
    fn a_clock_keeps_it_pending_until_it_has_run_out() {
        let terms = mk_terms("a/b, c/d within 5s");
        let wait = mk_wait(&terms);
        let states = [Missing, Missing];
        assert_eq!(wait.standing(&states, at(10)), Standing::Timed);
        assert_eq!(
            wait.standing(&states, at(15)),
            Standing::Timed,
            "a process needs a moment"
        );
        assert_eq!(wait.standing(&states, at(16)), Standing::Stuck(vec![0, 1]));
        assert_eq!(
            wait.standing(&[Missing, Held], at(10)),
            Standing::Stuck(vec![0])
        );
    }

    #[test]
    fn an_optional_term_is_given_up_and_missed_no_more() {
        let terms = mk_terms("?a/b within 5s, c/d");
        let wait = mk_wait(&terms);
        assert_eq!(wait.standing(&[Missing, Held], at(12)), Standing::Timed);
        assert_eq!(wait.standing(&[Missing, Held], at(16)), Standing::Over);
        assert_eq!(
            wait.standing(&[Missing, Missing], at(16)),
            Standing::Stuck(vec![1])
        );
    }

    #[test]
    fn the_timeout_of_the_whole_wait_keeps_it_pending() {
        let terms = mk_terms("a/b");
        let wait = Wait {
            timeout: Some(Duration::from_mins(1)),
            ..mk_wait(&terms)
        };
        assert_eq!(wait.standing(&[Missing], at(10)), Standing::Timed);
        let overdue = Wait {
            overdue: Overdue::Yes,
            ..wait
        };
        assert_eq!(
            overdue.standing(&[Missing], at(10)),
            Standing::Stuck(vec![0])
        );
        let proceeds = Wait {
            policy: TimeoutPolicy::Proceed,
            ..overdue
        };
        assert_eq!(proceeds.standing(&[Missing], at(10)), Standing::Timed);
    }

    #[test]
    fn a_failure_ends_it_once_and_then_keeps_it_inside() {
        let terms = mk_terms("a/b, !c/d");
        let wait = mk_wait(&terms);
        assert_eq!(wait.standing(&[Missing, Failed], at(10)), Standing::Failing);
        let overdue = Wait {
            overdue: Overdue::Yes,
            ..wait
        };
        assert_eq!(
            overdue.standing(&[Held, Failed], at(10)),
            Standing::Stuck(vec![1])
        );
    }
}
