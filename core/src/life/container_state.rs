//! How far a container has come.

use oncue_language::Timestamp;
use serde_json::Value;

use crate::workload::text;

/// How far a container has come, as the status of its pod shows it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ContainerState {
    /// It ended with another exit code than 0.
    Failed,
    /// It has not run, or not since all containers of its pod were restarted.
    #[default]
    NotStarted,
    /// It ran, and is to run again.
    Restarting,
    /// It runs.
    Running,
    /// It ended with exit code 0.
    Succeeded,
}

impl ContainerState {
    /// Reads one entry of `containerStatuses` or `initContainerStatuses`.
    ///
    /// `restarted` is when the kubelet last restarted all containers: a run that began before and has
    /// ended counts as none, because the kubelet keeps the old states for a while.
    pub(super) fn read(status: &Value, restarted: Option<Timestamp>) -> Self {
        let is_old = |begun: Option<Timestamp>| {
            begun
                .zip(restarted)
                .is_some_and(|(begun, restarted)| begun < restarted)
        };
        if status.pointer("/state/running").is_some() {
            return Self::Running;
        }
        match status.pointer("/state/terminated").filter(|it| has_run(it)) {
            Some(ended) if is_old(moment(ended, "/startedAt")) => Self::NotStarted,
            Some(ended) if ended.get("exitCode").and_then(Value::as_i64) == Some(0) => {
                Self::Succeeded
            }
            Some(_) => Self::Failed,
            None => match status.pointer("/lastState/terminated") {
                Some(ended) if has_run(ended) && !is_old(moment(ended, "/startedAt")) => {
                    Self::Restarting
                }
                _ => Self::NotStarted,
            },
        }
    }

    /// Returns whether it has run.
    pub fn has_started(self) -> bool {
        self != Self::NotStarted
    }
}

/// Returns whether a run that has ended was one: not if its process never started, and not if it
/// was removed so that all containers start anew.
fn has_run(ended: &Value) -> bool {
    let reason = text(ended, "/reason");
    !matches!(reason, Some("RestartingAllContainers" | "StartError"))
}

/// Returns when an object was created, and the beginning of time if it does not say so.
pub(crate) fn created(object: &Value) -> Timestamp {
    moment(object, "/metadata/creationTimestamp").unwrap_or_default()
}

/// Returns the moment at a JSON pointer.
pub(crate) fn moment(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_container_is_as_far_as_its_status_says() {
        let ended = |code: i64| json!({"terminated": {"exitCode": code, "reason": "Error"}});
        let waiting = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        for (state, status) in [
            (ContainerState::NotStarted, json!({})),
            (
                ContainerState::NotStarted,
                json!({"state": waiting, "lastState": {}}),
            ),
            (
                ContainerState::NotStarted,
                json!({"state": {"terminated": {"exitCode": 128, "reason": "StartError"}}}),
            ),
            (
                ContainerState::Running,
                json!({"state": {"running": {}}, "lastState": ended(1)}),
            ),
            (ContainerState::Succeeded, json!({"state": ended(0)})),
            (ContainerState::Failed, json!({"state": ended(1)})),
            (
                ContainerState::Restarting,
                json!({"state": waiting, "lastState": ended(0)}),
            ),
        ] {
            assert_eq!(ContainerState::read(&status, None), state, "{status}");
        }
    }

    #[test]
    fn what_ended_before_all_containers_were_restarted_does_not_count() {
        let restarted = "2026-11-27T10:00:05Z".parse().ok();
        let old = json!({"startedAt": "2026-11-27T10:00:04Z", "exitCode": 0});
        let new = json!({"startedAt": "2026-11-27T10:00:05Z", "exitCode": 0});
        let removed = json!({"exitCode": 137, "reason": "RestartingAllContainers"});
        for (state, status) in [
            (ContainerState::Running, json!({"state": {"running": old}})),
            (
                ContainerState::NotStarted,
                json!({"state": {"terminated": old}}),
            ),
            (
                ContainerState::NotStarted,
                json!({"lastState": {"terminated": old}}),
            ),
            (
                ContainerState::NotStarted,
                json!({"lastState": {"terminated": removed}}),
            ),
            (
                ContainerState::NotStarted,
                json!({"state": {"terminated": removed}}),
            ),
            (ContainerState::Running, json!({"state": {"running": new}})),
            (
                ContainerState::Succeeded,
                json!({"state": {"terminated": new}}),
            ),
            // The kubelet makes this up for init containers whose remains were removed.
            (
                ContainerState::Succeeded,
                json!({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}),
            ),
        ] {
            assert_eq!(ContainerState::read(&status, restarted), state, "{status}");
        }
    }
}
