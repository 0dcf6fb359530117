//! The containers of a pod, as the kubelet reports them in its status.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::virtual_time::timestamp;

/// One container of a pod.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) role: Role,
    image: Value,
    state: State,
    /// How it ended last before it was started again.
    last: Option<Termination>,
    restarts: u32,
}

/// Which list of the `spec` a container is from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// The init containers.
    Init,
    /// The regular containers.
    Main,
    /// The init containers, with `restartPolicy: Always`.
    Sidecar,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// It runs since this time.
    Running(Duration),
    Terminated(Termination),
    /// It does not run, for this reason.
    Waiting(&'static str),
}

#[derive(Clone, Copy, Debug)]
struct Termination {
    code: i32,
    started: Duration,
    finished: Duration,
}

impl Container {
    /// Returns all containers of a pod's `spec`, in the order in which they start.
    pub(super) fn all(spec: &Value) -> Vec<Self> {
        let list = |field: &str| spec[field].as_array().into_iter().flatten();
        let init = list("initContainers").map(|container| {
            let role = if container["restartPolicy"] == "Always" {
                Role::Sidecar
            } else {
                Role::Init
            };
            Self::new(container, role)
        });
        let main = list("containers").map(|container| Self::new(container, Role::Main));
        init.chain(main).collect()
    }

    fn new(container: &Value, role: Role) -> Self {
        Self {
            name: container["name"].as_str().unwrap_or_default().to_owned(),
            role,
            image: container["image"].clone(),
            state: State::Waiting("PodInitializing"),
            last: None,
            restarts: 0,
        }
    }

    /// It runs from `now` on.
    pub(super) fn start(&mut self, now: Duration) {
        if let Some(ended) = self.ended() {
            self.last = Some(ended);
            self.restarts += 1;
        }
        self.state = State::Running(now);
    }

    /// It ends with this exit code, if it runs.
    pub(super) fn end(&mut self, code: i32, now: Duration) {
        if let State::Running(started) = self.state {
            self.state = State::Terminated(Termination {
                code,
                started,
                finished: now,
            });
        }
    }

    /// It does not run, for this reason.
    pub(super) fn wait(&mut self, reason: &'static str) {
        self.last = self.ended().or(self.last);
        self.state = State::Waiting(reason);
    }

    fn ended(&self) -> Option<Termination> {
        match self.state {
            State::Terminated(ended) => Some(ended),
            State::Running(_) | State::Waiting(_) => None,
        }
    }

    /// Returns its name and exit code once its pod has ended: `code` if it is one of the pod's own
    /// and runs; `None` if it never ran.
    pub(super) fn code_at_end(&self, code: i32) -> Option<(&str, i32)> {
        let code = match (self.state, self.role) {
            (State::Running(_), Role::Main) => code,
            (State::Running(_), Role::Init | Role::Sidecar) => 0,
            (State::Terminated(ended), _) => ended.code,
            (State::Waiting(_), _) => return None,
        };
        Some((&self.name, code))
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }

    /// Returns whether the pod's own containers may start, as far as this one is concerned.
    pub(super) fn is_initialized(&self) -> bool {
        match self.role {
            Role::Init => self.ended().is_some_and(|it| it.code == 0),
            Role::Sidecar => self.is_running() || self.ended().is_some(),
            Role::Main => true,
        }
    }

    /// Returns whether it has never run.
    pub(super) fn is_new(&self) -> bool {
        matches!(self.state, State::Waiting(_)) && self.last.is_none()
    }

    /// Returns its part of the pod's status.
    pub(super) fn status(&self, is_ready: bool) -> Value {
        let last = self.last.map(|ended| json!({"terminated": ended.json()}));
        json!({
            "name": self.name, "image": self.image, "ready": is_ready,
            "started": self.is_running(), "restartCount": self.restarts,
            "state": self.state.json(), "lastState": last.unwrap_or(Value::Object(Map::new())),
        })
    }
}

impl State {
    fn json(&self) -> Value {
        match self {
            Self::Running(since) => json!({"running": {"startedAt": time(*since)}}),
            Self::Terminated(ended) => json!({"terminated": ended.json()}),
            Self::Waiting(reason) => json!({"waiting": {"reason": reason}}),
        }
    }
}

impl Termination {
    fn json(&self) -> Value {
        json!({
            "exitCode": self.code, "reason": if self.code == 0 { "Completed" } else { "Error" },
            "startedAt": time(self.started), "finishedAt": time(self.finished),
        })
    }
}

/// Returns a time of the simulation as an object says it.
pub(super) fn time(time: Duration) -> String {
    timestamp(time).to_string()
}
