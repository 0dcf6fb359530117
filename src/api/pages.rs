//! Pages of lists: bounded in their number of items and in bytes, and read under short locks.

use std::sync::Arc;

use oncue_language::VariableKey;
use oncue_wire::limits::MAX_PAGE_BYTES;

use super::query::PageSize;
use crate::{
    life::Assertion,
    store::{Page, Position, Scope, Store},
};

/// Reads a page of assertions; it ends with the step that fills it.
pub(super) fn assertions(
    store: &Store,
    (scope, from): (&Scope, Option<Position>),
    PageSize(limit): PageSize,
) -> Page {
    let mut page = store.list(scope, limit.min(STEP), from);
    let mut bytes = size(&page.assertions);
    for _ in 0..MAX_STEPS {
        let left = limit.saturating_sub(page.assertions.len());
        if left == 0 || bytes >= MAX_PAGE_BYTES {
            break;
        }
        let Some(next) = page.next.take() else { break };
        let step = store.list(scope, left.min(STEP), Some(next));
        bytes += size(&step.assertions);
        page.revision = step.revision;
        page.assertions.extend(step.assertions);
        page.next = step.next;
    }
    page
}

/// Returns about how long the documents of these assertions are, in bytes.
fn size(assertions: &[(VariableKey, Arc<Assertion>)]) -> usize {
    let size = |(key, assertion): &(VariableKey, Arc<Assertion>)| {
        let owner = assertion.id.asserter.owner();
        let owner = owner.map_or(0, |owner| owner.name.len() + owner.uid.len());
        let value = assertion.value.as_ref();
        let value = value.map_or(0, |value| value.as_str().len());
        FIXED + key.name.as_str().len() + owner + value
    };
    assertions.iter().map(size).sum()
}

/// How many assertions are read under one lock.
const STEP: usize = 8;

/// How often the lock is taken for one page, even if few assertions are found.
const MAX_STEPS: usize = 256;

/// The members of an assertion that are about equally long in all of them.
const FIXED: usize = 160;
