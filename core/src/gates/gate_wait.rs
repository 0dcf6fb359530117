//! What a gate waits for, and whether it opens.

use std::sync::Arc;

use oncue_language::{
    Condition, Consequence, Expiry, Namespace, State, Term, TimeoutRules, Timestamp,
};

/// The terms and timeouts of a gated pod, and which of its terms have held.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GateWait {
    terms: Vec<WaitedTerm>,
    conditions: Arc<[Condition]>,
    rules: TimeoutRules,
    /// When the pod was created: time counts from here, outages included.
    since: Timestamp,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct WaitedTerm {
    term: Term,
    /// Whether it has held in time, which ends its own timeout.
    held_once: bool,
}

/// What follows for a gate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GateDecision {
    /// It opens.
    Open,
    /// The wait has failed. The gate stays until everything holds.
    Overdue {
        /// Why.
        reason: Overdue,
        /// When to decide again although no state changes.
        until: Option<Timestamp>,
    },
    /// It stays.
    Wait {
        /// When to decide again although no state changes.
        until: Option<Timestamp>,
    },
}

/// Why a wait has failed. The terms are in canonical form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Overdue {
    /// What these failure terms forbid is so.
    Failed(Vec<String>),
    /// A timeout has passed while these terms were missing.
    TimedOut(Vec<String>),
}

impl GateWait {
    /// Returns the wait of a pod of this namespace that was created at this time.
    ///
    /// # Errors
    /// The first term that a store cannot judge, and why.
    pub(super) fn new(
        terms: Vec<Term>,
        rules: TimeoutRules,
        (namespace, since): (&Namespace, Timestamp),
    ) -> Result<Self, String> {
        let condition = |term: &Term| match term.condition(namespace) {
            Ok(Some(condition)) => Ok(condition.counting()),
            Ok(None) => Err(format!("{term} is a probe, which a gate cannot make")),
            Err(error) => Err(error.to_string()),
        };
        let conditions: Result<_, _> = terms.iter().map(condition).collect();
        let waited = |term| WaitedTerm {
            term,
            held_once: false,
        };
        Ok(Self {
            conditions: conditions?,
            terms: terms.into_iter().map(waited).collect(),
            rules,
            since,
        })
    }

    /// Returns the wait of a pod that a person let go: it is over.
    pub(super) fn released(since: Timestamp) -> Self {
        Self {
            terms: Vec::new(),
            conditions: Arc::default(),
            rules: TimeoutRules::default(),
            since,
        }
    }

    /// Returns what a store judges, in the order of the states that decide.
    pub fn conditions(&self) -> &Arc<[Condition]> {
        &self.conditions
    }

    /// Returns when the wait began.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Decides by the state of each condition. A failure takes precedence over success, and success
    /// over a timeout.
    pub fn decide(&mut self, states: &[State], now: Timestamp) -> GateDecision {
        self.note_held(states, now);
        let failed: Vec<_> = self.in_state(State::Failed, states).collect();
        if !failed.is_empty() {
            let reason = Overdue::Failed(printed(&failed));
            return GateDecision::Overdue {
                reason,
                until: None,
            };
        }
        let missing = self.in_state(State::Missing, states);
        let missing: Vec<_> = missing.filter(|it| !self.is_given_up(it, now)).collect();
        let whole = self.limit(self.rules.of_wait());
        if missing.is_empty() || whole.is_some_and(|it| it.gives_up(now)) {
            return GateDecision::Open;
        }
        let limits = missing.iter().filter_map(|it| self.limit_of(it));
        let (over, ahead): (Vec<_>, Vec<_>) = limits.chain(whole).partition(|it| it.at <= now);
        let until = ahead.iter().map(|it| it.at).min();
        if over.is_empty() {
            return GateDecision::Wait { until };
        }
        let reason = Overdue::TimedOut(printed(&missing));
        GateDecision::Overdue { reason, until }
    }

    /// Returns the positions of the terms that keep the gate closed: those that have failed, else
    /// those that are missing and were not given up.
    pub fn closing(&self, states: &[State], now: Timestamp) -> Vec<usize> {
        let in_state = |wanted| {
            let judged = self.terms.iter().zip(states).enumerate();
            judged.filter(move |(_, (_, state))| **state == wanted)
        };
        let failed: Vec<_> = in_state(State::Failed).map(|(index, _)| index).collect();
        if !failed.is_empty() {
            return failed;
        }
        let missing = in_state(State::Missing);
        let missing = missing.filter(|(_, (term, _))| !self.is_given_up(term, now));
        missing.map(|(index, _)| index).collect()
    }

    /// A term that was given up stays given up, even if it holds later for a while.
    fn note_held(&mut self, states: &[State], now: Timestamp) {
        for (index, state) in states.iter().enumerate().take(self.terms.len()) {
            if *state == State::Held && !self.is_given_up(&self.terms[index], now) {
                self.terms[index].held_once = true;
            }
        }
    }

    fn in_state(&self, wanted: State, states: &[State]) -> impl Iterator<Item = &WaitedTerm> {
        let judged = self.terms.iter().zip(states);
        judged.filter_map(move |(term, state)| (*state == wanted).then_some(term))
    }

    fn is_given_up(&self, waited: &WaitedTerm, now: Timestamp) -> bool {
        self.limit_of(waited).is_some_and(|it| it.gives_up(now))
    }

    /// Returns the limit of a term that does not hold.
    fn limit_of(&self, waited: &WaitedTerm) -> Option<Limit> {
        let WaitedTerm { term, held_once } = waited;
        self.limit((!held_once).then(|| self.rules.of_term(term)).flatten())
    }

    fn limit(&self, expiry: Option<Expiry>) -> Option<Limit> {
        let Expiry { after, then } = expiry?;
        let at = self.since + after.duration();
        Some(Limit { at, then })
    }
}

/// A timeout of a pod, as a moment.
#[derive(Clone, Copy)]
struct Limit {
    at: Timestamp,
    then: Consequence,
}

impl Limit {
    fn gives_up(self, now: Timestamp) -> bool {
        self.at <= now && self.then == Consequence::GiveUp
    }
}

fn printed(terms: &[&WaitedTerm]) -> Vec<String> {
    terms.iter().map(|it| it.term.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use State::{Failed, Held, Missing};
    use oncue_language::{Timeout, annotation::TimeoutPolicy};

    use super::*;

    const CREATED: Timestamp = Timestamp::from_millis(1_000_000);

    fn at(seconds: u64) -> Timestamp {
        CREATED + std::time::Duration::from_secs(seconds)
    }

    fn mk_wait(terms: &str, whole: Option<u32>, policy: TimeoutPolicy) -> GateWait {
        let terms = Term::parse_list(terms).unwrap();
        let terms = terms.into_iter().map(|it| it.value).collect();
        let rules = TimeoutRules {
            whole: whole.map(Timeout::from_secs),
            policy,
            ..TimeoutRules::default()
        };
        GateWait::new(terms, rules, (&Namespace::default(), CREATED)).unwrap()
    }

    /// Prints a decision, as `timed out: a, b; until 30`.
    fn shown(decision: &GateDecision) -> String {
        let until = |until: &Option<Timestamp>| match until {
            Some(moment) => format!("; until {}", moment.since(CREATED).as_secs()),
            None => String::new(),
        };
        match decision {
            GateDecision::Open => "open".to_owned(),
            GateDecision::Wait { until: at } => format!("wait{}", until(at)),
            GateDecision::Overdue { reason, until: at } => match reason {
                Overdue::Failed(terms) => format!("failed: {}{}", terms.join(", "), until(at)),
                Overdue::TimedOut(terms) => format!("timed out: {}{}", terms.join(", "), until(at)),
            },
        }
    }

    #[test]
    fn each_state_and_timeout_opens_the_gate_or_keeps_it() {
        use TimeoutPolicy::{Fail, Proceed};
        type Row<'a> = (
            &'a str,
            Option<u32>,
            TimeoutPolicy,
            &'a [State],
            u64,
            &'a str,
        );
        let rows: &[Row<'_>] = &[
            ("a, b", None, Fail, &[Held, Held], 0, "open"),
            ("a, b", None, Fail, &[Held, Missing], 9999, "wait"),
            ("a", Some(60), Fail, &[Missing], 59, "wait; until 60"),
            ("a", Some(60), Fail, &[Missing], 60, "timed out: a"),
            ("a", Some(60), Fail, &[Held], 61, "open"),
            ("a", Some(60), Proceed, &[Missing], 59, "wait; until 60"),
            ("a", Some(60), Proceed, &[Missing], 60, "open"),
            (
                "a, !b",
                Some(60),
                Proceed,
                &[Missing, Failed],
                60,
                "failed: !b",
            ),
            ("a, !b", None, Fail, &[Missing, Held], 60, "wait"),
            ("a, !b", None, Fail, &[Held, Failed], 0, "failed: !b"),
            ("a, !b", None, Fail, &[Held, Held], 0, "open"),
            ("?a", None, Fail, &[Missing], 29, "wait; until 30"),
            ("?a", None, Fail, &[Missing], 30, "open"),
            ("?a, b", None, Fail, &[Missing, Missing], 30, "wait"),
            ("?a, b", None, Fail, &[Missing, Held], 30, "open"),
            (
                "a within 5s, b",
                None,
                Fail,
                &[Missing, Held],
                4,
                "wait; until 5",
            ),
            (
                "a within 5s, ?b",
                Some(60),
                Fail,
                &[Missing, Missing],
                5,
                "timed out: a within 5s, ?b; until 30",
            ),
            (
                "a within 5s, ?b",
                None,
                Fail,
                &[Held, Missing],
                5,
                "wait; until 30",
            ),
            (
                "a within 5s, b",
                None,
                Proceed,
                &[Missing, Missing],
                5,
                "wait",
            ),
            ("a within 5s, b", None, Proceed, &[Missing, Held], 5, "open"),
        ];
        for (terms, whole, policy, states, seconds, expected) in rows {
            let decision = mk_wait(terms, *whole, *policy).decide(states, at(*seconds));
            let row = format!("{terms} {whole:?} {policy:?} {states:?} {seconds}");
            assert_eq!(shown(&decision), *expected, "{row}");
        }
    }

    #[test]
    fn a_term_that_has_held_in_time_has_no_timeout_of_its_own_any_more() {
        let mut wait = mk_wait("a within 5s, ?b, c", None, TimeoutPolicy::Fail);
        let first = wait.decide(&[Held, Held, Missing], at(4));
        assert_eq!(shown(&first), "wait");
        assert_eq!(wait.closing(&[Missing, Missing, Held], at(60)), [0, 1]);
        let later = wait.decide(&[Missing, Missing, Held], at(60));
        assert_eq!(shown(&later), "wait");
    }

    #[test]
    fn a_term_that_was_given_up_stays_given_up() {
        let mut wait = mk_wait("?a, b", None, TimeoutPolicy::Fail);
        assert_eq!(shown(&wait.decide(&[Held, Missing], at(31))), "wait");
        assert_eq!(wait.closing(&[Missing, Missing], at(31)), [1]);
        assert_eq!(shown(&wait.decide(&[Missing, Held], at(32))), "open");
    }

    #[test]
    fn a_failed_wait_goes_on_and_opens_the_gate_once_everything_holds() {
        let mut wait = mk_wait("a, !b", Some(5), TimeoutPolicy::Fail);
        assert_eq!(shown(&wait.decide(&[Missing, Failed], at(1))), "failed: !b");
        assert_eq!(wait.closing(&[Missing, Failed], at(1)), [1]);
        let timed_out = wait.decide(&[Missing, Held], at(6));
        assert_eq!(shown(&timed_out), "timed out: a");
        assert_eq!(shown(&wait.decide(&[Held, Held], at(7))), "open");
    }
}
