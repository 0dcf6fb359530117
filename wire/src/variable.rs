//! Variables, alone, in a list and in a tree.

use std::collections::BTreeMap;

use oncue_language::{Namespace, VariableName};
use serde::{Deserialize, Serialize};

use crate::assertion::Assertion;

/// A variable with its assertions.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Variable {
    /// The namespace of the variable.
    pub namespace: Namespace,
    /// The name of the variable.
    pub name: VariableName,
    /// Its assertions; on a page, those that are on it.
    pub assertions: Vec<Assertion>,
}

/// A variable with a page of its assertions.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct VariablePage {
    /// The namespace of the variable.
    pub namespace: Namespace,
    /// The name of the variable.
    pub name: VariableName,
    /// The assertions on this page.
    pub assertions: Vec<Assertion>,
    /// Gets the next page; none on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#continue: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct VariableList {
    /// The revision at which the page was read.
    pub revision: String,
    /// The variables, in the order of their namespaces and names.
    pub variables: Vec<Variable>,
    /// Gets the next page; none on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#continue: Option<String>,
}

/// A page of a list, by the segments of the names.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct VariableTree {
    /// The revision at which the page was read.
    pub revision: String,
    /// What lies at and below each segment.
    pub tree: BTreeMap<String, Branch>,
    /// Gets the next page; none on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#continue: Option<String>,
}

/// What lies at and below one segment.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Branch {
    /// The variable whose name ends here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<Variable>,
    /// The variables whose names go on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub children: BTreeMap<String, Branch>,
}
