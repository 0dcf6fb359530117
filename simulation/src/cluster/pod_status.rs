//! The status of a pod, as the scheduler and the kubelet write it.

use serde_json::{Map, Value, json};

use super::{
    Phase, Pod,
    container::{Container, Role, time},
};

impl Pod {
    /// Returns its status. Times are those of the simulation, which begins with the Unix epoch.
    pub(super) fn status(&self) -> Value {
        let mut status = Map::new();
        let mut put = |key: &str, value: Value| status.insert(key.to_owned(), value);
        put("phase", self.status_phase().into());
        put("conditions", self.conditions_json());
        if let Some(scheduled) = self.times.scheduled {
            put("startTime", time(scheduled).into());
            for (key, roles) in [
                (
                    "initContainerStatuses",
                    [Role::Init, Role::Sidecar].as_slice(),
                ),
                ("containerStatuses", &[Role::Main]),
            ] {
                let containers = self.containers.iter();
                let containers = containers.filter(|container| roles.contains(&container.role));
                let mut containers: Vec<_> = containers.collect();
                if key == "containerStatuses" {
                    // As the kubelet sorts them. Those of init containers keep their order.
                    containers.sort_by_key(|container| &container.name);
                }
                let statuses = containers.into_iter().map(|it| self.container_status(it));
                let statuses: Vec<_> = statuses.collect();
                if !statuses.is_empty() {
                    put(key, statuses.into());
                }
            }
        }
        status.into()
    }

    fn status_phase(&self) -> &'static str {
        let is_starting = || {
            let mut containers = self.containers.iter();
            containers.any(|it| !it.is_initialized() || it.role == Role::Main && it.is_new())
        };
        match self.phase {
            Phase::Failed(_) => "Failed",
            Phase::Succeeded => "Succeeded",
            _ if self.times.scheduled.is_none() || is_starting() => "Pending",
            _ => "Running",
        }
    }

    fn conditions_json(&self) -> Value {
        if self.times.scheduled.is_none() {
            let gates = self.object["spec"]["schedulingGates"].as_array();
            let is_gated = gates.is_some_and(|gates| !gates.is_empty());
            let reason = is_gated.then_some("SchedulingGated");
            return json!([condition("PodScheduled", false, reason)]);
        }
        let is_initialized = self.containers.iter().all(Container::is_initialized);
        let not_ready = match self.phase {
            Phase::Failed(_) => "PodFailed",
            Phase::Succeeded => "PodCompleted",
            _ => "ContainersNotReady",
        };
        json!([
            condition("PodScheduled", true, None),
            condition(
                "Initialized",
                is_initialized,
                Some("ContainersNotInitialized")
            ),
            condition("ContainersReady", self.is_ready, Some(not_ready)),
            condition("Ready", self.is_ready, Some(not_ready)),
        ])
    }

    fn container_status(&self, container: &Container) -> Value {
        container.status(match container.role {
            Role::Init => container.is_initialized(),
            Role::Main => self.is_ready && container.is_running(),
            Role::Sidecar => container.is_running(),
        })
    }
}

/// Returns a condition; `reason` is why it is False, if it is.
fn condition(kind: &str, is_true: bool, reason: Option<&str>) -> Value {
    match reason {
        Some(reason) if !is_true => json!({"type": kind, "status": "False", "reason": reason}),
        _ => json!({"type": kind, "status": if is_true { "True" } else { "False" }}),
    }
}
