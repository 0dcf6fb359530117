//! What an admitted pod goes through, step by step, as its kubelet plays it.

use std::{sync::Arc, time::Duration};

use oncue_language::{
    PodAnnotations, Timeout,
    annotation::{End, Mode},
};
use serde_json::Value;

use crate::{rehearsal::kubelet, workload::RestartPolicy};

/// The name of the injected container.
const WAIT_CONTAINER: &str = "oncue-wait";

/// One step of a pod's life.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Its containers end after this time since they started.
    End { after: Duration, how: End },
    /// Its scheduling gate: opens once everything it depends on holds.
    Gate,
    /// `--hold`: nothing further happens.
    Hold,
    /// An init container of its own counts as done.
    PassInit { container: String },
    /// It is ready after this time since its containers started.
    Ready { after: Duration },
    /// A node is found.
    Schedule,
    /// A container starts, with its hook.
    Start(Start),
    /// The injected container runs.
    Wait { container: Arc<Value> },
}

/// The start of one of its own containers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Start {
    /// The container's name.
    pub(super) container: String,
    /// The container with a hook that runs the client.
    pub(super) marker: Option<Arc<Value>>,
    /// A hook of the user's that is printed, not run.
    pub(super) not_run: Option<String>,
    /// Whether the marker reports this container's start.
    pub(super) signals: bool,
    /// Whether it is a sidecar among the init containers.
    pub(super) sidecar: bool,
}

/// How `--fail` and `--hold` change what is played.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum WhatIf {
    /// As the annotation says.
    #[default]
    AsWritten,
    /// It fails.
    Fail,
    /// Its own containers never start.
    Hold,
}

/// Everything that decides over a script.
pub(super) struct Scenario<'a> {
    pub(super) spec: &'a Value,
    pub(super) asks: &'a PodAnnotations,
    pub(super) what_if: WhatIf,
    pub(super) restart_policy: RestartPolicy,
}

impl Scenario<'_> {
    /// Returns all steps from the pod's creation on.
    pub(super) fn script(&self) -> Vec<Step> {
        let mut script = Vec::new();
        if self.asks.mode == Mode::Gate && !self.asks.depends_on.is_empty() {
            script.push(Step::Gate);
        }
        script.push(Step::Schedule);
        script.extend(list(&self.spec["initContainers"]).map(|container| self.init(container)));
        if self.what_if == WhatIf::Hold {
            script.push(Step::Hold);
            return script;
        }
        let containers = list(&self.spec["containers"]);
        script.extend(containers.map(|container| Step::Start(self.start(container))));
        script.extend(self.after_the_start());
        script
    }

    fn init(&self, container: &Value) -> Step {
        let name = name(container);
        if container["restartPolicy"] == "Always" {
            let start = self.start(container);
            return Step::Start(Start {
                sidecar: true,
                ..start
            });
        }
        if name == WAIT_CONTAINER {
            let container = Arc::new(container.clone());
            return Step::Wait { container };
        }
        Step::PassInit { container: name }
    }

    fn start(&self, container: &Value) -> Start {
        let hook = &container["lifecycle"]["postStart"];
        let words: Vec<_> = kubelet::post_start_words(container).collect();
        let marks = words.contains(&"--marker");
        let own = match words.iter().position(|word| *word == "--") {
            Some(end) if marks => Some(words[end + 1..].join(" ")),
            _ if marks || hook.is_null() => None,
            _ if words.is_empty() => Some(hook.to_string()),
            _ => Some(words.join(" ")),
        };
        let name = name(container);
        Start {
            signals: self.asks.signals_container.as_ref() == Some(&name),
            container: name,
            marker: marks.then(|| Arc::new(container.clone())),
            not_run: own,
            sidecar: false,
        }
    }

    /// What ends before it would be ready never is.
    fn after_the_start(&self) -> Vec<Step> {
        let rehearsal = self.asks.rehearsal;
        let how = match self.what_if {
            WhatIf::Fail => End::Failure,
            WhatIf::AsWritten | WhatIf::Hold => rehearsal.end,
        };
        let ready_after = rehearsal.ready.map_or(Duration::ZERO, Timeout::duration);
        let ends_by_itself = self.restart_policy != RestartPolicy::Always || how == End::Failure;
        let end_after = match rehearsal.run {
            Some(run) => Some(run.duration()),
            None if how == End::Failure => Some(Duration::ZERO),
            None => ends_by_itself.then_some(ready_after),
        };
        let ready = Step::Ready { after: ready_after };
        match end_after {
            None => vec![ready],
            Some(after) if after < ready_after || (how == End::Failure && after.is_zero()) => {
                vec![Step::End { after, how }]
            }
            Some(after) => vec![ready, Step::End { after, how }],
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn name(container: &Value) -> String {
    container["name"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
