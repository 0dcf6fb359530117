//! Which namespaces' pods the API server sends for admission.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::language::Namespace;

/// The label of a namespace that has its name.
const NAME: &str = "kubernetes.io/metadata.name";

/// Namespaces that the chart always excludes: Kubernetes runs its own pods there.
const OF_KUBERNETES: [&str; 2] = ["kube-system", "kube-node-lease"];

/// Which namespaces' pods the API server sends for admission, besides oncue's own.
#[derive(Clone, Debug)]
pub struct Scope {
    excluded: BTreeSet<Namespace>,
    selector: Vec<Requirement>,
}

/// A scope without the namespaces of Kubernetes itself.
impl Default for Scope {
    fn default() -> Self {
        let excluded = OF_KUBERNETES.iter().filter_map(|name| name.parse().ok());
        Self::new(excluded, Vec::new())
    }
}

impl Scope {
    /// Returns a scope without some namespaces, and without those that do not meet all
    /// requirements.
    pub fn new(excluded: impl IntoIterator<Item = Namespace>, selector: Vec<Requirement>) -> Self {
        Self {
            excluded: excluded.into_iter().collect(),
            selector,
        }
    }

    /// Returns the scope with these requirements.
    #[must_use]
    pub fn with(self, selector: Vec<Requirement>) -> Self {
        Self { selector, ..self }
    }

    /// Takes in the labels of a namespace.
    pub fn learn(&mut self, namespace: &Namespace, labels: &BTreeMap<&str, &str>) {
        let mut requirements = self.selector.iter();
        if !requirements.all(|it| it.holds(it.value(namespace, labels))) {
            self.excluded.insert(namespace.clone());
        }
    }

    /// Returns whether no pod of this namespace is injected. A requirement on labels that are not
    /// known counts as met.
    pub fn excludes(&self, namespace: &Namespace) -> bool {
        let by_name = self.selector.iter().filter(|it| it.key == NAME);
        let mut names = by_name.map(|it| it.holds(Some(namespace.as_str())));
        self.excluded.contains(namespace) || !names.all(|holds| holds)
    }
}

/// One of the `matchExpressions` of a namespaceSelector.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    key: String,
    operator: Operator,
    #[serde(default)]
    values: Vec<String>,
}

/// What a [`Requirement`] demands of a label, as Kubernetes writes it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
enum Operator {
    DoesNotExist,
    Exists,
    In,
    NotIn,
}

impl Requirement {
    fn value<'a>(
        &self,
        namespace: &'a Namespace,
        labels: &BTreeMap<&str, &'a str>,
    ) -> Option<&'a str> {
        if self.key == NAME {
            return Some(namespace.as_str());
        }
        labels.get(&*self.key).copied()
    }

    /// Returns whether a label with this value, or its absence, meets the requirement.
    fn holds(&self, value: Option<&str>) -> bool {
        let is_listed = value.is_some_and(|value| self.values.iter().any(|it| it == value));
        match self.operator {
            Operator::DoesNotExist => value.is_none(),
            Operator::Exists => value.is_some(),
            Operator::In => is_listed,
            Operator::NotIn => !is_listed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_scope(selector: &str) -> Scope {
        Scope::new(
            ["shut".parse().unwrap()],
            serde_json::from_str(selector).unwrap(),
        )
    }

    #[test]
    fn the_namespaces_of_kubernetes_are_excluded_by_default() {
        let scope = Scope::default();
        for (name, is_excluded) in [
            ("kube-system", true),
            ("kube-node-lease", true),
            ("shop", false),
        ] {
            assert_eq!(
                scope.excludes(&name.parse().unwrap()),
                is_excluded,
                "{name}"
            );
        }
    }

    #[test]
    fn a_requirement_excludes_what_does_not_meet_it_once_the_labels_are_known() {
        for (operator, with_a, with_b, without) in [
            (r#""In", "values": ["a"]"#, false, true, true),
            (r#""NotIn", "values": ["a"]"#, true, false, false),
            (r#""Exists""#, false, false, true),
            (r#""DoesNotExist""#, true, true, false),
        ] {
            let selector = format!(r#"[{{"key": "tier", "operator": {operator}}}]"#);
            let shop: Namespace = "shop".parse().unwrap();
            assert!(
                !mk_scope(&selector).excludes(&shop),
                "{operator}: unknown labels"
            );
            for (labels, expected) in [
                (&[("tier", "a")][..], with_a),
                (&[("tier", "b")], with_b),
                (&[], without),
            ] {
                let mut scope = mk_scope(&selector);
                scope.learn(&shop, &labels.iter().copied().collect());
                assert_eq!(scope.excludes(&shop), expected, "{operator} {labels:?}");
            }
        }
    }

    #[test]
    fn the_name_of_a_namespace_is_always_known() {
        let scope = mk_scope(
            r#"[{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["shop", "shut"]}]"#,
        );
        for (name, is_excluded) in [("shop", false), ("shut", true), ("till", true)] {
            assert_eq!(
                scope.excludes(&name.parse().unwrap()),
                is_excluded,
                "{name}"
            );
        }
    }
}
