//! How the container `oncue-wait` of a pod has fared, as the kubelet reports it.

use oncue_language::Timestamp;
use serde_json::Value;

use crate::{injection::CONTAINER, life::moment, workload::text};

/// Returns the status of the container that waits, if the kubelet has reported it.
pub fn wait_status(pod: &Value) -> Option<&Value> {
    let containers = pod.pointer("/status/initContainerStatuses")?.as_array()?;
    containers
        .iter()
        .find(|status| text(status, "/name") == Some(CONTAINER))
}

/// The end of a run of the container.
#[derive(Clone, Copy, Debug)]
pub(super) struct WaitEnd<'a> {
    pub(super) code: i64,
    /// What the client said last.
    pub(super) message: &'a str,
}

/// The runs of the container.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WaitRuns<'a> {
    /// How the present one ended, if it has.
    pub(super) end: Option<WaitEnd<'a>>,
    /// How the one before ended, if there was one and it failed.
    pub(super) failed_before: Option<WaitEnd<'a>>,
    /// When the present one began, if the wait was over before it.
    begun_again: Option<Timestamp>,
}

impl<'a> WaitRuns<'a> {
    pub(super) fn read(pod: &'a Value) -> Self {
        let Some(status) = wait_status(pod) else {
            return Self::default();
        };
        let last = status.pointer("/lastState/terminated");
        let failed_before = WaitEnd::read(last).filter(|end| end.code != 0);
        let was_over = last.is_some() && failed_before.is_none();
        let begun = moment(status, "/state/running/startedAt");
        Self {
            end: WaitEnd::read(status.pointer("/state/terminated")),
            failed_before,
            begun_again: begun.filter(|_| was_over),
        }
    }

    /// Returns how the wait failed, in the present run or the one before.
    pub(super) fn failure(&self) -> Option<WaitEnd<'a>> {
        let end = self.end.filter(|end| end.code != 0);
        end.or(self.failed_before)
    }

    /// Returns when the pod began to wait again, after a wait that was over: its node or all of its
    /// containers were restarted. The first wait begins with the pod, and goes on after it failed.
    pub(super) fn begun_again(&self) -> Option<Timestamp> {
        self.begun_again
    }
}

impl<'a> WaitEnd<'a> {
    /// Reads a terminated state. That all containers of the pod are restarted in place is no end of
    /// the wait.
    fn read(terminated: Option<&'a Value>) -> Option<Self> {
        let terminated = terminated?;
        if text(terminated, "/reason") == Some("RestartingAllContainers") {
            return None;
        }
        Some(Self {
            code: terminated.get("exitCode")?.as_i64()?,
            message: text(terminated, "/message").unwrap_or_default().trim(),
        })
    }
}
