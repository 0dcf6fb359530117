//! A variable: the assertions that it consists of.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

use oncue_language::Value;

use crate::assertion::{Assertion, AssertionId};

/// A variable: its assertions in the order of their ids, with what they come to.
///
/// A change costs the logarithm of the number of assertions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Variable {
    assertions: BTreeSet<ById>,
    owners: usize,
    values: BTreeMap<Value, usize>,
}

/// An assertion that is found by its id.
#[derive(Clone, Debug, Eq, PartialEq)]
struct ById(Arc<Assertion>);

impl Borrow<AssertionId> for ById {
    fn borrow(&self) -> &AssertionId {
        &self.0.id
    }
}

impl Ord for ById {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.id.cmp(&other.0.id)
    }
}

impl PartialOrd for ById {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Variable {
    /// Adds an assertion, and returns the one with the same id that it replaces.
    pub(super) fn put(&mut self, assertion: Arc<Assertion>) -> Option<Arc<Assertion>> {
        let before = self.remove(&assertion.id);
        if !self.is_asserted_by_same(&assertion.id) {
            self.owners += 1;
        }
        if let Some(value) = &assertion.value {
            *self.values.entry(value.clone()).or_default() += 1;
        }
        self.assertions.insert(ById(assertion));
        before
    }

    /// Removes an assertion, and returns it.
    pub(super) fn remove(&mut self, id: &AssertionId) -> Option<Arc<Assertion>> {
        let ById(removed) = self.assertions.take(id)?;
        if !self.is_asserted_by_same(id) {
            self.owners -= 1;
        }
        if let Some(value) = &removed.value
            && let Some(count) = self.values.get_mut(value)
        {
            *count -= 1;
            if *count == 0 {
                self.values.remove(value);
            }
        }
        Some(removed)
    }

    /// Returns whether another assertion has the same asserter: it would stand next to this id.
    fn is_asserted_by_same(&self, id: &AssertionId) -> bool {
        let before = self
            .assertions
            .range::<AssertionId, _>((Unbounded, Excluded(id)))
            .next_back();
        let after = self
            .assertions
            .range::<AssertionId, _>((Excluded(id), Unbounded))
            .next();
        let neighbours = before.into_iter().chain(after);
        neighbours
            .into_iter()
            .any(|ById(other)| other.id.asserter == id.asserter)
    }

    /// Returns how many assertions it consists of.
    pub(super) fn count(&self) -> usize {
        self.assertions.len()
    }

    /// Returns its assertions in the order of their ids.
    pub fn assertions(&self) -> impl Iterator<Item = &Arc<Assertion>> {
        self.assertions.iter().map(|ById(assertion)| assertion)
    }

    /// Returns the assertions whose ids follow `id`, in their order.
    pub(super) fn after(&self, id: &AssertionId) -> impl Iterator<Item = &Arc<Assertion>> {
        let rest = self
            .assertions
            .range::<AssertionId, _>((Excluded(id), Unbounded));
        rest.map(|ById(assertion)| assertion)
    }

    /// Returns the assertion with this id.
    pub fn assertion(&self, id: &AssertionId) -> Option<&Arc<Assertion>> {
        self.assertions.get(id).map(|ById(assertion)| assertion)
    }

    /// Returns how many distinct owners assert it; all assertions by hand are one owner.
    pub fn owners(&self) -> usize {
        self.owners
    }

    /// Returns whether an assertion of it has this value.
    pub fn has_value(&self, value: &Value) -> bool {
        self.values.contains_key(value)
    }

    /// Returns whether no assertion is left.
    pub(super) fn is_empty(&self) -> bool {
        self.assertions.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::assertion::{Kind, Owner, Timestamp};

    fn mk_id(owner: u8, kind: Kind) -> AssertionId {
        let owner = Owner {
            namespace: oncue_language::Namespace::default(),
            name: owner.to_string().into(),
            uid: "uid".into(),
        };
        AssertionId::of(owner, kind)
    }

    fn mk_assertion(id: AssertionId, value: Option<&str>) -> Arc<Assertion> {
        Arc::new(Assertion {
            id,
            value: value.map(|value| value.parse().unwrap()),
            since: Timestamp::default(),
            expires: None,
        })
    }

    proptest! {
        #[test]
        fn owners_and_values_are_counted_as_if_all_assertions_were_looked_at(
            steps in prop::collection::vec((0..4u8, 0..3usize, prop::option::of("[vw]"), any::<bool>()), 1..60),
        ) {
            let kinds = [Kind::Durable, Kind::Live, Kind::Ready];
            let mut variable = Variable::default();
            for (owner, kind, value, is_put) in steps {
                let id = mk_id(owner, kinds[kind]);
                if is_put {
                    variable.put(mk_assertion(id, value.as_deref()));
                } else {
                    variable.remove(&id);
                }
                let asserters: BTreeSet<_> =
                    variable.assertions().map(|it| it.id.asserter.clone()).collect();
                prop_assert_eq!(variable.owners(), asserters.len());
                for value in ["v", "w"].map(|text| text.parse().unwrap()) {
                    let has = variable.assertions().any(|it| it.value.as_ref() == Some(&value));
                    prop_assert_eq!(variable.has_value(&value), has);
                }
            }
        }
    }
}
