//! The state of a term, or of several terms together.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::verdict::Verdict;

/// The state of a term, or of several terms together.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, IntoStaticStr, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum State {
    /// What a failure term forbids is so.
    Failed,
    /// It holds.
    Held,
    /// It does not hold yet.
    Missing,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Failed, Self::Held, Self::Missing];

    /// Returns the state that a verdict speaks of.
    pub fn of<R>(verdict: &Verdict<R>) -> Self {
        match verdict {
            Verdict::Failed(_) => Self::Failed,
            Verdict::Held => Self::Held,
            Verdict::Missing(_) => Self::Missing,
        }
    }

    /// Returns the state of several terms together: failure wins, and no term at all holds.
    pub fn together(states: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Held;
        for state in states {
            match state {
                Self::Failed => return Self::Failed,
                Self::Held => {}
                Self::Missing => all = Self::Missing,
            }
        }
        all
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str((*self).into())
    }
}

#[cfg(test)]
mod tests {
    use super::{State::*, *};

    #[test]
    fn failure_wins_over_what_is_missing_and_that_over_what_holds() {
        for (states, together) in [
            (&[][..], Held),
            (&[Held, Held], Held),
            (&[Missing, Held], Missing),
            (&[Held, Missing, Failed, Held], Failed),
        ] {
            assert_eq!(
                State::together(states.iter().copied()),
                together,
                "{states:?}"
            );
        }
    }

    #[test]
    fn prints_as_the_api_writes_it() {
        assert_eq!(
            State::ALL.map(|state| state.to_string()),
            ["failed", "held", "missing"]
        );
    }

    #[test]
    fn a_verdict_has_the_state_of_its_name() {
        let verdicts = [Verdict::Failed(()), Verdict::Held, Verdict::Missing(())];
        assert_eq!(verdicts.map(|verdict| State::of(&verdict)), State::ALL);
    }
}
