//! The last changes, kept for watchers, with a limit in bytes.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::RwLock;
use tokio::sync::watch;

use super::WatchError;
use crate::{
    life::Assertion,
    world::{Change, Scope},
};

/// The last changes in their order. Beyond a limit in bytes, the oldest are dropped.
#[derive(Debug)]
pub(super) struct ChangeLog {
    kept: RwLock<Kept>,
    /// The number of the next change.
    end: watch::Sender<u64>,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Kept {
    changes: VecDeque<Change>,
    first: u64,
    bytes: usize,
}

/// A reader's position in the log.
#[derive(Debug)]
pub(super) struct Cursor {
    /// The number of the change that is read next.
    pub(super) next: u64,
    end: watch::Receiver<u64>,
}

impl ChangeLog {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            kept: RwLock::default(),
            end: watch::Sender::new(0),
            max_bytes,
        }
    }

    pub(super) fn push(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut kept = self.kept.write();
        for change in changes {
            kept.bytes += bytes(&change.assertion);
            kept.changes.push_back(change);
        }
        while kept.bytes > self.max_bytes
            && let Some(oldest) = kept.changes.pop_front()
        {
            kept.bytes -= bytes(&oldest.assertion);
            kept.first += 1;
        }
        let end = kept.first + kept.changes.len() as u64;
        drop(kept);
        self.end.send_replace(end);
    }

    /// Returns the number of the next change.
    pub(super) fn end(&self) -> u64 {
        *self.end.borrow()
    }

    /// Returns a cursor after the last change.
    pub(super) fn cursor(&self) -> Cursor {
        let end = self.end.subscribe();
        let next = *end.borrow();
        Cursor { next, end }
    }

    /// Returns the next change in `scope` before the number `end`, after looking at a bounded
    /// number of them. Moves the cursor past it.
    ///
    /// # Errors
    /// [`WatchError::Slow`].
    pub(super) fn next(
        &self,
        cursor: &mut Cursor,
        (scope, end): (&Scope, u64),
    ) -> Result<Option<Change>, WatchError> {
        let kept = self.kept.read();
        if cursor.next < kept.first {
            let missed = kept.first - cursor.next;
            return Err(WatchError::Slow { missed });
        }
        for _ in 0..LOOKED_AT {
            let index = usize::try_from(cursor.next - kept.first).unwrap_or(usize::MAX);
            let change = kept.changes.get(index).filter(|_| cursor.next < end);
            let Some(change) = change else { break };
            cursor.next += 1;
            if scope.contains(&change.key) {
                return Ok(Some(change.clone()));
            }
        }
        Ok(None)
    }
}

impl Cursor {
    /// Waits until there are changes after the cursor.
    ///
    /// # Errors
    /// [`WatchError::Closed`].
    pub(super) async fn changed(&mut self) -> Result<(), WatchError> {
        let next = self.next;
        let changed = self.end.wait_for(|end| *end > next).await;
        changed.map(drop).map_err(|_| WatchError::Closed)
    }
}

/// Returns the size of a kept change in bytes, as if its assertion were not shared.
fn bytes(assertion: &Arc<Assertion>) -> usize {
    let value = assertion.value.as_ref();
    let owner = assertion.id.asserter.owner();
    let owner = owner.map_or(0, |owner| owner.name.len() + owner.uid.len());
    CHANGE + value.map_or(0, |value| value.as_str().len()) + owner
}

const CHANGE: usize = 640;

/// The number of changes that are examined under one lock.
const LOOKED_AT: usize = 256;
