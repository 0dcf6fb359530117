//! Variables as a tree of their names' segments.

use std::collections::BTreeMap;

use serde::Serialize;

/// What lies at and below each segment.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Branches<V>(BTreeMap<Box<str>, Branch<V>>);

#[derive(Debug, Serialize)]
struct Branch<V> {
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<V>,
    #[serde(skip_serializing_if = "Branches::is_empty")]
    children: Branches<V>,
}

impl<V> Branches<V> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hangs `variable` at the end of `path`; no segment means nowhere.
    pub(super) fn hang<'a>(&mut self, path: impl IntoIterator<Item = &'a str>, variable: V) {
        let mut path = path.into_iter();
        let Some(first) = path.next() else { return };
        let branch = path.fold(self.branch(first), |branch, segment| {
            branch.children.branch(segment)
        });
        branch.variable = Some(variable);
    }

    fn branch(&mut self, segment: &str) -> &mut Branch<V> {
        self.0.entry(segment.into()).or_default()
    }
}

impl<V> Default for Branches<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V> Default for Branch<V> {
    fn default() -> Self {
        Self {
            variable: None,
            children: Branches::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_may_be_a_variable_and_a_branch() {
        let mut tree = Branches::default();
        tree.hang(["first", "init"], 2);
        tree.hang(["first"], 1);
        tree.hang(["second", "a", "b"], 3);
        let expected = json!({
            "first": {"variable": 1, "children": {"init": {"variable": 2}}},
            "second": {"children": {"a": {"children": {"b": {"variable": 3}}}}},
        });
        assert_eq!(serde_json::to_value(&tree).unwrap(), expected);
    }
}
