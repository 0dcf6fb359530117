//! A variable: the assertions that it consists of.

use std::sync::Arc;

use oncue_language::{Value, VariableKey};

use crate::life::{Assertion, AssertionId, Timestamp};

/// A variable at one revision: at least one assertion, in the order of their ids.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Variable {
    key: VariableKey,
    assertions: Vec<Arc<Assertion>>,
    owners: usize,
}

impl Variable {
    /// Returns the variable with these assertions, or `None` without assertions.
    ///
    /// Each id is expected once.
    pub fn new(key: VariableKey, mut assertions: Vec<Arc<Assertion>>) -> Option<Self> {
        if assertions.is_empty() {
            return None;
        }
        assertions.sort_by(|a, b| a.id.cmp(&b.id));
        let same_asserter = |a: &Arc<Assertion>, b: &Arc<Assertion>| a.id.asserter == b.id.asserter;
        let owners = assertions.chunk_by(same_asserter).count();
        Some(Self {
            key,
            assertions,
            owners,
        })
    }

    /// Returns where it lives and what it is called.
    pub fn key(&self) -> &VariableKey {
        &self.key
    }

    /// Returns its assertions in the order of their ids.
    pub fn assertions(&self) -> &[Arc<Assertion>] {
        &self.assertions
    }

    /// Returns the assertion with this id.
    pub fn assertion(&self, id: &AssertionId) -> Option<&Arc<Assertion>> {
        let position = self.assertions.binary_search_by(|a| a.id.cmp(id)).ok()?;
        self.assertions.get(position)
    }

    /// Returns how many distinct owners assert it; all assertions by hand are one owner.
    pub fn owners(&self) -> usize {
        self.owners
    }

    /// Returns whether an assertion of it has this value.
    pub fn has_value(&self, value: &Value) -> bool {
        self.assertions
            .iter()
            .any(|assertion| assertion.value.as_ref() == Some(value))
    }

    /// Returns when the first of its assertions ends by itself.
    pub fn expires(&self) -> Option<Timestamp> {
        self.assertions.iter().filter_map(|a| a.expires).min()
    }
}
