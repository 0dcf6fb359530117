//! Variables as a tree of their names' segments.

use std::collections::BTreeMap;

use crate::variable::{Branch, Variable};

/// What a tree begins with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Root {
    /// The first segments of the names.
    Names,
    /// The namespaces.
    Namespaces,
}

/// Returns what lies at and below each first segment.
pub fn branches(
    root: Root,
    variables: impl IntoIterator<Item = Variable>,
) -> BTreeMap<String, Branch> {
    let mut top = Branch::default();
    for variable in variables {
        let branch = path(root, &variable).fold(&mut top, |branch, segment| {
            branch.children.entry(segment.to_owned()).or_default()
        });
        branch.variable = Some(variable);
    }
    top.children
}

fn path(root: Root, variable: &Variable) -> impl Iterator<Item = &str> {
    let namespace = match root {
        Root::Names => None,
        Root::Namespaces => Some(variable.namespace.as_str()),
    };
    namespace.into_iter().chain(variable.name.segments())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_variable(name: &str) -> Variable {
        Variable {
            namespace: "shop".parse().unwrap(),
            name: name.parse().unwrap(),
            assertions: Vec::new(),
        }
    }

    /// Returns the names of the variables, each with the segments that lead there.
    fn flat(branches: &BTreeMap<String, Branch>) -> Vec<(String, Option<String>)> {
        let flat = branches.iter().flat_map(|(segment, branch)| {
            let own = branch.variable.as_ref().map(|it| it.name.to_string());
            let below = flat(&branch.children).into_iter();
            let below = below.map(move |(path, name)| (format!("{segment} {path}"), name));
            [(segment.clone(), own)].into_iter().chain(below)
        });
        flat.collect()
    }

    #[test]
    fn a_name_may_be_a_variable_and_a_branch() {
        let variables = ["first/init", "first", "second/a"].map(mk_variable);
        let named = |path: &str, name: Option<&str>| (path.to_owned(), name.map(str::to_owned));
        let expected = [
            named("first", Some("first")),
            named("first init", Some("first/init")),
            named("second", None),
            named("second a", Some("second/a")),
        ];
        assert_eq!(flat(&branches(Root::Names, variables)), expected);
    }

    #[test]
    fn a_tree_of_several_namespaces_begins_with_them() {
        let tree = branches(Root::Namespaces, [mk_variable("a")]);
        assert!(tree["shop"].children["a"].variable.is_some());
    }
}
