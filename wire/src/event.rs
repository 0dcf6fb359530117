//! The lines of a watch.

use oncue_language::{Namespace, VariableName};
use serde::{Deserialize, Serialize};

use crate::assertion::Assertion;

/// One line of a watch.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE", tag = "type")]
pub enum Event {
    /// The assertion exists.
    Added(Change),
    /// The watch has told everything up to a revision.
    Bookmark(Bookmark),
    /// The assertion, as it was last, exists no more.
    Deleted(Change),
    /// The assertion has another value, or ends at another time.
    Modified(Change),
}

/// One assertion that has changed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Change {
    /// The revision from which on it is so.
    pub revision: String,
    /// The namespace of the variable.
    pub namespace: Namespace,
    /// The name of the variable.
    pub name: VariableName,
    /// The assertion.
    pub assertion: Assertion,
}

/// How far a watch has told.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Bookmark {
    /// The revision.
    pub revision: String,
}
