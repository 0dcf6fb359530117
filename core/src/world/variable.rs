//! A variable: the assertions that it consists of.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

use oncue_language::Value;

use super::moments::Moments;
use crate::assertion::{Assertion, AssertionId, Timestamp};

/// A variable: its assertions in the order of their ids, with what they come to.
///
/// A change costs the logarithm of the number of assertions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Variable {
    assertions: BTreeSet<ById>,
    owners: usize,
    /// When its assertions were made.
    moments: Moments,
    /// The values, when they were asserted, and by how many assertions: a map of moments for each
    /// value would take much more memory.
    values: BTreeMap<(Value, Timestamp), usize>,
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
        self.moments.add(assertion.since);
        if let Some(value) = &assertion.value {
            let valued = (value.clone(), assertion.since);
            *self.values.entry(valued).or_default() += 1;
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
        self.moments.remove(removed.since);
        if let Some(value) = &removed.value
            && let Entry::Occupied(mut count) = self.values.entry((value.clone(), removed.since))
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
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
        self.newest_with(value).is_some()
    }

    /// Returns when the newest of its assertions was made.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.moments.newest()
    }

    /// Returns when the newest of its assertions with this value was made.
    pub(super) fn newest_with(&self, value: &Value) -> Option<Timestamp> {
        let first = (value.clone(), Timestamp::default());
        let last = (value.clone(), Timestamp::MAX);
        let mut moments = self.values.range(first..=last);
        moments.next_back().map(|((_, newest), _)| *newest)
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
    use crate::assertion::{Kind, Owner};

    fn mk_id(owner: u8, kind: Kind) -> AssertionId {
        let owner = Owner::pod(
            oncue_language::Namespace::default(),
            owner.to_string(),
            "uid",
        );
        AssertionId::of(owner, kind)
    }

    fn mk_assertion(id: AssertionId, value: Option<&str>, since: u64) -> Arc<Assertion> {
        Arc::new(Assertion {
            id,
            value: value.map(|value| value.parse().unwrap()),
            since: Timestamp::from_millis(since),
            expires: None,
        })
    }

    proptest! {
        #[test]
        fn owners_values_and_moments_are_those_of_all_assertions(
            steps in prop::collection::vec(
                (0..4u8, 0..3usize, prop::option::of("[vw]"), prop::option::of(0..5u64)),
                1..60,
            ),
        ) {
            let kinds = [Kind::Durable, Kind::Live, Kind::Ready];
            let mut variable = Variable::default();
            for (owner, kind, value, since) in steps {
                let id = mk_id(owner, kinds[kind]);
                match since {
                    Some(since) => variable.put(mk_assertion(id, value.as_deref(), since)),
                    None => variable.remove(&id),
                };
                let asserters: BTreeSet<_> =
                    variable.assertions().map(|it| it.id.asserter.clone()).collect();
                prop_assert_eq!(variable.owners(), asserters.len());
                let newest = variable.assertions().map(|it| it.since).max();
                prop_assert_eq!(variable.newest(), newest);
                for value in ["v", "w"].map(|text| text.parse().unwrap()) {
                    let with = variable.assertions().filter(|it| it.value.as_ref() == Some(&value));
                    let newest = with.map(|it| it.since).max();
                    prop_assert_eq!(variable.has_value(&value), newest.is_some());
                    prop_assert_eq!(variable.newest_with(&value), newest);
                }
            }
        }
    }
}
