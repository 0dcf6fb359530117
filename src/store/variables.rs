//! All variables, in memory and in order.

use std::{collections::BTreeMap, ops::Bound::Excluded, sync::Arc};

use oncue_language::{Namespace, VariableKey, VariableName};

use super::Variable;

/// The variables of all namespaces.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Variables {
    namespaces: BTreeMap<Namespace, BTreeMap<VariableName, Arc<Variable>>>,
}

impl Variables {
    /// Puts `after` in the place of the variable and returns what was there.
    pub(crate) fn set(
        &mut self,
        key: &VariableKey,
        after: Option<Arc<Variable>>,
    ) -> Option<Arc<Variable>> {
        match after {
            Some(variable) => self
                .namespaces
                .entry(key.namespace.clone())
                .or_default()
                .insert(key.name.clone(), variable),
            None => self.remove(key),
        }
    }

    fn remove(&mut self, key: &VariableKey) -> Option<Arc<Variable>> {
        let variables = self.namespaces.get_mut(&key.namespace)?;
        let removed = variables.remove(&key.name);
        if variables.is_empty() {
            self.namespaces.remove(&key.namespace);
        }
        removed
    }

    pub(crate) fn get(&self, key: &VariableKey) -> Option<&Arc<Variable>> {
        self.namespaces.get(&key.namespace)?.get(&key.name)
    }

    /// Returns all variables in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Variable>> {
        self.namespaces.values().flat_map(BTreeMap::values)
    }

    pub(crate) fn len(&self) -> usize {
        self.namespaces.values().map(BTreeMap::len).sum()
    }

    /// Returns the variables of one namespace, or of all.
    pub(crate) fn in_namespace(
        &self,
        namespace: Option<&Namespace>,
    ) -> impl Iterator<Item = &Arc<Variable>> {
        let range = match namespace {
            Some(namespace) => self.namespaces.range(namespace..=namespace),
            None => self.namespaces.range::<Namespace, _>(..),
        };
        range.flat_map(|(_, variables)| variables.values())
    }

    /// Returns the variables below `prefix`, at any depth.
    pub(crate) fn below(&self, prefix: &VariableKey) -> impl Iterator<Item = &Arc<Variable>> {
        self.namespaces
            .get(&prefix.namespace)
            .into_iter()
            .flat_map(|variables| below(variables, &prefix.name))
    }
}

/// Everything below `a` stands between `a/` and `a0`, since `0` follows `/` in ASCII; `a-b` and
/// the like stand before, `a` itself too.
fn below<'a>(
    variables: &'a BTreeMap<VariableName, Arc<Variable>>,
    prefix: &VariableName,
) -> impl Iterator<Item = &'a Arc<Variable>> {
    let first = format!("{prefix}/");
    let end = format!("{prefix}0");
    variables
        .range::<str, _>((Excluded(first.as_str()), Excluded(end.as_str())))
        .map(|(_, variable)| variable)
}
