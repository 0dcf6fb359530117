//! Pages of lists: bounded in their number of items and in bytes, and read under short locks.

use std::sync::Arc;

use oncue_language::VariableKey;
use oncue_wire::limits::MAX_PAGE_BYTES;

use super::{error::ApiError, query::PageSize};
use crate::{
    life::Assertion,
    store::{Page, Position, Scope, Store},
    world::PositionError,
};

/// What is made of a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// A list of assertions.
    List,
    /// A tree of the segments of names: each takes memory of its own.
    Tree,
}

/// Which page is read.
pub(super) struct Wanted {
    /// From where it goes on.
    pub(super) from: Option<Position>,
    pub(super) limit: PageSize,
    pub(super) shape: Shape,
}

/// Reads a page of assertions; it ends with the step that fills it.
///
/// # Errors
/// [`ApiError::Query`] if it is to go on from the page of another list.
pub(super) fn assertions(store: &Store, scope: &Scope, wanted: Wanted) -> Result<Page, ApiError> {
    let Wanted {
        from,
        limit: PageSize(limit),
        shape,
    } = wanted;
    if from.as_ref().is_some_and(|from| !scope.reaches(from)) {
        return Err(ApiError::Query {
            rule: PositionError.to_string(),
        });
    }
    let mut page = store.list(scope, limit.min(STEP), from);
    let mut bytes = shape.size(&page.assertions);
    for _ in 0..MAX_STEPS {
        let left = limit.saturating_sub(page.assertions.len());
        if left == 0 || bytes >= shape.max_bytes() {
            break;
        }
        let Some(next) = page.next.take() else { break };
        let step = store.list(scope, left.min(STEP), Some(next));
        bytes += shape.size(&step.assertions);
        page.revision = step.revision;
        page.assertions.extend(step.assertions);
        page.next = step.next;
    }
    Ok(page)
}

impl Shape {
    /// Returns about how much memory these assertions take in a page, in bytes.
    fn size(self, assertions: &[(VariableKey, Arc<Assertion>)]) -> usize {
        let sizes = assertions
            .iter()
            .map(|(key, assertion)| document_bytes(key, assertion) + self.branches_bytes(key));
        sizes.sum()
    }

    fn branches_bytes(self, key: &VariableKey) -> usize {
        match self {
            Self::List => 0,
            Self::Tree => BRANCH * key.name.segments().count(),
        }
    }

    /// Returns with how much memory a page ends, in bytes.
    fn max_bytes(self) -> usize {
        match self {
            Self::List => MAX_PAGE_BYTES,
            Self::Tree => MAX_TREE_BYTES,
        }
    }
}

/// Returns about how long the document of an assertion is, in bytes.
fn document_bytes(key: &VariableKey, assertion: &Assertion) -> usize {
    let owner = assertion.id.asserter.owner();
    let owner = owner.map_or(0, |owner| owner.name.len() + owner.uid.len());
    let value = assertion.value.as_ref();
    let value = value.map_or(0, |value| value.as_str().len());
    FIXED + key.name.as_str().len() + owner + value
}

/// What a segment of a name takes in a tree, in bytes: a map that has one entry.
const BRANCH: usize = 1280;

/// The memory with which a page of a tree ends, in bytes.
const MAX_TREE_BYTES: usize = 1 << 20;

/// How many assertions are read under one lock.
const STEP: usize = 8;

/// How often the lock is taken for one page, even if few assertions are found.
const MAX_STEPS: usize = 256;

/// The members of an assertion that are about equally long in all of them.
const FIXED: usize = 160;
