//! How many writes are in flight to the API server, of all parts of the controller together.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

/// The writes in flight. What matters less has the smaller part of them.
#[derive(Clone)]
pub(super) struct Writes {
    all: Arc<Semaphore>,
    conditions: Arc<Semaphore>,
    events: Arc<Semaphore>,
}

/// What is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Written {
    /// The condition of a pod.
    Condition,
    /// An Event.
    Event,
    /// The removal of a scheduling gate.
    Gate,
}

/// Room for one write, until this is dropped.
pub(super) struct Permit<'a> {
    _of_its_kind: Option<SemaphorePermit<'a>>,
    _of_all: Option<SemaphorePermit<'a>>,
}

impl Default for Writes {
    fn default() -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            all: semaphore(AT_ONCE),
            conditions: semaphore(CONDITIONS_AT_ONCE),
            events: semaphore(EVENTS_AT_ONCE),
        }
    }
}

impl Writes {
    /// Waits until there is room for a write.
    pub(super) async fn permit(&self, written: Written) -> Permit<'_> {
        let of_its_kind = match written {
            Written::Condition => Some(&self.conditions),
            Written::Event => Some(&self.events),
            Written::Gate => None,
        };
        // First of its kind, so that no more than those queue before what matters more.
        let of_its_kind = match of_its_kind {
            Some(semaphore) => semaphore.acquire().await.ok(),
            None => None,
        };
        Permit {
            _of_its_kind: of_its_kind,
            _of_all: self.all.acquire().await.ok(),
        }
    }
}

/// The owner of the fields that the controller writes, as the API server notes it.
pub(super) const FIELD_MANAGER: &str = "oncue-controller";
const AT_ONCE: usize = 64;
const CONDITIONS_AT_ONCE: usize = 16;
const EVENTS_AT_ONCE: usize = 4;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn conditions_and_events_leave_room_for_gates() {
        let writes = Writes::default();
        let take = |written| {
            let permits = std::iter::from_fn(|| writes.permit(written).now_or_never());
            permits.take(100).collect::<Vec<_>>()
        };
        let events = take(Written::Event);
        let conditions = take(Written::Condition);
        let gates = take(Written::Gate);
        assert_eq!((events.len(), conditions.len(), gates.len()), (4, 16, 44));
        drop(events);
        assert_eq!(take(Written::Gate).len(), 4);
    }
}
