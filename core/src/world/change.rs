//! What happened to an assertion.

use std::sync::Arc;

use oncue_language::VariableKey;

use super::Revision;
use crate::assertion::{Assertion, AssertionId};

/// One assertion of a variable has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What happened to it.
    pub kind: ChangeKind,
    /// The revision from which on that is so.
    pub revision: Revision,
    /// The variable.
    pub key: VariableKey,
    /// The assertion as it is now; if it was deleted, as it was.
    pub assertion: Arc<Assertion>,
}

/// What happened to an assertion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// It has another value or expiry.
    Modified,
}

/// An assertion that a commit has changed: at least one of both is there, with one id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Update {
    /// The variable.
    pub key: VariableKey,
    /// The assertion as it was; none if it is new.
    pub before: Option<Arc<Assertion>>,
    /// The assertion as it is; none if it is gone.
    pub after: Option<Arc<Assertion>>,
}

impl Update {
    /// Returns the id of the assertion.
    ///
    /// # Panics
    /// An update without an assertion is a bug.
    pub fn id(&self) -> &AssertionId {
        let assertion = self.after.as_ref().or(self.before.as_ref());
        &assertion.expect("an update has an assertion").id
    }
}
