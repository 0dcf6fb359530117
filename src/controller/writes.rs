//! The writes to the API server, of all parts of the controller together: the leader makes them, and
//! a limited number is in flight, for namespaces in turns.

use crate::{
    cluster::WriteError,
    fairness::{Turn, Turns},
    language::Namespace,
    leadership::{Leadership, NotLeader},
};

/// Makes writes. What matters less has the smaller part of those in flight.
#[derive(Clone)]
pub(super) struct Writes {
    leadership: Leadership,
    all: Turns,
    conditions: Turns,
    events: Turns,
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
#[derive(Debug)]
struct Permit {
    _of_its_kind: Option<Turn>,
    _of_all: Turn,
}

impl Writes {
    /// Returns what makes the writes of a replica.
    pub(super) fn new(leadership: Leadership) -> Self {
        Self {
            leadership,
            all: Turns::new(AT_ONCE),
            conditions: Turns::new(CONDITIONS_AT_ONCE),
            events: Turns::new(EVENTS_AT_ONCE),
        }
    }

    /// Makes a write in a namespace once there is room for it, if this replica leads then.
    pub(super) async fn make<T>(
        &self,
        (written, namespace): (Written, &Namespace),
        write: impl Future<Output = Result<T, WriteError>>,
    ) -> Result<T, Unwritten> {
        let _permit = self.permit(written, namespace.as_str()).await;
        match self.leadership.write(write).await {
            Ok(written) => written.map_err(Unwritten::Failed),
            Err(NotLeader) => Err(Unwritten::NotLeader),
        }
    }

    /// Waits until there is room for a write.
    async fn permit(&self, written: Written, namespace: &str) -> Permit {
        let of_its_kind = match written {
            Written::Condition => Some(&self.conditions),
            Written::Event => Some(&self.events),
            Written::Gate => None,
        };
        // First of its kind, so that no more than those queue before what matters more.
        let of_its_kind = match of_its_kind {
            Some(turns) => Some(turns.take(namespace).await),
            None => None,
        };
        Permit {
            _of_its_kind: of_its_kind,
            _of_all: self.all.take(namespace).await,
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

    /// Takes permits for so many namespaces until no more are given.
    fn take(writes: &Writes, written: Written, namespaces: usize) -> Vec<Permit> {
        let permit = |number: usize| {
            let namespace = format!("n{}", number % namespaces);
            writes.permit(written, &namespace).now_or_never()
        };
        (0..100).filter_map(permit).collect()
    }

    #[test]
    fn conditions_and_events_leave_room_for_gates() {
        let writes = Writes::new(Leadership::sole());
        let events = take(&writes, Written::Event, 100);
        let conditions = take(&writes, Written::Condition, 100);
        let gates = take(&writes, Written::Gate, 100);
        assert_eq!((events.len(), conditions.len(), gates.len()), (4, 16, 44));
        drop(events);
        assert_eq!(take(&writes, Written::Gate, 100).len(), 4);
    }

    #[test]
    fn one_namespace_leaves_room_for_the_writes_of_others() {
        let writes = Writes::new(Leadership::sole());
        let hog: Vec<_> = [Written::Event, Written::Condition, Written::Gate]
            .into_iter()
            .flat_map(|written| take(&writes, written, 1))
            .collect();
        assert_eq!(hog.len(), 56);
        for written in [Written::Event, Written::Condition, Written::Gate] {
            let other = writes.permit(written, "other").now_or_never();
            assert!(other.is_some(), "{written:?}");
        }
    }
}
