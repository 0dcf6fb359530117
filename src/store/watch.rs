//! Changes as they happen, for who wants all of them.

use std::sync::Arc;

use oncue_language::{Namespace, VariableKey, VariableName};
use tokio::sync::broadcast::{self, error::RecvError};

use super::{Revision, Variable, WatchError};

/// All variables that were asked for, at one revision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listing {
    /// The revision.
    pub revision: Revision,
    /// The variables, in the order of their keys.
    pub variables: Vec<Arc<Variable>>,
}

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
    pub(crate) fn between(
        before: Option<&Arc<Variable>>,
        after: Option<&Arc<Variable>>,
    ) -> Option<Self> {
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

/// Which variables are listed or watched.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scope {
    /// Those of one namespace; of all where there is none.
    pub namespace: Option<Namespace>,
    /// Those at or below one name; of any name where there is none.
    pub prefix: Option<VariableName>,
}

impl Scope {
    pub(crate) fn contains(&self, variable: &Variable) -> bool {
        let Self { namespace, prefix } = self;
        let VariableKey {
            namespace: own,
            name,
        } = variable.key();
        namespace.as_ref().is_none_or(|namespace| own == namespace)
            && prefix
                .as_ref()
                .is_none_or(|prefix| name == prefix || name.is_below(prefix))
    }
}

/// The present state, and then every change to it.
#[derive(Debug)]
pub struct Watch {
    /// What there was when the watch began.
    pub listing: Listing,
    pub(crate) scope: Scope,
    pub(crate) changes: broadcast::Receiver<Change>,
}

impl Watch {
    /// Waits for the next change.
    ///
    /// # Errors
    /// [`WatchError`] where there are no more: begin anew. Cancelling loses nothing.
    pub async fn next(&mut self) -> Result<Change, WatchError> {
        loop {
            match self.changes.recv().await {
                Ok(change) if self.scope.contains(&change.variable) => return Ok(change),
                Ok(_) => {}
                Err(RecvError::Closed) => return Err(WatchError::Closed),
                Err(RecvError::Lagged(missed)) => return Err(WatchError::Slow { missed }),
            }
        }
    }
}
