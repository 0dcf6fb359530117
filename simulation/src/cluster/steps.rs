//! The steps of an admitted pod.

use std::{sync::Arc, time::Duration};

use oncue_core::{injection::CONTAINER, workload::RestartPolicy};
use oncue_language::{PodAnnotations, Timeout, annotation::End};
use serde_json::Value;

use super::container::Role;
use crate::command;

/// One step of a pod's life.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// It is available after this time since its containers started.
    Available { after: Duration },
    /// Its containers end after this time since they started.
    End { after: Duration, how: End },
    /// Scheduling gates of others hold it: nothing else happens.
    ForeignGates(Vec<String>),
    /// Its scheduling gate opens once everything that it depends on holds.
    Gate,
    /// `--hold`: nothing else happens.
    Hold,
    /// The marker of a container runs.
    Mark { container: Arc<Value> },
    /// An init container of its own counts as done.
    PassInit { container: String },
    /// It is ready after this time since its containers started.
    Ready { after: Duration },
    /// A node is found.
    Schedule,
    /// A container starts.
    Start(Start),
    /// The startup probe of a sidecar holds after this time since it started.
    Started { after: Duration },
    /// The injected container runs.
    Wait { container: Arc<Value> },
}

/// The start of one of its own containers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Start {
    /// The container's name.
    pub(super) container: String,
    /// A hook of the user's that is printed, not run.
    pub(super) not_run: Option<String>,
    /// Whether its marker runs then: the kubelet reports it as running once its hook is done.
    pub(super) marks: bool,
    pub(super) role: Role,
}

/// How `--fail` and `--hold` change a pod.
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

/// Everything that decides about the steps of a pod.
pub(super) struct StepInput<'a> {
    pub(super) spec: &'a Value,
    pub(super) annotations: &'a PodAnnotations,
    pub(super) what_if: WhatIf,
    pub(super) restart_policy: RestartPolicy,
    pub(super) gate: Gate,
    /// The names of the scheduling gates of others.
    pub(super) foreign_gates: Vec<String>,
    /// How long it must be ready until it is available.
    pub(super) min_ready: Duration,
}

/// Whether a scheduling gate of ours holds a pod.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Gate {
    /// It does.
    Closed,
    /// It has none.
    Open,
}

impl StepInput<'_> {
    /// Returns all steps from the pod's creation on.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.gate == Gate::Closed {
            steps.push(Step::Gate);
        }
        if !self.foreign_gates.is_empty() {
            steps.push(Step::ForeignGates(self.foreign_gates.clone()));
            return steps;
        }
        steps.push(Step::Schedule);
        steps.extend(list(&self.spec["initContainers"]).flat_map(Self::init));
        if self.what_if == WhatIf::Hold {
            steps.push(Step::Hold);
            return steps;
        }
        let containers = list(&self.spec["containers"]);
        steps.extend(containers.flat_map(|container| Self::start(container, Role::Main)));
        steps.extend(self.after_the_start());
        steps
    }

    fn init(container: &Value) -> Vec<Step> {
        if container["restartPolicy"] == "Always" {
            let delay = initial_delay(&container["startupProbe"]);
            let started = (!delay.is_zero()).then_some(Step::Started { after: delay });
            let start = Self::start(container, Role::Sidecar).into_iter();
            return start.chain(started).collect();
        }
        let name = name(container);
        if name == CONTAINER {
            let container = Arc::new(container.clone());
            return vec![Step::Wait { container }];
        }
        vec![Step::PassInit { container: name }]
    }

    fn start(container: &Value, role: Role) -> Vec<Step> {
        let Hook { marks, not_run } = Hook::of(container);
        let start = Step::Start(Start {
            container: name(container),
            not_run,
            marks,
            role,
        });
        let container = Arc::new(container.clone());
        let mark = marks.then_some(Step::Mark { container });
        [start].into_iter().chain(mark).collect()
    }

    /// A pod that ends before it would be ready never is.
    fn after_the_start(&self) -> Vec<Step> {
        let rehearsal = self.annotations.rehearsal;
        let how = match self.what_if {
            WhatIf::Fail => End::Failure,
            WhatIf::AsWritten | WhatIf::Hold => rehearsal.end,
        };
        let ready_after = rehearsal.ready.map(Timeout::duration);
        let ready_after = ready_after.unwrap_or_else(|| self.delay_of_probes());
        let ends_by_itself = self.restart_policy != RestartPolicy::Always || how == End::Failure;
        let end_after = match rehearsal.run {
            Some(run) => Some(run.duration()),
            None if how == End::Failure => Some(Duration::ZERO),
            None => ends_by_itself.then_some(ready_after),
        };
        let ready = Step::Ready { after: ready_after };
        let available_after = ready_after + self.min_ready;
        let available = Step::Available {
            after: available_after,
        };
        let available = (!self.min_ready.is_zero()).then_some(available);
        match end_after {
            None => [ready].into_iter().chain(available).collect(),
            Some(after) if after < ready_after || (how == End::Failure && after.is_zero()) => {
                vec![Step::End { after, how }]
            }
            Some(after) => {
                let available = available.filter(|_| available_after <= after);
                let end = Step::End { after, how };
                [Some(ready), available, Some(end)]
                    .into_iter()
                    .flatten()
                    .collect()
            }
        }
    }

    /// Returns when all probes of its own containers have held once: at their first attempt.
    fn delay_of_probes(&self) -> Duration {
        let delays = list(&self.spec["containers"]).flat_map(|container| {
            ["startupProbe", "readinessProbe"].map(|probe| initial_delay(&container[probe]))
        });
        delays.max().unwrap_or_default()
    }
}

/// What a container's `postStart` hook does.
struct Hook {
    /// Whether it runs the marker.
    marks: bool,
    /// A hook of the user's, or the part of it behind the marker.
    not_run: Option<String>,
}

impl Hook {
    fn of(container: &Value) -> Self {
        let hook = &container["lifecycle"]["postStart"];
        let words: Vec<_> = command::post_start_words(container).collect();
        let marks = words.contains(&"--marker");
        let not_run = match words.iter().position(|word| *word == "--") {
            Some(end) if marks => Some(words[end + 1..].join(" ")),
            _ if marks || hook.is_null() => None,
            _ if words.is_empty() => Some(hook.to_string()),
            _ => Some(words.join(" ")),
        };
        Self { marks, not_run }
    }
}

/// Returns the time until the first attempt of a probe.
fn initial_delay(probe: &Value) -> Duration {
    Duration::from_secs(probe["initialDelaySeconds"].as_u64().unwrap_or(0))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn name(container: &Value) -> String {
    container["name"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
