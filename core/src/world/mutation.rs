//! What can be done to a variable, decided without I/O: every backend carries out the same rules.

use std::sync::Arc;

use oncue_language::VariableKey;

use super::{Update, Variable, variables::Variables};
use crate::assertion::{Assertion, AssertionId, Timestamp};

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
        /// The assertion; its `since` is the present moment or, of an outcome, the end of its run.
        assertion: Assertion,
        /// What to do with an existing assertion of the same id.
        existing: Existing,
    },
    /// Removes all assertions.
    Delete,
    /// Removes an assertion if it has ended by itself.
    Expire {
        /// The assertion.
        id: AssertionId,
        /// The present moment.
        now: Timestamp,
    },
    /// Removes one assertion.
    Withdraw(AssertionId),
}

/// What an assertion that is made again takes over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Existing {
    /// It keeps its value, and gets the new expiry.
    KeepValue,
    /// It gets the new value and the new expiry.
    Replace,
}

/// What a mutation did to its variable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// It existed, and its assertions are others now.
    Changed,
    /// It exists now.
    Created,
    /// It no longer exists.
    Deleted,
    /// Nothing: it is as it was, existing or not.
    Unchanged,
}

/// What a mutation does to one variable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// What it does to the variable.
    pub effect: Effect,
    /// The assertion that was asked for, as it is afterwards: always there after
    /// [`Action::Assert`].
    pub assertion: Option<Arc<Assertion>>,
    /// The assertions that are new, other than before, or gone.
    pub updates: Vec<Update>,
}

impl Mutation {
    /// Returns the assertion that this is about, if it is about one.
    pub fn assertion(&self) -> Option<&AssertionId> {
        match &self.action {
            Action::Assert { assertion, .. } => Some(&assertion.id),
            Action::Expire { id, .. } | Action::Withdraw(id) => Some(id),
            Action::Delete => None,
        }
    }

    /// Returns whether `other` asks for the same: the moments at which they were decided may differ.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let of_one_moment = |it: &Self| {
            let mut it = it.clone();
            match &mut it.action {
                Action::Assert { assertion, .. } => assertion.since = Timestamp::default(),
                Action::Expire { now, .. } => *now = Timestamp::default(),
                Action::Delete | Action::Withdraw(_) => {}
            }
            it
        };
        self.key == other.key && of_one_moment(self) == of_one_moment(other)
    }

    /// Returns what this does to `variables`.
    pub fn decide(&self, variables: &Variables) -> Step {
        let current = variables.get(&self.key);
        match &self.action {
            Action::Assert {
                assertion,
                existing,
            } => self.put(assertion, *existing, current),
            Action::Delete => self.remove(current, |it| it.assertions().cloned().collect()),
            Action::Expire { id, now } => self.remove(current, |it| {
                let due = it.assertion(id).filter(|it| it.is_expired(*now));
                due.cloned().into_iter().collect()
            }),
            Action::Withdraw(id) => self.remove(current, |it| {
                it.assertion(id).cloned().into_iter().collect()
            }),
        }
    }

    fn put(&self, assertion: &Assertion, existing: Existing, current: Option<&Variable>) -> Step {
        let before = current.and_then(|it| it.assertion(&assertion.id));
        let after = merge(assertion, existing, before.map(|it| &**it));
        if let Some(before) = before.filter(|it| ***it == after) {
            return Step {
                effect: Effect::Unchanged,
                assertion: Some(Arc::clone(before)),
                updates: Vec::new(),
            };
        }
        let after = Arc::new(after);
        Step {
            effect: match current {
                Some(_) => Effect::Changed,
                None => Effect::Created,
            },
            assertion: Some(Arc::clone(&after)),
            updates: vec![Update {
                key: self.key.clone(),
                before: before.cloned(),
                after: Some(after),
            }],
        }
    }

    fn remove(
        &self,
        current: Option<&Variable>,
        removed: impl FnOnce(&Variable) -> Vec<Arc<Assertion>>,
    ) -> Step {
        let removed = current.map(removed).unwrap_or_default();
        let all = current.map_or(0, Variable::count);
        let update = |assertion| Update {
            key: self.key.clone(),
            before: Some(assertion),
            after: None,
        };
        Step {
            effect: match removed.len() {
                0 => Effect::Unchanged,
                some if some < all => Effect::Changed,
                _ => Effect::Deleted,
            },
            assertion: None,
            updates: removed.into_iter().map(update).collect(),
        }
    }
}

/// Returns what the assertion is beside the one that is there.
///
/// One that has expired and waits to be removed counts as gone.
fn merge(assertion: &Assertion, existing: Existing, before: Option<&Assertion>) -> Assertion {
    let Some(before) = before.filter(|it| !it.is_expired(assertion.since)) else {
        return assertion.clone();
    };
    let value = match existing {
        Existing::KeepValue => &before.value,
        Existing::Replace => &assertion.value,
    };
    Assertion {
        // Another value is something new: a failure with it is none of yesterday.
        since: if *value == before.value {
            before.since
        } else {
            assertion.since
        },
        value: value.clone(),
        ..assertion.clone()
    }
}
