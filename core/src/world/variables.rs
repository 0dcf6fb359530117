//! All variables, in memory and in order, with the bytes that they take.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Bound::{Excluded, Included, Unbounded},
    sync::Arc,
};

use oncue_language::{Namespace, VariableKey, VariableName};

use super::{Update, Variable};
use crate::assertion::{Assertion, AssertionId};

/// The variables of all namespaces.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Variables {
    namespaces: BTreeMap<Namespace, InNamespace>,
    count: usize,
    bytes: usize,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct InNamespace {
    variables: BTreeMap<VariableName, Variable>,
    bytes: usize,
}

impl Variables {
    /// Adds an assertion, and returns the one with the same id that it replaces.
    pub fn put(&mut self, key: &VariableKey, assertion: Arc<Assertion>) -> Option<Arc<Assertion>> {
        let mut taken = assertion_bytes(&assertion);
        let namespace = match self.namespaces.entry(key.namespace.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                taken += namespace_bytes(&key.namespace);
                entry.insert(InNamespace::default())
            }
        };
        let variable = match namespace.variables.entry(key.name.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                taken += variable_bytes(key);
                self.count += 1;
                entry.insert(Variable::default())
            }
        };
        let before = variable.put(assertion);
        let given = before.as_ref().map_or(0, |it| assertion_bytes(it));
        namespace.bytes = namespace.bytes + taken - given;
        self.bytes = self.bytes + taken - given;
        before
    }

    /// Removes an assertion, and with the last one its variable; returns it.
    pub fn remove(&mut self, key: &VariableKey, id: &AssertionId) -> Option<Arc<Assertion>> {
        let namespace = self.namespaces.get_mut(&key.namespace)?;
        let variable = namespace.variables.get_mut(&key.name)?;
        let removed = variable.remove(id)?;
        let mut given = assertion_bytes(&removed);
        if variable.is_empty() {
            namespace.variables.remove(&key.name);
            given += variable_bytes(key);
            self.count -= 1;
        }
        if namespace.variables.is_empty() {
            given += namespace_bytes(&key.namespace);
            self.namespaces.remove(&key.namespace);
        } else {
            namespace.bytes -= given;
        }
        self.bytes -= given;
        Some(removed)
    }

    /// Makes the change.
    pub fn apply(&mut self, update: &Update) {
        match &update.after {
            Some(after) => self.put(&update.key, Arc::clone(after)),
            None => self.remove(&update.key, update.id()),
        };
    }

    /// Takes the change back.
    pub fn revert(&mut self, update: &Update) {
        match &update.before {
            Some(before) => self.put(&update.key, Arc::clone(before)),
            None => self.remove(&update.key, update.id()),
        };
    }

    /// Returns a variable.
    pub fn get(&self, key: &VariableKey) -> Option<&Variable> {
        let namespace = self.namespaces.get(&key.namespace)?;
        namespace.variables.get(&key.name)
    }

    /// Returns all variables in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (VariableKey, &Variable)> {
        self.namespaces.iter().flat_map(|(namespace, within)| {
            let key = |name: &VariableName| VariableKey::new(namespace.clone(), name.clone());
            let variables = within.variables.iter();
            variables.map(move |(name, variable)| (key(name), variable))
        })
    }

    /// Returns all assertions, with their variables, in order.
    pub fn assertions(&self) -> impl Iterator<Item = (VariableKey, &Arc<Assertion>)> {
        self.iter().flat_map(|(key, variable)| {
            let assertions = variable.assertions();
            assertions.map(move |assertion| (key.clone(), assertion))
        })
    }

    /// Returns how many variables there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns how many bytes all variables take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns how many bytes the variables of one namespace take.
    pub fn bytes_in(&self, namespace: &Namespace) -> usize {
        self.namespaces.get(namespace).map_or(0, |it| it.bytes)
    }

    /// Returns the first namespace after `namespace` that has variables.
    pub(super) fn namespace_after(&self, namespace: &Namespace) -> Option<&Namespace> {
        let mut rest = self
            .namespaces
            .range::<Namespace, _>((Excluded(namespace), Unbounded));
        rest.next().map(|(namespace, _)| namespace)
    }

    /// Returns the first namespace that has variables.
    pub(super) fn first_namespace(&self) -> Option<&Namespace> {
        self.namespaces.first_key_value().map(|(first, _)| first)
    }

    /// Returns the variables of one namespace whose names are at or after `first`, in their order.
    pub(super) fn from<'a>(
        &'a self,
        namespace: &Namespace,
        first: &str,
    ) -> impl Iterator<Item = (&'a VariableName, &'a Variable)> + use<'a> {
        let within = self.namespaces.get(namespace);
        let bounds = (Included(first), Unbounded);
        let variables = within.map(|it| it.variables.range::<str, _>(bounds));
        variables.into_iter().flatten()
    }
}

/// Returns how many bytes this makes more of; less than none counts as none.
pub fn growth(variables: &Variables, updates: &[Update]) -> usize {
    let mut growth: usize = 0;
    let mut freed = 0;
    for Update { key, before, after } in updates {
        growth += after.as_ref().map_or(0, |it| assertion_bytes(it));
        if variables.get(key).is_none() {
            growth += variable_bytes(key);
        }
        if !variables.namespaces.contains_key(&key.namespace) {
            growth += namespace_bytes(&key.namespace);
        }
        freed += before.as_ref().map_or(0, |it| assertion_bytes(it));
    }
    growth.saturating_sub(freed)
}

/// Returns the bytes that an assertion takes, the texts in it included.
///
/// The constants are rounded up: `tests/store_memory.rs` compares them with what the whole store
/// allocates. An assertion is in the backend's memory and in the one that waits are judged by.
fn assertion_bytes(Assertion { id, value, .. }: &Assertion) -> usize {
    let owner = id.asserter.owner();
    let owner = owner.map_or(0, |owner| {
        owner.namespace.as_str().len() + owner.name.len() + owner.uid.len() + 3 * TEXT
    });
    let object = id.object.as_ref().map_or(0, |it| it.len() + TEXT);
    let value = value.as_ref().map_or(0, |it| it.as_str().len() + VALUE);
    ASSERTION + owner + object + value
}

/// Returns the bytes that a variable takes besides its assertions, with the counters of the names
/// above it.
fn variable_bytes(key: &VariableKey) -> usize {
    let name = key.name.as_str();
    let above = name.match_indices('/').map(|(at, _)| at + PREFIX);
    VARIABLE + name.len() + above.sum::<usize>()
}

/// Returns the bytes that a namespace takes besides its variables.
fn namespace_bytes(namespace: &Namespace) -> usize {
    NAMESPACE + 2 * namespace.as_str().len()
}

const ASSERTION: usize = 384;
const NAMESPACE: usize = 3328;
const PREFIX: usize = 192;
const TEXT: usize = 32;
const VALUE: usize = 768;
const VARIABLE: usize = 896;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assertion::Timestamp;

    fn mk_key(name: &str) -> VariableKey {
        VariableKey::new(Namespace::default(), name.parse().unwrap())
    }

    fn mk_update(name: &str, value: &str) -> Update {
        Update {
            key: mk_key(name),
            before: None,
            after: Some(Arc::new(Assertion {
                id: AssertionId::HAND,
                value: Some(value.parse().unwrap()),
                since: Timestamp::default(),
                expires: None,
            })),
        }
    }

    #[test]
    fn a_change_that_is_taken_back_leaves_nothing() {
        let mut variables = Variables::default();
        let update = mk_update("a/b", "v");
        let growth = growth(&variables, std::slice::from_ref(&update));
        variables.apply(&update);
        assert_eq!((variables.count(), variables.bytes()), (1, growth));
        assert_eq!(variables.bytes_in(&Namespace::default()), growth);
        variables.revert(&update);
        assert_eq!(variables, Variables::default());
    }

    #[test]
    fn a_longer_value_grows_by_its_length_alone() {
        let mut variables = Variables::default();
        variables.apply(&mk_update("a", "v"));
        let longer = Update {
            before: mk_update("a", "v").after,
            ..mk_update("a", "vvv")
        };
        assert_eq!(growth(&variables, std::slice::from_ref(&longer)), 2);
        let before = variables.bytes();
        variables.apply(&longer);
        assert_eq!(variables.bytes(), before + 2);
    }
}
