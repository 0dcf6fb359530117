//! The assertions that exist, as the life of a signal looks them up.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use oncue_language::{Kind, Owner, VariableKey};

use super::{Assertion, AssertionId};
use crate::world::{Update, variables::Variables};

/// The assertions that exist and have an owner: live and ready ones by their owner, durable ones by
/// their variable.
#[derive(Debug, Default)]
pub(super) struct AssertionIndex {
    by_pod: BTreeMap<Owner, Vec<PodAssertion>>,
    durable: BTreeMap<VariableKey, Vec<Arc<Assertion>>>,
}

/// A live or ready assertion.
#[derive(Clone, Debug)]
pub(super) struct PodAssertion {
    /// The variable. Files from before may have some in another namespace than the pod's.
    pub(super) key: VariableKey,
    pub(super) assertion: Arc<Assertion>,
}

/// What an assertion belongs to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Unit {
    /// The pod whose life it shares.
    Pod(Owner),
    /// The variable, which the runs that declare it decide about together.
    Variable(VariableKey),
}

impl Unit {
    /// Returns what an assertion belongs to; `None` if it is made by hand.
    pub(super) fn of(key: &VariableKey, id: &AssertionId) -> Option<Self> {
        let owner = id.asserter.owner()?;
        Some(match id.kind {
            Kind::Durable => Self::Variable(key.clone()),
            Kind::Live | Kind::Ready => Self::Pod(owner.clone()),
        })
    }
}

impl AssertionIndex {
    /// Returns the index of all assertions of `variables`.
    pub(super) fn new(variables: &Variables) -> Self {
        let mut index = Self::default();
        for (key, assertion) in variables.assertions() {
            index.insert(&key, assertion);
        }
        index
    }

    /// Takes over a change.
    pub(super) fn apply(&mut self, update: &Update) {
        let Update { key, before, after } = update;
        if let Some(before) = before {
            self.remove(key, &before.id);
        }
        if let Some(after) = after {
            self.remove(key, &after.id);
            self.insert(key, after);
        }
    }

    fn insert(&mut self, key: &VariableKey, assertion: &Arc<Assertion>) {
        match Unit::of(key, &assertion.id) {
            Some(Unit::Pod(owner)) => self.by_pod.entry(owner).or_default().push(PodAssertion {
                key: key.clone(),
                assertion: Arc::clone(assertion),
            }),
            Some(Unit::Variable(key)) => {
                self.durable
                    .entry(key)
                    .or_default()
                    .push(Arc::clone(assertion));
            }
            None => {}
        }
    }

    fn remove(&mut self, key: &VariableKey, id: &AssertionId) {
        match Unit::of(key, id) {
            Some(Unit::Pod(owner)) => {
                let is_it = |it: &PodAssertion| it.key == *key && it.assertion.id == *id;
                remove_from(self.by_pod.entry(owner), is_it);
            }
            Some(Unit::Variable(key)) => remove_from(self.durable.entry(key), |it| it.id == *id),
            None => {}
        }
    }

    /// Returns the live and ready assertions of a pod.
    pub(super) fn of_pod(&self, pod: &Owner) -> &[PodAssertion] {
        self.by_pod.get(pod).map_or(&[], |list| list)
    }

    /// Returns the durable assertions of a variable that have an owner.
    pub(super) fn durable(&self, key: &VariableKey) -> &[Arc<Assertion>] {
        self.durable.get(key).map_or(&[], |list| list)
    }

    /// Returns the owners of all live and ready assertions.
    pub(super) fn pods(&self) -> impl Iterator<Item = &Owner> {
        self.by_pod.keys()
    }
}

/// Removes an element, and the list with the last one.
fn remove_from<K: Ord, T>(entry: Entry<'_, K, Vec<T>>, is_it: impl Fn(&T) -> bool) {
    if let Entry::Occupied(mut entry) = entry {
        entry.get_mut().retain(|it| !is_it(it));
        if entry.get().is_empty() {
            entry.remove();
        }
    }
}
