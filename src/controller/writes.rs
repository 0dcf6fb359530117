//! The writes to the API server, of all parts of the controller together: the leader makes them, and
//! a limited number is in flight.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    cluster::WriteError,
    leadership::{Leadership, NotLeader},
};

/// Makes writes. What matters less has the smaller part of those in flight.
#[derive(Clone)]
pub(super) struct Writes {
    leadership: Leadership,
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

/// Why a write was not made.
#[derive(Debug)]
pub(super) enum Unwritten {
    Failed(WriteError),
    /// This replica does not lead, or did not to the end of the write.
    NotLeader,
}

/// Room for one write, until this is dropped.
struct Permit<'a> {
    _of_its_kind: Option<SemaphorePermit<'a>>,
    _of_all: Option<SemaphorePermit<'a>>,
}

impl Writes {
    /// Returns what makes the writes of a replica.
    pub(super) fn new(leadership: Leadership) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            leadership,
            all: semaphore(AT_ONCE),
            conditions: semaphore(CONDITIONS_AT_ONCE),
            events: semaphore(EVENTS_AT_ONCE),
        }
    }

    /// Makes a write once there is room for it, if this replica leads then.
    pub(super) async fn make<T>(
        &self,
        written: Written,
        write: impl Future<Output = Result<T, WriteError>>,
    ) -> Result<T, Unwritten> {
        let _permit = self.permit(written).await;
        match self.leadership.write(write).await {
            Ok(written) => written.map_err(Unwritten::Failed),
            Err(NotLeader) => Err(Unwritten::NotLeader),
        }
    }

    /// Waits until there is room for a write.
    async fn permit(&self, written: Written) -> Permit<'_> {
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
        let writes = Writes::new(Leadership::sole());
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
