//! How a run ends, and what it signals then.

use oncue_language::{Timestamp, Value, VariableName};

use super::DeclaredSignal;

/// How a run ends: that of a Job, or that of a pod without a Job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It failed.
    Failure,
    /// It succeeded.
    Success,
}

impl Outcome {
    /// Returns the other one.
    pub(super) fn opposite(self) -> Self {
        match self {
            Self::Failure => Self::Success,
            Self::Success => Self::Failure,
        }
    }
}

/// The end of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RunEnd {
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended.
    pub at: Timestamp,
}

/// What a run signals when it has ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OutcomeSignals {
    /// If it failed.
    pub failure: Vec<DeclaredSignal>,
    /// If it succeeded.
    pub success: Vec<DeclaredSignal>,
}

impl OutcomeSignals {
    /// Returns what it signals for an outcome.
    pub(super) fn of(&self, outcome: Outcome) -> &[DeclaredSignal] {
        match outcome {
            Outcome::Failure => &self.failure,
            Outcome::Success => &self.success,
        }
    }

    /// Returns what it says of a variable for an outcome.
    pub(super) fn find(&self, outcome: Outcome, name: &VariableName) -> Option<&DeclaredSignal> {
        self.of(outcome).iter().find(|it| it.name == *name)
    }

    /// Returns whether an assertion of `name` with `value` can be read as this outcome.
    ///
    /// If a name stands for both outcomes, the value tells which.
    pub(super) fn reads_as(
        &self,
        outcome: Outcome,
        name: &VariableName,
        value: Option<&Value>,
    ) -> bool {
        let declared = self.find(outcome, name);
        let is_only_this = self.find(outcome.opposite(), name).is_none();
        declared.is_some_and(|it| is_only_this || it.value.as_ref() == value)
    }

    /// Returns the names of all variables that it can signal; some may come twice.
    pub(super) fn names(&self) -> impl Iterator<Item = &VariableName> {
        let all = self.failure.iter().chain(&self.success);
        all.map(|signal| &signal.name)
    }

    /// Returns whether it never signals.
    pub(super) fn is_empty(&self) -> bool {
        self.failure.is_empty() && self.success.is_empty()
    }

    /// Adds what `others` signal and these do not.
    pub(super) fn add(&mut self, others: &Self) {
        let Self { failure, success } = others;
        for (own, others) in [(&mut self.failure, failure), (&mut self.success, success)] {
            for other in others {
                if !own.contains(other) {
                    own.push(other.clone());
                }
            }
        }
    }
}
