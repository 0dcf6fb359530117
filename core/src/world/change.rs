//! What happened to a variable.

use std::sync::Arc;

use oncue_language::VariableKey;

use super::{Revision, Variable};

/// One variable has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What happened to it.
    pub kind: ChangeKind,
    /// The revision from which on that is so.
    pub revision: Revision,
    /// What it is now; where it was deleted, what it was.
    pub variable: Arc<Variable>,
}

/// What happened to a variable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChangeKind {
    /// It exists now.
    Added,
    /// It exists no more.
    Deleted,
    /// Its assertions are others now.
    Modified,
}

impl ChangeKind {
    /// Returns what happened; none where both are equal.
    pub fn between(before: Option<&Arc<Variable>>, after: Option<&Arc<Variable>>) -> Option<Self> {
        match (before, after) {
            (None, None) => None,
            (None, Some(_)) => Some(Self::Added),
            (Some(_), None) => Some(Self::Deleted),
            (Some(before), Some(after)) => (before != after).then_some(Self::Modified),
        }
    }

    /// Returns its name in the HTTP API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Deleted => "DELETED",
            Self::Modified => "MODIFIED",
        }
    }
}

/// A variable that a commit has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Update {
    /// Which.
    pub key: VariableKey,
    /// What it is now; none where it exists no more.
    pub after: Option<Arc<Variable>>,
}
