//! What happens to the stage, and what it wants done.

use std::{fmt, sync::Arc};

use oncue_language::{ObjectKey, ObjectState, Value as VariableValue, VariableKey, VariableName};
use serde_json::Value;

use super::PodId;
use crate::{
    life::{AssertionId, Owner},
    rehearsal::cue::Cue,
};

/// Something that happened around the stage.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Admission answered.
    Admitted {
        /// Which pod.
        pod: PodId,
        /// What it said.
        admission: Admission,
    },
    /// The store has taken an assertion of a live pod.
    Asserted {
        /// Which pod.
        pod: PodId,
        /// The variable.
        name: VariableName,
        /// The value it carries.
        value: Option<VariableValue>,
    },
    /// The process that a pod was running ended.
    Exited {
        /// Which pod.
        pod: PodId,
        /// How.
        exit: Exit,
        /// Its termination message.
        message: Option<String>,
    },
    /// Everything that a gated pod depends on holds.
    GateOpened(PodId),
    /// Nothing but that time went by.
    Tick,
}

/// What admission said.
#[derive(Clone, Debug)]
pub(crate) enum Admission {
    /// The pod is let in.
    Allowed {
        /// With the patch applied.
        object: Value,
        /// What people should hear.
        warnings: Vec<String>,
    },
    /// It is not.
    Denied {
        /// Why.
        message: String,
    },
}

/// How a process ended: with a code, or by a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Exit(pub(crate) Option<i32>);

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

/// The client's exit code where a failure term met what must not be.
const DEPENDENCY_FAILED: i32 = 3;
/// The client's exit code where a timeout went by.
const TIMED_OUT: i32 = 124;

/// Something to be done around the stage.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Send the pod for admission.
    Admit {
        /// Which pod.
        pod: PodId,
        /// As its controller creates it.
        object: Arc<Value>,
    },
    /// Assert a variable in the name of the controller that is played.
    Assert {
        /// The variable.
        key: VariableKey,
        /// By whom, and how long that lasts.
        id: AssertionId,
        /// The value it carries.
        value: Option<VariableValue>,
    },
    /// Remove what earlier runs of a producer left of a variable.
    Clear {
        /// The variable.
        key: VariableKey,
        /// Whose runs.
        producer: Owner,
    },
    /// Run the client as a process; [`Event::Exited`] says when it ended.
    Run {
        /// Which pod.
        pod: PodId,
        /// What to run.
        task: Task,
    },
    /// Tell the store of an object.
    SetObject {
        /// Which.
        key: ObjectKey,
        /// `None` where there is no such object.
        state: Option<ObjectState>,
    },
    /// End the process that the pod runs, if any.
    Stop(PodId),
    /// Tell people.
    Tell(Cue),
    /// Withdraw an assertion.
    Withdraw {
        /// The variable.
        key: VariableKey,
        /// Which assertion of it.
        id: AssertionId,
    },
}

/// What is run of a container.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    /// The `postStart` hook of one of the pod's own containers.
    Marker(Arc<Value>),
    /// The injected container.
    Wait(Arc<Value>),
}
