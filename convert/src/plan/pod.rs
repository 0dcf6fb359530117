//! The plan for the init containers of one pod.

use oncue_core::workload::{RestartPolicy, Workload};
use oncue_language::{Namespace, Term};
use serde_json::Value;

use super::{Annotation, ContainerPlan, Outcome, PodPlan, Settings, annotate::Existing, ksgate};
use crate::{
    check::Fit,
    duration,
    objects::{Objects, list, text},
    surroundings::{Pod, Surroundings},
    understanding::{Left, Patience, Understanding, Wait, understand},
};

/// Returns the plan for one pod template.
pub(super) fn plan(
    document: usize,
    workload: &Workload<'_>,
    (objects, settings): (&Objects<'_>, &Settings),
) -> PodPlan {
    let mut planner = Planner {
        existing: Existing::of(workload),
        restarts: workload.restart_policy() != RestartPolicy::Never,
        settings,
        blocker: None,
        sidecar: None,
        last_sidecar: None,
        position: None,
        is_gated: false,
        terms: Vec::new(),
        containers: Vec::new(),
    };
    let default = settings.namespace.as_ref().map(Namespace::as_str);
    let pod = Pod {
        spec: workload.template().get("spec").unwrap_or(&Value::Null),
        namespace: workload.namespace().or(default),
    };
    let all = list(pod.spec, "/initContainers");
    let is_sidecar = |container: &Value| text(container, "/restartPolicy") == Some("Always");
    planner.last_sidecar = all.iter().rposition(is_sidecar);
    for (index, container) in all.iter().enumerate() {
        if is_sidecar(container) {
            planner.sidecar = Some(name(container));
        } else {
            planner.add(index, container, (&pod, objects));
        }
    }
    planner.limit_once();
    let gates = ksgate::gates(workload, pod.namespace, planner.obstacle_of_gates());
    planner.add_gates(&gates);
    PodPlan {
        document,
        template: workload.template_pointer(),
        object: workload.to_string(),
        annotations: planner.annotations(),
        containers: planner.containers,
        gates,
    }
}

/// Where the injected container stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Position {
    AfterSidecars,
    First,
}

/// Goes through the init containers of a pod.
#[derive(Debug)]
struct Planner<'a> {
    existing: Existing<'a>,
    /// Whether the kubelet restarts a container that fails.
    restarts: bool,
    settings: &'a Settings,
    /// The first container that stays and may do work.
    blocker: Option<String>,
    /// The last sidecar so far.
    sidecar: Option<String>,
    last_sidecar: Option<usize>,
    position: Option<Position>,
    /// Whether the terms hold the pod before it is scheduled.
    is_gated: bool,
    terms: Vec<String>,
    containers: Vec<ContainerPlan>,
}

impl Planner<'_> {
    fn add(&mut self, index: usize, container: &Value, (pod, objects): (&Pod<'_>, &Objects<'_>)) {
        let understanding = match Surroundings::new(container, pod, objects) {
            Ok(surroundings) => understand(&surroundings),
            Err(reason) => Understanding::Left(Left {
                reason,
                only_waits: false,
            }),
        };
        let mut notes = Vec::new();
        let outcome = match understanding {
            Understanding::Left(Left { reason, only_waits }) => {
                if !only_waits {
                    self.blocker.get_or_insert(name(container));
                }
                Outcome::Left { reason }
            }
            Understanding::Waits(waits) => self.convert(index, &waits, &mut notes),
        };
        self.containers.push(ContainerPlan {
            index,
            name: name(container),
            outcome,
            notes,
        });
    }

    fn convert(&mut self, index: usize, waits: &[Wait], notes: &mut Vec<String>) -> Outcome {
        if let Some(reason) = self.obstacle() {
            return Outcome::Left { reason };
        }
        let position = match self.position_of(index) {
            Ok(position) => position,
            Err(reason) => return Outcome::Left { reason },
        };
        let mut terms = Vec::new();
        let mut differences = Vec::new();
        for wait in waits {
            match self.term(wait, notes) {
                Ok(term) => terms.push(term),
                Err(reason) => return Outcome::Left { reason },
            }
            if let Fit::Approximate(difference) = &wait.fit {
                differences.push(difference.clone());
            }
        }
        differences.dedup();
        if !differences.is_empty() {
            let difference = differences.join("; ");
            if !self.settings.approximate {
                return Outcome::Approximate { terms, difference };
            }
            notes.push(format!("approximate: {difference}"));
        }
        self.position = Some(position);
        self.terms.extend(terms.iter().cloned());
        Outcome::Converted { terms }
    }

    /// Returns why no wait of this pod can become an annotation now.
    fn obstacle(&self) -> Option<String> {
        if let Some(blocker) = &self.blocker {
            return Some(format!(
                "stands after {blocker}, which does more than wait: an annotation would let it wait \
                 before that"
            ));
        }
        self.existing.obstacle.map(str::to_owned)
    }

    fn position_of(&self, index: usize) -> Result<Position, String> {
        let Some(sidecar) = &self.sidecar else {
            return match (self.position, self.existing.is_after_sidecars) {
                (_, false) | (Some(Position::First), _) => Ok(Position::First),
                _ => Err(
                    "stands before the sidecars, and depends-on-position is after-sidecars"
                        .to_owned(),
                ),
            };
        };
        let stands_first = self.position == Some(Position::First)
            || self.existing.depends_on.is_some() && !self.existing.is_after_sidecars;
        if stands_first || self.last_sidecar > Some(index) {
            return Err(format!(
                "stands after the sidecar {sidecar}: other waits stand before it"
            ));
        }
        Ok(Position::AfterSidecars)
    }

    fn term(&self, wait: &Wait, notes: &mut Vec<String>) -> Result<String, String> {
        let target = &wait.target;
        let text = match wait.patience {
            Patience::Endless => target.clone(),
            Patience::FailsAfter(after) if self.restarts => {
                notes.push(gives_up(after));
                target.clone()
            }
            Patience::FailsAfter(0) => {
                return Err("asks only once, in a pod that is not restarted".to_owned());
            }
            Patience::FailsAfter(after) => {
                notes.push(format!(
                    "the limit of {} is carried over",
                    duration::timeout(after)
                ));
                format!("{target} within {}", duration::timeout(after))
            }
            Patience::ProceedsAfter(after) => {
                notes.push(format!(
                    "goes on after {} in any case, as before",
                    duration::timeout(after)
                ));
                format!("?{target} within {}", duration::timeout(after))
            }
        };
        let term = text
            .parse::<Term>()
            .map_err(|error| format!("becomes {text:?}: {error}"))?;
        Ok(term.to_string())
    }

    /// A limit counts from the beginning of the whole wait. So a limit beside other terms says
    /// something else than a limit of a container that starts after others.
    fn limit_once(&mut self) {
        let is_limited = |term: &String| term.contains(" within ");
        if self.terms.len() < 2 || !self.terms.iter().any(is_limited) {
            return;
        }
        let difference = "its limit counts from its own beginning, that of a term from the \
                          beginning of the whole wait";
        for container in &mut self.containers {
            let Outcome::Converted { terms } = &container.outcome else {
                continue;
            };
            if !terms.iter().any(is_limited) {
                continue;
            }
            if self.settings.approximate {
                container.notes.push(format!("approximate: {difference}"));
                continue;
            }
            self.terms.retain(|term| !terms.contains(term));
            container.outcome = Outcome::Approximate {
                terms: terms.clone(),
                difference: difference.to_owned(),
            };
        }
    }

    /// Returns why no scheduling gate of this pod can become an annotation.
    fn obstacle_of_gates(&self) -> Option<&'static str> {
        if self.existing.obstacle.is_some() || self.existing.depends_on.is_some() {
            return Some("is in a pod that has annotations of oncue already");
        }
        let waits = !self.terms.is_empty();
        waits.then_some("is in a pod that also waits in an init container, which becomes terms")
    }

    fn add_gates(&mut self, gates: &[ContainerPlan]) {
        for gate in gates {
            if let Outcome::Converted { terms } = &gate.outcome {
                self.terms.extend(terms.iter().cloned());
                self.is_gated = true;
            }
        }
    }

    fn annotations(&self) -> Vec<Annotation> {
        let mut annotations: Vec<_> = self.existing.with(&self.terms).into_iter().collect();
        let moves = self.position == Some(Position::AfterSidecars) && !self.terms.is_empty();
        if moves && !self.existing.is_after_sidecars {
            annotations.push(Annotation {
                key: "oncue.dev/depends-on-position".to_owned(),
                value: "after-sidecars".to_owned(),
            });
        }
        if self.is_gated {
            annotations.push(Annotation {
                key: "depends-on-mode".to_owned(),
                value: "gate".to_owned(),
            });
        }
        annotations
    }
}

fn gives_up(after: u64) -> String {
    let when = if after == 0 {
        "asks once".to_owned()
    } else {
        format!("gives up after {}", duration::timeout(after))
    };
    format!(
        "it {when}, and the kubelet restarts it: together an endless wait, so the term has no timeout"
    )
}

fn name(container: &Value) -> String {
    text(container, "/name").unwrap_or_default().to_owned()
}
