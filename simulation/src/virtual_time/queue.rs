//! What is still to happen, in the order of time.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    sync::Arc,
    time::Duration,
};

use oncue_client::wait::{Answer, Check};
use serde_json::Value;

use crate::cluster::{Event, PodId};

/// Something that is still to happen.
#[derive(Debug)]
pub(super) enum Happening {
    /// The answer to a client's question arrives.
    Answered {
        pod: PodId,
        /// The number of the question.
        number: u64,
        answer: Answer,
    },
    Cluster(Event),
    /// A pod's gate is looked at again.
    Gate(PodId),
    /// The store answers a question that it has held for long enough.
    HoldEnds {
        pod: PodId,
        /// The number of the question.
        number: u64,
    },
    /// A client's probe ends.
    Probed {
        pod: PodId,
        check: Check,
    },
    /// The injected container starts.
    StartClient {
        pod: PodId,
        container: Arc<Value>,
    },
    /// A client acts on the time.
    Wake {
        pod: PodId,
        at: Duration,
    },
}

impl Happening {
    /// Returns whether it may change how a pod stands, whatever the other pods do.
    fn is_busy(&self) -> bool {
        match self {
            Self::Answered { .. } | Self::Cluster(_) | Self::StartClient { .. } => true,
            Self::Gate(_) | Self::HoldEnds { .. } | Self::Probed { .. } | Self::Wake { .. } => {
                false
            }
        }
    }
}

/// A queue in the order of time. At the same time, the order is that of the calls.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Queued>>,
    /// The number of calls so far.
    calls: u64,
    busy: usize,
}

#[derive(Debug)]
struct Queued {
    at: Duration,
    call: u64,
    happening: Happening,
}

impl Queue {
    pub(super) fn push(&mut self, at: Duration, happening: Happening) {
        self.calls += 1;
        self.busy += usize::from(happening.is_busy());
        let call = self.calls;
        self.heap.push(Reverse(Queued {
            at,
            call,
            happening,
        }));
    }

    pub(super) fn pop(&mut self) -> Option<(Duration, Happening)> {
        let Reverse(Queued { at, happening, .. }) = self.heap.pop()?;
        self.busy -= usize::from(happening.is_busy());
        Some((at, happening))
    }

    pub(super) fn next_at(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse(queued)| queued.at)
    }

    /// Returns whether something will happen that may change how a pod stands.
    pub(super) fn is_busy(&self) -> bool {
        self.busy > 0
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.call).cmp(&(other.at, other.call))
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Queued {}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
