//! Whether a wait can still end, so that a simulation is over by quiescence and never by a timeout.
//!
//! A wait is stuck if a term is missing that no clock will ever give up. A simulation is over once
//! every pod rests or is stuck.

use std::time::Duration;

use oncue_language::{Consequence, Expiry, State, Term, TimeoutRules, expiry::Attempt};

/// A wait in progress.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingWait<'a> {
    pub(crate) terms: &'a [Term],
    pub(crate) rules: TimeoutRules,
    /// When it began.
    pub(crate) since: Duration,
}

/// The present moment.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time since the beginning.
    pub now: Duration,
    /// How much later than its timeout a client may act on it.
    pub patience: Duration,
}

/// What is to be expected of a wait.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Prospect {
    /// A failure term is met; the wait fails at once.
    Failing,
    /// Nothing is missing any more.
    Over,
    /// Only a change of the world can bring what is missing: the positions of these terms.
    Stuck(Vec<usize>),
    /// A clock runs until then that will end it, or give up a term.
    Timed(Duration),
}

impl PendingWait<'_> {
    /// Returns what is to be expected, given the state of each term.
    pub(crate) fn prospect(&self, states: &[State], moment: Moment) -> Prospect {
        let failed: Vec<_> = positions(states, State::Failed).collect();
        if !failed.is_empty() {
            return match self.rules.attempt {
                Attempt::First => Prospect::Failing,
                Attempt::Overdue => Prospect::Stuck(failed),
            };
        }
        let missing: Vec<_> = positions(states, State::Missing)
            .filter(|term| self.clock_of(*term, moment) != Clock::HasGivenUp)
            .collect();
        let whole = self.clock(self.rules.of_wait(), moment);
        if missing.is_empty() || whole == Clock::HasGivenUp {
            return Prospect::Over;
        }
        let clocks = missing.iter().map(|term| self.clock_of(*term, moment));
        let running = clocks.chain([whole]).filter_map(Clock::running);
        match running.min() {
            Some(at) => Prospect::Timed(at),
            None => Prospect::Stuck(missing),
        }
    }

    fn clock_of(&self, term: usize, moment: Moment) -> Clock {
        self.clock(self.rules.of_term(&self.terms[term]), moment)
    }

    fn clock(&self, expiry: Option<Expiry>, moment: Moment) -> Clock {
        let Some(Expiry { after, then }) = expiry else {
            return Clock::None;
        };
        let at = self.since + after.duration() + moment.patience;
        match then {
            _ if moment.now < at => Clock::RunsUntil(at),
            Consequence::Fail => Clock::None,
            Consequence::GiveUp => Clock::HasGivenUp,
        }
    }
}

/// What a timeout does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Clock {
    HasGivenUp,
    None,
    RunsUntil(Duration),
}

impl Clock {
    fn running(self) -> Option<Duration> {
        match self {
            Self::RunsUntil(at) => Some(at),
            Self::HasGivenUp | Self::None => None,
        }
    }
}

fn positions(states: &[State], wanted: State) -> impl Iterator<Item = usize> {
    let states = states.iter().enumerate();
    states.filter_map(move |(position, state)| (*state == wanted).then_some(position))
}

#[cfg(test)]
mod tests {
    use State::{Failed, Held, Missing};
    use oncue_language::{Timeout, annotation::TimeoutPolicy};

    use super::*;

    fn mk_terms(text: &str) -> Vec<Term> {
        let terms = Term::parse_list(text).unwrap();
        terms.into_iter().map(|term| term.value).collect()
    }

    fn mk_wait(terms: &[Term]) -> PendingWait<'_> {
        PendingWait {
            terms,
            rules: TimeoutRules::default(),
            since: Duration::from_secs(10),
        }
    }

    fn overdue(wait: PendingWait<'_>) -> PendingWait<'_> {
        let rules = TimeoutRules {
            attempt: Attempt::Overdue,
            ..wait.rules
        };
        PendingWait { rules, ..wait }
    }

    fn at(seconds: u64) -> Moment {
        Moment {
            now: Duration::from_secs(seconds),
            patience: Duration::from_secs(1),
        }
    }

    fn timed(seconds: u64) -> Prospect {
        Prospect::Timed(Duration::from_secs(seconds))
    }

    #[test]
    fn a_wait_is_stuck_if_no_clock_gives_up_what_is_missing() {
        let terms = mk_terms("a/b, c/d, tcp://redis:6379");
        let wait = mk_wait(&terms);
        assert_eq!(
            wait.prospect(&[Held, Missing, Missing], at(10)),
            Prospect::Stuck(vec![1, 2])
        );
        assert_eq!(wait.prospect(&[Held, Held, Held], at(10)), Prospect::Over);
    }

    #[test]
    fn a_clock_keeps_it_pending_until_it_has_run_out() {
        let terms = mk_terms("a/b, c/d within 5s");
        let wait = mk_wait(&terms);
        let states = [Missing, Missing];
        assert_eq!(wait.prospect(&states, at(10)), timed(16));
        let late = wait.prospect(&states, at(15));
        assert_eq!(late, timed(16), "a process needs a moment");
        assert_eq!(wait.prospect(&states, at(16)), Prospect::Stuck(vec![0, 1]));
        assert_eq!(
            wait.prospect(&[Missing, Held], at(10)),
            Prospect::Stuck(vec![0])
        );
    }

    #[test]
    fn an_optional_term_is_given_up_and_no_longer_missing() {
        let terms = mk_terms("?a/b within 5s, c/d");
        let wait = mk_wait(&terms);
        assert_eq!(wait.prospect(&[Missing, Held], at(12)), timed(16));
        assert_eq!(wait.prospect(&[Missing, Held], at(16)), Prospect::Over);
        assert_eq!(
            wait.prospect(&[Missing, Missing], at(16)),
            Prospect::Stuck(vec![1])
        );
    }

    #[test]
    fn the_timeout_of_the_whole_wait_keeps_it_pending() {
        let terms = mk_terms("a/b");
        let rules = TimeoutRules {
            whole: Some(Timeout::from_secs(60)),
            ..TimeoutRules::default()
        };
        let wait = PendingWait {
            rules,
            ..mk_wait(&terms)
        };
        assert_eq!(wait.prospect(&[Missing], at(10)), timed(71));
        assert_eq!(
            overdue(wait).prospect(&[Missing], at(10)),
            Prospect::Stuck(vec![0])
        );
        let policy = TimeoutPolicy::Proceed;
        let proceeds = PendingWait {
            rules: TimeoutRules { policy, ..rules },
            ..wait
        };
        assert_eq!(overdue(proceeds).prospect(&[Missing], at(10)), timed(71));
        assert_eq!(proceeds.prospect(&[Missing], at(71)), Prospect::Over);
        assert_eq!(wait.prospect(&[Missing], at(71)), Prospect::Stuck(vec![0]));
    }

    #[test]
    fn a_failure_ends_it_once_and_later_keeps_it_inside() {
        let terms = mk_terms("a/b, !c/d");
        let wait = mk_wait(&terms);
        let states = [Missing, Failed];
        assert_eq!(wait.prospect(&states, at(10)), Prospect::Failing);
        assert_eq!(
            overdue(wait).prospect(&[Held, Failed], at(10)),
            Prospect::Stuck(vec![1])
        );
    }
}
