//! What can be done to a variable, decided without I/O: every backend carries out the same rules.

use std::sync::Arc;

use oncue_language::VariableKey;

use super::Variable;
use crate::life::{Assertion, AssertionId, Kind, Owner, Timestamp};

/// One change to one variable, as it is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mutation {
    /// The variable.
    pub key: VariableKey,
    /// What to do.
    pub action: Action,
}

/// What to do to a variable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Adds an assertion, or changes the one with the same id.
    Assert {
        /// The assertion; its `since` is the present moment.
        assertion: Assertion,
        /// What to do with an existing assertion of the same id.
        existing: Existing,
    },
    /// Removes all assertions.
    Delete,
    /// Removes the assertions that have ended by themselves.
    Expire {
        /// The present moment.
        now: Timestamp,
    },
    /// Removes some assertions.
    Withdraw(Withdrawal),
}

/// What to do with an assertion that is made again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Existing {
    /// It stays as it is.
    Keep,
    /// It gets the new value and the new expiry.
    Replace,
}

/// Which assertions are withdrawn.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Withdrawal {
    /// One of them.
    Assertion(AssertionId),
    /// The durable ones by every run of one producer.
    Producer(Owner),
}

impl Withdrawal {
    fn removes(&self, id: &AssertionId) -> bool {
        match self {
            Self::Assertion(withdrawn) => id == withdrawn,
            Self::Producer(producer) => {
                let owner = id.asserter.owner();
                id.kind == Kind::Durable && owner.is_some_and(|o| o.is_same_producer(producer))
            }
        }
    }
}

/// What a mutation made of its variable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// It existed, and its assertions are others now.
    Changed,
    /// It exists now.
    Created,
    /// It exists no more.
    Deleted,
    /// Nothing: it is as it was, existing or not.
    Unchanged,
}

/// What a mutation does to one variable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// What it makes of the variable.
    pub effect: Effect,
    /// The variable afterwards.
    pub after: Option<Arc<Variable>>,
    /// The assertion that is new or other than before.
    pub put: Option<Arc<Assertion>>,
    /// The assertions that are gone.
    pub removed: Vec<AssertionId>,
}

impl Step {
    fn unchanged(current: Option<&Arc<Variable>>) -> Self {
        Self {
            effect: Effect::Unchanged,
            after: current.cloned(),
            put: None,
            removed: Vec::new(),
        }
    }
}

impl Mutation {
    /// Returns what this makes of the variable that is `current` now.
    pub fn apply(&self, current: Option<&Arc<Variable>>) -> Step {
        match &self.action {
            Action::Assert {
                assertion,
                existing,
            } => match merge(assertion, *existing, current) {
                Some(assertion) => self.put(assertion, current),
                None => Step::unchanged(current),
            },
            Action::Delete => self.remove(current, |_| true),
            Action::Expire { now } => self.remove(current, |assertion| assertion.is_expired(*now)),
            Action::Withdraw(withdrawal) => {
                self.remove(current, |assertion| withdrawal.removes(&assertion.id))
            }
        }
    }

    fn put(&self, assertion: Assertion, current: Option<&Arc<Variable>>) -> Step {
        let assertion = Arc::new(assertion);
        let others = current.iter().flat_map(|variable| variable.assertions());
        let mut assertions: Vec<_> = others
            .filter(|other| other.id != assertion.id)
            .cloned()
            .collect();
        assertions.push(Arc::clone(&assertion));
        Step {
            effect: match current {
                Some(_) => Effect::Changed,
                None => Effect::Created,
            },
            after: Variable::new(self.key.clone(), assertions).map(Arc::new),
            put: Some(assertion),
            removed: Vec::new(),
        }
    }

    fn remove(
        &self,
        current: Option<&Arc<Variable>>,
        is_removed: impl Fn(&Assertion) -> bool,
    ) -> Step {
        let all = current.map_or(&[][..], |variable| variable.assertions());
        let (removed, kept): (Vec<_>, Vec<_>) = all
            .iter()
            .cloned()
            .partition(|assertion| is_removed(assertion));
        if removed.is_empty() {
            return Step::unchanged(current);
        }
        let after = Variable::new(self.key.clone(), kept).map(Arc::new);
        Step {
            effect: match after {
                Some(_) => Effect::Changed,
                None => Effect::Deleted,
            },
            after,
            put: None,
            removed: removed
                .iter()
                .map(|assertion| assertion.id.clone())
                .collect(),
        }
    }
}

/// Returns what the assertion becomes beside the one that is there; none where nothing changes.
///
/// One that has expired and waits to be removed counts as gone.
fn merge(
    assertion: &Assertion,
    existing: Existing,
    current: Option<&Arc<Variable>>,
) -> Option<Assertion> {
    let old = current
        .and_then(|variable| variable.assertion(&assertion.id))
        .filter(|old| !old.is_expired(assertion.since));
    let Some(old) = old else {
        return Some(assertion.clone());
    };
    let merged = Assertion {
        since: old.since,
        ..assertion.clone()
    };
    match existing {
        Existing::Keep => None,
        Existing::Replace => (**old != merged).then_some(merged),
    }
}
