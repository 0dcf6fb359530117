//! All variables, in memory and in order.

use std::{collections::BTreeMap, ops::Bound::Excluded, sync::Arc};

use oncue_language::{Namespace, VariableKey, VariableName};

use super::Variable;

/// The variables of all namespaces.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Variables {
    namespaces: BTreeMap<Namespace, BTreeMap<VariableName, Arc<Variable>>>,
}

impl Variables {
    /// Puts `after` in the place of the variable and returns what was there.
    pub fn set(
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

    /// Returns a variable.
    pub fn get(&self, key: &VariableKey) -> Option<&Arc<Variable>> {
        self.namespaces.get(&key.namespace)?.get(&key.name)
    }

    /// Returns all variables in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Variable>> {
        self.namespaces.values().flat_map(BTreeMap::values)
    }

    /// Returns how many variables there are.
    pub fn count(&self) -> usize {
        self.namespaces.values().map(BTreeMap::len).sum()
    }

    /// Returns the variables of one namespace, or of all.
    pub fn in_namespace(
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
    pub fn below(&self, prefix: &VariableKey) -> impl Iterator<Item = &Arc<Variable>> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::life::{Assertion, AssertionId, Timestamp};

    fn mk_key(name: &str) -> VariableKey {
        VariableKey::new(Namespace::default(), name.parse().unwrap())
    }

    fn mk_variables<'a>(names: impl IntoIterator<Item = &'a str>) -> Variables {
        let assertion = Arc::new(Assertion {
            id: AssertionId::HAND,
            value: None,
            since: Timestamp::default(),
            expires: None,
        });
        let mut variables = Variables::default();
        for name in names {
            let key = mk_key(name);
            let variable = Variable::new(key.clone(), vec![Arc::clone(&assertion)]);
            variables.set(&key, variable.map(Arc::new));
        }
        variables
    }

    fn names_below(variables: &Variables, prefix: &str) -> Vec<String> {
        let prefix = mk_key(prefix);
        let below = variables.below(&prefix);
        below
            .map(|variable| variable.key().name.to_string())
            .collect()
    }

    #[test]
    fn finds_what_lies_below_a_name_and_not_what_only_begins_like_it() {
        let names = [
            "a", "a-b", "a-b/c", "a.b/c", "a/x", "a/x/y", "a0", "a0/b", "aa/b", "b/a/c",
        ];
        let variables = mk_variables(names);
        assert_eq!(names_below(&variables, "a"), ["a/x", "a/x/y"]);
        assert_eq!(names_below(&variables, "a/x"), ["a/x/y"]);
        assert_eq!(names_below(&variables, "a-b"), ["a-b/c"]);
        assert!(names_below(&variables, "c").is_empty());
    }

    #[test]
    fn forgets_a_namespace_with_its_last_variable() {
        let mut variables = mk_variables(["a"]);
        variables.set(&mk_key("a"), None);
        assert_eq!(variables, Variables::default());
    }

    proptest! {
        #[test]
        fn below_is_what_the_language_calls_below(
            names in prop::collection::btree_set("[a-b.0-]{1,2}x(/[a-b.0-]{1,2}x){0,3}", 0..40),
            prefix in "[a-b.0-]{1,2}x(/[a-b.0-]{1,2}x)?",
        ) {
            let variables = mk_variables(names.iter().map(String::as_str));
            let all = variables.iter().map(|variable| &variable.key().name);
            let expected: Vec<_> = all
                .filter(|name| name.is_below(&prefix.parse().unwrap()))
                .map(ToString::to_string)
                .collect();
            prop_assert_eq!(names_below(&variables, &prefix), expected);
        }
    }
}
