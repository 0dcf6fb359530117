//! Every change as it happens.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

use tokio::task::coop::consume_budget;

use super::{WatchError, change_log::Cursor, shared::Shared};
use crate::{
    fairness::Place,
    world::{Change, ChangeKind, Page, Position, Revision, Scope},
};

/// An event of a watch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WatchEvent {
    /// An assertion of the state in which the watch began, or a change.
    Change(Change),
    /// The end of the initial state. Only changes follow.
    Synced(Revision),
}

/// The current state, page by page, and then every change to it.
///
/// The pages are read as the watcher asks for them, so that no copy of the state is kept. Changes
/// that happen meanwhile are shown in their order: those of assertions that were shown before the
/// next page, and the others within the pages. Each assertion is shown as it is at the revision of
/// its event, and none twice.
#[derive(Debug)]
pub struct Watch {
    shared: Weak<Shared>,
    scope: Scope,
    cursor: Cursor,
    stage: Stage,
    /// `None` for a part of this process, which counts against no limit.
    _place: Option<Place>,
}

/// The progress of a watch.
#[derive(Debug)]
enum Stage {
    /// No event was shown.
    Start,
    /// A page of the initial state is being shown.
    Page(Box<Paged>),
    /// The initial state was shown.
    Synced,
}

/// A page of the initial state.
#[derive(Debug)]
struct Paged {
    /// The end of the previous page.
    shown: Option<Position>,
    /// The number of the first change after the page. Earlier changes are shown before the page.
    end: u64,
    revision: Revision,
    added: VecDeque<Change>,
    next: Option<Position>,
}

impl Watch {
    pub(super) fn new(shared: &Arc<Shared>, scope: Scope) -> Self {
        Self {
            shared: Arc::downgrade(shared),
            scope,
            cursor: shared.changes().cursor(),
            stage: Stage::Start,
            _place: None,
        }
    }

    /// Returns the same watch, which gives this place back at its end.
    pub(super) fn at(self, place: Place) -> Self {
        Self {
            _place: Some(place),
            ..self
        }
    }

    /// Waits for the next event.
    ///
    /// # Errors
    /// [`WatchError`] if the watch has ended and must be started again. Cancelling loses no event.
    pub async fn next(&mut self) -> Result<WatchEvent, WatchError> {
        loop {
            let event = self.step()?;
            if let Some(event) = event {
                return Ok(event);
            }
            consume_budget().await;
            if matches!(self.stage, Stage::Synced) {
                self.cursor.changed().await?;
            }
        }
    }

    /// Makes one step, which may not yield an event.
    fn step(&mut self) -> Result<Option<WatchEvent>, WatchError> {
        let shared = self.shared.upgrade().ok_or(WatchError::Closed)?;
        let log = shared.changes();
        match &mut self.stage {
            Stage::Start => {
                self.stage = read(&shared, &self.scope, None);
                Ok(None)
            }
            Stage::Page(page) if self.cursor.next < page.end => {
                let change = log.next(&mut self.cursor, (&self.scope, page.end))?;
                let change = change.filter(|change| page.has_passed(change));
                Ok(change.map(WatchEvent::Change))
            }
            Stage::Page(page) => match (page.added.pop_front(), page.next.take()) {
                (Some(change), next) => {
                    page.next = next;
                    Ok(Some(WatchEvent::Change(change)))
                }
                (None, Some(next)) => {
                    self.stage = read(&shared, &self.scope, Some(next));
                    Ok(None)
                }
                (None, None) => {
                    let revision = page.revision;
                    self.stage = Stage::Synced;
                    Ok(Some(WatchEvent::Synced(revision)))
                }
            },
            Stage::Synced => {
                let change = log.next(&mut self.cursor, (&self.scope, u64::MAX))?;
                Ok(change.map(WatchEvent::Change))
            }
        }
    }
}

impl Paged {
    /// Returns whether an earlier page has shown the assertion. If not, this page or a later one
    /// shows its state at that time.
    fn has_passed(&self, change: &Change) -> bool {
        let has_passed = |it: &Position| it.has_passed(&change.key, &change.assertion.id);
        self.shown.as_ref().is_some_and(has_passed)
    }
}

fn read(shared: &Shared, scope: &Scope, shown: Option<Position>) -> Stage {
    let (page, end) = shared.page_and_end(scope, PAGE, shown.clone());
    let Page {
        revision,
        assertions,
        next,
    } = page;
    let added = assertions.into_iter().map(|(key, assertion)| Change {
        kind: ChangeKind::Added,
        revision,
        key,
        assertion,
    });
    Stage::Page(Box::new(Paged {
        shown,
        end,
        revision,
        added: added.collect(),
        next,
    }))
}

/// The number of assertions on a page.
const PAGE: usize = 128;
