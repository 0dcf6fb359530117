//! Judging conditions against a view of the world: pure, and with a reason a person can read.

use std::{fmt, num::NonZeroU32};

use crate::{
    condition::{Condition, ObjectKey, Subject},
    name::VariableKey,
    term::{Demand, Presence},
    value::Value,
};

/// What is true at one revision.
pub trait View {
    /// Returns how many distinct owners assert the variable; all assertions by hand are one owner.
    /// Zero means that the variable does not exist.
    fn owners(&self, key: &VariableKey) -> usize;

    /// Returns whether an assertion of the variable has this value.
    fn has_value(&self, key: &VariableKey, value: &Value) -> bool;

    /// Returns how many variables exist below `prefix`, at any depth.
    fn below(&self, prefix: &VariableKey) -> usize;

    /// Returns the state of an object.
    fn object(&self, key: &ObjectKey) -> ObjectState;
}

/// The state of an object, as far as a term asks for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ObjectState {
    /// It can never hold any more: a Job that has failed.
    Failed(String),
    /// It holds.
    Holds,
    /// It does not hold yet; why, to be read after the term.
    Pending(String),
}

/// What became of one condition.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// A failure term met what must not be.
    Failed(Reason),
    /// It holds.
    Held,
    /// It does not hold yet.
    Missing(Reason),
}

/// Why a condition does not hold, or why it failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// Too few variables below a name.
    Below {
        /// How many there are.
        have: usize,
        /// How many there must be.
        want: NonZeroU32,
    },
    /// The variable does not exist.
    DoesNotExist,
    /// A failure term's variable exists.
    Exists,
    /// What is to be said of an object.
    Object(String),
    /// The variable exists, but no assertion has the value.
    OtherValue(Value),
    /// Too few owners assert the variable.
    Owners {
        /// How many do.
        have: usize,
        /// How many must.
        want: NonZeroU32,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below { have, want } => write!(f, "{have} of {want} exist"),
            Self::DoesNotExist => f.write_str("does not exist"),
            Self::Exists => f.write_str("exists"),
            Self::Object(text) => f.write_str(text),
            Self::OtherValue(value) => write!(f, "exists without the value {value}"),
            Self::Owners { have, want } => write!(f, "{have} of {want} owners assert it"),
        }
    }
}

/// Judges one condition.
pub fn judge(condition: &Condition, view: &impl View) -> Verdict {
    let state = state(&condition.subject, view);
    match condition.presence {
        Presence::Failure => failure(&condition.subject, state),
        Presence::Optional | Presence::Required => match state {
            State::Holds => Verdict::Held,
            State::Failed(reason) | State::Pending(reason) => Verdict::Missing(reason),
        },
    }
}

/// A variable trips a failure term by existing, a Job by having failed: a complete one must not.
fn failure(subject: &Subject, state: State) -> Verdict {
    match (subject, state) {
        (_, State::Failed(reason)) => Verdict::Failed(reason),
        (Subject::Below { .. } | Subject::Variable { .. }, State::Holds) => {
            Verdict::Failed(Reason::Exists)
        }
        (_, State::Holds | State::Pending(_)) => Verdict::Held,
    }
}

/// What became of all conditions of a wait together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// A failure term met what must not be; it wins over everything else.
    Failed {
        /// The position of the condition.
        index: usize,
        /// Why it failed.
        reason: Reason,
    },
    /// All of them hold.
    Held,
    /// Some do not hold yet: their positions, in order, with why.
    Missing(Vec<(usize, Reason)>),
}

/// Judges all conditions at once; failure wins over success.
pub fn judge_all(conditions: &[Condition], view: &impl View) -> Outcome {
    let mut missing = Vec::new();
    for (index, condition) in conditions.iter().enumerate() {
        match judge(condition, view) {
            Verdict::Failed(reason) => return Outcome::Failed { index, reason },
            Verdict::Held => {}
            Verdict::Missing(reason) => missing.push((index, reason)),
        }
    }
    if missing.is_empty() {
        Outcome::Held
    } else {
        Outcome::Missing(missing)
    }
}

enum State {
    Failed(Reason),
    Holds,
    Pending(Reason),
}

fn state(subject: &Subject, view: &impl View) -> State {
    match subject {
        Subject::Below { prefix, at_least } => {
            let have = view.below(prefix);
            holds_if(reaches(have, *at_least), || Reason::Below {
                have,
                want: *at_least,
            })
        }
        Subject::Object(key) => object_state(view.object(key)),
        Subject::Variable { key, demand } => variable_state(key, demand, view),
    }
}

fn variable_state(key: &VariableKey, demand: &Demand, view: &impl View) -> State {
    let have = view.owners(key);
    match demand {
        _ if have == 0 => State::Pending(Reason::DoesNotExist),
        Demand::Exists => State::Holds,
        Demand::Equals(value) => holds_if(view.has_value(key, value), || {
            Reason::OtherValue(value.clone())
        }),
        Demand::Owners(want) => holds_if(reaches(have, *want), || Reason::Owners {
            have,
            want: *want,
        }),
    }
}

fn object_state(state: ObjectState) -> State {
    match state {
        ObjectState::Failed(reason) => State::Failed(Reason::Object(reason)),
        ObjectState::Holds => State::Holds,
        ObjectState::Pending(reason) => State::Pending(Reason::Object(reason)),
    }
}

fn holds_if(holds: bool, reason: impl FnOnce() -> Reason) -> State {
    if holds {
        State::Holds
    } else {
        State::Pending(reason())
    }
}

fn reaches(have: usize, want: NonZeroU32) -> bool {
    usize::try_from(want.get()).is_ok_and(|want| have >= want)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{name::Namespace, term::Term};

    /// Variables as `name -> values of its owners`, and one Job.
    struct World {
        variables: BTreeMap<&'static str, Vec<&'static str>>,
        job: ObjectState,
    }

    impl View for World {
        fn owners(&self, key: &VariableKey) -> usize {
            self.variables.get(key.name.as_str()).map_or(0, Vec::len)
        }

        fn has_value(&self, key: &VariableKey, value: &Value) -> bool {
            self.variables[key.name.as_str()].contains(&value.as_str())
        }

        fn below(&self, prefix: &VariableKey) -> usize {
            let below = |name: &&&str| {
                name.parse()
                    .is_ok_and(|n: crate::VariableName| n.is_below(&prefix.name))
            };
            self.variables.keys().filter(below).count()
        }

        fn object(&self, _key: &ObjectKey) -> ObjectState {
            self.job.clone()
        }
    }

    fn mk_world(job: ObjectState) -> World {
        World {
            variables: [("a/b", vec!["", "v"]), ("a/c/d", vec![""])].into(),
            job,
        }
    }

    fn judged(term: &str, job: ObjectState) -> Verdict {
        let term: Term = term.parse().unwrap();
        let condition = term.condition(&Namespace::default()).unwrap().unwrap();
        judge(&condition, &mk_world(job))
    }

    #[test]
    fn each_kind_of_term_holds_when_its_line_of_the_design_says_so() {
        let pending = ObjectState::Pending("0 of 1 pods succeeded".to_owned());
        for (term, missing) in [
            ("a/b", None),
            ("a/x", Some("does not exist")),
            ("a", Some("does not exist")),
            ("a/b=v", None),
            ("a/b=w", Some("exists without the value w")),
            ("a/x=v", Some("does not exist")),
            ("a/b>=2", None),
            ("a/b>=3", Some("2 of 3 owners assert it")),
            ("a/*", None),
            ("a/*>=2", None),
            ("?a/*>=3", Some("2 of 3 exist")),
            ("a/b/*", Some("0 of 1 exist")),
            ("job:m", Some("0 of 1 pods succeeded")),
        ] {
            let expected = missing.map(str::to_owned);
            let got = match judged(term, pending.clone()) {
                Verdict::Held => None,
                Verdict::Missing(reason) => Some(reason.to_string()),
                Verdict::Failed(reason) => panic!("{term}: {reason}"),
            };
            assert_eq!(got, expected, "{term}");
        }
    }

    #[test]
    fn a_failure_term_never_delays_and_fails_at_once() {
        let failed = ObjectState::Failed("has failed".to_owned());
        assert_eq!(judged("!a/x", ObjectState::Holds), Verdict::Held);
        assert_eq!(
            judged("!a/b", ObjectState::Holds),
            Verdict::Failed(Reason::Exists)
        );
        assert_eq!(judged("!job:m", ObjectState::Holds), Verdict::Held);
        assert!(matches!(
            judged("!job:m", failed.clone()),
            Verdict::Failed(_)
        ));
        assert!(matches!(judged("job:m", failed), Verdict::Missing(_)));
    }

    #[test]
    fn failure_wins_over_success_and_over_what_is_missing() {
        let conditions: Vec<_> = ["a/b", "a/x", "!a/b"]
            .iter()
            .map(|term| {
                term.parse::<Term>()
                    .unwrap()
                    .condition(&Namespace::default())
                    .unwrap()
                    .unwrap()
            })
            .collect();
        let world = mk_world(ObjectState::Holds);
        let failed = Outcome::Failed {
            index: 2,
            reason: Reason::Exists,
        };
        assert_eq!(judge_all(&conditions, &world), failed);
        let missing = Outcome::Missing(vec![(1, Reason::DoesNotExist)]);
        assert_eq!(judge_all(&conditions[..2], &world), missing);
        assert_eq!(judge_all(&conditions[..1], &world), Outcome::Held);
    }
}
