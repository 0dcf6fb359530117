//! Judging conditions against a view of the world: pure, and with a reason a person can read.

use std::num::NonZeroU32;

use crate::{
    condition::{Condition, Subject},
    name::VariableKey,
    object::{ObjectKey, meant_object},
    state::State,
    term::{Demand, Presence},
    value::Value,
    verdict::{Reason, Verdict},
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

/// Judges one condition, without saying why: it allocates nothing for variables.
pub fn state(condition: &Condition, view: &impl View) -> State {
    let Condition { presence, subject } = condition;
    let state = subject_state(subject, view);
    match (presence, subject) {
        (Presence::Failure, Subject::Object(_)) => match state {
            State::Failed => State::Failed,
            // A Job trips a failure term by having failed: a complete one must not.
            State::Held | State::Missing => State::Held,
        },
        (Presence::Failure, Subject::Below { .. } | Subject::Variable { .. }) => match state {
            State::Held => State::Failed,
            State::Failed | State::Missing => State::Held,
        },
        (Presence::Optional | Presence::Required, _) => match state {
            State::Held => State::Held,
            State::Failed | State::Missing => State::Missing,
        },
    }
}

/// Judges one condition and says why it does not hold.
pub fn judge(condition: &Condition, view: &impl View) -> Verdict {
    match state(condition, view) {
        State::Failed => Verdict::Failed(reason(condition, view)),
        State::Held => Verdict::Held,
        State::Missing => Verdict::Missing(reason(condition, view)),
    }
}

/// Returns the state of what a term speaks of, as if the term required it.
fn subject_state(subject: &Subject, view: &impl View) -> State {
    match subject {
        Subject::Below { prefix, at_least } => held_if(reaches(view.below(prefix), *at_least)),
        Subject::Object(key) => match view.object(key) {
            ObjectState::Failed(_) => State::Failed,
            ObjectState::Holds => State::Held,
            ObjectState::Pending(_) => State::Missing,
        },
        Subject::Variable { key, demand } => {
            let have = view.owners(key);
            held_if(
                have > 0
                    && match demand {
                        Demand::Equals(value) => view.has_value(key, value),
                        Demand::Exists => true,
                        Demand::Owners(want) => reaches(have, *want),
                    },
            )
        }
    }
}

fn reason(condition: &Condition, view: &impl View) -> Reason {
    match &condition.subject {
        Subject::Object(key) => Reason::Object(match view.object(key) {
            ObjectState::Failed(reason) | ObjectState::Pending(reason) => reason,
            ObjectState::Holds => String::new(),
        }),
        Subject::Below { .. } | Subject::Variable { .. }
            if condition.presence == Presence::Failure =>
        {
            Reason::Exists
        }
        Subject::Below { prefix, at_least } => Reason::Below {
            have: view.below(prefix),
            want: *at_least,
        },
        Subject::Variable { key, demand } => match (view.owners(key), demand) {
            (0, _) | (_, Demand::Exists) => match meant_object(key.name.as_str()) {
                Some(object) => Reason::NoVariable { object },
                None => Reason::DoesNotExist,
            },
            (_, Demand::Equals(value)) => Reason::OtherValue(value.clone()),
            (have, Demand::Owners(want)) => Reason::Owners { have, want: *want },
        },
    }
}

fn held_if(holds: bool) -> State {
    if holds { State::Held } else { State::Missing }
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
        let world = mk_world(job);
        let verdict = judge(&condition, &world);
        assert_eq!(state(&condition, &world), State::of(&verdict), "{term}");
        verdict
    }

    #[test]
    fn each_kind_of_term_holds_when_its_line_of_the_design_says_so() {
        let pending = ObjectState::Pending("0 of 1 pods succeeded".to_owned());
        for (term, missing) in [
            ("a/b", None),
            ("a/x", Some("does not exist")),
            ("a", Some("does not exist")),
            (
                "jobs/m=v",
                Some("does not exist; for the object, write job:m"),
            ),
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
}
