//! What happens to the cluster, and what it wants done.

use std::{fmt, sync::Arc};

use oncue_core::world::Mutation;
use oncue_language::{ObjectKey, ObjectState};
use serde_json::Value;

use super::PodId;
use crate::entry::Entry;

/// Something that happened around the cluster.
#[derive(Clone, Debug)]
pub enum Event {
    /// Admission answered.
    Admitted {
        /// The pod.
        pod: PodId,
        /// The answer.
        admission: Admission,
    },
    /// The process that a pod was running ended.
    Exited {
        /// The pod.
        pod: PodId,
        /// How it ended.
        exit: Exit,
        /// The termination message.
        message: Option<String>,
    },
    /// Everything that a gated pod depends on holds.
    GateOpened(PodId),
    /// The container whose turn it is has started.
    Started(PodId),
    /// Time went by.
    Tick,
}

/// The answer of admission.
#[derive(Clone, Debug)]
pub enum Admission {
    /// The pod is let in.
    Allowed {
        /// The pod with the patch applied.
        object: Value,
        /// The texts of the warnings.
        warnings: Vec<String>,
    },
    /// The pod is rejected.
    Denied {
        /// The reason.
        message: String,
    },
}

/// How a process ended: with a code, or by a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exit(pub Option<i32>);

impl Exit {
    pub(super) fn is_success(self) -> bool {
        self.0 == Some(0)
    }

    /// Returns whether the client says that the wait failed, not that it is broken.
    pub(super) fn is_failed_wait(self) -> bool {
        matches!(self.0, Some(DEPENDENCY_FAILED | TIMED_OUT))
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(code) => write!(f, "exit code {code}"),
            None => f.write_str("ended by a signal"),
        }
    }
}

/// The client's exit code if a failure term is met.
const DEPENDENCY_FAILED: i32 = 3;
/// The client's exit code if a timeout goes by.
const TIMED_OUT: i32 = 124;

/// Something to be done around the cluster.
#[derive(Clone, Debug)]
pub enum Action {
    /// Send the pod for admission.
    Admit {
        /// The pod.
        pod: PodId,
        /// As its controller creates it.
        object: Arc<Value>,
    },
    /// Change a variable for oncue's controller.
    Change(Mutation),
    /// Add a line to the timeline.
    Log(Entry),
    /// Run something for a pod; [`Event::Started`] follows, and then [`Event::Exited`], except that
    /// a marker only exits and one of the pod's own containers only starts.
    Run {
        /// The pod.
        pod: PodId,
        /// What to run.
        task: Task,
    },
    /// Tell the store the state of an object.
    SetObject {
        /// The object.
        key: ObjectKey,
        /// Its state.
        state: ObjectState,
    },
    /// End the process that the pod runs, if any.
    Stop(PodId),
    /// Open the pod's scheduling gate once everything that it depends on holds.
    WatchGate(PodId),
}

/// What is run of a container.
#[derive(Clone, Debug)]
pub enum Task {
    /// One of the pod's own containers: nothing runs, it just starts.
    Container,
    /// The `postStart` hook of one of the pod's own containers.
    Marker(Arc<Value>),
    /// The injected container.
    Wait(Arc<Value>),
}
