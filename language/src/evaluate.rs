//! Judging conditions against a view of the world: pure, and with a reason a person can read.

use std::num::NonZeroU32;

use crate::{
    condition::{Condition, Subject},
    grace::Grace,
    name::VariableKey,
    object::{ObjectKey, meant_object},
    state::State,
    term::{Demand, Presence},
    timestamp::Timestamp,
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

    /// Returns whether one of the assertions that a subject is about was made at `moment` or later.
    fn asserted_since(&self, subject: &Subject, moment: Timestamp) -> bool;

    /// Returns which failures count.
    fn grace(&self) -> Grace {
        Grace::Over
    }

    /// Returns why the one who asks may not know anything of a subject, to be read after the term;
    /// `None` if it may.
    fn forbids(&self, _subject: &Subject) -> Option<String> {
        None
    }
}

/// The state of an object, as far as a term asks for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ObjectState {
    /// It does not exist.
    Absent,
    /// It can never hold any more: a Job that has failed.
    Failed {
        /// Why, to be read after the term.
        reason: String,
        /// When it failed, if that is known.
        since: Option<Timestamp>,
    },
    /// It holds.
    Holds,
    /// It does not hold yet; why, to be read after the term.
    Pending(String),
    /// Nobody can tell whether it holds, or whether it has failed; why, to be read after the term.
    Unknown(String),
}

impl ObjectState {
    /// Returns why it does not hold.
    pub fn into_reason(self) -> Option<String> {
        match self {
            Self::Absent => Some("does not exist".to_owned()),
            Self::Failed { reason, .. } | Self::Pending(reason) | Self::Unknown(reason) => {
                Some(reason)
            }
            Self::Holds => None,
        }
    }
}

/// Judges one condition, without saying why: it allocates nothing for variables.
///
/// A failure term delays a wait only while its object is unknown, or whether its failure counts: if it
/// held until then, a pod would start although the Job has failed long ago. The controller tells the state of every object
/// that is asked for, even of one that does not exist, so that this takes seconds.
///
/// A term that the one who asks may not know anything of is missing, whatever its presence.
pub fn state(condition: &Condition, view: &impl View) -> State {
    let Condition { presence, subject } = condition;
    if view.forbids(subject).is_some() {
        return State::Missing;
    }
    match (presence, subject) {
        (Presence::Failure, Subject::Object(key)) => match view.object(key) {
            ObjectState::Failed { since, .. } if view.grace().counts(since) => State::Failed,
            ObjectState::Failed { .. } => view.grace().uncounted(),
            // A Job trips a failure term by having failed: a complete one must not.
            ObjectState::Absent | ObjectState::Holds | ObjectState::Pending(_) => State::Held,
            ObjectState::Unknown(_) => State::Missing,
        },
        (Presence::Failure, Subject::Below { .. } | Subject::Variable { .. }) => {
            if !holds(subject, view) {
                State::Held
            } else if counts(subject, view) {
                State::Failed
            } else {
                view.grace().uncounted()
            }
        }
        (Presence::Optional | Presence::Required, _) => {
            if holds(subject, view) {
                State::Held
            } else {
                State::Missing
            }
        }
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

/// Returns whether a failure counts: it is as new as its newest assertion.
fn counts(subject: &Subject, view: &impl View) -> bool {
    let first = view.grace().first_counted();
    first.is_none_or(|first| view.asserted_since(subject, first))
}

/// Returns whether what a term speaks of is so.
fn holds(subject: &Subject, view: &impl View) -> bool {
    match subject {
        Subject::Below { prefix, at_least } => reaches(view.below(prefix), *at_least),
        Subject::Object(key) => view.object(key) == ObjectState::Holds,
        Subject::Variable { key, demand } => {
            let have = view.owners(key);
            have > 0
                && match demand {
                    Demand::Equals(value) => view.has_value(key, value),
                    Demand::Exists => true,
                    Demand::Owners(want) => reaches(have, *want),
                }
        }
    }
}

fn reason(condition: &Condition, view: &impl View) -> Reason {
    if let Some(rule) = view.forbids(&condition.subject) {
        return Reason::Forbidden(rule);
    }
    match &condition.subject {
        Subject::Object(key) => Reason::Object(view.object(key).into_reason().unwrap_or_default()),
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

fn reaches(have: usize, want: NonZeroU32) -> bool {
    usize::try_from(want.get()).is_ok_and(|want| have >= want)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{name::Namespace, term::Term};

    /// Variables as `name -> values of its owners`, all made at [`MADE`], and one Job.
    struct World {
        variables: BTreeMap<&'static str, Vec<&'static str>>,
        job: ObjectState,
        grace: Grace,
    }

    const MADE: Timestamp = Timestamp::from_millis(5_000);

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

        fn asserted_since(&self, _subject: &Subject, moment: Timestamp) -> bool {
            moment <= MADE
        }

        fn grace(&self) -> Grace {
            self.grace
        }
    }

    fn mk_world(job: ObjectState) -> World {
        World {
            variables: [("a/b", vec!["", "v"]), ("a/c/d", vec![""])].into(),
            job,
            grace: Grace::Over,
        }
    }

    fn mk_condition(term: &str) -> Condition {
        let term: Term = term.parse().unwrap();
        term.condition(&Namespace::default()).unwrap().unwrap()
    }

    fn mk_failed(since: Option<u64>) -> ObjectState {
        ObjectState::Failed {
            reason: "has failed".to_owned(),
            since: since.map(Timestamp::from_millis),
        }
    }

    fn judged(term: &str, job: ObjectState) -> Verdict {
        let condition = mk_condition(term);
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
    fn an_unknown_object_holds_no_term_and_trips_none() {
        for term in ["job:m", "?job:m", "!job:m"] {
            let unknown = ObjectState::Unknown("is not known yet".to_owned());
            let reason = Reason::Object("is not known yet".to_owned());
            assert_eq!(judged(term, unknown), Verdict::Missing(reason), "{term}");
        }
    }

    #[test]
    fn a_failure_term_delays_for_nothing_that_is_known_and_fails_at_once() {
        let failed = mk_failed(None);
        assert_eq!(judged("!a/x", ObjectState::Holds), Verdict::Held);
        assert_eq!(
            judged("!a/b", ObjectState::Holds),
            Verdict::Failed(Reason::Exists)
        );
        assert_eq!(judged("!job:m", ObjectState::Holds), Verdict::Held);
        let pending = ObjectState::Pending("0 of 1 pods succeeded".to_owned());
        for not_failed in [ObjectState::Absent, pending] {
            assert_eq!(judged("!job:m", not_failed), Verdict::Held);
        }
        assert!(matches!(
            judged("!job:m", failed.clone()),
            Verdict::Failed(_)
        ));
        assert!(matches!(judged("job:m", failed), Verdict::Missing(_)));
    }

    #[test]
    fn a_failure_from_before_a_young_pod_does_not_count() {
        for (term, failed, created, state) in [
            ("!a/b", None, 4_000, State::Failed),
            ("!a/b", None, 4_001, State::Held),
            ("!a/b=v", None, 4_001, State::Held),
            ("!a/b>=2", None, 4_001, State::Held),
            ("!a/*", None, 4_001, State::Held),
            ("!a/x", None, 4_000, State::Held),
            ("a/b", None, 4_001, State::Held),
            ("!job:m", Some(5_000), 4_000, State::Failed),
            ("!job:m", Some(5_000), 4_001, State::Held),
            ("!job:m", None, 4_001, State::Failed),
            ("job:m", Some(5_000), 4_001, State::Missing),
        ] {
            let mk_young = |grace| World {
                grace,
                ..mk_world(mk_failed(failed))
            };
            let created = Timestamp::from_millis(created);
            let young = mk_young(Grace::of_pod(created, created));
            let condition = mk_condition(term);
            assert_eq!(super::state(&condition, &young), state, "{term} {created}");
            assert_eq!(State::of(&judge(&condition, &young)), state, "{term}");
            // While the age is not known, nobody can tell whether an earlier failure counts.
            let unknown = mk_young(Grace::of_unknown(created, created));
            let is_excused = state == State::Held && term != "!a/x" && term != "a/b";
            let state = if is_excused { State::Missing } else { state };
            assert_eq!(
                super::state(&condition, &unknown),
                state,
                "{term} {created}"
            );
        }
    }
}
